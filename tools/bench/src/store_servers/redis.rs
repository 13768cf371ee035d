//! A Redis server.

use std::fs;
use std::io;
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use rustix::process::Signal;
use tokio::time::{sleep, timeout};

use super::{StoreServerError, signal_all};
use crate::server::ReservedAddress;

const REDIS: &str = "redis-server";
/// The folder of what it has written, in its own.
const WRITTEN: &str = "appendonlydir";
/// When a start is given up, and how long to wait between two looks.
const START_DEADLINE: Duration = Duration::from_mins(1);
const PAUSE: Duration = Duration::from_millis(10);

/// What a server keeps when it is killed.
#[derive(Clone, Copy, Debug)]
pub enum RedisDurability {
    /// Nothing.
    Nothing,
    /// All that it has acknowledged.
    Everything,
}

impl RedisDurability {
    const fn settings(self) -> [&'static str; 4] {
        match self {
            Self::Nothing => ["--appendonly", "no", "--appendfsync", "no"],
            Self::Everything => ["--appendonly", "yes", "--appendfsync", "always"],
        }
    }
}

/// A running server; dropping it kills it.
#[derive(Debug)]
pub struct RedisServer {
    child: Child,
    address: ReservedAddress,
    folder: PathBuf,
    durability: RedisDurability,
}

impl RedisServer {
    /// Starts it on a free port.
    ///
    /// # Errors
    /// [`StoreServerError`]
    pub async fn start(folder: &Path, durability: RedisDurability) -> Result<Self, StoreServerError> {
        let address = ReservedAddress::new()?;
        let child = spawn(folder, address.get(), durability)?;
        let mut redis = Self { child, address, folder: folder.to_owned(), durability };
        redis.listens().await?;
        Ok(redis)
    }

    /// Where it listens.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address.get()
    }

    /// Its process id.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Kills it with SIGKILL.
    ///
    /// # Errors
    /// What the system says.
    pub fn kill(&mut self) -> io::Result<()> {
        self.child.kill()?;
        self.child.wait().map(drop)
    }

    /// Starts it again on what it has written.
    ///
    /// # Errors
    /// [`StoreServerError`]
    pub async fn start_again(&mut self) -> Result<(), StoreServerError> {
        self.child = spawn(&self.folder, self.address.get(), self.durability)?;
        self.listens().await
    }

    /// Stops it where it is, until [`RedisServer::resume`].
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

    /// Copies what it has written by now to a new folder. All that it has acknowledged is there.
    ///
    /// # Errors
    /// What the system says.
    pub fn copy_to(&self, copy: &Path) -> io::Result<()> {
        fs::create_dir(copy)?;
        for file in fs::read_dir(self.folder.join(WRITTEN))? {
            let file = file?;
            fs::copy(file.path(), copy.join(file.file_name()))?;
        }
        Ok(())
    }

    /// Puts such a copy in the place of what it has written, while it is down.
    ///
    /// # Errors
    /// What the system says.
    pub fn put_back(&self, copy: &Path) -> io::Result<()> {
        let written = self.folder.join(WRITTEN);
        fs::remove_dir_all(&written)?;
        fs::rename(copy, written)
    }

    /// Runs what an operator types into the shell, and returns the answer.
    ///
    /// # Errors
    /// What the shell says.
    pub fn by_hand(&self, words: &[&str]) -> io::Result<String> {
        let mut shell = Command::new("redis-cli");
        shell.args(["-e", "-p", &self.address.get().port().to_string()]).args(words);
        let said = shell.stdin(Stdio::null()).stderr(Stdio::inherit()).output()?;
        let answer = String::from_utf8_lossy(&said.stdout).into_owned();
        if said.status.success() { Ok(answer) } else { Err(io::Error::other(format!("{words:?}: {answer}"))) }
    }

    async fn listens(&mut self) -> Result<(), StoreServerError> {
        let listening = async {
            while TcpStream::connect(self.address.get()).is_err() {
                if let Some(status) = self.child.try_wait()? {
                    return Err(io::Error::other(format!("{REDIS} ended at its start ({status})")));
                }
                sleep(PAUSE).await;
            }
            Ok(())
        };
        let late = |_| io::Error::other(format!("{REDIS} does not listen"));
        Ok(timeout(START_DEADLINE, listening).await.map_err(late)??)
    }
}

fn spawn(folder: &Path, address: SocketAddr, durability: RedisDurability) -> Result<Child, StoreServerError> {
    let mut command = Command::new(REDIS);
    command.args(["--bind", "127.0.0.1", "--port", &address.port().to_string(), "--save", ""]);
    command.args(durability.settings()).arg("--dir").arg(folder);
    let child = command.stdin(Stdio::null()).stdout(Stdio::null()).spawn();
    child.map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => StoreServerError::NoRedis,
        _ => error.into(),
    })
}

impl Drop for RedisServer {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill().and_then(|()| self.child.wait());
    }
}
