//! A fault of the configuration, with the place of the value.

use std::path::Path;
use std::{fmt, io};

use crate::origin::Origin;

/// One fault in one line: where, what, and what would be right.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ConfigFault {
    origin: Origin,
    key: Option<String>,
    message: String,
}

impl ConfigFault {
    /// A fault of the value that was written there.
    pub fn new(origin: Origin, message: impl Into<String>) -> Self {
        Self { origin, key: None, message: message.into() }
    }

    /// The same fault with its key, which is shown unless the origin already names it.
    #[must_use]
    pub fn about(self, key: impl Into<String>) -> Self {
        Self { key: Some(key.into()), ..self }
    }

    /// Whether it is of this key, or of one within its table.
    #[must_use]
    pub fn is_about(&self, key: &str) -> bool {
        let rest = self.key.as_deref().and_then(|known| known.strip_prefix(key));
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    }

    /// Where the value was written.
    #[must_use]
    pub const fn origin(&self) -> &Origin {
        &self.origin
    }
}

/// The message about a file that cannot be read.
#[must_use]
pub fn unreadable(path: &Path, error: &io::Error) -> String {
    format!("cannot read {:?}: {error}", path.to_string_lossy())
}

/// `portcullis.toml:12: limits.body: …`, `variable PORTCULLIS_LISTEN: …`, `flag --listen: …`.
impl fmt::Display for ConfigFault {
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

impl std::error::Error for ConfigFault {}
