#![cfg(test)]
//! A Redis server of the tests' own, on Debian's program.

use std::io::Write as _;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use portcullis_stores::RedisUrl;
use tempfile::TempDir;
use tokio::time::sleep;

use super::ReservedPort;

/// A server, which ends with this value or with the process that it was started by.
pub(super) struct RedisServer {
    folder: TempDir,
    port: ReservedPort,
    settings: Vec<String>,
    running: Option<Child>,
}

impl RedisServer {
    /// A server with these settings beside those of all tests.
    pub(super) async fn start(settings: &[&str]) -> Self {
        let settings = settings.iter().map(|&setting| setting.to_owned()).collect();
        let folder = TempDir::with_prefix("portcullis-redis-").unwrap();
        let mut server = Self { folder, port: ReservedPort::new(), settings, running: None };
        server.run();
        server.is_up().await;
        server
    }

    /// Runs the server under a shell, which ends it once this process has ended.
    pub(super) fn run(&mut self) {
        let mut shell = Command::new("sh");
        let script = "\"$@\" & server=$!; echo $server > pid; read last; kill -KILL $server; wait $server";
        shell.args(["-c", script, "sh", "redis-server", "--bind", "127.0.0.1", "--save", ""]);
        shell
            .args(["--port", &self.port.number().to_string(), "--dir"])
            .arg(self.folder.path())
            .args(&self.settings);
        shell.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        self.running = Some(shell.current_dir(self.folder.path()).spawn().unwrap());
    }

    /// Waits until the server takes commands.
    pub(super) async fn is_up(&self) {
        for _ in 0..3_000 {
            if self.cli(&["PING"]).is_some_and(|answer| answer.contains("PONG") || answer.contains("NOAUTH"))
            {
                return;
            }
            sleep(Duration::from_millis(10)).await;
        }
        panic!("no Redis server starts: these tests need Debian's package `redis-server`");
    }

    /// Ends the server without a word to its clients.
    pub(super) fn kill(&mut self) {
        if let Some(mut running) = self.running.take() {
            running.stdin.take().unwrap().write_all(b"now\n").unwrap();
            running.wait().unwrap();
        }
    }

    /// Sends a signal to the server.
    pub(super) fn signal(&self, name: &str) {
        let script = format!("kill -{name} $(cat pid)");
        let sent = Command::new("sh").args(["-c", &script]).current_dir(self.folder.path()).status().unwrap();
        assert!(sent.success());
    }

    /// What the server answers to a command that an operator types.
    pub(super) fn by_hand(&self, command: &[&str]) -> String {
        self.cli(command).unwrap()
    }

    fn cli(&self, command: &[&str]) -> Option<String> {
        let mut shell = Command::new("redis-cli");
        let done = shell.args(["-p", &self.port.number().to_string()]).args(command).output().unwrap();
        done.status.success().then(|| String::from_utf8(done.stdout).unwrap())
    }

    /// The URL of the server, for keys with this prefix.
    pub(super) fn url(&self, prefix: &str) -> RedisUrl {
        RedisUrl::parse(&format!("redis://127.0.0.1:{}?prefix={prefix}", self.port.number())).unwrap()
    }

    pub(super) fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port.number())
    }
}

impl Drop for RedisServer {
    fn drop(&mut self) {
        self.kill();
    }
}
