//! The TOML file: which settings it states, and on which lines.

use std::path::Path;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use portcullis_config::toml_value::{UnfitKey, ValueType, named_lines, origin, text_or_fault};
use portcullis_config::{ConfigFault, Origin, StatedValue};

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
        for (at, line) in named_lines(tables) {
            match line {
                Ok(text) => self.line(setting, text, at),
                Err(UnfitKey { key, message }) => {
                    let key = format!("{}.{key}", setting.key);
                    self.faults.push(ConfigFault::new(self.origin(at), message).about(key));
                }
            }
        }
    }

    fn line(&mut self, setting: &'static Setting, text: String, at: usize) {
        let origin = self.origin(at);
        self.values.push((setting, StatedValue { text, origin }));
    }

    fn setting(&mut self, setting: &'static Setting, value: &Spanned<DeValue<'_>>, at: usize) {
        if let (ValueType::NamedTables, DeValue::Table(tables)) = (setting.kind, value.get_ref()) {
            return self.named_tables(setting, tables);
        }
        match text_or_fault(setting.kind, value.get_ref()) {
            Ok(text) => self.line(setting, text, at),
            Err(message) => {
                self.faults.push(ConfigFault::new(self.origin(at), message).about(setting.key));
            }
        }
    }

    fn unknown(&mut self, key: &str, at: usize, near: impl Iterator<Item = &'static str>) {
        let message = if is_table(key) {
            format!("is a table: write [{key}]")
        } else {
            settings::not_a_setting(key, near)
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
