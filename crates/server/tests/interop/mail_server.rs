//! A mail server in another language, which keeps what it is sent.

use std::io::{BufRead as _, BufReader, Lines};
use std::path::PathBuf;
use std::process::{Child, ChildStdout};

use serde_json::Value;
use tempfile::TempDir;

use crate::tools::python_until_told;

pub(crate) struct MailServer {
    process: Child,
    lines: Lines<BufReader<ChildStdout>>,
    port: u16,
    folder: TempDir,
}

impl MailServer {
    /// One that wants `tls`, speaks it from the first byte (`implicit`), wants a `login`.
    pub(crate) fn that_wants(wishes: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut command = python_until_told("smtp.py");
        let mut process = command.arg(folder.path()).args(wishes).spawn().unwrap();
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let first: Value = serde_json::from_str(&lines.next().unwrap().unwrap()).unwrap();
        let port = u16::try_from(first["port"].as_u64().unwrap()).unwrap();
        Self { process, lines, port, folder }
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// The authority that vouches for it.
    pub(crate) fn authority(&self) -> PathBuf {
        self.folder.path().join("ca.pem")
    }

    /// Stops it, and returns what it has kept.
    pub(crate) fn stop(mut self) -> Vec<Value> {
        drop(self.process.stdin.take());
        let kept = self.lines.by_ref().map(|line| serde_json::from_str(&line.unwrap()).unwrap()).collect();
        self.process.wait().unwrap();
        kept
    }
}

impl Drop for MailServer {
    fn drop(&mut self) {
        // It may be gone already.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
