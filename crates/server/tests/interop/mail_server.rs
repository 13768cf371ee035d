//! A mail server in Python that keeps the mails it receives.

use std::io::{BufRead as _, BufReader};
use std::path::PathBuf;
use std::process::Child;
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;

use crate::scripts::python_process;
use crate::server_process::ReservedPort;

/// When a mail is given up; longer than the server ever puts one off.
const DEADLINE: Duration = Duration::from_mins(5);

pub(crate) struct MailServer {
    process: Child,
    kept: Receiver<Value>,
    port: u16,
    folder: TempDir,
}

impl MailServer {
    /// A server that requires these of `tls` (STARTTLS), `implicit` (TLS from the first byte) and `login`.
    pub(crate) fn that_wants(wishes: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut command = python_process("smtp.py");
        let mut process = command.arg(folder.path()).args(wishes).spawn().unwrap();
        let lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let (told, kept) = mpsc::channel();
        thread::spawn(move || {
            let mut values = lines.map_while(Result::ok).map(|line| serde_json::from_str(&line).unwrap());
            values.try_for_each(|value| told.send(value))
        });
        let first: Value = kept.recv().expect("the mail server did not start");
        let port = u16::try_from(first["port"].as_u64().unwrap()).unwrap();
        Self { process, kept, port, folder }
    }

    /// A server that listens on this port.
    pub(crate) fn at(port: &ReservedPort) -> Self {
        Self::that_wants(&[&format!("port={}", port.number())])
    }

    /// Waits for the next mail.
    pub(crate) fn next(&self) -> Value {
        self.kept.recv_timeout(DEADLINE).expect("a mail that does not come")
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// The file with the certificate authority that signed the server's certificate.
    pub(crate) fn authority(&self) -> PathBuf {
        self.folder.path().join("ca.pem")
    }

    /// Stops the server and returns the mails that `next` has not taken.
    pub(crate) fn stop(mut self) -> Vec<Value> {
        drop(self.process.stdin.take());
        let kept = self.kept.iter().collect();
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
