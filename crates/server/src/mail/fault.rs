//! What is wrong with a template, and where.

use std::fmt;

/// One thing that is wrong with a file of texts, in one line.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Fault {
    file: String,
    /// Counted from 1; none where the whole file is meant.
    line: Option<usize>,
    message: String,
}

impl Fault {
    pub(super) fn new(file: &str, line: usize, message: impl Into<String>) -> Self {
        Self { line: Some(line), ..Self::of_file(file, message) }
    }

    pub(super) fn of_file(file: &str, message: impl Into<String>) -> Self {
        Self { file: file.to_owned(), line: None, message: message.into() }
    }
}

/// `templates/en.toml:12: …`
impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            Some(line) => write!(f, "{}:{line}: {}", self.file, self.message),
            None => write!(f, "{}: {}", self.file, self.message),
        }
    }
}

impl std::error::Error for Fault {}
