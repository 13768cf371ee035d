//! Values of a TOML file as the texts that parsers take, and the line on which each stands.

use std::path::Path;

use toml::de::{DeTable, DeValue};

use crate::origin::Origin;

/// The types that the file may use for a setting.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ValueType {
    /// A string.
    Text,
    /// An integer.
    Integer,
    /// An integer or a string, which has a unit.
    Quantity,
    /// A boolean.
    Boolean,
    /// An array of strings, or a string.
    List,
    /// A table with a table for each name, or a string with all lines of them.
    NamedTables,
    /// None: the setting names the file itself.
    Absent,
}

impl ValueType {
    /// The types, for a message.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Text => "a string",
            Self::Integer => "an integer",
            Self::Quantity => "an integer or a string",
            Self::Boolean => "true or false",
            Self::List => "an array of strings",
            Self::NamedTables => "a table with a table for each name",
            Self::Absent => "stated by flag or variable",
        }
    }
}

/// The line of the byte `at` in the text of a file.
#[must_use]
pub fn origin(path: &Path, text: &str, at: usize) -> Origin {
    let line = 1 + text.bytes().take(at).filter(|byte| *byte == b'\n').count();
    Origin::File { path: path.to_owned(), line }
}

/// The value as text, as a variable would state it; `None` if the setting does not take this type.
fn text_of(kind: ValueType, value: &DeValue<'_>) -> Option<String> {
    match (kind, value) {
        (
            ValueType::Text | ValueType::Quantity | ValueType::List | ValueType::NamedTables,
            DeValue::String(text),
        ) => Some(text.to_string()),
        (ValueType::Integer | ValueType::Quantity, DeValue::Integer(number)) => {
            i64::from_str_radix(number.as_str(), number.radix()).ok().map(|number| number.to_string())
        }
        (ValueType::Boolean, DeValue::Boolean(value)) => Some(value.to_string()),
        (ValueType::List, DeValue::Array(items)) => {
            let items: Option<Vec<&str>> = items.iter().map(|item| item.get_ref().as_str()).collect();
            Some(items?.join(", "))
        }
        _ => None,
    }
}

/// The value as text, as a variable would state it.
///
/// # Errors
/// A sentence: the setting does not take this type.
pub fn text_or_fault(kind: ValueType, value: &DeValue<'_>) -> Result<String, String> {
    text_of(kind, value).ok_or_else(|| format!("must be {}, not {}", kind.name(), name_of(value)))
}

/// A line that tables with a name make, or why they make none.
pub type NamedLine = Result<String, UnfitKey>;

/// A key of such a table whose value is none of its types.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct UnfitKey {
    /// The key, within the table of tables.
    pub key: String,
    /// What is wrong.
    pub message: String,
}

/// The lines that a table with a table for each name states, as a variable would, and where each stands:
/// `NAME.key=value` for each key, and `NAME` for an empty table.
#[must_use]
pub fn named_lines(tables: &DeTable<'_>) -> Vec<(usize, NamedLine)> {
    let mut lines = Vec::new();
    for (name, value) in tables {
        let at = name.span().start;
        let name = name.get_ref();
        match value.get_ref() {
            DeValue::Table(table) if table.is_empty() => lines.push((at, Ok(name.to_string()))),
            DeValue::Table(table) => {
                lines.extend(table.iter().map(|(key, value)| {
                    (key.span().start, named_line(&format!("{name}.{}", key.get_ref()), value.get_ref()))
                }));
            }
            other => lines.push((at, Err(unfit(name, "a table", other)))),
        }
    }
    lines
}

fn named_line(key: &str, value: &DeValue<'_>) -> NamedLine {
    let text = text_of(ValueType::List, value).filter(|text| !text.contains('\n'));
    let wanted = "a string or an array of strings, in one line";
    text.map(|text| format!("{key}={text}")).ok_or_else(|| unfit(key, wanted, value))
}

fn unfit(key: &str, wanted: &str, value: &DeValue<'_>) -> UnfitKey {
    UnfitKey { key: key.to_owned(), message: format!("must be {wanted}, not {}", name_of(value)) }
}

/// What a value is, for a message.
const fn name_of(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "a string",
        DeValue::Integer(_) => "an integer",
        DeValue::Float(_) => "a fraction",
        DeValue::Boolean(_) => "a boolean",
        DeValue::Datetime(_) => "a date",
        DeValue::Array(_) => "such an array",
        DeValue::Table(_) => "a table",
    }
}
