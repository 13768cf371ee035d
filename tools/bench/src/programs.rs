//! The programs that a run starts, and where those answer that count. `cargo xtask bench` builds them into one folder.

use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

use portcullis_bench::server::beside_this_program;
use serde_json::Value;

use crate::BenchPlan;
use crate::cases::Case;
use crate::error::BenchError;

/// Where the programs are.
#[derive(Clone, Debug)]
pub(crate) struct BenchPrograms {
    /// The server.
    pub(crate) server: PathBuf,
    /// The bare handler.
    pub(crate) bare: PathBuf,
    /// The library without the server.
    pub(crate) library: PathBuf,
    /// The service of another library.
    pub(crate) peer: Option<PathBuf>,
}

impl BenchPrograms {
    /// Those that are measured by the clock.
    ///
    /// # Errors
    /// What the system says when asked where this program lies.
    pub(crate) fn measured(plan: &BenchPlan) -> io::Result<Self> {
        Ok(Self {
            server: or_beside(plan.server.as_deref(), "portcullis")?,
            bare: std::env::current_exe()?,
            library: or_beside(plan.library.as_deref(), "portcullis-library-bench")?,
            peer: plan.peer.clone(),
        })
    }

    /// Those whose allocations are counted.
    ///
    /// # Errors
    /// What the system says when asked where this program lies.
    pub(crate) fn counted(plan: &BenchPlan) -> io::Result<Self> {
        let counted = or_beside(plan.counted.as_deref(), "portcullis-counted")?;
        Ok(Self { server: counted.clone(), bare: counted, ..Self::measured(plan)? })
    }
}

/// Makes a key of the feed of the server with this data directory.
///
/// # Errors
/// [`BenchError::NoFeedKey`], or what the system says.
pub(crate) fn new_feed_key(server: &Path, data_dir: &Path) -> Result<String, BenchError> {
    let mut command = Command::new(server);
    let made = command.args(["feed", "key", "create", "--json", "--data-dir"]).arg(data_dir).output()?;
    let made: Value = serde_json::from_slice(&made.stdout).unwrap_or_default();
    let key = made.get("key").and_then(Value::as_str).map(str::to_owned);
    key.ok_or_else(|| BenchError::NoFeedKey(made.to_string()))
}

/// Where a program of Debian lies. Some are on root's path alone.
pub(crate) fn on_path(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::env::split_paths(&path).chain([PathBuf::from("/usr/sbin")]);
    folders.map(|folder| folder.join(name)).find(|file| file.is_file())
}

fn or_beside(given: Option<&Path>, name: &str) -> io::Result<PathBuf> {
    given.map_or_else(|| Ok(beside_this_program()?.with_file_name(name)), |path| Ok(path.to_owned()))
}

/// The sockets on which the counting server and the counting bare handler answer.
#[derive(Debug)]
pub(crate) struct CounterSockets {
    pub(crate) server: PathBuf,
    pub(crate) bare: PathBuf,
}

impl CounterSockets {
    pub(crate) fn in_folder(folder: &Path) -> Self {
        Self { server: folder.join("server.socket"), bare: folder.join("bare.socket") }
    }

    /// The socket of the process that answers this case.
    pub(crate) const fn of(&self, case: Case) -> &PathBuf {
        if matches!(case, Case::Bare(_)) { &self.bare } else { &self.server }
    }
}
