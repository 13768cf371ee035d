//! Unix sockets to listen on, and their files.

use std::io;
use std::os::unix::fs::{FileTypeExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::net::{UnixListener, UnixStream};

use super::binding::ListenError;
use super::inherited::{InheritedSockets, SocketGiver};

/// A listening Unix socket.
#[derive(Debug)]
pub struct UnixSocket {
    /// The socket itself.
    pub listener: UnixListener,
    /// `None` if the service manager has the socket, too: the file is its.
    pub file: Option<Arc<SocketFile>>,
}

/// The file of a Unix socket. It goes with the last that holds this, if it is this process's then.
#[derive(Debug)]
pub struct SocketFile {
    path: PathBuf,
    is_ours: AtomicBool,
}

impl SocketFile {
    fn new(path: &Path, is_ours: bool) -> Arc<Self> {
        Arc::new(Self { path: path.to_owned(), is_ours: is_ours.into() })
    }

    /// Notes whether the file is this process's, or another one's.
    pub fn becomes_ours(&self, is_ours: bool) {
        self.is_ours.store(is_ours, Ordering::Release);
    }
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        if *self.is_ours.get_mut() {
            // It may be gone already.
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

impl UnixSocket {
    /// The socket at the path that a setting names: an inherited one, or a new one with these permissions.
    ///
    /// # Errors
    /// The path cannot be had.
    pub async fn bind(
        setting: &'static str,
        path: &Path,
        mode: u32,
        inherited: &mut InheritedSockets,
    ) -> Result<Self, ListenError> {
        let bound = match inherited.take_unix(setting, path) {
            Some(taken) => taken.map(|(listener, giver)| Self::taken(listener, giver, path)),
            None => Self::new(path, mode).await,
        };
        bound.map_err(|source| ListenError { setting, place: path.display().to_string(), source })
    }

    /// Until the server before has given it up, the file of its socket stays, whatever becomes of this process.
    fn taken(listener: UnixListener, giver: SocketGiver, path: &Path) -> Self {
        let file = (!giver.keeps()).then(|| SocketFile::new(path, false));
        Self { listener, file }
    }

    /// Whether the service manager has it, too.
    pub const fn is_kept(&self) -> bool {
        self.file.is_none()
    }

    /// A new socket. It replaces the one of a process that is gone, and nothing else.
    async fn new(path: &Path, mode: u32) -> io::Result<Self> {
        if is_left_over(path).await {
            std::fs::remove_file(path)?;
        }
        let listener = UnixListener::bind(path)?;
        let file = SocketFile::new(path, true);
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode))?;
        Ok(Self { listener, file: Some(file) })
    }
}

/// Whether the path is a socket on which no process listens.
async fn is_left_over(path: &Path) -> bool {
    let is_socket = std::fs::symlink_metadata(path).is_ok_and(|there| there.file_type().is_socket());
    is_socket
        && UnixStream::connect(path)
            .await
            .is_err_and(|fault| fault.kind() == io::ErrorKind::ConnectionRefused)
}
