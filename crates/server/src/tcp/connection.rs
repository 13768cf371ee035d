//! One connection: requests are read, run concurrently, and answered as they are done.
//!
//! One loop does what can be done next. It reads no more while the most requests run, or while the client leaves
//! answers unread. Answers that are done together are written together. A client that asks too fast is not refused; it
//! waits.
//!
//! Reading ends when the client closes, sends a broken frame or is too slow, or when the server stops: then with the
//! first moment in which nothing is asked. Requests that were read before are still run and answered, then the
//! connection closes. A request that has begun runs to its end even if its client is gone.

use std::io;

use bytes::BytesMut;
use thiserror::Error;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, ReadHalf, WriteHalf, split};
use tokio::task::JoinSet;
use tokio::time::timeout;
use tracing::{debug, error};

use super::deadline::{Deadline, WaitingFor};
use super::frame::{self, FrameError, Frames};
use super::listening_sockets::ByteStream;
use super::packet::{Answer, InvalidPacket, Packet};
use super::{ConnectionContext, LINGER, Peer, request};
use portcullis_transport::listener::{ConnectionEnd, ConnectionSlot, Told};

/// Why the server ended a connection.
#[derive(Debug, Error)]
pub(super) enum ConnectionError {
    /// A frame was broken.
    #[error(transparent)]
    Frame(#[from] FrameError),
    /// A frame was not JSON.
    #[error(transparent)]
    Json(#[from] InvalidPacket),
    /// The socket failed.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// The client missed a deadline.
    #[error("the client was too slow, waiting for: {0:?}")]
    TooSlow(WaitingFor),
}

/// Bytes of buffer for each read.
const READ: usize = 8 * 1024;

/// Bytes of answers that a client may leave unread before no more requests are read.
const UNREAD: usize = 256 * 1024;

/// Serves a connection to its end.
pub(super) async fn run(
    stream: Box<dyn ByteStream>,
    peer: Peer,
    context: &ConnectionContext,
    slot: ConnectionSlot,
) -> Result<(), ConnectionError> {
    let mut connection = ClientConnection::new(stream, peer, context);
    let lost = connection.converse(slot).await;
    if lost.is_ok() {
        connection.close().await;
    }
    // The client is gone; what it has begun is finished.
    while connection.in_flight.join_next().await.is_some() {}
    lost.and(connection.unreadable.map_or(Ok(()), Err))
}

struct ClientConnection<'a> {
    context: &'a ConnectionContext,
    peer: Peer,
    read: ReadHalf<Box<dyn ByteStream>>,
    write: WriteHalf<Box<dyn ByteStream>>,
    received: BytesMut,
    frames: Frames,
    /// Whether requests are still read.
    is_reading: bool,
    /// What the listener has told this connection.
    ending: ConnectionEnd,
    /// Whether the client has asked anything.
    was_used: bool,
    /// Why reading ended; `None` if the client closed.
    unreadable: Option<ConnectionError>,
    /// The running requests; each returns the text of its answer, `None` for an event.
    in_flight: JoinSet<Option<String>>,
    answers: BytesMut,
    /// Whether all answers were written.
    is_flushed: bool,
}

impl<'a> ClientConnection<'a> {
    fn new(stream: Box<dyn ByteStream>, peer: Peer, context: &'a ConnectionContext) -> Self {
        let (read, write) = split(stream);
        Self {
            context,
            peer,
            read,
            write,
            received: BytesMut::new(),
            frames: Frames::up_to(context.limits.frame),
            is_reading: true,
            ending: ConnectionEnd::Open,
            was_used: false,
            unreadable: None,
            in_flight: JoinSet::new(),
            answers: BytesMut::new(),
            is_flushed: true,
        }
    }

    /// Reads, runs and answers until nothing is left to do. Fails if the client cannot be answered any more.
    async fn converse(&mut self, slot: ConnectionSlot) -> Result<(), ConnectionError> {
        let mut told = slot.told();
        let mut was_answering = false;
        let mut deadline = Deadline::default();
        loop {
            if let Err(broken) = self.begin() {
                self.stop_reading(broken);
            }
            if self.ends() {
                self.is_reading = false;
            }
            if !self.is_reading && self.in_flight.is_empty() && self.is_flushed {
                return Ok(());
            }
            let is_answering = !self.in_flight.is_empty() || !self.is_flushed;
            if is_answering != was_answering {
                slot.note(is_answering);
                was_answering = is_answering;
            }
            deadline.await_for(self.awaited(), &self.context.limits);
            self.step(&mut told, &mut deadline).await?;
        }
    }

    /// Waits for what happens next, and reacts. Finished requests come before writes, so that their answers go in one
    /// piece. Writes come before reads, so that a client that sends without pause still gets its answers.
    async fn step(&mut self, told: &mut Told, deadline: &mut Deadline) -> Result<(), ConnectionError> {
        let reads = self.is_reading && self.has_room();
        if reads && self.received.capacity() - self.received.len() < READ / 4 {
            self.received.reserve(READ);
        }
        tokio::select! {
            biased;
            Ok(ending) = told.wait_for(|told| *told > self.ending), if self.is_reading => self.ending = *ending,
            Some(done) = self.in_flight.join_next() => match done {
                Ok(answer) => answer.iter().for_each(|text| self.answer(text)),
                Err(fault) => error!(%fault, "a request was cut off"),
            },
            all = send(&mut self.write, &mut self.answers), if !self.is_flushed => {
                self.is_flushed = all?;
                deadline.start_again();
            }
            bytes = self.read.read_buf(&mut self.received), if reads => self.is_reading = bytes? > 0,
            awaited = deadline.passed() => match awaited {
                WaitingFor::Delivery => return Err(ConnectionError::TooSlow(awaited)),
                awaited => self.stop_reading(ConnectionError::TooSlow(awaited)),
            },
        }
        Ok(())
    }

    /// Whether no more requests are read because the listener says so. A client that has not asked yet is about to.
    fn ends(&self) -> bool {
        match self.ending {
            ConnectionEnd::Open => false,
            ConnectionEnd::Draining => self.was_used && self.awaited() == WaitingFor::NextPacket,
            ConnectionEnd::Now => true,
        }
    }

    /// Whether another request may run.
    fn has_room(&self) -> bool {
        self.in_flight.len() < self.context.limits.in_flight && self.answers.len() < UNREAD
    }

    /// Starts complete requests, as many as may run.
    fn begin(&mut self) -> Result<(), ConnectionError> {
        while self.has_room() {
            let Some(text) = self.frames.next(&mut self.received)? else { break };
            self.was_used = true;
            if let Some(packet) = Packet::parse(&text)? {
                self.run(packet);
            }
        }
        Ok(())
    }

    fn run(&mut self, packet: Packet) {
        let dispatch = &self.context.dispatch;
        match (packet.command.filter(|command| dispatch.knows(command)), packet.id) {
            (Some(command), id) => {
                self.in_flight.spawn(request::run(dispatch.clone(), command, packet.data, id, self.peer));
            }
            (None, Some(id)) => self.answer(&Answer::NoHandler.write(&id)),
            (None, None) => debug!(peer = ?self.peer, "an event without a handler"),
        }
    }

    fn answer(&mut self, text: &str) {
        frame::write(text, &mut self.answers);
        self.is_flushed = false;
    }

    fn stop_reading(&mut self, why: ConnectionError) {
        self.is_reading = false;
        self.unreadable = Some(why);
        self.received.clear();
        self.frames = Frames::up_to(self.context.limits.frame);
    }

    /// What the server waits for now.
    fn awaited(&self) -> WaitingFor {
        let is_reading = self.is_reading && self.has_room();
        if !self.is_flushed {
            WaitingFor::Delivery
        } else if is_reading && self.frames.is_within(&self.received) {
            WaitingFor::RestOfPacket
        } else if self.in_flight.is_empty() {
            WaitingFor::NextPacket
        } else {
            WaitingFor::Nothing
        }
    }

    /// Closes the writing half, and reads on for a short time until the client closes, too.
    async fn close(&mut self) {
        let closed = async {
            self.write.shutdown().await?;
            let mut ignored = [0; 1024];
            while self.read.read(&mut ignored).await? > 0 {}
            io::Result::Ok(())
        };
        if let Ok(Err(fault)) = timeout(LINGER, closed).await {
            debug!(%fault, peer = ?self.peer, "a connection was not closed cleanly");
        }
    }
}

/// Writes some of the answers, and tells whether that was all. The rest stays in `answers`, so nothing is lost if the
/// future is dropped.
async fn send(write: &mut WriteHalf<Box<dyn ByteStream>>, answers: &mut BytesMut) -> io::Result<bool> {
    if !answers.is_empty() && write.write_buf(answers).await? == 0 {
        return Err(io::ErrorKind::WriteZero.into());
    }
    if answers.is_empty() {
        write.flush().await?;
    }
    Ok(answers.is_empty())
}
