//! The effective configuration, for people and for programs, with secrets masked.

use serde::{Serialize, Serializer};

use portcullis_config::{ConfigFault, Origin};

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
    /// What is allowed and may not be what was meant, one sentence each.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
    /// What it means that the setting is unset.
    #[serde(skip)]
    pub(super) unset: &'static str,
}

fn shown<S: Serializer>(origin: &Origin, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(origin)
}

impl ReportRow {
    /// The value for people: what it means that the setting is unset, if it is.
    #[must_use]
    pub fn shown(&self) -> String {
        self.value.clone().unwrap_or_else(|| format!("({})", self.unset))
    }
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

    /// Adds a warning to the row of one key.
    pub(super) fn warn(&mut self, key: &str, warning: String) {
        if let Some(row) = self.rows.iter_mut().find(|row| row.key == key) {
            row.warnings.push(warning);
        }
    }

    /// Every warning in one line, with the source and the key of its setting.
    pub fn warnings(&self) -> impl Iterator<Item = String> {
        self.rows.iter().flat_map(|row| {
            let line = |warning: &String| {
                ConfigFault::new(row.origin.clone(), warning.as_str()).about(row.key).to_string()
            };
            row.warnings.iter().map(line)
        })
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
}
