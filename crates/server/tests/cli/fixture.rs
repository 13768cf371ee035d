//! One installation in a directory of its own: the commands that its operator runs, and its server.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tempfile::TempDir;

/// Between two looks at what no event announces.
const PAUSE: Duration = Duration::from_millis(20);
/// When a wait is given up; no machine is this slow.
const DEADLINE: Duration = Duration::from_mins(3);

/// Meets every password rule.
pub(crate) const PASSWORD: &str = "vexed quilts jump far";

/// The directory in which commands run, and the environment variables that each of them gets.
pub(crate) struct Workdir {
    directory: TempDir,
    variables: Vec<(&'static str, String)>,
}

/// What a command wrote, and its exit code.
#[derive(Debug)]
pub(crate) struct CommandOutput {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Workdir {
    /// An empty directory, in development mode.
    pub(crate) fn new() -> Self {
        Self { directory: TempDir::new().unwrap(), variables: Vec::new() }
    }

    /// The same in production: with a public URL and a master key.
    pub(crate) fn in_production() -> Self {
        Self::new()
            .variable("PORTCULLIS_PUBLIC_URL", "https://auth.example")
            .variable("PORTCULLIS_MAIL_TRANSPORT", "outbox")
            .variable(
                "PORTCULLIS_MASTER_KEY",
                "8f1c3a5e7092b4d6f8e1c3a5b7d9f0021426384a5c6e708192a4b6c8daecfe10",
            )
    }

    pub(crate) fn variable(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.variables.retain(|(known, _)| *known != name);
        self.variables.push((name, value.into()));
        self
    }

    pub(crate) fn database(&self) -> PathBuf {
        self.directory.path().join("portcullis-data/portcullis.db")
    }

    pub(crate) fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command.env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default());
        command.envs(self.variables.iter().map(|(name, value)| (name, value)));
        command.current_dir(self.directory.path());
        command
    }

    /// Runs `portcullis` with the words of `line` and nothing on standard input.
    pub(crate) fn run(&self, line: &str) -> CommandOutput {
        self.run_with(line, "")
    }

    pub(crate) fn run_with(&self, line: &str, input: &str) -> CommandOutput {
        self.run_words(&line.split_whitespace().collect::<Vec<_>>(), input)
    }

    pub(crate) fn run_words(&self, words: &[&str], input: &str) -> CommandOutput {
        let mut command = self.command(env!("CARGO_BIN_EXE_portcullis"));
        let piped = || Stdio::piped();
        let child = command.args(words).stdin(piped()).stdout(piped()).stderr(piped()).spawn();
        let mut child = child.unwrap();
        // A command that reads nothing may be gone already.
        let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
        CommandOutput::of(&child.wait_with_output().unwrap())
    }

    pub(crate) fn json(&self, line: &str) -> Value {
        let said = self.run(line).done();
        serde_json::from_str(&said.out).unwrap_or_else(|fault| panic!("{fault}: {}", said.out))
    }

    /// Makes a user whose name is the local part of the address.
    pub(crate) fn user(&self, email: &str) -> CommandOutput {
        let name = email.split('@').next().unwrap();
        self.run_with(&format!("user create --email {email} --name {name} --password-stdin"), PASSWORD)
    }

    pub(crate) fn serve(&self) -> RunningServer {
        RunningServer::start(self)
    }
}

impl CommandOutput {
    fn of(output: &Output) -> Self {
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        Self {
            code: output.status.code().expect("it was not killed"),
            out: text(&output.stdout),
            err: text(&output.stderr),
        }
    }

    /// The output of a command that must succeed.
    #[track_caller]
    pub(crate) fn done(self) -> Self {
        assert_eq!(self.code, 0, "{self:?}");
        self
    }

    /// The one line on standard error of a command that must fail with this exit code.
    #[track_caller]
    pub(crate) fn refused(self, code: i32) -> String {
        assert_eq!((self.code, self.out.as_str()), (code, ""), "{self:?}");
        let line = self.err.strip_prefix("portcullis: ").expect("it says who speaks");
        assert_eq!(line.matches('\n').count(), 1, "more than a line: {line:?}");
        line.trim_end().to_owned()
    }
}

/// A server that runs until it is dropped.
pub(crate) struct RunningServer {
    process: Child,
    address: SocketAddr,
}

impl RunningServer {
    fn start(home: &Workdir) -> Self {
        let mut command = home.command(env!("CARGO_BIN_EXE_portcullis"));
        command.args(["serve", "--listen", "127.0.0.1:0"]).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut process = command.spawn().unwrap();
        let mut welcome = BufReader::new(process.stdout.take().unwrap()).lines().map_while(Result::ok);
        let line = welcome.find(|line| line.trim_start().starts_with("listening")).expect("it comes up");
        let address = line.split_whitespace().last().unwrap().parse().unwrap();
        // The server would get an error if it wrote to a pipe without a reader.
        std::thread::spawn(move || welcome.for_each(drop));
        Self { process, address }
    }

    pub(crate) const fn address(&self) -> SocketAddr {
        self.address
    }

    pub(crate) fn get(&self, path: &str, bearer: Option<&str>) -> JsonAnswer {
        self.get_in("default", path, bearer)
    }

    pub(crate) fn post(&self, path: &str, bearer: Option<&str>, body: &Value) -> JsonAnswer {
        self.post_in("default", path, bearer, body)
    }

    pub(crate) fn get_in(&self, tenant: &str, path: &str, bearer: Option<&str>) -> JsonAnswer {
        self.ask(tenant, ("GET", path), bearer, None)
    }

    pub(crate) fn post_in(&self, tenant: &str, path: &str, bearer: Option<&str>, body: &Value) -> JsonAnswer {
        self.ask(tenant, ("POST", path), bearer, Some(body))
    }

    /// The body of an answer that is not JSON.
    pub(crate) fn text(&self, path: &str) -> String {
        self.exchange("default", ("GET", path), None, None).1
    }

    fn ask(
        &self,
        tenant: &str,
        what: (&str, &str),
        bearer: Option<&str>,
        body: Option<&Value>,
    ) -> JsonAnswer {
        let (status, body) = self.exchange(tenant, what, bearer, body);
        JsonAnswer { status, body: serde_json::from_str(&body).unwrap_or(Value::Null) }
    }

    fn exchange(
        &self,
        tenant: &str,
        (method, path): (&str, &str),
        bearer: Option<&str>,
        body: Option<&Value>,
    ) -> (u16, String) {
        let mut stream = TcpStream::connect(self.address).unwrap();
        stream.set_read_timeout(Some(DEADLINE)).unwrap();
        let body = body.map(Value::to_string).unwrap_or_default();
        let bearer = bearer.map(|token| format!("authorization: Bearer {token}\r\n")).unwrap_or_default();
        let length = body.len();
        write!(
            stream,
            "{method} {path} HTTP/1.1\r\nhost: {}\r\nconnection: close\r\nx-tenant-id: {tenant}\r\nuser-agent: story/1\r\n{bearer}\
             content-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}",
            self.address
        )
        .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        (status, body.to_owned())
    }

    /// Signs in with [`PASSWORD`].
    #[track_caller]
    pub(crate) fn password_sign_in(&self, strategy: &str, email: &str) -> Value {
        let answer = self.try_sign_in(strategy, email, PASSWORD);
        assert_eq!(answer.status, 201, "{answer:?}");
        answer.body
    }

    pub(crate) fn try_sign_in(&self, strategy: &str, email: &str, password: &str) -> JsonAnswer {
        let body = json!({ "email": email, "password": password });
        self.post(&format!("/auth/{strategy}/login"), None, &body)
    }

    pub(crate) fn profile(&self, strategy: &str, token: &str) -> u16 {
        self.get(&format!("/auth/{strategy}/profile"), Some(token)).status
    }

    /// Waits until the server refuses the credential.
    #[track_caller]
    pub(crate) fn wait_until_refused(&self, strategy: &str, token: &str) {
        wait_until("the profile is refused", || self.profile(strategy, token) == 401);
    }
}

/// Waits for a state that no event announces.
#[track_caller]
pub(crate) fn wait_until(what: &str, look: impl Fn() -> bool) {
    let begun = Instant::now();
    while !look() {
        assert!(begun.elapsed() < DEADLINE, "it never came about that {what}");
        sleep(PAUSE);
    }
}

impl Drop for RunningServer {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[derive(Debug)]
pub(crate) struct JsonAnswer {
    pub(crate) status: u16,
    pub(crate) body: Value,
}

/// A JSON value that must be a string.
#[track_caller]
pub(crate) fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("no text: {value}"))
}

/// A part of a token, not verified: 0 is the header, 1 the claims.
pub(crate) fn token_part(token: &str, part: usize) -> Value {
    let encoded = token.split('.').nth(part).unwrap();
    let bytes: Vec<u8> = encoded.bytes().map(sextet).collect();
    let decoded: Vec<u8> = bytes
        .chunks(4)
        .flat_map(|chunk| {
            let bits =
                chunk.iter().fold(0u32, |bits, six| (bits << 6) | u32::from(*six)) << (6 * (4 - chunk.len()));
            bits.to_be_bytes()[1..chunk.len()].to_vec()
        })
        .collect();
    serde_json::from_slice(&decoded).unwrap()
}

fn sextet(letter: u8) -> u8 {
    const LETTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    u8::try_from(LETTERS.iter().position(|known| *known == letter).unwrap()).unwrap()
}
