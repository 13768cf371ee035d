//! A machine that boots systemd from a Debian root. It has this machine's network, and everything else for itself.

use std::fs::{self, File};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

use crate::debian_root::DebianRoot;
use crate::shell::Outcome;

/// How often is looked whether something has come about, and how often at most.
const PAUSE: Duration = Duration::from_millis(100);
const PATIENCE: u32 = 3_000;

/// The machine. It is switched off with its owner.
pub(crate) struct Machine {
    pub(crate) root: DebianRoot,
    container: Child,
    /// The process with the number 1 in it, as this machine counts.
    init: u32,
}

impl Machine {
    /// Boots, and waits until it is up.
    pub(crate) fn boot(root: DebianRoot) -> Self {
        let container = container_of(&root).spawn().unwrap();
        let mut machine = Self { root, container, init: 0 };
        machine.init = machine.eventually("it starts", Self::find_init);
        machine.eventually("it is up", |machine| {
            let state = machine.ask("systemctl", &["is-system-running", "--wait"]).text;
            ["running", "degraded"].contains(&state.trim()).then_some(())
        });
        machine
    }

    fn find_init(&self) -> Option<u32> {
        let pid = self.container.id();
        let children = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).ok()?;
        let init: u32 = children.split_whitespace().next()?.parse().ok()?;
        // Before it is systemd, it is a process of the container's program.
        let program = fs::read_to_string(format!("/proc/{init}/comm")).ok()?;
        (program.trim() == "systemd").then_some(init)
    }

    /// Waits until there is an answer.
    pub(crate) fn eventually<T>(&self, what: &str, mut look: impl FnMut(&Self) -> Option<T>) -> T {
        for _ in 0..PATIENCE {
            if let Some(found) = look(self) {
                return found;
            }
            thread::sleep(PAUSE);
        }
        panic!(
            "never: {what}\n{}\n{}",
            self.console(),
            self.ask("journalctl", &["--boot", "--lines=100"]).text
        )
    }

    fn console(&self) -> String {
        fs::read_to_string(self.root.beside().join("console")).unwrap_or_default()
    }

    /// Runs a program in it, as its root.
    pub(crate) fn ask(&self, program: &str, arguments: &[&str]) -> Outcome {
        let mut enter = Command::new("nsenter");
        enter
            .args(["--all", "--root", "--wd", "--target", &self.init.to_string(), "--", program])
            .args(arguments);
        enter
            .env_clear()
            .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
            .env("DEBIAN_FRONTEND", "noninteractive");
        Outcome::of(enter.env("LC_ALL", "C.UTF-8"))
    }

    /// The same, and it must succeed.
    pub(crate) fn run(&self, program: &str, arguments: &[&str]) -> String {
        let outcome = self.ask(program, arguments);
        if !outcome.success {
            let journal = self.ask("journalctl", &["--boot", "--lines=60", "--no-pager"]).text;
            panic!("{program} {arguments:?}: {}\n{journal}", outcome.text);
        }
        outcome.text
    }

    /// What a service manager's property says.
    pub(crate) fn property(&self, unit: &str, name: &str) -> String {
        self.run("systemctl", &["show", "--value", "--property", name, unit]).trim().to_owned()
    }
}

fn container_of(root: &DebianRoot) -> Command {
    let console = File::create(root.beside().join("console")).unwrap();
    let name = format!("portcullis-{}", std::process::id());
    // It goes with this process, also if that is killed.
    let mut nspawn = Command::new("setpriv");
    nspawn.args([
        "--pdeathsig=KILL",
        "--",
        "systemd-nspawn",
        "--quiet",
        "--boot",
        "--register=no",
        "--keep-unit",
        "--link-journal=no",
        "--console=pipe",
    ]);
    nspawn.args(["--resolv-conf=off", "--timezone=off", "--machine", &name, "--directory"]).arg(root.path());
    nspawn.stdin(Stdio::null()).stdout(console.try_clone().unwrap()).stderr(console);
    nspawn
}

impl Drop for Machine {
    fn drop(&mut self) {
        // It is told to switch itself off, and may be gone already.
        let pid = self.container.id().to_string();
        let _ = Command::new("kill").args(["-TERM", &pid]).status();
        for _ in 0..100 {
            if self.container.try_wait().is_ok_and(|ended| ended.is_some()) {
                return;
            }
            thread::sleep(PAUSE);
        }
        let _ = self.container.kill();
        let _ = self.container.wait();
    }
}
