//! Why a verb did not do what was asked.

use std::fmt;
use std::process::ExitCode;

/// The two kinds of failure that a caller can tell apart by the exit code.
#[derive(Debug)]
pub(crate) enum VerbFailure {
    /// The caller must do something before trying again: exit code 2.
    Usage(String),
    /// The work was done and its result is bad, or it could not be done: exit code 1.
    Broken(String),
}

impl VerbFailure {
    /// What to tell the shell.
    pub(crate) fn exit_code(&self) -> ExitCode {
        match self {
            Self::Usage(_) => ExitCode::from(2),
            Self::Broken(_) => ExitCode::FAILURE,
        }
    }

    /// For `map_err`: an error with what was being done when it happened.
    pub(crate) fn doing<E: fmt::Display>(what: impl fmt::Display) -> impl FnOnce(E) -> Self {
        move |error| Self::Broken(format!("{what}: {error}"))
    }
}

impl fmt::Display for VerbFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Usage(text) | Self::Broken(text) => f.write_str(text),
        }
    }
}
