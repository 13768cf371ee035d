//! The statements, in SQL that SQLite and PostgreSQL both understand: numbered parameters, `RETURNING`, `ON CONFLICT`.
//!
//! Each function is one step on a connection that somebody else opened. Those that read and then write must be called
//! inside a transaction that keeps other writers out.

pub(crate) mod attempts;
pub(crate) mod epochs;
pub(crate) mod keys;
pub(crate) mod mail;
mod row;
pub(crate) mod sessions;
pub(crate) mod tenants;
pub(crate) mod tickets;
pub(crate) mod users;

use portcullis_core::clock::Timestamp;
use portcullis_core::secret::SecretHash;
use portcullis_core::store::{Inserted, StoreError, Stored};
use sqlx::query::Query;

/// The database that the statements run on.
pub(crate) type Database = sqlx::Sqlite;
/// A connection to it.
pub(crate) type Connection = sqlx::SqliteConnection;

/// Why a step did not take place.
#[derive(Debug)]
pub(crate) enum Fault {
    /// The database's reason.
    Database(sqlx::Error),
    /// Ours: what it holds makes no sense.
    Record(StoreError),
}

impl From<sqlx::Error> for Fault {
    fn from(fault: sqlx::Error) -> Self {
        Self::Database(fault)
    }
}

impl From<StoreError> for Fault {
    fn from(fault: StoreError) -> Self {
        Self::Record(fault)
    }
}

impl Fault {
    /// The error of a verb that met this while it was `doing` something.
    pub(crate) fn while_doing(self, doing: &'static str) -> StoreError {
        match self {
            Self::Database(source) => StoreError::unavailable(doing, source),
            Self::Record(fault) => fault,
        }
    }
}

/// What a step gives.
pub(crate) type Step<T> = Result<T, Fault>;

/// A statement with some of its parameters.
type Statement<'q> = Query<'q, Database, <Database as sqlx::Database>::Arguments>;

/// Whether the one row was written.
const fn inserted(rows: u64) -> Inserted {
    if rows == 0 { Inserted::Clash } else { Inserted::Done }
}

/// A number that only counts up, as a column. No counting reaches 2^63.
fn count(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn millis(moment: Option<Timestamp>) -> Option<i64> {
    moment.map(Timestamp::as_millis)
}

fn bytes(hash: Option<&SecretHash>) -> Option<&[u8]> {
    hash.map(|hash| hash.as_bytes().as_slice())
}

/// All rows, read.
fn all<R, T>(rows: &[R], read: impl Fn(&R) -> Stored<T>) -> Step<Vec<T>> {
    rows.iter().map(|row| read(row).map_err(Fault::from)).collect()
}
