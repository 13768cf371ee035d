//! A PostgreSQL server on Debian's programs, which waits for the disk as one in use does.

use std::fs::{self, File, Permissions};
use std::io;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use portcullis_bench::server::ReservedAddress;
use rustix::process::{Pid, Signal, kill_process};
use tokio::time::sleep;

use crate::error::BenchError;

const PAUSE: Duration = Duration::from_millis(20);
const LOOKS: usize = 3_000;
/// The user that the server runs as if root starts it: it refuses to be root.
const OWNER: &str = "postgres";

/// A running server; dropping it ends it.
#[derive(Debug)]
pub(crate) struct PostgresServer {
    child: Child,
    folder: PathBuf,
    port: u16,
}

impl PostgresServer {
    /// Makes a cluster in a folder, which must not exist, and starts a server on it.
    ///
    /// # Errors
    /// [`BenchError::NoPostgres`], and what the system says.
    pub(crate) async fn start(folder: &Path) -> Result<Self, BenchError> {
        fs::create_dir(folder)?;
        fs::set_permissions(folder, Permissions::from_mode(0o777))?;
        let port = ReservedAddress::new()?.get().port();
        let data = folder.join("data");
        let mut initdb = as_owner(&program("initdb")?);
        initdb
            .args(["--username=portcullis", "--encoding=UTF8", "--auth=trust", "--no-sync", "--pgdata"])
            .arg(&data);
        let made = initdb.current_dir(folder).stdin(Stdio::null()).output()?;
        if !made.status.success() {
            return Err(io::Error::other(String::from_utf8_lossy(&made.stderr).into_owned()).into());
        }
        let log = File::create(folder.join("log"))?;
        let mut serve = as_owner(&program("postgres")?);
        serve.arg("-D").arg(&data).arg("-k").arg(folder).args(["-h", "127.0.0.1", "-p", &port.to_string()]);
        serve.args(["-c", "max_connections=200"]).stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
        let child = serve.current_dir(folder).spawn()?;
        let mut server = Self { child, folder: folder.to_owned(), port };
        server.is_up().await?;
        Ok(server)
    }

    async fn is_up(&mut self) -> Result<(), BenchError> {
        for _ in 0..LOOKS {
            if self.runs("SELECT 1")? {
                return Ok(());
            }
            if let Some(status) = self.child.try_wait()? {
                let log = fs::read_to_string(self.folder.join("log"))?;
                return Err(io::Error::other(format!("postgres ended at its start ({status}): {log}")).into());
            }
            sleep(PAUSE).await;
        }
        Err(io::Error::other("postgres does not answer").into())
    }

    fn runs(&self, sql: &str) -> Result<bool, BenchError> {
        let mut shell = Command::new(program("psql")?);
        shell.args(["-X", "-q", "-U", "portcullis", "-d", "postgres", "-h"]).arg(&self.folder);
        shell.args(["-p", &self.port.to_string(), "-c", sql]).stdout(Stdio::null()).stderr(Stdio::null());
        Ok(shell.status()?.success())
    }

    /// The URL of a new database.
    ///
    /// # Errors
    /// What the server says.
    pub(crate) fn new_database(&self, name: &str) -> Result<String, BenchError> {
        if !self.runs(&format!("CREATE DATABASE {name}"))? {
            return Err(io::Error::other(format!("postgres makes no database {name}")).into());
        }
        Ok(format!("postgres://portcullis@127.0.0.1:{}/{name}", self.port))
    }
}

impl Drop for PostgresServer {
    fn drop(&mut self) {
        // It may have ended already. SIGINT ends its clients' connections, too.
        let _ = kill_process(Pid::from_child(&self.child), Signal::INT);
        let _ = self.child.wait();
    }
}

/// One of Debian's programs, of the newest version.
fn program(name: &str) -> Result<PathBuf, BenchError> {
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let found = versions.map(|version| version.path().join("bin").join(name)).filter(|path| path.is_file());
    found.max().ok_or(BenchError::NoPostgres)
}

fn as_owner(program: &Path) -> Command {
    if !fs::metadata("/proc/self").is_ok_and(|found| found.uid() == 0) {
        return Command::new(program);
    }
    let mut command = Command::new("setpriv");
    command.args(["--reuid", OWNER, "--regid", OWNER, "--clear-groups"]).arg(program);
    command
}
