//! What differs between databases: how a statement is sent, and how a column is read.

use std::error::Error;

use portcullis_core::id::{TenantId, UserKey};
use thiserror::Error;

/// What a database said in place of an answer.
#[derive(Debug, Error)]
#[error(transparent)]
pub(crate) struct DatabaseFault(Box<dyn Error + Send + Sync>);

impl DatabaseFault {
    pub(crate) fn new(source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self(source.into())
    }

    /// The fault as the kind of database knows it.
    pub(crate) fn downcast_ref<E: Error + 'static>(&self) -> Option<&E> {
        self.0.downcast_ref()
    }
}

/// A connection to a database that understands the statements.
pub(crate) trait SqlConnection: Send {
    /// A row of an answer.
    type Row: Columns + Send + Sync;

    /// Whether others write at the same time, so that a statement must pass over the rows that they have locked.
    const LOCKS_ROWS: bool = false;

    /// Inside a transaction, keeps other steps of this user out until it ends, and waits for those under way. Returns
    /// whether others can write at all: then what was read before must be read again.
    fn lock_user(&mut self, _user: &UserKey) -> impl Future<Output = Result<bool, DatabaseFault>> + Send {
        async { Ok(false) }
    }

    /// Runs a statement and returns how many rows it wrote.
    fn execute(&mut self, statement: Statement) -> impl Future<Output = Result<u64, DatabaseFault>> + Send;

    /// Runs a statement and returns all rows.
    fn fetch_all(
        &mut self,
        statement: Statement,
    ) -> impl Future<Output = Result<Vec<Self::Row>, DatabaseFault>> + Send;

    /// Runs a statement and returns its first row.
    fn fetch_optional(
        &mut self,
        statement: Statement,
    ) -> impl Future<Output = Result<Option<Self::Row>, DatabaseFault>> + Send;
}

/// A column that is missing, or of another type.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
#[error("a column is missing, or of another type")]
pub(crate) struct UnreadableColumn;

/// The columns of a row, by name. `None` is NULL.
pub(crate) trait Columns {
    fn text(&self, column: &str) -> Result<Option<&str>, UnreadableColumn>;
    fn integer(&self, column: &str) -> Result<Option<i64>, UnreadableColumn>;
    fn bytes(&self, column: &str) -> Result<Option<&[u8]>, UnreadableColumn>;
    fn flag(&self, column: &str) -> Result<Option<bool>, UnreadableColumn>;
}

/// A statement with its parameters, `$1` first.
pub(crate) struct Statement {
    pub(crate) sql: &'static str,
    pub(crate) parameters: Vec<SqlValue>,
}

impl Statement {
    pub(super) const fn new(sql: &'static str) -> Self {
        Self { sql, parameters: Vec::new() }
    }

    /// A statement about a record of a tenant: `$1` is the tenant, `$2` the id.
    pub(super) fn keyed(sql: &'static str, tenant: &TenantId, id: &impl ToString) -> Self {
        Self::new(sql).bind(tenant.as_str()).bind(id.to_string())
    }

    pub(super) fn bind(mut self, value: impl Into<SqlValue>) -> Self {
        self.parameters.push(value.into());
        self
    }

    pub(super) async fn execute(self, db: &mut impl SqlConnection) -> Result<u64, DatabaseFault> {
        db.execute(self).await
    }

    pub(super) async fn fetch_all<C: SqlConnection>(self, db: &mut C) -> Result<Vec<C::Row>, DatabaseFault> {
        db.fetch_all(self).await
    }

    pub(super) async fn fetch_optional<C: SqlConnection>(
        self,
        db: &mut C,
    ) -> Result<Option<C::Row>, DatabaseFault> {
        db.fetch_optional(self).await
    }

    pub(super) async fn fetch_one<C: SqlConnection>(self, db: &mut C) -> Result<C::Row, DatabaseFault> {
        db.fetch_optional(self)
            .await?
            .ok_or_else(|| DatabaseFault::new("a row that must be there is missing"))
    }
}

/// A parameter; `None` is NULL.
pub(crate) enum SqlValue {
    Text(Option<String>),
    Integer(Option<i64>),
    Bytes(Option<Vec<u8>>),
    Flag(Option<bool>),
}

/// Each type, and the same type that may be NULL.
macro_rules! values {
    ($($type:ty => $kind:ident($convert:expr);)+) => { $(
        impl From<$type> for SqlValue {
            fn from(value: $type) -> Self {
                Self::$kind(Some($convert(value)))
            }
        }

        impl From<Option<$type>> for SqlValue {
            fn from(value: Option<$type>) -> Self {
                Self::$kind(value.map($convert))
            }
        }
    )+ };
}

values! {
    &str => Text(str::to_owned);
    String => Text(std::convert::identity);
    i64 => Integer(std::convert::identity);
    &[u8] => Bytes(<[u8]>::to_vec);
    bool => Flag(std::convert::identity);
}
