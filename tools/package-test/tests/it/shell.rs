//! Commands, and what came of them.

use std::process::{Command, Stdio};

/// What a command has said, and how it ended.
pub(crate) struct Outcome {
    line: String,
    pub(crate) success: bool,
    /// Both of its outputs.
    pub(crate) text: String,
}

impl Outcome {
    /// Runs the command to its end.
    pub(crate) fn of(command: &mut Command) -> Self {
        let output =
            command.stdin(Stdio::null()).output().unwrap_or_else(|fault| panic!("{command:?}: {fault}"));
        let text =
            [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat();
        Self { line: format!("{command:?}"), success: output.status.success(), text }
    }

    /// What a command has said that must have succeeded.
    pub(crate) fn ok(self) -> String {
        assert!(self.success, "{}\n{}", self.line, self.text);
        self.text
    }

    /// What a command has said that must have failed.
    pub(crate) fn refused(self) -> String {
        assert!(!self.success, "{}\n{}", self.line, self.text);
        self.text
    }
}

/// Runs a program of this machine, which must succeed.
pub(crate) fn run(program: &str, arguments: &[&str]) -> String {
    Outcome::of(Command::new(program).args(arguments)).ok()
}
