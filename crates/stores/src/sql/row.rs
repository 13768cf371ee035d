//! A row, read column by column, with an error that says which record and which column make no sense.

use std::str::FromStr;

use portcullis_core::clock::Timestamp;
use portcullis_core::secret::SecretHash;
use portcullis_core::store::{StoreError, Stored};
use sqlx::{Decode, Row as _, Type};

use super::Database;

/// What the database gives.
pub(crate) type DatabaseRow = <Database as sqlx::Database>::Row;

/// A row of a kind of record.
#[derive(Clone, Copy)]
pub(super) struct Row<'r> {
    columns: &'r DatabaseRow,
    record: &'static str,
    id: &'static str,
}

impl<'r> Row<'r> {
    /// The row of a `record` that is told from others by its column `id`.
    pub(super) const fn of(record: &'static str, id: &'static str, columns: &'r DatabaseRow) -> Self {
        Self { columns, record, id }
    }

    /// The error of a column that makes no sense.
    pub(super) fn corrupt(self, column: &'static str) -> StoreError {
        let id: String = self.columns.try_get(self.id).unwrap_or_else(|_| "without an id".to_owned());
        StoreError::corrupt(self.record, &id, column)
    }

    /// A column that may be empty.
    fn maybe<T>(self, column: &'static str) -> Stored<Option<T>>
    where
        T: Decode<'r, Database> + Type<Database>,
    {
        self.columns.try_get(column).map_err(|_| self.corrupt(column))
    }

    /// A column that may not. To ask the driver for a bare `T` would read nothing as zero.
    fn get<T>(self, column: &'static str) -> Stored<T>
    where
        T: Decode<'r, Database> + Type<Database>,
    {
        self.maybe(column)?.ok_or_else(|| self.corrupt(column))
    }

    pub(super) fn text(self, column: &'static str) -> Stored<String> {
        self.get(column)
    }

    pub(super) fn bytes(self, column: &'static str) -> Stored<&'r [u8]> {
        self.get(column)
    }

    pub(super) fn flag(self, column: &'static str) -> Stored<bool> {
        self.get(column)
    }

    pub(super) fn time(self, column: &'static str) -> Stored<Timestamp> {
        self.get(column).map(Timestamp::from_millis)
    }

    pub(super) fn optional_time(self, column: &'static str) -> Stored<Option<Timestamp>> {
        Ok(self.maybe(column)?.map(Timestamp::from_millis))
    }

    pub(super) fn count(self, column: &'static str) -> Stored<u64> {
        u64::try_from(self.get::<i64>(column)?).map_err(|_| self.corrupt(column))
    }

    /// The same of one that stays small.
    pub(super) fn number(self, column: &'static str) -> Stored<u32> {
        u32::try_from(self.get::<i64>(column)?).map_err(|_| self.corrupt(column))
    }

    /// A column of something that is written as text.
    pub(super) fn word<T: FromStr>(self, column: &'static str) -> Stored<T> {
        self.read(column, |text| text.parse().ok())
    }

    /// The same of a column that may be empty.
    pub(super) fn optional_word<T: FromStr>(self, column: &'static str) -> Stored<Option<T>> {
        self.read_optional(column, |text| text.parse().ok())
    }

    /// A column of something that is written as text and read by `parse`.
    pub(super) fn read<T>(self, column: &'static str, parse: impl Fn(&str) -> Option<T>) -> Stored<T> {
        self.read_optional(column, parse)?.ok_or_else(|| self.corrupt(column))
    }

    /// The same of a column that may be empty.
    pub(super) fn read_optional<T>(
        self,
        column: &'static str,
        parse: impl Fn(&str) -> Option<T>,
    ) -> Stored<Option<T>> {
        match self.maybe(column)? {
            Some(text) => parse(text).map(Some).ok_or_else(|| self.corrupt(column)),
            None => Ok(None),
        }
    }

    pub(super) fn optional_hash(self, column: &'static str) -> Stored<Option<SecretHash>> {
        let Some(bytes) = self.maybe::<&[u8]>(column)? else { return Ok(None) };
        let bytes = bytes.try_into().map_err(|_| self.corrupt(column))?;
        Ok(Some(SecretHash::from_bytes(bytes)))
    }
}
