//! The effective configuration, for people and for programs, with secrets masked.

use serde::{Serialize, Serializer};
use tabled::builder::Builder;
use tabled::settings::Style;

use super::fault::Origin;
use super::settings::{Preset, Setting};
use super::sources::Stated;

/// One setting: what holds, and who says so.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Row {
    /// The key.
    pub key: &'static str,
    /// The value as it was written; `(set)` for a secret; none where the setting is unset.
    pub value: Option<String>,
    /// Where it was stated.
    #[serde(serialize_with = "shown")]
    pub origin: Origin,
    /// What an unset setting means, for people.
    #[serde(skip)]
    unset: &'static str,
}

fn shown<S: Serializer>(origin: &Origin, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(origin)
}

impl Row {
    pub(super) fn new(setting: &Setting, stated: Option<&Stated>) -> Self {
        let value = stated.map(|value| if setting.secret { "(set)".to_owned() } else { value.text.clone() });
        let origin = stated.map_or(Origin::Default, |value| value.origin.clone());
        let unset = if let Preset::Unset(meaning) = setting.preset { meaning } else { "" };
        Self { key: setting.key, value, origin, unset }
    }
}

/// Every setting, in the order of the documentation.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
#[serde(transparent)]
pub struct Report {
    rows: Vec<Row>,
}

impl Report {
    pub(super) const fn empty() -> Self {
        Self { rows: Vec::new() }
    }

    pub(super) fn push(&mut self, row: Row) {
        self.rows.push(row);
    }

    /// The rows.
    #[must_use]
    pub fn rows(&self) -> &[Row] {
        &self.rows
    }

    /// The row of one key.
    #[must_use]
    pub fn row(&self, key: &str) -> Option<&Row> {
        self.rows.iter().find(|row| row.key == key)
    }

    /// The value of one key as it was written; nothing where it is unset.
    #[must_use]
    pub fn text(&self, key: &str) -> &str {
        self.row(key).and_then(|row| row.value.as_deref()).unwrap_or_default()
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
