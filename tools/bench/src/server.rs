//! The server as a process of its own: started, awaited, killed.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use thiserror::Error;
use tokio::net::TcpSocket;
use tokio::time::{sleep, timeout};

use crate::http::{HttpConnection, get};

/// When a start is given up. A process that ends by itself is noticed at once.
const START_DEADLINE: Duration = Duration::from_mins(3);
const ANSWER_DEADLINE: Duration = Duration::from_secs(10);
const PAUSE: Duration = Duration::from_millis(10);
const LAST_WORDS: usize = 20;

/// Why there is no server.
#[derive(Debug, Error)]
pub enum StartError {
    /// The program could not be run, or its log not be written.
    #[error("{program} cannot be started: {source}")]
    Spawn {
        /// The program.
        program: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// It ran, and was not ready in time or ended.
    #[error("the server {what}; its last words:\n{log}")]
    NotReady {
        /// What it did instead.
        what: String,
        /// The end of its log.
        log: String,
    },
}

/// A running server; dropping it kills it.
#[derive(Debug)]
pub struct Server {
    child: Child,
    address: Arc<ReservedAddress>,
    log: PathBuf,
}

impl Server {
    /// Starts `program serve` on a data directory and waits until it is ready. What it prints is kept in a file beside
    /// the directory. Variables of this process (`PORTCULLIS_…`) reach it.
    ///
    /// # Errors
    /// [`StartError`]
    pub async fn start(program: &Path, data_dir: &Path) -> Result<Self, StartError> {
        Self::start_with(program, data_dir, &[]).await
    }

    /// The same with variables of its own.
    ///
    /// # Errors
    /// [`StartError`]
    pub async fn start_with(
        program: &Path,
        data_dir: &Path,
        variables: &[(&str, &OsStr)],
    ) -> Result<Self, StartError> {
        let mut server = Self::launch(program, data_dir, variables)?;
        server.ready().await?;
        Ok(server)
    }

    /// The same, but returns as soon as the process runs.
    ///
    /// # Errors
    /// [`StartError::Spawn`]
    pub fn launch(program: &Path, data_dir: &Path, variables: &[(&str, &OsStr)]) -> Result<Self, StartError> {
        let address = ReservedAddress::new();
        let address = address.map_err(|source| StartError::Spawn { program: program.to_owned(), source })?;
        Self::launch_at(Arc::new(address), program, data_dir, variables)
    }

    /// Starts another one at the same address, which takes it over from this one. Returns as soon as the process runs.
    ///
    /// # Errors
    /// [`StartError::Spawn`]
    pub fn launch_successor(
        &self,
        program: &Path,
        data_dir: &Path,
        variables: &[(&str, &OsStr)],
    ) -> Result<Self, StartError> {
        Self::launch_at(Arc::clone(&self.address), program, data_dir, variables)
    }

    fn launch_at(
        address: Arc<ReservedAddress>,
        program: &Path,
        data_dir: &Path,
        variables: &[(&str, &OsStr)],
    ) -> Result<Self, StartError> {
        let log = data_dir.with_extension("log");
        let child = spawn(program, data_dir, address.get(), &log, variables);
        let child = child.map_err(|source| StartError::Spawn { program: program.to_owned(), source })?;
        Ok(Self { child, address, log })
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address.get()
    }

    /// Its process id.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Kills it with SIGKILL, which it cannot notice, and waits until it is gone.
    ///
    /// # Errors
    /// What the system says.
    pub fn kill(&mut self) -> io::Result<ExitStatus> {
        self.child.kill()?;
        self.child.wait()
    }

    /// Asks it to end with SIGTERM, and waits until it has.
    ///
    /// # Errors
    /// What the system says.
    pub fn stop(&mut self) -> io::Result<ExitStatus> {
        kill_process(Pid::from_child(&self.child), Signal::TERM)?;
        self.child.wait()
    }

    /// Whether it has ended by itself, and how.
    ///
    /// # Errors
    /// What the system says.
    pub fn ended(&mut self) -> io::Result<Option<ExitStatus>> {
        self.child.try_wait()
    }

    /// The end of what it printed.
    #[must_use]
    pub fn last_words(&self) -> String {
        let text = fs::read(&self.log).unwrap_or_default();
        let text = String::from_utf8_lossy(&text);
        let lines: Vec<&str> = text.lines().rev().take(LAST_WORDS).collect();
        lines.into_iter().rev().collect::<Vec<_>>().join("\n")
    }

    async fn ready(&mut self) -> Result<(), StartError> {
        let begun = Instant::now();
        while !self.answers_ready().await {
            if let Ok(Some(status)) = self.ended() {
                return Err(self.not_ready(format!("ended at its start ({status})")));
            }
            if begun.elapsed() > START_DEADLINE {
                return Err(self.not_ready(format!("was not ready after {} s", START_DEADLINE.as_secs())));
            }
            sleep(PAUSE).await;
        }
        Ok(())
    }

    async fn answers_ready(&self) -> bool {
        let asked = async {
            let mut connection = HttpConnection::open(self.address()).await.ok()?;
            connection.exchange(&get("/readyz", &[])).await.ok().map(|answer| answer.status())
        };
        matches!(timeout(ANSWER_DEADLINE, asked).await, Ok(Some(200)))
    }

    fn not_ready(&self, what: String) -> StartError {
        StartError::NotReady { what, log: self.last_words() }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may be gone already, and then there is nothing left to do.
        let _ = self.kill();
    }
}

fn spawn(
    program: &Path,
    data_dir: &Path,
    address: SocketAddr,
    log: &Path,
    variables: &[(&str, &OsStr)],
) -> io::Result<Child> {
    let log = File::options().create(true).append(true).open(log)?;
    Command::new(program)
        .args(["serve", "--listen", &address.to_string(), "--data-dir"])
        .arg(data_dir)
        .envs(variables.iter().copied())
        .stdin(Stdio::null())
        .stdout(log.try_clone()?)
        .stderr(log)
        .spawn()
}

/// A loopback address on which nothing listens and which the system gives to no other process while this is held: it is
/// bound, and a program that asks for it by number may use it as well.
#[derive(Debug)]
pub struct ReservedAddress {
    address: SocketAddr,
    _socket: TcpSocket,
}

impl ReservedAddress {
    /// Reserves one.
    ///
    /// # Errors
    /// What the system says.
    pub fn new() -> io::Result<Self> {
        let socket = TcpSocket::new_v4()?;
        socket.set_reuseaddr(true)?;
        socket.bind((Ipv4Addr::LOCALHOST, 0).into())?;
        Ok(Self { address: socket.local_addr()?, _socket: socket })
    }

    /// The address.
    #[must_use]
    pub const fn get(&self) -> SocketAddr {
        self.address
    }
}

/// The path of the server that was built into the same directory as the running tool.
///
/// # Errors
/// What the system says when asked where this program lies.
pub fn beside_this_program() -> io::Result<PathBuf> {
    Ok(std::env::current_exe()?.with_file_name("portcullis"))
}
