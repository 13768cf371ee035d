//! A row, read column by column. An error names the record and the column that cannot be read.

use std::str::FromStr;

use portcullis_core::clock::Timestamp;
use portcullis_core::secret::SecretHash;
use portcullis_core::session::Epochs;
use portcullis_core::store::{StoreError, Stored};

use super::{Columns, UnreadableColumn};

/// A row of one kind of record.
#[derive(Clone, Copy)]
pub(super) struct RecordRow<'r> {
    columns: &'r dyn Columns,
    record: &'static str,
    id: &'static str,
}

impl<'r> RecordRow<'r> {
    /// A row of a `record` whose id is in the column `id`.
    pub(super) const fn of(record: &'static str, id: &'static str, columns: &'r dyn Columns) -> Self {
        Self { columns, record, id }
    }

    /// The error of a column that cannot be read.
    pub(super) fn corrupt(self, column: &'static str) -> StoreError {
        let id = self.columns.text(self.id).ok().flatten().unwrap_or("without an id");
        StoreError::corrupt(self.record, &id, column)
    }

    /// A column that may be NULL.
    fn optional<T>(
        self,
        column: &'static str,
        value: Result<Option<T>, UnreadableColumn>,
    ) -> Stored<Option<T>> {
        value.map_err(|_| self.corrupt(column))
    }

    /// A column that may not be NULL.
    fn required<T>(self, column: &'static str, value: Result<Option<T>, UnreadableColumn>) -> Stored<T> {
        self.optional(column, value)?.ok_or_else(|| self.corrupt(column))
    }

    fn integer(self, column: &'static str) -> Stored<i64> {
        self.required(column, self.columns.integer(column))
    }

    pub(super) fn text(self, column: &'static str) -> Stored<String> {
        self.required(column, self.columns.text(column)).map(str::to_owned)
    }

    pub(super) fn bytes(self, column: &'static str) -> Stored<&'r [u8]> {
        self.required(column, self.columns.bytes(column))
    }

    pub(super) fn flag(self, column: &'static str) -> Stored<bool> {
        self.required(column, self.columns.flag(column))
    }

    pub(super) fn time(self, column: &'static str) -> Stored<Timestamp> {
        self.integer(column).map(Timestamp::from_millis)
    }

    pub(super) fn optional_time(self, column: &'static str) -> Stored<Option<Timestamp>> {
        Ok(self.optional(column, self.columns.integer(column))?.map(Timestamp::from_millis))
    }

    pub(super) fn count(self, column: &'static str) -> Stored<u64> {
        u64::try_from(self.integer(column)?).map_err(|_| self.corrupt(column))
    }

    /// A count, or NULL.
    pub(super) fn optional_count(self, column: &'static str) -> Stored<Option<u64>> {
        let number = self.optional(column, self.columns.integer(column))?;
        number.map(|number| u64::try_from(number).map_err(|_| self.corrupt(column))).transpose()
    }

    /// A count that fits into 32 bits.
    pub(super) fn number(self, column: &'static str) -> Stored<u32> {
        u32::try_from(self.integer(column)?).map_err(|_| self.corrupt(column))
    }

    /// The epochs that a record was made under.
    pub(super) fn epochs(self) -> Stored<Epochs> {
        Ok(Epochs {
            user: self.count("epoch_user")?,
            tenant: self.count("epoch_tenant")?,
            everyone: self.count("epoch_everyone")?,
        })
    }

    /// A value that is written as text.
    pub(super) fn word<T: FromStr>(self, column: &'static str) -> Stored<T> {
        self.read(column, |text| text.parse().ok())
    }

    /// An id, which is looked up by its text: in another spelling it would not be found.
    pub(super) fn id<T: FromStr + ToString>(self, column: &'static str) -> Stored<T> {
        self.read(column, |text| text.parse().ok().filter(|id: &T| id.to_string() == text))
    }

    /// A value that is written as text, or NULL.
    pub(super) fn optional_word<T: FromStr>(self, column: &'static str) -> Stored<Option<T>> {
        self.read_optional(column, |text| text.parse().ok())
    }

    /// A text that `parse` reads.
    pub(super) fn read<T>(self, column: &'static str, parse: impl Fn(&str) -> Option<T>) -> Stored<T> {
        self.read_optional(column, parse)?.ok_or_else(|| self.corrupt(column))
    }

    /// A text that `parse` reads, or NULL.
    pub(super) fn read_optional<T>(
        self,
        column: &'static str,
        parse: impl Fn(&str) -> Option<T>,
    ) -> Stored<Option<T>> {
        match self.optional(column, self.columns.text(column))? {
            Some(text) => parse(text).map(Some).ok_or_else(|| self.corrupt(column)),
            None => Ok(None),
        }
    }

    pub(super) fn hash(self, column: &'static str) -> Stored<SecretHash> {
        self.optional_hash(column)?.ok_or_else(|| self.corrupt(column))
    }

    pub(super) fn optional_hash(self, column: &'static str) -> Stored<Option<SecretHash>> {
        let Some(bytes) = self.optional(column, self.columns.bytes(column))? else { return Ok(None) };
        let bytes = bytes.try_into().map_err(|_| self.corrupt(column))?;
        Ok(Some(SecretHash::from_bytes(bytes)))
    }
}
