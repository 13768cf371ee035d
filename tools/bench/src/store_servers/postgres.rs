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

use super::{ControlGroup, StoreServerError, signal_all};
use crate::server::ReservedAddress;
use crate::serving_process::children_of;

const PAUSE: Duration = Duration::from_millis(20);
const LOOKS: usize = 3_000;
/// Divides by zero until a standby confirms each commit.
const IS_FOLLOWED: &str = "SELECT 1 / count(*) FROM pg_stat_replication WHERE sync_state = 'sync'";
/// The same until it is a primary.
const IS_PRIMARY: &str = "SELECT 1 / (NOT pg_is_in_recovery())::INT";
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

    /// Starts a standby beside it, which has all that this server acknowledges from now on.
    ///
    /// # Errors
    /// [`StoreServerError`]
    pub async fn standby(&self) -> Result<Self, StoreServerError> {
        let address = ReservedAddress::new()?;
        let folder = self.folder.with_extension(address.get().port().to_string());
        fs::create_dir(&folder)?;
        fs::set_permissions(&folder, Permissions::from_mode(0o777))?;
        let mut copy = as_owner(&program("pg_basebackup")?);
        self.reached_by(&mut copy).args([
            "--write-recovery-conf",
            "--checkpoint=fast",
            "--no-sync",
            "--pgdata",
        ]);
        let mut copying = copy.arg(folder.join("data")).current_dir(&folder).spawn()?;
        let copied = loop {
            match copying.try_wait()? {
                Some(status) => break status,
                None => sleep(PAUSE).await,
            }
        };
        if !copied.success() {
            return Err(io::Error::other(format!("pg_basebackup: {copied}")).into());
        }
        let child = spawn(&folder, address.get())?;
        let mut standby = Self { child, folder, address };
        standby.is_up().await?;
        self.by_hand("postgres", "ALTER SYSTEM SET synchronous_standby_names = '*'")?;
        self.by_hand("postgres", "SELECT pg_reload_conf()")?;
        self.says_yes(IS_FOLLOWED).await?;
        // Commits wait for the standby once the checkpointer has read the setting, which it does before it answers.
        self.by_hand("postgres", "CHECKPOINT")?;
        Ok(standby)
    }

    /// Makes a primary of a standby.
    ///
    /// # Errors
    /// What the shell says.
    pub async fn promote(&self) -> Result<(), StoreServerError> {
        self.by_hand("postgres", "SELECT pg_promote(false)")?;
        self.says_yes(IS_PRIMARY).await
    }

    /// Moves it, and all that serves its clients, into a control group.
    ///
    /// # Errors
    /// What the system says.
    pub fn join(&self, group: &ControlGroup) -> io::Result<()> {
        group.add(self.child.id())?;
        for child in children_of(self.child.id()) {
            // It may have ended meanwhile.
            let _ = group.add(child);
        }
        Ok(())
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

    /// Waits until a statement that fails for `no` does not.
    async fn says_yes(&self, sql: &str) -> Result<(), StoreServerError> {
        for _ in 0..LOOKS {
            if self.runs("postgres", sql)? {
                return Ok(());
            }
            sleep(PAUSE).await;
        }
        Err(io::Error::other(format!("postgres does not come to: {sql}")).into())
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
        self.reached_by(&mut client);
        Ok(client)
    }

    fn reached_by<'a>(&self, client: &'a mut Command) -> &'a mut Command {
        client.args(["-U", "portcullis", "-p", &self.address.get().port().to_string(), "-h"]);
        client.arg(&self.folder).stdin(Stdio::null())
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
        if !matches!(self.child.try_wait(), Ok(None)) {
            // It has ended already, and its number may be that of another process.
            return;
        }
        // It may be paused. SIGINT ends its clients' connections, too.
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
