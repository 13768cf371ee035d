//! A value as it was written, and the place where it was written.

use std::path::{Path, PathBuf};
use std::{fmt, io};

/// Reads a file, given its path.
pub type OpenFile<'a> = &'a dyn Fn(&Path) -> io::Result<String>;

/// A value as text, before it is parsed.
#[derive(Clone, Debug)]
pub struct StatedValue {
    /// The text.
    pub text: String,
    /// Where it was written.
    pub origin: Origin,
}

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
    /// No source: the default applies.
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
