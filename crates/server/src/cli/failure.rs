//! How a command fails: an exit code, and a line for each cause.

use std::fmt::Display;
use std::io::{self, Write};
use std::process::ExitCode;

use portcullis_core::engine::{KeyError, TenantError, UserAdminError};
use portcullis_core::store::StoreError;

use super::escaped::Escaped;
use crate::config::ConfigFault;
use crate::open::CannotOpen;

/// How a command failed.
#[derive(Debug)]
pub(super) enum Failure {
    /// The command line or the configuration is at fault: exit code 2.
    Usage(Vec<String>),
    /// Anything else: exit code 1.
    Other(String),
    /// Whoever read the output has read enough, as `head` does: no failure at all.
    OutputClosed,
}

impl Failure {
    pub(super) fn usage(cause: impl Display) -> Self {
        Self::Usage(vec![cause.to_string()])
    }

    pub(super) fn other(cause: impl Display) -> Self {
        Self::Other(cause.to_string())
    }

    /// Says what went wrong, and gives the exit code.
    pub(super) fn report(self, err: &mut dyn Write) -> ExitCode {
        let (lines, code) = match self {
            Self::Usage(lines) => (lines, 2),
            Self::Other(line) => (vec![line], 1),
            Self::OutputClosed => return ExitCode::SUCCESS,
        };
        for line in lines {
            // There is nobody left to tell.
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

macro_rules! shown_as_it_is {
    ($($fault:ty),*) => {
        $(impl From<$fault> for Failure {
            fn from(fault: $fault) -> Self {
                Self::other(fault)
            }
        })*
    };
}

shown_as_it_is!(UserAdminError, CannotOpen, KeyError, StoreError, TenantError);
