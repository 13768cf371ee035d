//! The binary as a process in a directory of its own: tests start it, send requests, stop it and kill it.

mod client;
#[path = "../../../../stores/tests/it/reserved_port.rs"]
mod reserved_port;

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{BufRead as _, BufReader};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::rc::Rc;
use std::thread::sleep;
use std::time::Duration;

use tempfile::TempDir;

pub(crate) use reserved_port::ReservedPort;

pub(crate) use client::{Credential, RawAnswer, ask_at};

/// The binary that was built with these tests.
pub(crate) const BINARY: &str = env!("CARGO_BIN_EXE_portcullis");
/// The last line of the startup message.
const UP: &str = "Stop it with";
/// Between two looks at what no event announces.
const PAUSE: Duration = Duration::from_millis(20);
/// When the wait is given up; no machine is this slow.
const DEADLINE: Duration = Duration::from_mins(3);

/// A directory for the data, and the environment variables of the binary. Of this process's own
/// environment the binary gets `PATH` alone.
#[derive(Clone)]
pub(crate) struct ServerDirectory {
    directory: Rc<TempDir>,
    variables: BTreeMap<String, String>,
}

impl ServerDirectory {
    /// Development mode, on a port that the system chooses.
    pub(crate) fn new() -> Self {
        let home = Self { directory: Rc::new(tempfile::tempdir().unwrap()), variables: BTreeMap::new() };
        let data = home.data().to_string_lossy().into_owned();
        home.with("PORTCULLIS_LISTEN", "127.0.0.1:0").with("PORTCULLIS_DATA_DIR", &data)
    }

    /// The same with a variable.
    pub(crate) fn with(mut self, name: &str, value: &str) -> Self {
        self.variables.insert(name.to_owned(), value.to_owned());
        self
    }

    /// The same without it.
    pub(crate) fn without(mut self, name: &str) -> Self {
        self.variables.remove(name);
        self
    }

    pub(crate) fn path(&self) -> &Path {
        self.directory.path()
    }

    /// Where the server keeps its files.
    pub(crate) fn data(&self) -> PathBuf {
        self.path().join("data")
    }

    pub(crate) fn database(&self) -> PathBuf {
        self.data().join("portcullis.db")
    }

    /// Starts `portcullis serve` and waits until it is up.
    pub(crate) fn serve(&self) -> ServerProcess {
        self.serve_as(Command::new(BINARY))
    }

    /// The same under `program`, which runs the binary and passes on its output.
    pub(crate) fn serve_under(&self, program: &mut Command) -> ServerProcess {
        program.arg(BINARY);
        let mut under = Command::new(program.get_program());
        under.args(program.get_args());
        self.serve_as(under)
    }

    fn log(&self) -> PathBuf {
        self.path().join("log")
    }

    fn serve_as(&self, mut command: Command) -> ServerProcess {
        let log = File::options().create(true).append(true).open(self.log()).unwrap();
        self.surroundings(command.arg("serve").stdout(Stdio::piped()).stderr(log));
        ServerProcess::up(command.spawn().unwrap(), self)
    }

    /// A command of the binary that is to go on running.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(BINARY);
        self.surroundings(command.args(arguments));
        command
    }

    /// Runs a command of the binary to its end.
    pub(crate) fn run<S: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = S>) -> Output {
        self.run_as(Command::new(BINARY), arguments)
    }

    /// The same with a command that runs the binary in another way.
    pub(crate) fn run_as<S: AsRef<OsStr>>(
        &self,
        mut command: Command,
        arguments: impl IntoIterator<Item = S>,
    ) -> Output {
        self.surroundings(command.args(arguments));
        command.output().unwrap()
    }

    fn surroundings(&self, command: &mut Command) {
        let path = std::env::var_os("PATH").unwrap_or_default();
        command.env_clear().env("PATH", path).envs(&self.variables);
        command.current_dir(self.path()).stdin(Stdio::null());
    }
}

/// A running server; dropping it kills it.
pub(crate) struct ServerProcess {
    child: Child,
    address: SocketAddr,
    /// Kept until the process ends.
    directory: Rc<TempDir>,
}

impl ServerProcess {
    /// Reads the startup message to its end.
    fn up(mut child: Child, home: &ServerDirectory) -> Self {
        let lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
        let mut address = None;
        for line in lines {
            if let Some(listed) = line.trim().strip_prefix("listening") {
                address = Some(first_address(listed));
            }
            if line.starts_with(UP) {
                let address = address.expect("the welcome names no address");
                return Self { child, address, directory: Rc::clone(&home.directory) };
            }
        }
        panic!("it did not start: {}", fs::read_to_string(home.log()).unwrap());
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// The log so far.
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.directory.path().join("log")).unwrap()
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// Sends SIGTERM and waits: the server finishes its requests and closes its files.
    pub(crate) fn stop(mut self) -> ExitStatus {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
        self.child.wait().unwrap()
    }

    /// Waits until it has ended by itself.
    pub(crate) fn ended(mut self) -> ExitStatus {
        self.child.wait().unwrap()
    }

    /// Kills it with SIGKILL.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for ServerProcess {
    fn drop(&mut self) {
        // It may be gone already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The first address of `127.0.0.1:3000  [::1]:3000`, as this machine reaches it.
fn first_address(listed: &str) -> SocketAddr {
    let first = listed.split_whitespace().next();
    let mut address: SocketAddr = first.unwrap().parse().unwrap();
    if address.ip().is_unspecified() {
        address.set_ip(Ipv4Addr::LOCALHOST.into());
    }
    address
}

/// The exit code of a command that failed, and its one line on standard error.
pub(crate) fn fault(output: &Output) -> (i32, String) {
    let stderr = String::from_utf8(output.stderr.clone()).unwrap();
    assert_eq!(stderr.lines().count(), 1, "not one line: {stderr}");
    assert!(stderr.starts_with("portcullis: "), "{stderr}");
    (output.status.code().expect("ended by a signal"), stderr)
}

/// Waits for a state that no event announces. False if it is not reached.
pub(crate) fn wait_until(mut is_reached: impl FnMut() -> bool) -> bool {
    let looks = DEADLINE.as_millis() / PAUSE.as_millis();
    (0..looks).any(|_| {
        is_reached() || {
            sleep(PAUSE);
            false
        }
    })
}
