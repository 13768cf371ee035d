//! Why a store did not do what it was asked.

use std::error::Error;
use std::fmt;
use std::sync::Arc;

use thiserror::Error;

/// A store did not do what it was asked. This is an outage, never a rejection: it signs no user out and lets none in.
///
/// Its `Debug` is its sentence too: a `main` that returns it tells its user what is wrong.
#[derive(Clone, Error)]
pub enum StoreError {
    /// The database could not be reached, or gave up. Trying again may help.
    #[error("the store could not {doing}: {source}")]
    Unavailable {
        /// The verb, as in "insert a session".
        doing: &'static str,
        /// The database's own error.
        source: Arc<dyn Error + Send + Sync>,
    },
    /// Too many requests wait for the database. Trying again helps.
    #[error("the store is asked for too much at once")]
    Overloaded,
    /// The database holds something that this program never writes. Trying again does not help.
    #[error("{record} {id} has a corrupt {field}")]
    Corrupt {
        /// The kind of record, as in "session".
        record: &'static str,
        /// The id of the record.
        id: String,
        /// The field that cannot be read.
        field: &'static str,
    },
}

impl fmt::Debug for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl StoreError {
    /// The database did not carry out a verb.
    pub fn unavailable(doing: &'static str, source: impl Error + Send + Sync + 'static) -> Self {
        Self::Unavailable { doing, source: Arc::new(source) }
    }

    /// A record cannot be read.
    pub fn corrupt(record: &'static str, id: &impl ToString, field: &'static str) -> Self {
        Self::Corrupt { record, id: id.to_string(), field }
    }
}
