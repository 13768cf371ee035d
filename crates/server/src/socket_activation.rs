//! Listening sockets that the service manager passes, as systemd does: `LISTEN_FDS`, `LISTEN_PID`, `LISTEN_FDNAMES`.

use std::env;
use std::fmt::{self, Debug, Formatter};
use std::io;
use std::os::fd::OwnedFd;

use listenfd::ListenFd;
use thiserror::Error;

use portcullis_transport::listener::{InheritedSocket, InheritedSockets, SocketGiver};

/// A descriptor that the service manager has passed is of no use.
#[derive(Debug, Error)]
#[error("LISTEN_FDS: descriptor {} is no socket that could be listened on: {source}", FIRST + .number)]
pub struct PassedSocketError {
    number: usize,
    source: io::Error,
}

/// The number of the first descriptor, by `sd_listen_fds(3)`.
const FIRST: usize = 3;

/// What the service manager has passed to this process.
pub struct PassedSockets {
    descriptors: ListenFd,
    names: Vec<String>,
}

impl Default for PassedSockets {
    fn default() -> Self {
        Self { descriptors: ListenFd::empty(), names: Vec::new() }
    }
}

impl Debug for PassedSockets {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.debug_struct("PassedSockets").field("names", &self.names).finish_non_exhaustive()
    }
}

impl PassedSockets {
    /// Takes what was passed to this process, and the variables with it: no child of it may take them for its own. To
    /// be called before there is a second thread, which might read the environment at the same time.
    #[must_use]
    pub fn take() -> Self {
        let is_for_us = env::var("LISTEN_PID").is_ok_and(|pid| pid == std::process::id().to_string());
        if !is_for_us {
            return Self::default();
        }
        let names = env::var("LISTEN_FDNAMES").unwrap_or_default();
        let names = names.split(':').map(str::to_owned).collect();
        Self { descriptors: ListenFd::from_env(), names }
    }

    /// The sockets. None of them is inherited by a child.
    ///
    /// # Errors
    /// One that is no listening TCP or Unix socket.
    pub fn sockets(mut self) -> Result<InheritedSockets, PassedSocketError> {
        let all = 0..self.descriptors.len();
        let sockets = all.map(|number| {
            let name = self.names.get(number).cloned().unwrap_or_default();
            let socket = self
                .descriptor(number)
                .and_then(|descriptor| InheritedSocket::new(SocketGiver::ServiceManager, name, descriptor));
            socket.map_err(|source| PassedSocketError { number, source })
        });
        sockets.collect::<Result<_, _>>().map(InheritedSockets::new)
    }

    fn descriptor(&mut self, number: usize) -> io::Result<OwnedFd> {
        let taken = match self.descriptors.take_tcp_listener(number) {
            Ok(socket) => socket.map(OwnedFd::from),
            Err(_) => self.descriptors.take_unix_listener(number)?.map(OwnedFd::from),
        };
        taken.ok_or_else(|| io::ErrorKind::NotFound.into())
    }
}
