//! How a command fails: an exit code, and one line for each cause.

use std::fmt::Display;
use std::io::{self, Write};
use std::process::ExitCode;

use portcullis_core::engine::{FeedKeyError, KeyError, TenantError, UserAdminError};
use portcullis_core::store::StoreError;

use super::escaped::Escaped;
use crate::config::ConfigFault;
use crate::open::CannotOpen;

/// The exit codes of every command, with what each means.
pub(super) const EXIT_CODES: [(u8, &str); 3] =
    [(0, "done"), (1, "not done"), (2, "the command line or the configuration is wrong")];

/// The exit codes in one line.
pub(super) fn exit_codes() -> String {
    let codes: Vec<String> = EXIT_CODES.iter().map(|(code, meaning)| format!("{code} {meaning}")).collect();
    format!("Exit codes: {}.", codes.join(", "))
}

/// How a command failed.
#[derive(Debug)]
pub(super) enum Failure {
    /// The command line or the configuration is wrong: exit code 2.
    Usage(Vec<String>),
    /// Anything else: exit code 1.
    Other(String),
    /// The reader of the output has closed it, as `head` does. This is no failure: exit code 0.
    OutputClosed,
}

impl Failure {
    pub(super) fn usage(cause: impl Display) -> Self {
        Self::Usage(vec![cause.to_string()])
    }

    pub(super) fn other(cause: impl Display) -> Self {
        Self::Other(cause.to_string())
    }

    /// Writes the causes to `err` and returns the exit code.
    pub(super) fn report(self, err: &mut dyn Write) -> ExitCode {
        let (lines, code) = match self {
            Self::Usage(lines) => (lines, 2),
            Self::Other(line) => (vec![line], 1),
            Self::OutputClosed => return ExitCode::SUCCESS,
        };
        for line in lines {
            // If standard error is closed, too, no reader is left.
            let _ = writeln!(err, "portcullis: {}", Escaped(&line.replace('\n', " ")));
        }
        ExitCode::from(code)
    }
}

impl From<Vec<ConfigFault>> for Failure {
    fn from(faults: Vec<ConfigFault>) -> Self {
        Self::Usage(faults.iter().map(ToString::to_string).collect())
    }
}

impl From<io::Error> for Failure {
    fn from(fault: io::Error) -> Self {
        if fault.kind() == io::ErrorKind::BrokenPipe { Self::OutputClosed } else { Self::other(fault) }
    }
}

impl From<CannotOpen> for Failure {
    fn from(fault: CannotOpen) -> Self {
        if fault.is_of_configuration() { Self::usage(fault) } else { Self::other(fault) }
    }
}

macro_rules! shown_as_it_is {
    ($($fault:ty),*) => {
        $(impl From<$fault> for Failure {
            fn from(fault: $fault) -> Self {
                Self::other(fault)
            }
        })*
    };
}

shown_as_it_is!(UserAdminError, FeedKeyError, KeyError, StoreError, TenantError);
