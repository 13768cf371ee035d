//! What keeps PostgreSQL from doing something, and what that means for the connection and for another try.

use std::time::Duration;

use thiserror::Error;

/// Why a statement did not get an answer of the server's own.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
pub(super) enum UnansweredStep {
    /// The answer did not come in time. The statement may still be done.
    #[error("there was no answer within {} seconds", .0.as_secs())]
    Late(Duration),
    /// All connections are in use.
    #[error("none of its {0} connections became free in time")]
    Busy(usize),
    /// The store was closed.
    #[error("the database has been closed")]
    Closed,
}

/// A step that must keep others out runs where it cannot.
#[derive(Clone, Copy, Debug, Error)]
#[error("a step that must keep others out runs outside a transaction")]
pub(super) struct OutsideTransaction;

/// What an error of the driver means.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum FaultMeaning {
    /// Another transaction was first, or holds a lock for long: trying again helps.
    Conflict,
    /// A newer version has changed the tables under a prepared statement: preparing it anew helps.
    StalePlan,
    /// Another row has the unique name.
    NameTaken,
    /// The connection is of no use any more, or its server is not.
    Connection,
    /// The statement was refused.
    Refused,
}

impl FaultMeaning {
    pub(super) fn of(fault: &sqlx::Error) -> Self {
        let sqlx::Error::Database(refused) = fault else { return Self::of_driver(fault) };
        match refused.code().as_deref() {
            Some("40001" | "40P01" | "55P03") => Self::Conflict,
            Some("0A000" | "26000") => Self::StalePlan,
            Some("23505") => Self::NameTaken,
            // Read-only since a failover, idle for too long inside a transaction, out of connections or memory.
            Some("25006" | "25P03") => Self::Connection,
            Some(code) if ["08", "53", "57P", "58", "XX"].iter().any(|class| code.starts_with(class)) => {
                Self::Connection
            }
            _ => Self::Refused,
        }
    }

    /// Where a column cannot be read, the connection is sound.
    const fn of_driver(fault: &sqlx::Error) -> Self {
        match fault {
            sqlx::Error::ColumnDecode { .. }
            | sqlx::Error::ColumnNotFound(_)
            | sqlx::Error::Decode(_)
            | sqlx::Error::RowNotFound => Self::Refused,
            _ => Self::Connection,
        }
    }
}
