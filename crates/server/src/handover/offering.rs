//! The side of the server that runs: it offers its sockets to the next process.

use std::future::pending;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;
use std::time::Duration;

use rustix::net::listen;
use rustix::process::geteuid;
use tokio::net::{UnixListener, UnixStream};
use tokio::time::sleep;
use tracing::{info, warn};

use super::message::{HandoverMessage, SocketLabel};
use portcullis_transport::listener::SocketFile;

/// How long to wait after the system refused a connection.
const PAUSE: Duration = Duration::from_millis(50);

/// How many processes may wait to be met.
const BACKLOG: i32 = 128;

/// A listening socket, as it is handed over.
pub(crate) struct OfferedSocket {
    label: SocketLabel,
    socket: OwnedFd,
    file: Option<Arc<SocketFile>>,
}

impl OfferedSocket {
    /// Another descriptor of this socket, which the service manager keeps or not.
    ///
    /// # Errors
    /// None is free.
    pub(crate) fn new(
        name: &str,
        socket: &impl AsFd,
        is_kept: bool,
        file: Option<Arc<SocketFile>>,
    ) -> io::Result<Self> {
        let label = SocketLabel { name: name.to_owned(), is_kept };
        Ok(Self { label, socket: socket.as_fd().try_clone_to_owned()?, file })
    }
}

/// What the next process is offered. While this exists, the sockets are listened on.
pub(crate) struct Offering {
    meeting: UnixListener,
    sockets: Vec<OfferedSocket>,
    /// Who has been sent the sockets and is not ready yet.
    taker: Option<Taker>,
}

struct Taker {
    stream: UnixStream,
    pid: i32,
}

impl Offering {
    /// Offers these sockets to processes that connect to `meeting`.
    pub(crate) const fn new(meeting: UnixListener, sockets: Vec<OfferedSocket>) -> Self {
        Self { meeting, sockets, taker: None }
    }

    /// Notes that no other process offers them: their files go with this one, and who connects sees its number and its
    /// user. Linux tells those of the process that called listen(2) last.
    pub(crate) fn becomes_ours(&self) {
        self.files_become_ours(true);
        if let Err(fault) = listen(&self.meeting, BACKLOG) {
            warn!(%fault, "a process that takes over sees the number of another process");
        }
    }

    /// Notes whether the files of the Unix sockets are this process's, or another one's.
    fn files_become_ours(&self, are_ours: bool) {
        let files = self.sockets.iter().filter_map(|offered| offered.file.as_ref());
        files.for_each(|file| file.becomes_ours(are_ours));
    }

    /// Waits until another process serves on the sockets.
    pub(crate) async fn taken_over(&mut self) {
        loop {
            tokio::select! {
                // Who is gone makes room for the next one.
                biased;
                said = heard(self.taker.as_ref()) => if self.is_concluded(said).await {
                    return;
                },
                met = self.meeting.accept() => match met {
                    Ok((stream, _)) => self.meet(stream).await,
                    Err(fault) => {
                        warn!(%fault, "a process that takes over could not be met");
                        sleep(PAUSE).await;
                    }
                },
            }
        }
    }

    /// Sends the sockets to a process, unless another one has them.
    async fn meet(&mut self, stream: UnixStream) {
        let Some(pid) = permitted(&stream) else {
            warn!("a process of another user asked for the sockets, and was refused");
            return;
        };
        let sent = match &self.taker {
            Some(taker) => HandoverMessage::Busy(taker.pid).send(&stream, &[]).await,
            None => self.hand_over(&stream).await,
        };
        match sent {
            Ok(()) if self.taker.is_none() => {
                info!(pid, "a process asked for the sockets");
                self.taker = Some(Taker { stream, pid });
            }
            Ok(()) => info!(pid, "a process asked for the sockets while another one takes over"),
            Err(fault) => warn!(%fault, pid, "the sockets could not be handed over"),
        }
    }

    async fn hand_over(&self, stream: &UnixStream) -> io::Result<()> {
        let labels = self.sockets.iter().map(|offered| offered.label.clone()).collect();
        let descriptors: Vec<_> = self.sockets.iter().map(|offered| offered.socket.as_fd()).collect();
        HandoverMessage::Sockets(labels).send(stream, &descriptors).await
    }

    /// Whether the taker serves now. If it is gone, this process goes on.
    async fn is_concluded(&mut self, said: io::Result<HandoverMessage>) -> bool {
        let Some(Taker { stream, pid }) = self.taker.take() else { return false };
        let is_ready = matches!(said, Ok(HandoverMessage::Ready));
        if is_ready && HandoverMessage::Yours.send(&stream, &[]).await.is_ok() {
            self.files_become_ours(false);
            info!(pid, "another process has taken over: requests in flight are finished");
            return true;
        }
        warn!(pid, "the process that was taking over has ended; this one goes on");
        false
    }
}

impl Drop for Offering {
    /// Who has the sockets may be about to serve on them, and needs their files.
    fn drop(&mut self) {
        if self.taker.is_some() {
            self.files_become_ours(false);
        }
    }
}

/// Waits for what a taker says; for ever if there is none.
async fn heard(taker: Option<&Taker>) -> io::Result<HandoverMessage> {
    match taker {
        Some(taker) => HandoverMessage::receive(&taker.stream).await.map(|(message, _)| message),
        None => pending().await,
    }
}

/// The process at the other end, if it is this user's or root's.
pub(super) fn permitted(stream: &UnixStream) -> Option<i32> {
    let peer = stream.peer_cred().ok()?;
    is_permitted(peer.uid(), geteuid().as_raw()).then(|| peer.pid().unwrap_or_default())
}

/// Root may do anything anyway.
const fn is_permitted(user: u32, own: u32) -> bool {
    user == own || user == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    // ASVS-map: OP4
    #[test]
    fn sockets_are_handed_to_the_same_user_and_to_root() {
        assert!(is_permitted(1000, 1000) && is_permitted(0, 1000));
        assert!(!is_permitted(1001, 1000) && !is_permitted(1000, 0));
    }
}
