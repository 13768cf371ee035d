//! The shared statements on a connection to SQLite.

use std::collections::HashMap;
use std::ops::Range;
use std::pin::pin;
use std::str;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{CachedStatement, Connection, Row, StatementStatus, ToSql};

use super::SqliteFault;
use crate::sql::{Columns, DatabaseFault, SqlConnection, SqlResult, SqlValue, Statement, UnreadableColumn};

/// How many prepared statements a connection keeps: more than there are.
const KEPT_STATEMENTS: usize = 128;

/// How many bytes the texts of a session, or of a user, have as a rule.
const USUAL_BYTES: usize = 512;

/// A connection that keeps what it has prepared.
pub(super) struct SqliteConnection {
    db: Connection,
    shapes: HashMap<TextAddress, Arc<StatementShape>>,
}

/// Where the text of a statement is, and how long: texts are constants, and a hash of a whole text takes longer.
type TextAddress = (usize, usize);

/// What is known of a statement that was prepared before.
struct StatementShape {
    /// The number in the name of each parameter. SQLite counts them in the order in which the text names them.
    parameters: Vec<usize>,
    /// How many there are.
    most: usize,
    columns: Vec<Box<str>>,
    /// How often SQLite had prepared the statement anew, because the tables had changed.
    reprepared: i32,
}

impl SqliteConnection {
    pub(super) fn new(db: Connection) -> Self {
        db.set_prepared_statement_cache_capacity(KEPT_STATEMENTS);
        Self { db, shapes: HashMap::new() }
    }

    /// The driver's connection, for what is no statement about records.
    pub(super) const fn driver(&self) -> &Connection {
        &self.db
    }

    /// Runs a statement that has no parameters and returns nothing.
    pub(super) fn run(&self, sql: &'static str) -> Result<(), SqliteFault> {
        Ok(self.db.prepare_cached(sql)?.raw_execute().map(drop)?)
    }

    pub(super) fn close(self) -> Result<(), SqliteFault> {
        self.db.close().map_err(|(_, fault)| fault.into())
    }

    fn write(&mut self, statement: &Statement) -> Result<u64, SqliteFault> {
        let (mut prepared, _) = prepared(&self.db, &mut self.shapes, statement)?;
        Ok(prepared.raw_execute()? as u64)
    }

    fn read(&mut self, statement: &Statement, most: usize) -> Result<Vec<SqliteRow>, SqliteFault> {
        let (mut prepared, mut shape) = prepared(&self.db, &mut self.shapes, statement)?;
        let mut rows = prepared.raw_query();
        let mut read = Vec::new();
        while read.len() < most
            && let Some(row) = rows.next()?
        {
            // A newer version may change the tables while this process runs.
            if row.as_ref().get_status(StatementStatus::RePrepare) != shape.reprepared {
                shape = Arc::new(StatementShape::of(row.as_ref()));
                self.shapes.insert(address(statement), shape.clone());
            }
            read.push(SqliteRow::of(row, shape.clone())?);
        }
        Ok(read)
    }
}

/// A statement with its parameters bound.
fn prepared<'c>(
    db: &'c Connection,
    shapes: &mut HashMap<TextAddress, Arc<StatementShape>>,
    statement: &Statement,
) -> Result<(CachedStatement<'c>, Arc<StatementShape>), SqliteFault> {
    let mut prepared = db.prepare_cached(statement.sql)?;
    let known = shapes.entry(address(statement));
    let shape = known.or_insert_with(|| Arc::new(StatementShape::of(&prepared))).clone();
    let miscounted = || rusqlite::Error::InvalidParameterCount(statement.parameters.len(), shape.most);
    if statement.parameters.len() != shape.most {
        return Err(miscounted().into());
    }
    for (index, number) in shape.parameters.iter().enumerate() {
        let value = statement.parameters.get(number.wrapping_sub(1)).ok_or_else(miscounted)?;
        prepared.raw_bind_parameter(index + 1, value)?;
    }
    Ok((prepared, shape))
}

fn address(statement: &Statement) -> TextAddress {
    (statement.sql.as_ptr().addr(), statement.sql.len())
}

impl StatementShape {
    fn of(prepared: &rusqlite::Statement<'_>) -> Self {
        let number = |index| prepared.parameter_name(index)?.trim_start_matches(['$', '?']).parse().ok();
        let parameters = (1..=prepared.parameter_count()).map(|index| number(index).unwrap_or(index));
        let parameters: Vec<usize> = parameters.collect();
        Self {
            most: parameters.iter().max().copied().unwrap_or_default(),
            parameters,
            columns: prepared.column_names().into_iter().map(Box::from).collect(),
            reprepared: prepared.get_status(StatementStatus::RePrepare),
        }
    }
}

/// What a step returns that waits for nothing but its connection: here every statement is done at once.
pub(super) fn at_once<T>(step: impl Future<Output = SqlResult<T>>) -> SqlResult<T> {
    match pin!(step).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(done) => done,
        Poll::Pending => {
            Err(DatabaseFault::new("a step waits for something else than its connection").into())
        }
    }
}

impl SqlConnection for SqliteConnection {
    type Row = SqliteRow;

    async fn execute(&mut self, statement: Statement) -> Result<u64, DatabaseFault> {
        self.write(&statement).map_err(DatabaseFault::new)
    }

    async fn fetch_all(&mut self, statement: Statement) -> Result<Vec<SqliteRow>, DatabaseFault> {
        self.read(&statement, usize::MAX).map_err(DatabaseFault::new)
    }

    async fn fetch_optional(&mut self, statement: Statement) -> Result<Option<SqliteRow>, DatabaseFault> {
        Ok(self.read(&statement, 1).map_err(DatabaseFault::new)?.pop())
    }
}

impl ToSql for SqlValue {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        let value = match self {
            Self::Text(text) => text.as_deref().map(ValueRef::from),
            Self::Integer(number) => number.map(ValueRef::Integer),
            Self::Bytes(bytes) => bytes.as_deref().map(ValueRef::Blob),
            Self::Flag(flag) => flag.map(|flag| ValueRef::Integer(flag.into())),
        };
        Ok(ToSqlOutput::Borrowed(value.unwrap_or(ValueRef::Null)))
    }
}

/// A row of an answer.
pub(super) struct SqliteRow {
    shape: Arc<StatementShape>,
    cells: Vec<Cell>,
    /// The texts and bytes of all cells: to allocate each would take longer than to read them.
    bytes: Vec<u8>,
}

enum Cell {
    Null,
    Integer(i64),
    /// Perhaps no UTF-8: that is the trouble of whoever reads this column, and of no other.
    Text(Range<usize>),
    Bytes(Range<usize>),
    Real,
}

impl SqliteRow {
    fn of(row: &Row<'_>, shape: Arc<StatementShape>) -> Result<Self, SqliteFault> {
        let columns = shape.columns.len();
        let cells = Vec::with_capacity(columns);
        let mut read = Self { shape, cells, bytes: Vec::with_capacity(USUAL_BYTES) };
        for index in 0..columns {
            let cell = read.keep(row.get_ref(index)?);
            read.cells.push(cell);
        }
        Ok(read)
    }

    fn keep(&mut self, value: ValueRef<'_>) -> Cell {
        match value {
            ValueRef::Null => Cell::Null,
            ValueRef::Integer(number) => Cell::Integer(number),
            ValueRef::Text(text) => Cell::Text(self.keep_bytes(text)),
            ValueRef::Blob(bytes) => Cell::Bytes(self.keep_bytes(bytes)),
            ValueRef::Real(_) => Cell::Real,
        }
    }

    fn keep_bytes(&mut self, bytes: &[u8]) -> Range<usize> {
        let begin = self.bytes.len();
        self.bytes.extend_from_slice(bytes);
        begin..self.bytes.len()
    }

    fn kept(&self, range: &Range<usize>) -> Result<&[u8], UnreadableColumn> {
        self.bytes.get(range.clone()).ok_or(UnreadableColumn)
    }

    fn cell(&self, column: &str) -> Result<&Cell, UnreadableColumn> {
        let place = self.shape.columns.iter().position(|name| **name == *column);
        place.and_then(|place| self.cells.get(place)).ok_or(UnreadableColumn)
    }
}

impl Columns for SqliteRow {
    fn text(&self, column: &str) -> Result<Option<&str>, UnreadableColumn> {
        match self.cell(column)? {
            Cell::Null => Ok(None),
            Cell::Text(text) => str::from_utf8(self.kept(text)?).map(Some).map_err(|_| UnreadableColumn),
            _ => Err(UnreadableColumn),
        }
    }

    fn integer(&self, column: &str) -> Result<Option<i64>, UnreadableColumn> {
        match self.cell(column)? {
            Cell::Null => Ok(None),
            Cell::Integer(number) => Ok(Some(*number)),
            _ => Err(UnreadableColumn),
        }
    }

    fn bytes(&self, column: &str) -> Result<Option<&[u8]>, UnreadableColumn> {
        match self.cell(column)? {
            Cell::Null => Ok(None),
            Cell::Bytes(bytes) => self.kept(bytes).map(Some),
            _ => Err(UnreadableColumn),
        }
    }

    fn flag(&self, column: &str) -> Result<Option<bool>, UnreadableColumn> {
        Ok(self.integer(column)?.map(|number| number != 0))
    }
}

#[cfg(test)]
mod tests {
    use std::future::pending;

    use super::*;

    #[test]
    fn a_step_that_waits_for_something_else_is_an_error() {
        let fault = at_once(pending::<SqlResult<()>>()).unwrap_err();
        assert_eq!(fault.to_string(), "a step waits for something else than its connection");
        assert_eq!(at_once(async { Ok(7) }).unwrap(), 7);
    }
}
