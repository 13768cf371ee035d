//! The TOML file: keys to settings, with the line of each.

use std::path::Path;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::fault::{Fault, Origin};
use super::settings::{self, Kind, Setting};
use super::sources::{Sources, Stated};
use super::suggest::did_you_mean;

/// Reads a file's text: what it states goes to the sources, what it should not say to the faults.
///
/// Of a file that is not TOML only that is told: what a parser makes of the rest is nothing that anybody wrote.
pub(super) fn read(path: &Path, text: &str, sources: &mut Sources, faults: &mut Vec<Fault>) {
    let (document, errors) = DeTable::parse_recoverable(text);
    let mut reading = Reading { path, text, sources, faults };
    if errors.is_empty() {
        reading.table("", document.get_ref());
    } else {
        reading.not_toml(&errors);
    }
}

struct Reading<'a> {
    path: &'a Path,
    text: &'a str,
    sources: &'a mut Sources,
    faults: &'a mut Vec<Fault>,
}

impl Reading<'_> {
    fn not_toml(&mut self, errors: &[toml::de::Error]) {
        self.sources.miss_something();
        for error in errors {
            let start = error.span().map_or(0, |span| span.start);
            self.faults.push(Fault::new(self.origin(start), error.message().replace('\n', ", ")));
        }
    }

    fn table(&mut self, prefix: &str, table: &DeTable<'_>) {
        for (name, value) in table {
            let key = if prefix.is_empty() {
                name.get_ref().to_string()
            } else {
                format!("{prefix}.{}", name.get_ref())
            };
            let at = name.span().start;
            match (settings::find(&key), value.get_ref()) {
                (Some(setting), _) => self.setting(setting, value, at),
                (None, DeValue::Table(inner)) if is_table(&key) => self.table(&key, inner),
                (None, DeValue::Table(_)) => self.unknown(&key, at, tables()),
                (None, _) => {
                    self.unknown(&key, at, settings::all().map(|setting| setting.key).chain(tables()));
                }
            }
        }
    }

    fn setting(&mut self, setting: &'static Setting, value: &Spanned<DeValue<'_>>, at: usize) {
        let origin = self.origin(at);
        if let Some(text) = text_of(setting.kind, value.get_ref()) {
            self.sources.add(setting, Stated { text, origin });
        } else {
            let message = format!("must be {}, not {}", setting.kind.name(), name_of(value.get_ref()));
            self.faults.push(Fault::new(origin, message).about(setting.key));
        }
    }

    fn unknown(&mut self, key: &str, at: usize, near: impl Iterator<Item = &'static str>) {
        let message = if is_table(key) {
            format!("is a table: write [{key}]")
        } else {
            format!("is no setting{}", did_you_mean(key, near))
        };
        self.faults.push(Fault::new(self.origin(at), message).about(key));
    }

    fn origin(&self, at: usize) -> Origin {
        let line = 1 + self.text.bytes().take(at).filter(|byte| *byte == b'\n').count();
        Origin::File { path: self.path.to_owned(), line }
    }
}

/// The tables that the file may have, outer ones after the inner ones they hold.
fn tables() -> impl Iterator<Item = &'static str> {
    settings::all().flat_map(|setting| {
        std::iter::successors(setting.key.rsplit_once('.'), |(table, _)| table.rsplit_once('.'))
            .map(|(table, _)| table)
    })
}

fn is_table(key: &str) -> bool {
    tables().any(|table| table == key)
}

/// The text that a variable would have for the same value, if the setting takes values of this type.
fn text_of(kind: Kind, value: &DeValue<'_>) -> Option<String> {
    match (kind, value) {
        (Kind::Text | Kind::Quantity | Kind::List, DeValue::String(text)) => Some(text.to_string()),
        (Kind::Integer | Kind::Quantity, DeValue::Integer(number)) => {
            i64::from_str_radix(number.as_str(), number.radix()).ok().map(|number| number.to_string())
        }
        (Kind::Boolean, DeValue::Boolean(value)) => Some(value.to_string()),
        (Kind::List, DeValue::Array(items)) => {
            let items: Option<Vec<&str>> = items.iter().map(|item| item.get_ref().as_str()).collect();
            Some(items?.join(", "))
        }
        _ => None,
    }
}

fn name_of(value: &DeValue<'_>) -> &'static str {
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
