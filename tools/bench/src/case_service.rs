//! Which processes work for a case, and where they keep what.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use portcullis_bench::server::Server;
use portcullis_bench::serving_process::ServingProcess;

/// Where a case is sent, and which processes work for it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct CaseService {
    pub(crate) address: SocketAddr,
    pub(crate) pid: u32,
    /// The process that the serving one asks in turn.
    pub(crate) asked: Option<u32>,
}

impl CaseService {
    pub(crate) fn of(process: &ServingProcess) -> Self {
        Self { address: process.address, pid: process.pid(), asked: None }
    }

    pub(crate) fn of_server(server: &Server) -> Self {
        Self { address: server.address(), pid: server.pid(), asked: None }
    }
}

/// The database of a server with this data directory, unless a setting names another.
pub(crate) fn database_in(data_dir: &Path) -> PathBuf {
    data_dir.join("portcullis.db")
}
