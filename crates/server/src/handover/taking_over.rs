//! The side of the new server: it takes the sockets, and tells when it serves.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use thiserror::Error;
use tokio::net::UnixStream;
use tokio::time::timeout;
use tracing::{info, warn};

use super::message::{HandoverMessage, SocketLabel};
use super::offering::permitted;
use portcullis_transport::listener::{InheritedSocket, SocketGiver};

/// How long the server that runs may take for an answer.
const PATIENCE: Duration = Duration::from_secs(10);

/// The sockets of the server that runs could not be had. It goes on.
#[derive(Debug, Error)]
pub enum HandoverError {
    /// The path.
    #[error("handover: cannot connect to {path}: {source}")]
    Unreachable {
        /// The configured one.
        path: PathBuf,
        /// The system's error.
        source: io::Error,
    },
    /// Another user's process.
    #[error("handover: the process that listens on {0} is another user's; it goes on")]
    Foreign(PathBuf),
    /// A third process is faster.
    #[error("handover: process {taker} is taking over from process {pid} already; wait for it, or end it")]
    Busy {
        /// The server that runs.
        pid: i32,
        /// The third process.
        taker: i32,
    },
    /// The process hangs, or is another program.
    #[error("handover: process {pid}, which listens on {path}, hands over no sockets: {source}; end it")]
    NoSockets {
        /// The process.
        pid: i32,
        /// The configured path.
        path: PathBuf,
        /// What is wrong.
        source: io::Error,
    },
}

/// The server that runs, and waits until this one does.
pub(crate) struct ServerBefore {
    stream: UnixStream,
    pid: i32,
}

/// Asks the server that runs, if one does, for its sockets. It serves on.
///
/// # Errors
/// It does not give them.
pub(crate) async fn take_over(
    path: &Path,
) -> Result<Option<(ServerBefore, Vec<InheritedSocket>)>, HandoverError> {
    let stream = match UnixStream::connect(path).await {
        Ok(stream) => stream,
        Err(fault) if is_nobody(&fault) => return Ok(None),
        Err(source) => return Err(HandoverError::Unreachable { path: path.to_owned(), source }),
    };
    let pid = permitted(&stream).ok_or_else(|| HandoverError::Foreign(path.to_owned()))?;
    let no_sockets = |source| HandoverError::NoSockets { pid, path: path.to_owned(), source };
    match timeout(PATIENCE, HandoverMessage::receive(&stream)).await.unwrap_or_else(|late| Err(late.into())) {
        Ok((HandoverMessage::Sockets(labels), descriptors)) => {
            let sockets =
                labels.into_iter().zip(descriptors).map(|(SocketLabel { name, is_kept }, socket)| {
                    InheritedSocket::new(SocketGiver::ServerBefore { is_kept }, name, socket)
                });
            let sockets = sockets.collect::<Result<_, _>>().map_err(no_sockets)?;
            info!(pid, "taking over the sockets of the server that runs");
            Ok(Some((ServerBefore { stream, pid }, sockets)))
        }
        Ok((HandoverMessage::Busy(taker), _)) => Err(HandoverError::Busy { pid, taker }),
        Ok(_) => Err(no_sockets(io::ErrorKind::InvalidData.into())),
        // It has stopped meanwhile.
        Err(fault) if is_gone(&fault) => Ok(None),
        Err(fault) => Err(no_sockets(fault)),
    }
}

/// Whether no process listens: there never was one, or it is gone.
fn is_nobody(fault: &io::Error) -> bool {
    matches!(fault.kind(), io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused)
}

fn is_gone(fault: &io::Error) -> bool {
    matches!(fault.kind(), io::ErrorKind::UnexpectedEof | io::ErrorKind::ConnectionReset)
}

impl ServerBefore {
    /// Tells it that this process serves, and waits until it has given up the sockets. If it is gone or hangs, this
    /// process goes on without its word: it has the sockets. One that hangs can still give its word later.
    pub(crate) async fn release(self) {
        let pid = self.pid;
        let mut concluded = Box::pin(self.concluded());
        if timeout(PATIENCE, &mut concluded).await.is_err() {
            warn!(pid, "the server before does not answer, and may still accept connections");
            // If the stream were closed, it would take this process for gone, and go on for ever.
            tokio::spawn(concluded);
        }
    }

    async fn concluded(self) {
        let pid = self.pid;
        let said = async {
            HandoverMessage::Ready.send(&self.stream, &[]).await?;
            HandoverMessage::receive(&self.stream).await
        };
        if matches!(said.await, Ok((HandoverMessage::Yours, _))) {
            info!(pid, "the server before has handed over");
        } else {
            warn!(pid, "the server before has ended without handing over");
        }
    }
}
