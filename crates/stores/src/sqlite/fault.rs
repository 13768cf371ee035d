//! What keeps SQLite from doing something.

use std::io;

use rusqlite::ErrorCode;
use thiserror::Error;

/// Why SQLite did not do something.
#[derive(Debug, Error)]
pub enum SqliteFault {
    /// The system refused it, or the file is gone.
    #[error(transparent)]
    File(#[from] io::Error),
    /// SQLite refused it.
    #[error(transparent)]
    Database(#[from] rusqlite::Error),
}

impl SqliteFault {
    /// Whether another process held a lock: trying again may help.
    pub(super) fn is_locked(&self) -> bool {
        self.code().is_some_and(|code| matches!(code, ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked))
    }

    /// Whether the file is no database.
    pub(super) fn is_no_database(&self) -> bool {
        self.code() == Some(ErrorCode::NotADatabase)
    }

    fn code(&self) -> Option<ErrorCode> {
        match self {
            Self::Database(fault) => fault.sqlite_error_code(),
            Self::File(_) => None,
        }
    }
}
