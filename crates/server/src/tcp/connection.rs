//! One connection: requests are read, run side by side, and answered as they are done.
//!
//! One loop does whatever can be done next. No more is read while as many requests run as may, or while the peer leaves
//! answers unread; answers that are done together are written together. Nobody is refused for being busy: a peer that
//! asks faster than it is answered waits in its own socket.
//!
//! However reading ends (the peer has said all, or what cannot be read, or nothing for too long, or the server stops),
//! what was whole before is still run and answered, and then the connection closes. What has begun is run to its end
//! also where nobody is left to hear of it.

use std::io;

use bytes::BytesMut;
use thiserror::Error;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, ReadHalf, WriteHalf, split};
use tokio::task::{JoinError, JoinSet};
use tokio::time::timeout;
use tracing::{debug, error};

use super::deadline::{Deadline, WaitingFor};
use super::frame::{self, FrameError, Frames};
use super::packet::{Answer, InvalidPacket, Packet};
use super::sockets::ByteStream;
use super::{ConnectionContext, LINGER, Peer, request};
use crate::listener::Stopped;

/// Why a connection ended before its peer was done with it.
#[derive(Debug, Error)]
pub(super) enum ConnectionError {
    /// What was read is no frame.
    #[error(transparent)]
    Frame(#[from] FrameError),
    /// What was framed is not JSON.
    #[error(transparent)]
    Json(#[from] InvalidPacket),
    /// The system's word.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// A deadline has passed.
    #[error("the peer took too long: {0:?}")]
    TooSlow(WaitingFor),
}

/// How many bytes there is room for when something is read.
const READ: usize = 8 * 1024;

/// How many bytes of answers the peer may leave unread before it is asked nothing more.
const UNREAD: usize = 256 * 1024;

/// Sees a connection through to its end.
pub(super) async fn run(
    stream: Box<dyn ByteStream>,
    peer: Peer,
    context: &ConnectionContext,
    stopped: Stopped,
) -> Result<(), ConnectionError> {
    let mut connection = ClientConnection::new(stream, peer, context);
    let lost = connection.converse(stopped).await;
    if lost.is_ok() {
        connection.close().await;
    }
    // Nobody hears of these.
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
    /// Whether more is read.
    is_reading: bool,
    /// What ended the reading, if not the peer.
    unreadable: Option<ConnectionError>,
    /// What runs; each gives the text of its answer, if it is to have one.
    in_flight: JoinSet<Option<String>>,
    answers: BytesMut,
    /// Whether all answers have gone to the system.
    is_flushed: bool,
}

/// What the loop woke up for.
enum ConnectionEvent {
    /// The server stops.
    Stop,
    /// A request is done.
    Done(Result<Option<String>, JoinError>),
    /// The peer took some of its answers, or all.
    Sent { all: bool },
    /// So many bytes came; none are the end.
    Read(usize),
    /// What was awaited did not come.
    TooLate(WaitingFor),
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
            unreadable: None,
            in_flight: JoinSet::new(),
            answers: BytesMut::new(),
            is_flushed: true,
        }
    }

    /// Reads, runs and answers until nothing is left to do. An error is a peer that cannot be answered any more.
    async fn converse(&mut self, mut stopped: Stopped) -> Result<(), ConnectionError> {
        let mut deadline = Deadline::default();
        loop {
            if let Err(broken) = self.begin() {
                self.stop_reading(Some(broken));
            }
            if !self.is_reading && self.in_flight.is_empty() && self.is_flushed {
                return Ok(());
            }
            deadline.await_for(self.awaited(), &self.context.limits);
            match self.next(&mut stopped, &mut deadline).await? {
                ConnectionEvent::Stop | ConnectionEvent::Read(0) => self.is_reading = false,
                ConnectionEvent::Done(Ok(answer)) => answer.iter().for_each(|text| self.answer(text)),
                ConnectionEvent::Done(Err(fault)) => error!(%fault, "a request broke off"),
                ConnectionEvent::Sent { all } => {
                    self.is_flushed = all;
                    deadline.start_again();
                }
                ConnectionEvent::Read(_) => (),
                ConnectionEvent::TooLate(WaitingFor::Delivery) => {
                    return Err(ConnectionError::TooSlow(WaitingFor::Delivery));
                }
                ConnectionEvent::TooLate(awaited) => {
                    self.stop_reading(Some(ConnectionError::TooSlow(awaited)))
                }
            }
        }
    }

    /// Waits for the next thing that happens. What is done comes before what is sent, so that all that is done goes in
    /// one piece, and what is sent before what is read, so that a peer cannot drown its own answers.
    async fn next(&mut self, stopped: &mut Stopped, deadline: &mut Deadline) -> io::Result<ConnectionEvent> {
        let reads = self.is_reading && self.has_room();
        if reads && self.received.capacity() - self.received.len() < READ / 4 {
            self.received.reserve(READ);
        }
        tokio::select! {
            biased;
            _ = stopped.wait_for(|stopped| *stopped), if self.is_reading => Ok(ConnectionEvent::Stop),
            Some(done) = self.in_flight.join_next() => Ok(ConnectionEvent::Done(done)),
            all = send(&mut self.write, &mut self.answers), if !self.is_flushed => Ok(ConnectionEvent::Sent { all: all? }),
            bytes = self.read.read_buf(&mut self.received), if reads => Ok(ConnectionEvent::Read(bytes?)),
            awaited = deadline.passed() => Ok(ConnectionEvent::TooLate(awaited)),
        }
    }

    /// Whether one more request may run.
    fn has_room(&self) -> bool {
        self.in_flight.len() < self.context.limits.in_flight && self.answers.len() < UNREAD
    }

    /// Runs what has been read whole, as far as there is room.
    fn begin(&mut self) -> Result<(), ConnectionError> {
        while self.has_room() {
            let Some(text) = self.frames.next(&mut self.received)? else { break };
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
            (None, None) => debug!(peer = ?self.peer, "an event that nobody handles"),
        }
    }

    fn answer(&mut self, text: &str) {
        frame::write(text, &mut self.answers);
        self.is_flushed = false;
    }

    fn stop_reading(&mut self, why: Option<ConnectionError>) {
        self.is_reading = false;
        self.unreadable = why;
        self.received.clear();
        self.frames = Frames::up_to(self.context.limits.frame);
    }

    /// What the peer owes us now.
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

    /// Says that nothing more comes, and waits a little for the peer to have seen it.
    async fn close(&mut self) {
        let goodbye = async {
            self.write.shutdown().await?;
            let mut unheard = [0; 1024];
            while self.read.read(&mut unheard).await? > 0 {}
            io::Result::Ok(())
        };
        if let Ok(Err(fault)) = timeout(LINGER, goodbye).await {
            debug!(%fault, peer = ?self.peer, "a connection was not closed in good order");
        }
    }
}

/// Sends some of what waits; whether that was all. What is left stays in `answers`, so nothing is lost when this is
/// dropped half way.
async fn send(write: &mut WriteHalf<Box<dyn ByteStream>>, answers: &mut BytesMut) -> io::Result<bool> {
    if !answers.is_empty() && write.write_buf(answers).await? == 0 {
        return Err(io::ErrorKind::WriteZero.into());
    }
    if answers.is_empty() {
        write.flush().await?;
    }
    Ok(answers.is_empty())
}
