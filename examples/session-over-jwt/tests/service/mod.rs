//! An example as a process, and what its users and operators do with it. The tests of `todo` share it.

pub(crate) mod stores;

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::Duration;

use serde_json::Value;

/// How long a change that another process made may take to be noticed, on a machine that does much else.
const PATIENCE: usize = 3_000;
const PAUSE: Duration = Duration::from_millis(20);

/// The process of an example; dropping it kills it.
pub(crate) struct ServiceProcess {
    process: Child,
    /// Kept open: a process that writes to a closed pipe would fail.
    _out: BufReader<ChildStdout>,
    pub(crate) url: String,
}

/// What a service has answered.
#[derive(PartialEq, Eq, Debug)]
pub(crate) struct HttpAnswer {
    pub(crate) status: u16,
    pub(crate) media: String,
    pub(crate) cache: String,
    pub(crate) text: String,
}

impl ServiceProcess {
    /// Starts the program in this folder on a free port.
    pub(crate) fn start(program: &str, folder: &Path, arguments: &[&str]) -> Self {
        let mut command = Command::new(program);
        command.current_dir(folder).args(["--listen", "127.0.0.1:0"]).args(arguments).stdout(Stdio::piped());
        for variable in ["LISTEN", "DATABASE", "SESSIONS"] {
            command.env_remove(format!("PORTCULLIS_{variable}"));
        }
        let mut process = command.spawn().unwrap();
        let mut out = BufReader::new(process.stdout.take().unwrap());
        let mut line = String::new();
        out.read_line(&mut line).unwrap();
        let url = line.trim().strip_prefix("listening on ").expect("the line that names the address");
        Self { url: url.to_owned(), process, _out: out }
    }

    /// Tells the process to end, and waits until it has.
    pub(crate) fn stop(mut self) {
        run(Command::new("kill").args(["-TERM", &self.process.id().to_string()]));
        assert!(self.process.wait().unwrap().success(), "the service ends badly");
    }

    /// Sends a request, with a body in JSON if there is one.
    pub(crate) fn ask(&self, method: &str, path: &str, token: &str, body: Option<&Value>) -> HttpAnswer {
        let text = body.map(Value::to_string).unwrap_or_default();
        let media = body.map(|_| "application/json");
        self.send(method, path, token, media, &text)
    }

    pub(crate) fn send(
        &self,
        method: &str,
        path: &str,
        token: &str,
        media: Option<&str>,
        text: &str,
    ) -> HttpAnswer {
        let mut request = ureq::http::Request::builder().method(method).uri(format!("{}{path}", self.url));
        if !token.is_empty() {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        request = media.into_iter().fold(request, |request, media| request.header("content-type", media));
        let config =
            ureq::Agent::config_builder().http_status_as_error(false).allow_non_standard_methods(true);
        let agent: ureq::Agent = config.build().into();
        let mut answer = agent.run(request.body(text).unwrap()).unwrap();
        let header = |name| answer.headers().get(name).map(|value| value.to_str().unwrap().to_owned());
        let (media, cache) = (header("content-type"), header("cache-control"));
        HttpAnswer {
            status: answer.status().as_u16(),
            media: media.unwrap_or_default(),
            cache: cache.unwrap_or_default(),
            text: answer.body_mut().read_to_string().unwrap(),
        }
    }

    /// Waits until a request is refused that was let in before.
    pub(crate) fn wait_until_refused(&self, path: &str, token: &str) {
        let status = eventually(&format!("{path} is refused"), || {
            Some(self.ask("GET", path, token, None).status).filter(|status| *status != 200)
        });
        assert_eq!(status, 401);
    }

    /// Runs the commands of the walk in a README against this service. What a command prints is what stands behind it.
    pub(crate) fn walk(&self, readme: &Path) {
        let text = fs::read_to_string(readme).unwrap();
        let blocks = text.split("```sh\n").skip(1).filter_map(|rest| rest.split("```").next());
        let walk = blocks.into_iter().find(|block| block.starts_with("B=")).expect("a walk");
        let (mut script, mut expected) = (format!("set -e\nB={}\n", self.url), Vec::new());
        for line in walk.lines().skip(1) {
            let (command, printed) = line.split_once("  # ").unwrap_or((line, ""));
            script += command;
            script += if printed.is_empty() { "\n" } else { "; echo\n" };
            expected.extend(Some(printed).filter(|printed| !printed.is_empty()));
        }
        let printed = run(Command::new("bash").args(["-c", &script]));
        let lines: Vec<&str> = printed.lines().filter(|line| !line.is_empty()).collect();
        assert_eq!(lines, expected);
    }
}

impl HttpAnswer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|_| panic!("no JSON: {self:?}"))
    }

    /// The status and the text.
    pub(crate) fn said(&self) -> (u16, &str) {
        (self.status, &self.text)
    }
}

impl Drop for ServiceProcess {
    fn drop(&mut self) {
        // It may have ended.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Runs what an operator types into SQLite's shell.
pub(crate) fn sqlite(file: &Path, sql: &str) {
    run(Command::new("sqlite3").args(["-bail", "-cmd", ".timeout 5000"]).arg(file).arg(sql));
}

/// What a command that succeeds has printed.
pub(crate) fn run(command: &mut Command) -> String {
    let done = command.output().unwrap();
    assert!(done.status.success(), "{command:?}: {}", String::from_utf8_lossy(&done.stderr));
    String::from_utf8(done.stdout).unwrap()
}

/// What an attempt returns in the end.
pub(crate) fn eventually<T>(what: &str, attempt: impl Fn() -> Option<T>) -> T {
    for _ in 0..PATIENCE {
        match attempt() {
            Some(done) => return done,
            None => std::thread::sleep(PAUSE),
        }
    }
    panic!("never: {what}");
}

/// The text of a member.
pub(crate) fn text(value: &Value, member: &str) -> String {
    value[member].as_str().unwrap_or_else(|| panic!("no {member} in {value}")).to_owned()
}

/// The names of all files in a folder.
pub(crate) fn files(folder: &Path) -> Vec<PathBuf> {
    let mut names: Vec<PathBuf> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into()).collect();
    names.sort();
    names
}
