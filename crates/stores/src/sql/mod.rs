//! The statements, in SQL that SQLite and PostgreSQL both understand: numbered parameters, `RETURNING`, `ON CONFLICT`.
//!
//! Each function is one step on a [`SqlConnection`] that its caller opened. A function that reads and then writes must
//! run inside a transaction that keeps other writers out. A kind of database implements [`SqlConnection`] and
//! [`Columns`].

pub(crate) mod attempts;
mod connection;
pub(crate) mod epochs;
pub(crate) mod feed_keys;
pub(crate) mod keys;
pub(crate) mod mail;
pub(crate) mod placement;
pub(crate) mod revocations;
mod row;
pub(crate) mod sessions;
pub(crate) mod tenants;
pub(crate) mod tickets;
pub(crate) mod users;

use portcullis_core::clock::Timestamp;
use portcullis_core::secret::SecretHash;
use portcullis_core::store::{Inserted, StoreError, Stored, Updated};
use thiserror::Error;
use tracing::error;

pub(crate) use connection::{Columns, DatabaseFault, SqlConnection, SqlValue, Statement, UnreadableColumn};

/// Why a step failed.
#[derive(Debug, Error)]
#[error(transparent)]
pub(crate) enum Fault {
    /// The database refused it.
    Database(#[from] DatabaseFault),
    /// An answer of the database has another shape than its statement.
    Column(#[from] UnreadableColumn),
    /// A stored record cannot be read.
    Record(#[from] StoreError),
}

impl Fault {
    /// The error of the verb that was `doing` something.
    pub(crate) fn while_doing(self, doing: &'static str) -> StoreError {
        match self {
            Self::Database(source) => StoreError::unavailable(doing, source),
            Self::Column(source) => StoreError::unavailable(doing, source),
            Self::Record(fault) => fault,
        }
    }
}

/// The result of a step.
pub(crate) type SqlResult<T> = Result<T, Fault>;

/// Whether one row was written.
const fn inserted(rows: u64) -> Inserted {
    if rows == 0 { Inserted::Clash } else { Inserted::Done }
}

/// Whether one row was replaced.
const fn updated(rows: u64) -> Updated {
    if rows == 0 { Updated::Stale } else { Updated::Done }
}

/// A counter, as a column. No counter reaches 2^63.
fn count(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn millis(moment: Option<Timestamp>) -> Option<i64> {
    moment.map(Timestamp::as_millis)
}

fn bytes(hash: Option<&SecretHash>) -> Option<&[u8]> {
    hash.map(|hash| hash.as_bytes().as_slice())
}

/// Reads all rows.
fn all<R, T>(rows: &[R], read: impl Fn(&R) -> Stored<T>) -> SqlResult<Vec<T>> {
    rows.iter().map(|row| read(row).map_err(Fault::from)).collect()
}

/// A record; `None` if it cannot be read. That is the trouble of one record: the others go on.
pub(crate) fn if_readable<T>(read: Stored<T>) -> Option<T> {
    read.inspect_err(|fault| error!(%fault, "a record is left out: `portcullis doctor` names it")).ok()
}

/// A page of the records that can be read. It is filled up where some are left out, because a page that is not full is
/// the last one.
async fn page_of<C: SqlConnection, T>(
    db: &mut C,
    limit: u32,
    after: String,
    list: impl Fn(&str, i64) -> Statement,
    read: impl Fn(&C::Row) -> Stored<T>,
) -> SqlResult<Vec<T>> {
    let (mut page, mut after, limit) = (Vec::new(), after, limit as usize);
    loop {
        let wanted = limit - page.len();
        let rows = list(&after, i64::try_from(wanted).unwrap_or(i64::MAX)).fetch_all(&mut *db).await?;
        page.extend(rows.iter().filter_map(|row| if_readable(read(row))));
        let Some(end) = rows.last().filter(|_| rows.len() == wanted && page.len() < limit) else {
            return Ok(page);
        };
        end.text("id")?.unwrap_or_default().clone_into(&mut after);
    }
}
