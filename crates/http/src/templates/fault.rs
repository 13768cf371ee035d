//! What is wrong with a template, and where.

use std::fmt::Display;

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

/// One fault in a file of texts or a layout, in one line: `templates/en.toml:12: …`
#[derive(Clone, PartialEq, Eq, Debug, Error)]
#[error("{0}")]
pub struct TemplateFault(String);

impl TemplateFault {
    /// A fault in this line, counted from 1.
    pub fn new(file: &str, line: usize, message: impl Display) -> Self {
        Self(format!("{file}:{line}: {message}"))
    }

    /// A fault in no particular line.
    pub fn of_file(file: &str, message: impl Display) -> Self {
        Self(format!("{file}: {message}"))
    }
}
