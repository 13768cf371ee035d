//! What is wrong with a template, and where.

use std::fmt;

use thiserror::Error;

/// Texts and layouts cannot be used as configured.
#[derive(Debug, Error)]
pub enum TemplateError {
    /// Every fault in texts and layouts.
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
    Faults(Vec<TemplateFault>),
    /// There are no texts in the configured language.
    #[error(
        "mail.language: there are no texts in {0:?}; add {0}.toml to the folder that mail.templates names, or choose another \
         language"
    )]
    Language(String),
}

/// One fault in a file of texts or a layout, in one line.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TemplateFault {
    file: String,
    /// Counted from 1; `None` if the fault is in no particular line.
    line: Option<usize>,
    message: String,
}

impl TemplateFault {
    pub(crate) fn new(file: &str, line: usize, message: impl Into<String>) -> Self {
        Self { line: Some(line), ..Self::of_file(file, message) }
    }

    pub(crate) fn of_file(file: &str, message: impl Into<String>) -> Self {
        Self { file: file.to_owned(), line: None, message: message.into() }
    }
}

/// `templates/en.toml:12: …`
impl fmt::Display for TemplateFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            Some(line) => write!(f, "{}:{line}: {}", self.file, self.message),
            None => write!(f, "{}: {}", self.file, self.message),
        }
    }
}

impl std::error::Error for TemplateFault {}
