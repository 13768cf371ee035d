//! Values of a TOML file as the texts that parsers take, and the line on which each stands.

use std::path::Path;

use toml::de::DeValue;

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
#[must_use]
pub fn text_of(kind: ValueType, value: &DeValue<'_>) -> Option<String> {
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

/// What a value is, for a message.
#[must_use]
pub const fn name_of(value: &DeValue<'_>) -> &'static str {
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
