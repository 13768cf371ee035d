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
use tokio::sync::watch;
use tokio::task::{JoinError, JoinSet};
use tokio::time::timeout;
use tracing::{debug, error};

use super::deadline::{Awaited, Deadline};
use super::frame::{self, BrokenFrame, Frames};
use super::listener::Wire;
use super::packet::{Answer, NotJson, Packet};
use super::{ConnectionContext, LINGER, Peer, request};

/// Why a connection ended before its peer was done with it.
#[derive(Debug, Error)]
pub(super) enum Broken {
    /// What was read is no frame.
    #[error(transparent)]
    Frame(#[from] BrokenFrame),
    /// What was framed is not JSON.
    #[error(transparent)]
    Json(#[from] NotJson),
    /// The system's word.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// A deadline has passed.
    #[error("the peer took too long: {0:?}")]
    TooSlow(Awaited),
}

/// How many bytes there is room for when something is read.
const READ: usize = 8 * 1024;

/// How many bytes of answers the peer may leave unread before it is asked nothing more.
const UNREAD: usize = 256 * 1024;

/// Sees a connection through to its end.
pub(super) async fn run(
    wire: Box<dyn Wire>,
    peer: Peer,
    hall: &ConnectionContext,
    stopped: watch::Receiver<bool>,
) -> Result<(), Broken> {
    let mut connection = Connection::new(wire, peer, hall);
    let lost = connection.converse(stopped).await;
    if lost.is_ok() {
        connection.close().await;
    }
    // Nobody hears of these.
    while connection.in_flight.join_next().await.is_some() {}
    lost.and(connection.unreadable.map_or(Ok(()), Err))
}

struct Connection<'a> {
    hall: &'a ConnectionContext,
    peer: Peer,
    read: ReadHalf<Box<dyn Wire>>,
    write: WriteHalf<Box<dyn Wire>>,
    received: BytesMut,
    frames: Frames,
    /// Whether more is read.
    listens: bool,
    /// What ended the reading, if not the peer.
    unreadable: Option<Broken>,
    /// What runs; each gives the text of its answer, if it is to have one.
    in_flight: JoinSet<Option<String>>,
    answers: BytesMut,
    /// Whether all answers have gone to the system.
    is_flushed: bool,
}

/// What the loop woke up for.
enum Happened {
    /// The server stops.
    Stop,
    /// A request is done.
    Done(Result<Option<String>, JoinError>),
    /// The peer took some of its answers, or all.
    Sent { all: bool },
    /// So many bytes came; none are the end.
    Read(usize),
    /// What was awaited did not come.
    TooLate(Awaited),
}

impl<'a> Connection<'a> {
    fn new(wire: Box<dyn Wire>, peer: Peer, hall: &'a ConnectionContext) -> Self {
        let (read, write) = split(wire);
        Self {
            hall,
            peer,
            read,
            write,
            received: BytesMut::new(),
            frames: Frames::up_to(hall.limits.frame),
            listens: true,
            unreadable: None,
            in_flight: JoinSet::new(),
            answers: BytesMut::new(),
            is_flushed: true,
        }
    }

    /// Reads, runs and answers until nothing is left to do. An error is a peer that cannot be answered any more.
    async fn converse(&mut self, mut stopped: watch::Receiver<bool>) -> Result<(), Broken> {
        let mut deadline = Deadline::default();
        loop {
            if let Err(broken) = self.begin() {
                self.stop_listening(Some(broken));
            }
            if !self.listens && self.in_flight.is_empty() && self.is_flushed {
                return Ok(());
            }
            deadline.await_for(self.awaited(), &self.hall.limits);
            match self.next(&mut stopped, &mut deadline).await? {
                Happened::Stop | Happened::Read(0) => self.listens = false,
                Happened::Done(Ok(answer)) => answer.iter().for_each(|text| self.answer(text)),
                Happened::Done(Err(fault)) => error!(%fault, "a request broke off"),
                Happened::Sent { all } => {
                    self.is_flushed = all;
                    deadline.start_again();
                }
                Happened::Read(_) => (),
                Happened::TooLate(Awaited::Taking) => return Err(Broken::TooSlow(Awaited::Taking)),
                Happened::TooLate(awaited) => self.stop_listening(Some(Broken::TooSlow(awaited))),
            }
        }
    }

    /// Waits for the next thing that happens. What is done comes before what is sent, so that all that is done goes in
    /// one piece, and what is sent before what is read, so that a peer cannot drown its own answers.
    async fn next(
        &mut self,
        stopped: &mut watch::Receiver<bool>,
        deadline: &mut Deadline,
    ) -> io::Result<Happened> {
        let reads = self.listens && self.has_room();
        if reads && self.received.capacity() - self.received.len() < READ / 4 {
            self.received.reserve(READ);
        }
        tokio::select! {
            biased;
            _ = stopped.wait_for(|stopped| *stopped), if self.listens => Ok(Happened::Stop),
            Some(done) = self.in_flight.join_next() => Ok(Happened::Done(done)),
            all = send(&mut self.write, &mut self.answers), if !self.is_flushed => Ok(Happened::Sent { all: all? }),
            bytes = self.read.read_buf(&mut self.received), if reads => Ok(Happened::Read(bytes?)),
            awaited = deadline.passed() => Ok(Happened::TooLate(awaited)),
        }
    }

    /// Whether one more request may run.
    fn has_room(&self) -> bool {
        self.in_flight.len() < self.hall.limits.in_flight && self.answers.len() < UNREAD
    }

    /// Runs what has been read whole, as far as there is room.
    fn begin(&mut self) -> Result<(), Broken> {
        while self.has_room() {
            let Some(text) = self.frames.next(&mut self.received)? else { break };
            if let Some(packet) = Packet::parse(&text)? {
                self.run(packet);
            }
        }
        Ok(())
    }

    fn run(&mut self, packet: Packet) {
        let dispatch = &self.hall.dispatch;
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

    fn stop_listening(&mut self, why: Option<Broken>) {
        self.listens = false;
        self.unreadable = why;
        self.received.clear();
        self.frames = Frames::up_to(self.hall.limits.frame);
    }

    /// What the peer owes us now.
    fn awaited(&self) -> Awaited {
        let listens = self.listens && self.has_room();
        if !self.is_flushed {
            Awaited::Taking
        } else if listens && self.frames.is_within(&self.received) {
            Awaited::Rest
        } else if self.in_flight.is_empty() {
            Awaited::Word
        } else {
            Awaited::Nothing
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
async fn send(write: &mut WriteHalf<Box<dyn Wire>>, answers: &mut BytesMut) -> io::Result<bool> {
    if !answers.is_empty() && write.write_buf(answers).await? == 0 {
        return Err(io::ErrorKind::WriteZero.into());
    }
    if answers.is_empty() {
        write.flush().await?;
    }
    Ok(answers.is_empty())
}
