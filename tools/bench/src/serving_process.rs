//! A program beside the server that serves on a port of its own choice: its first line says where.

use std::fs;
use std::io::{self, BufRead as _, BufReader};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};

/// A running program; dropping this kills it.
#[derive(Debug)]
pub struct ServingProcess {
    child: Child,
    /// Where it listens.
    pub address: SocketAddr,
}

impl ServingProcess {
    /// Starts it and waits for its address, which may be a URL at the end of the line.
    ///
    /// # Errors
    /// What the system says, or that it said no address.
    pub fn start(command: &mut Command) -> io::Result<Self> {
        let mut child = command.stdout(Stdio::piped()).spawn()?;
        let mut line = String::new();
        if let Some(stdout) = child.stdout.take() {
            BufReader::new(stdout).read_line(&mut line)?;
        }
        // A process of no address is killed and reaped too.
        let nowhere = SocketAddr::from(([0, 0, 0, 0], 0));
        let said = line.trim().rsplit("http://").next().unwrap_or_default();
        let started = Self { child, address: said.parse().unwrap_or(nowhere) };
        if started.address == nowhere {
            return Err(io::Error::other(format!("{command:?} did not say where it listens")));
        }
        Ok(started)
    }

    /// Its process id.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for ServingProcess {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill().and_then(|()| self.child.wait());
    }
}

/// The processes that a process of one thread has started and that have not ended.
#[must_use]
pub fn children_of(pid: u32) -> Vec<u32> {
    let children = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap_or_default();
    children.split_whitespace().filter_map(|child| child.parse().ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_that_says_no_address_is_no_service() {
        for said in ["127.0.0.1:7", "It is on http://127.0.0.1:7"] {
            let script = format!("echo {said}; exec sleep 1000");
            let started = ServingProcess::start(Command::new("sh").args(["-c", &script])).unwrap();
            assert_eq!(started.address, SocketAddr::from(([127, 0, 0, 1], 7)));
        }
        let silent = ServingProcess::start(&mut Command::new("true")).unwrap_err();
        assert_eq!(silent.to_string(), r#""true" did not say where it listens"#);
    }
}
