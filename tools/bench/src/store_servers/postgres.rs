//! A PostgreSQL server, which waits for the disk as one in use does.

use std::fs::{self, File, Permissions};
use std::io;
use std::net::SocketAddr;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use rustix::process::Signal;
use tokio::time::sleep;

use super::{StoreServerError, signal_all};
use crate::server::ReservedAddress;

const PAUSE: Duration = Duration::from_millis(20);
const LOOKS: usize = 3_000;
/// The user that the server runs as if root starts it: it refuses to be root.
const OWNER: &str = "postgres";

/// A running server; dropping it ends it.
#[derive(Debug)]
pub struct PostgresServer {
    child: Child,
    folder: PathBuf,
    address: ReservedAddress,
}

impl PostgresServer {
    /// Makes a cluster in a folder, which must not exist, and starts a server on it.
    ///
    /// # Errors
    /// [`StoreServerError::NoPostgres`], and what the system says.
    pub async fn start(folder: &Path) -> Result<Self, StoreServerError> {
        fs::create_dir(folder)?;
        fs::set_permissions(folder, Permissions::from_mode(0o777))?;
        let mut initdb = as_owner(&program("initdb")?);
        initdb
            .args(["--username=portcullis", "--encoding=UTF8", "--auth=trust", "--no-sync", "--pgdata"])
            .arg(folder.join("data"));
        let made = initdb.current_dir(folder).stdin(Stdio::null()).output()?;
        if !made.status.success() {
            return Err(io::Error::other(String::from_utf8_lossy(&made.stderr).into_owned()).into());
        }
        let address = ReservedAddress::new()?;
        let child = spawn(folder, address.get())?;
        let mut server = Self { child, folder: folder.to_owned(), address };
        server.is_up().await?;
        Ok(server)
    }

    /// Where it listens.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address.get()
    }

    /// Kills it with SIGKILL, with all that serve its clients.
    ///
    /// # Errors
    /// What the system says.
    pub fn kill(&mut self) -> io::Result<()> {
        signal_all(&self.child, Signal::KILL)?;
        self.child.wait().map(drop)
    }

    /// Starts it again on what it has written.
    ///
    /// # Errors
    /// [`StoreServerError`]
    pub async fn start_again(&mut self) -> Result<(), StoreServerError> {
        self.child = spawn(&self.folder, self.address.get())?;
        self.is_up().await
    }

    /// Stops it where it is, until [`PostgresServer::resume`].
    ///
    /// # Errors
    /// What the system says.
    pub fn pause(&self) -> io::Result<()> {
        signal_all(&self.child, Signal::STOP)
    }

    /// Lets it go on.
    ///
    /// # Errors
    /// What the system says.
    pub fn resume(&self) -> io::Result<()> {
        signal_all(&self.child, Signal::CONT)
    }

    /// Runs what an operator types into the shell.
    ///
    /// # Errors
    /// What the shell says.
    pub fn by_hand(&self, database: &str, sql: &str) -> Result<(), StoreServerError> {
        if self.runs(database, sql)? { Ok(()) } else { Err(io::Error::other(format!("psql: {sql}")).into()) }
    }

    async fn is_up(&mut self) -> Result<(), StoreServerError> {
        for _ in 0..LOOKS {
            if self.runs("postgres", "SELECT 1")? {
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

    fn runs(&self, database: &str, sql: &str) -> Result<bool, StoreServerError> {
        let mut shell = self.client("psql")?;
        shell.args(["-X", "-q", "-d", database, "-c", sql]);
        Ok(shell.stdout(Stdio::null()).stderr(Stdio::null()).status()?.success())
    }

    /// One of PostgreSQL's own programs, which asks this server.
    ///
    /// # Errors
    /// [`StoreServerError::NoPostgres`]
    pub fn client(&self, name: &str) -> Result<Command, StoreServerError> {
        let mut client = Command::new(program(name)?);
        client.args(["-U", "portcullis", "-p", &self.address.get().port().to_string(), "-h"]);
        client.arg(&self.folder).stdin(Stdio::null());
        Ok(client)
    }

    /// The URL of a new database.
    ///
    /// # Errors
    /// What the server says.
    pub fn new_database(&self, name: &str) -> Result<String, StoreServerError> {
        self.by_hand("postgres", &format!("CREATE DATABASE {name}"))?;
        Ok(format!("postgres://portcullis@{}/{name}", self.address.get()))
    }
}

fn spawn(folder: &Path, address: SocketAddr) -> Result<Child, StoreServerError> {
    let log = File::create(folder.join("log"))?;
    let mut serve = as_owner(&program("postgres")?);
    serve.arg("-D").arg(folder.join("data")).arg("-k").arg(folder);
    serve.args(["-h", "127.0.0.1", "-p", &address.port().to_string(), "-c", "max_connections=200"]);
    // A statement is shown whole.
    serve.args(["-c", "track_activity_query_size=4096"]);
    serve.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
    Ok(serve.current_dir(folder).spawn()?)
}

impl Drop for PostgresServer {
    fn drop(&mut self) {
        // It may have ended already, or be paused. SIGINT ends its clients' connections, too.
        let _ = signal_all(&self.child, Signal::CONT);
        let _ = rustix::process::kill_process(rustix::process::Pid::from_child(&self.child), Signal::INT);
        let _ = self.child.wait();
    }
}

/// One of Debian's programs, of the newest version.
fn program(name: &str) -> Result<PathBuf, StoreServerError> {
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let found = versions.map(|version| version.path().join("bin").join(name)).filter(|path| path.is_file());
    found.max().ok_or(StoreServerError::NoPostgres)
}

fn as_owner(program: &Path) -> Command {
    if !fs::metadata("/proc/self").is_ok_and(|found| found.uid() == 0) {
        return Command::new(program);
    }
    let mut command = Command::new("setpriv");
    command.args(["--reuid", OWNER, "--regid", OWNER, "--clear-groups"]).arg(program);
    command
}
