//! The effective configuration, for people and for programs, with secrets masked.

use std::io::{self, Write};

use serde::{Serialize, Serializer};
use tabled::builder::Builder;
use tabled::settings::Style;

use super::origin::Origin;

/// One setting: its effective value, and its source.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct ReportRow {
    /// The key.
    pub key: &'static str,
    /// The value as it was written; `(set)` for a secret; `None` if the setting is unset.
    pub value: Option<String>,
    /// The source of the value.
    #[serde(serialize_with = "shown")]
    pub origin: Origin,
    /// What it means that the setting is unset.
    #[serde(skip)]
    pub(super) unset: &'static str,
}

fn shown<S: Serializer>(origin: &Origin, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(origin)
}

/// Every setting, in the order of the documentation.
#[derive(Clone, PartialEq, Eq, Default, Debug, Serialize)]
#[serde(transparent)]
pub struct ConfigReport {
    rows: Vec<ReportRow>,
}

impl ConfigReport {
    pub(super) fn push(&mut self, row: ReportRow) {
        self.rows.push(row);
    }

    /// The rows.
    #[must_use]
    pub fn rows(&self) -> &[ReportRow] {
        &self.rows
    }

    /// The row of one key.
    #[must_use]
    pub fn row(&self, key: &str) -> Option<&ReportRow> {
        self.rows.iter().find(|row| row.key == key)
    }

    /// The value of one key as it was written; empty if it is unset.
    #[must_use]
    pub fn text(&self, key: &str) -> &str {
        self.row(key).and_then(|row| row.value.as_deref()).unwrap_or_default()
    }

    /// Writes the report: a table for people, or JSON for programs.
    ///
    /// # Errors
    /// The error of a write.
    pub fn write(&self, json: bool, out: &mut dyn Write) -> io::Result<()> {
        let text = if json { serde_json::to_string_pretty(self)? } else { self.table() };
        writeln!(out, "{text}")
    }

    /// A table for people, with no line end after the last row.
    #[must_use]
    pub fn table(&self) -> String {
        let mut table = Builder::new();
        table.push_record(["KEY", "VALUE", "FROM"]);
        for row in &self.rows {
            let unset = || format!("({})", row.unset);
            let value = row.value.clone().unwrap_or_else(unset);
            table.push_record([row.key, &value, &row.origin.to_string()]);
        }
        table.build().with(Style::blank()).to_string()
    }
}
