//! The shared statements on a connection to SQLite.

use sqlx::query::Query;
use sqlx::sqlite::{SqliteArguments, SqliteRow};
use sqlx::{Row as _, Sqlite, SqliteConnection};

use crate::sql::{Columns, SqlConnection, SqlValue, Statement};

impl SqlConnection for SqliteConnection {
    type Row = SqliteRow;

    async fn execute(&mut self, statement: Statement) -> Result<u64, sqlx::Error> {
        Ok(query(statement).execute(self).await?.rows_affected())
    }

    async fn fetch_all(&mut self, statement: Statement) -> Result<Vec<SqliteRow>, sqlx::Error> {
        query(statement).fetch_all(self).await
    }

    async fn fetch_optional(&mut self, statement: Statement) -> Result<Option<SqliteRow>, sqlx::Error> {
        query(statement).fetch_optional(self).await
    }
}

fn query(statement: Statement) -> Query<'static, Sqlite, SqliteArguments> {
    let Statement { sql, parameters } = statement;
    parameters.into_iter().fold(sqlx::query(sql), |query, parameter| match parameter {
        SqlValue::Text(text) => query.bind(text),
        SqlValue::Integer(number) => query.bind(number),
        SqlValue::Bytes(bytes) => query.bind(bytes),
        SqlValue::Flag(flag) => query.bind(flag),
    })
}

impl Columns for SqliteRow {
    fn text(&self, column: &str) -> Result<Option<&str>, sqlx::Error> {
        self.try_get(column)
    }

    fn integer(&self, column: &str) -> Result<Option<i64>, sqlx::Error> {
        self.try_get(column)
    }

    fn bytes(&self, column: &str) -> Result<Option<&[u8]>, sqlx::Error> {
        self.try_get(column)
    }

    fn flag(&self, column: &str) -> Result<Option<bool>, sqlx::Error> {
        self.try_get(column)
    }
}
