//! What is wrong with a configuration, and where it says so.

use std::path::{Path, PathBuf};
use std::{fmt, io};

/// Where a value came from. The order is the one in which faults are shown.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Origin {
    /// A flag of the command line, without its dashes.
    Flag(String),
    /// An environment variable.
    Variable(String),
    /// A line of the configuration file, counted from 1.
    File {
        /// The file, as it was named.
        path: PathBuf,
        /// The line.
        line: usize,
    },
    /// Nobody stated it.
    Default,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flag(name) => write!(f, "flag --{name}"),
            Self::Variable(name) => write!(f, "variable {name}"),
            Self::File { path, line } => write!(f, "{}:{line}", path.display()),
            Self::Default => f.write_str("default"),
        }
    }
}

/// One thing that is wrong, in one line: where, what, and what would be right.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Fault {
    origin: Origin,
    key: Option<String>,
    message: String,
}

impl Fault {
    pub(super) fn new(origin: Origin, message: impl Into<String>) -> Self {
        Self { origin, key: None, message: message.into() }
    }

    /// The same fault with the key it is about, which is shown where the origin does not name it already.
    pub(super) fn about(self, key: impl Into<String>) -> Self {
        Self { key: Some(key.into()), ..self }
    }

    /// Where the configuration says so.
    #[must_use]
    pub const fn origin(&self) -> &Origin {
        &self.origin
    }
}

/// What to say of a file that cannot be read.
pub(super) fn unreadable(path: &Path, error: &io::Error) -> String {
    format!("cannot read {:?}: {error}", path.to_string_lossy())
}

/// `portcullis.toml:12: limits.body: …`, `variable PORTCULLIS_LISTEN: …`, `flag --listen: …`.
impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let key = self.key.as_deref();
        match (&self.origin, key) {
            (Origin::Default, None) => f.write_str(&self.message),
            (Origin::Default, Some(key)) => write!(f, "{key}: {}", self.message),
            (Origin::File { .. }, Some(key)) => write!(f, "{}: {key}: {}", self.origin, self.message),
            _ => write!(f, "{}: {}", self.origin, self.message),
        }
    }
}

impl std::error::Error for Fault {}
