//! The shared statements on a connection to PostgreSQL.

use portcullis_core::id::UserKey;
use sqlx::postgres::{PgArguments, PgRow};
use sqlx::query::Query;
use sqlx::{Decode, PgConnection, Postgres, Row as _, Type};

use super::fault::{FaultMeaning, OutsideTransaction};
use crate::sql::{Columns, DatabaseFault, SqlConnection, SqlValue, Statement, UnreadableColumn};

/// Keeps other steps of a user out: rows that may be missing cannot be locked.
const LOCK_USER: &str = "SELECT pg_catalog.pg_advisory_xact_lock(pg_catalog.hashtextextended( \
    $1::TEXT || '/' || $2::TEXT || '/' || $3::TEXT, 0::BIGINT))";

/// A connection, inside a transaction or not.
pub(super) struct StatementConnection<'c> {
    pub(super) db: &'c mut PgConnection,
    /// The schema of all tables. Two installations in one database do not wait for each other.
    pub(super) schema: &'c str,
    pub(super) in_transaction: bool,
}

impl SqlConnection for StatementConnection<'_> {
    type Row = PgRow;

    const LOCKS_ROWS: bool = true;

    async fn lock_user(&mut self, user: &UserKey) -> Result<bool, DatabaseFault> {
        if !self.in_transaction {
            return Err(DatabaseFault::new(OutsideTransaction));
        }
        let lock = sqlx::query(LOCK_USER).bind(self.schema.to_owned());
        let lock = lock.bind(user.tenant.as_str()).bind(user.id.to_string());
        lock.execute(&mut *self.db).await.map_err(DatabaseFault::new)?;
        Ok(true)
    }

    /// A statement that loses the race for a unique name has written nothing. Inside a transaction nothing can follow
    /// it.
    async fn execute(&mut self, statement: Statement) -> Result<u64, DatabaseFault> {
        match query(statement).execute(&mut *self.db).await {
            Ok(done) => Ok(done.rows_affected()),
            Err(fault) if !self.in_transaction && FaultMeaning::of(&fault) == FaultMeaning::NameTaken => {
                Ok(0)
            }
            Err(fault) => Err(DatabaseFault::new(fault)),
        }
    }

    async fn fetch_all(&mut self, statement: Statement) -> Result<Vec<PgRow>, DatabaseFault> {
        query(statement).fetch_all(&mut *self.db).await.map_err(DatabaseFault::new)
    }

    async fn fetch_optional(&mut self, statement: Statement) -> Result<Option<PgRow>, DatabaseFault> {
        query(statement).fetch_optional(&mut *self.db).await.map_err(DatabaseFault::new)
    }
}

fn query(statement: Statement) -> Query<'static, Postgres, PgArguments> {
    statement.parameters.into_iter().fold(sqlx::query(statement.sql), |query, parameter| match parameter {
        SqlValue::Text(text) => query.bind(text),
        SqlValue::Integer(number) => query.bind(number),
        SqlValue::Bytes(bytes) => query.bind(bytes),
        SqlValue::Flag(flag) => query.bind(flag),
    })
}

impl Columns for PgRow {
    fn text(&self, column: &str) -> Result<Option<&str>, UnreadableColumn> {
        read(self, column)
    }

    fn integer(&self, column: &str) -> Result<Option<i64>, UnreadableColumn> {
        read(self, column)
    }

    fn bytes(&self, column: &str) -> Result<Option<&[u8]>, UnreadableColumn> {
        read(self, column)
    }

    fn flag(&self, column: &str) -> Result<Option<bool>, UnreadableColumn> {
        read(self, column)
    }
}

fn read<'r, T>(row: &'r PgRow, column: &str) -> Result<Option<T>, UnreadableColumn>
where
    T: Decode<'r, Postgres> + Type<Postgres>,
{
    row.try_get(column).map_err(|_| UnreadableColumn)
}
