//! The binary as processes that share one directory and one address.

use std::fs::{self, File};
use std::io::{BufRead as _, BufReader};
use std::net::{SocketAddr, TcpListener};
use std::os::fd::AsFd;
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::thread;

use tokio::task::spawn_blocking;

use crate::fixture::{DataDirectory, HttpConnection, HttpRequest};

/// The last line of the startup message.
const UP: &str = "Stop it with";

/// Runs the binary with standard input as the socket that a service manager passes, as descriptor 3.
const PASSING: &str = r#"exec 3<&0 </dev/null
export LISTEN_PID=$$ LISTEN_FDS=1
exec "$0" serve"#;

/// What the processes have in common.
pub(super) struct Installation {
    home: DataDirectory,
    settings: Vec<(String, String)>,
}

impl Installation {
    /// Connections that wait for a request keep a server from stopping as long as it takes: no test depends on the
    /// time.
    pub(super) fn new(settings: &[(&str, &str)]) -> Self {
        let home = DataDirectory::new();
        let data = home.path().display().to_string();
        let preset = [("DATA_DIR", data.as_str()), ("TIMEOUTS_DRAIN", "10m"), ("TIMEOUTS_SHUTDOWN", "10m")];
        let settings = preset.iter().chain(settings);
        let settings = settings.map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Self { home, settings }
    }

    /// The same, with a hand-over.
    pub(super) fn handing_over(settings: &[(&str, &str)]) -> Self {
        let mut installation = Self::new(settings);
        let path = installation.meeting().display().to_string();
        installation.settings.push(("HANDOVER".to_owned(), path));
        installation
    }

    /// The path of the hand-over.
    pub(super) fn meeting(&self) -> PathBuf {
        self.path("handover.sock")
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.home.path().join(name)
    }

    fn command(&self, mut command: Command) -> Command {
        let path = std::env::var_os("PATH").unwrap_or_default();
        let settings = self.settings.iter().map(|(name, value)| (format!("PORTCULLIS_{name}"), value));
        command.env_clear().env("PATH", path).env("PORTCULLIS_LISTEN", "127.0.0.1:0").envs(settings);
        command
    }

    fn serving(&self) -> Command {
        let mut command = self.command(Command::new(env!("CARGO_BIN_EXE_portcullis")));
        command.arg("serve").stdin(Stdio::null());
        command
    }

    /// Starts a process, and waits until it is up.
    pub(super) async fn start(&self) -> Process {
        self.up(self.serving()).await
    }

    /// Starts a process that tells a service manager, which listens on this path, when it is ready.
    pub(super) fn start_for_manager(&self, path: &Path) -> Process {
        let mut command = self.serving();
        command.env("NOTIFY_SOCKET", path).stdout(Stdio::null()).stderr(self.log_file());
        Process { child: command.spawn().unwrap(), address: SocketAddr::from(([0; 4], 0)) }
    }

    fn passing(&self, socket: &impl AsFd, listen: SocketAddr, names: &str) -> Command {
        let mut command = self.command(Command::new("sh"));
        command.args(["-c", PASSING, env!("CARGO_BIN_EXE_portcullis")]).env("LISTEN_FDNAMES", names);
        command.env("PORTCULLIS_LISTEN", listen.to_string());
        command.stdin(socket.as_fd().try_clone_to_owned().unwrap());
        command
    }

    /// Starts a process as a service manager does that passes it this socket.
    pub(super) async fn start_on(&self, socket: &TcpListener) -> Process {
        self.up(self.passing(socket, socket.local_addr().unwrap(), "http")).await
    }

    /// Starts a process as a service manager does that passes it this Unix socket for microservices.
    pub(super) async fn start_on_unix(&self, socket: &UnixListener) -> Process {
        self.up(self.passing(socket, "127.0.0.1:0".parse().unwrap(), "tcp")).await
    }

    /// What comes of a process that listens elsewhere than the socket that it is passed.
    pub(super) async fn start_elsewhere(&self, socket: &TcpListener, names: &str) -> Output {
        let mut command = self.passing(socket, "127.0.0.2:0".parse().unwrap(), names);
        spawn_blocking(move || command.output().unwrap()).await.unwrap()
    }

    fn serving_with(&self, settings: &[(&str, &str)]) -> Command {
        let mut command = self.serving();
        command.envs(settings.iter().map(|(name, value)| (format!("PORTCULLIS_{name}"), value)));
        command
    }

    /// Starts a process that is not up for a while, so its address is none.
    pub(super) fn begin(&self, settings: &[(&str, &str)]) -> Process {
        let mut command = self.serving_with(settings);
        command.stdout(Stdio::null()).stderr(self.log_file());
        Process { child: command.spawn().unwrap(), address: SocketAddr::from(([0; 4], 0)) }
    }

    fn log_file(&self) -> File {
        File::options().create(true).append(true).open(self.path("log")).unwrap()
    }

    /// What all of them have logged.
    pub(super) fn log(&self) -> String {
        fs::read_to_string(self.path("log")).unwrap()
    }

    /// What comes of a process that must not start.
    pub(super) async fn start_in_vain(&self, settings: &[(&str, &str)]) -> Output {
        let mut command = self.serving_with(settings);
        spawn_blocking(move || command.output().unwrap()).await.unwrap()
    }

    async fn up(&self, mut command: Command) -> Process {
        command.stdout(Stdio::piped()).stderr(self.log_file());
        let start = move || {
            let mut child = command.spawn().unwrap();
            let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
            let said: Vec<String> = lines.by_ref().take_while(|line| !line.starts_with(UP)).collect();
            let address = said.iter().find_map(|line| line.trim().strip_prefix("listening"));
            let address = address.and_then(|address| address.trim().parse().ok());
            thread::spawn(move || lines.for_each(drop));
            (child, address)
        };
        let (child, address) = spawn_blocking(start).await.unwrap();
        let address = address.unwrap_or_else(|| panic!("it did not start: {}", self.log()));
        Process { child, address }
    }
}

/// A running process; it is killed with its test.
pub(super) struct Process {
    child: Child,
    pub(super) address: SocketAddr,
}

impl Process {
    pub(super) fn pid(&self) -> u32 {
        self.child.id()
    }

    pub(super) fn get(&self, path: &str) -> HttpRequest {
        HttpRequest::new(self.address, "GET", path)
    }

    pub(super) async fn connection(&self) -> HttpConnection {
        HttpConnection::to(self.address).await
    }

    /// Sends SIGTERM.
    pub(super) fn terminate(&self) {
        let pid = self.pid().to_string();
        assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
    }

    /// Whether it runs.
    pub(super) fn runs(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }

    /// Waits for its end.
    pub(super) async fn ended(mut self) -> ExitStatus {
        spawn_blocking(move || self.child.wait().unwrap()).await.unwrap()
    }

    pub(super) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may be gone already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
