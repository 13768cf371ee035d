//! What a store says when it cannot do what it was asked.

use std::error::Error;
use std::sync::Arc;

use thiserror::Error;

/// A store did not do what it was asked. It is never a refusal: nobody may be signed out, or let in, because of it.
#[derive(Clone, Debug, Error)]
pub enum StoreError {
    /// It could not be reached, or gave up. Trying again may help.
    #[error("the store could not {doing}: {source}")]
    Unavailable {
        /// What was asked of it, as in "insert a session".
        doing: &'static str,
        /// What it said.
        source: Arc<dyn Error + Send + Sync>,
    },
    /// It is asked for more than it is allowed to do at once. Trying again helps.
    #[error("the store is asked for too much at once")]
    Overloaded,
    /// It holds something that we never write. Trying again does not help.
    #[error("{record} {id} has a corrupt {field}")]
    Corrupt {
        /// The kind of record, as in "session".
        record: &'static str,
        /// Which one.
        id: String,
        /// The member that makes no sense.
        field: &'static str,
    },
}

impl StoreError {
    /// The store could not do something.
    pub fn unavailable(doing: &'static str, source: impl Error + Send + Sync + 'static) -> Self {
        Self::Unavailable { doing, source: Arc::new(source) }
    }

    /// A record makes no sense.
    pub fn corrupt(record: &'static str, id: &impl ToString, field: &'static str) -> Self {
        Self::Corrupt { record, id: id.to_string(), field }
    }
}
