//! What differs between databases: how a statement is sent, and how a column is read.

use portcullis_core::id::TenantId;

/// A connection to a database that understands the statements.
pub(crate) trait SqlConnection: Send {
    /// A row of an answer.
    type Row: Columns + Send + Sync;

    /// Runs a statement and returns how many rows it wrote.
    fn execute(&mut self, statement: Statement) -> impl Future<Output = Result<u64, sqlx::Error>> + Send;

    /// Runs a statement and returns all rows.
    fn fetch_all(
        &mut self,
        statement: Statement,
    ) -> impl Future<Output = Result<Vec<Self::Row>, sqlx::Error>> + Send;

    /// Runs a statement and returns its first row.
    fn fetch_optional(
        &mut self,
        statement: Statement,
    ) -> impl Future<Output = Result<Option<Self::Row>, sqlx::Error>> + Send;
}

/// The columns of a row, by name. `None` is NULL; an error is a column of another type, or none.
pub(crate) trait Columns {
    fn text(&self, column: &str) -> Result<Option<&str>, sqlx::Error>;
    fn integer(&self, column: &str) -> Result<Option<i64>, sqlx::Error>;
    fn bytes(&self, column: &str) -> Result<Option<&[u8]>, sqlx::Error>;
    fn flag(&self, column: &str) -> Result<Option<bool>, sqlx::Error>;
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

    pub(super) async fn execute(self, db: &mut impl SqlConnection) -> Result<u64, sqlx::Error> {
        db.execute(self).await
    }

    pub(super) async fn fetch_all<C: SqlConnection>(self, db: &mut C) -> Result<Vec<C::Row>, sqlx::Error> {
        db.fetch_all(self).await
    }

    pub(super) async fn fetch_optional<C: SqlConnection>(
        self,
        db: &mut C,
    ) -> Result<Option<C::Row>, sqlx::Error> {
        db.fetch_optional(self).await
    }

    pub(super) async fn fetch_one<C: SqlConnection>(self, db: &mut C) -> Result<C::Row, sqlx::Error> {
        db.fetch_optional(self).await?.ok_or(sqlx::Error::RowNotFound)
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
