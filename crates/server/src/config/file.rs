//! The TOML file: which settings it states, and on which lines.

use std::path::Path;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use portcullis_config::toml_value::{ValueType, name_of, origin, text_of};
use portcullis_config::{ConfigFault, Origin, StatedValue, did_you_mean};

use super::settings::{self, Setting};

/// The values that a file's text states, in the order in which they stand there. What the text must not say goes to
/// `faults`.
///
/// `None` if the text is not TOML. Only the syntax errors are then reported, because the rest was not understood.
pub(super) fn read(
    path: &Path,
    text: &str,
    faults: &mut Vec<ConfigFault>,
) -> Option<Vec<(&'static Setting, StatedValue)>> {
    let (document, errors) = DeTable::parse_recoverable(text);
    let mut reader = FileReader { path, text, values: Vec::new(), faults };
    for error in &errors {
        let start = error.span().map_or(0, |span| span.start);
        reader.faults.push(ConfigFault::new(reader.origin(start), error.message().replace('\n', ", ")));
    }
    errors.is_empty().then(|| {
        reader.table("", document.get_ref());
        reader.values
    })
}

struct FileReader<'a> {
    path: &'a Path,
    text: &'a str,
    values: Vec<(&'static Setting, StatedValue)>,
    faults: &'a mut Vec<ConfigFault>,
}

impl FileReader<'_> {
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

    /// A table for each name, in which each key becomes a line of its own: `NAME.key=value`.
    fn named_tables(&mut self, setting: &'static Setting, tables: &DeTable<'_>) {
        for (name, value) in tables {
            let at = name.span().start;
            let key = format!("{}.{}", setting.key, name.get_ref());
            match value.get_ref() {
                DeValue::Table(table) if table.is_empty() => {
                    self.line(setting, name.get_ref().to_string(), at);
                }
                DeValue::Table(table) => self.named_table(setting, name.get_ref(), table),
                other => self.unfit(&key, "a table", other, at),
            }
        }
    }

    fn named_table(&mut self, setting: &'static Setting, name: &str, table: &DeTable<'_>) {
        for (key, value) in table {
            let at = key.span().start;
            let key = format!("{name}.{}", key.get_ref());
            match text_of(ValueType::List, value.get_ref()).filter(|text| !text.contains('\n')) {
                Some(text) => self.line(setting, format!("{key}={text}"), at),
                None => self.unfit(
                    &format!("{}.{key}", setting.key),
                    "a string or an array of strings, in one line",
                    value.get_ref(),
                    at,
                ),
            }
        }
    }

    fn line(&mut self, setting: &'static Setting, text: String, at: usize) {
        let origin = self.origin(at);
        self.values.push((setting, StatedValue { text, origin }));
    }

    fn unfit(&mut self, key: &str, wanted: &str, value: &DeValue<'_>, at: usize) {
        let message = format!("must be {wanted}, not {}", name_of(value));
        self.faults.push(ConfigFault::new(self.origin(at), message).about(key));
    }

    fn setting(&mut self, setting: &'static Setting, value: &Spanned<DeValue<'_>>, at: usize) {
        if let (ValueType::NamedTables, DeValue::Table(tables)) = (setting.kind, value.get_ref()) {
            return self.named_tables(setting, tables);
        }
        match text_of(setting.kind, value.get_ref()) {
            Some(text) => self.line(setting, text, at),
            None => self.unfit(setting.key, setting.kind.name(), value.get_ref(), at),
        }
    }

    fn unknown(&mut self, key: &str, at: usize, near: impl Iterator<Item = &'static str>) {
        let message = if is_table(key) {
            format!("is a table: write [{key}]")
        } else {
            format!("is not a setting{}", did_you_mean(key, near))
        };
        self.faults.push(ConfigFault::new(self.origin(at), message).about(key));
    }

    fn origin(&self, at: usize) -> Origin {
        origin(self.path, self.text, at)
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
