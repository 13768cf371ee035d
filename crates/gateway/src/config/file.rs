//! The TOML file: which keys it states, and on which lines.

use std::path::Path;

use portcullis_config::toml_value::{ValueType, named_lines, origin, text_or_fault};
use portcullis_config::{ConfigFault, Origin, StatedValue, did_you_mean};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::key::{GatewayKey, StatedKeys};
use super::route_settings::ROUTE_SETTINGS;
use super::settings::SETTINGS;

/// What a file's text states. `None` if the text is not TOML; only the syntax errors are reported then.
pub(super) fn read(path: &Path, text: &str, faults: &mut Vec<ConfigFault>) -> Option<StatedKeys> {
    let (document, errors) = DeTable::parse_recoverable(text);
    let mut reader = GatewayFileReader { path, text, faults };
    for error in &errors {
        let start = error.span().map_or(0, |span| span.start);
        reader.fault(start, "", &error.message().replace('\n', ", "));
    }
    errors.is_empty().then(|| reader.document(document.get_ref()))
}

struct GatewayFileReader<'a> {
    path: &'a Path,
    text: &'a str,
    faults: &'a mut Vec<ConfigFault>,
}

impl GatewayFileReader<'_> {
    fn document(&mut self, table: &DeTable<'_>) -> StatedKeys {
        let mut stated = StatedKeys::default();
        let is_routes = |name: &Spanned<_>| AsRef::<str>::as_ref(name.get_ref()) == "routes";
        for (name, value) in table {
            if is_routes(name) {
                self.routes(value, &mut stated);
            } else {
                self.entry("", SETTINGS, name.get_ref(), name.span().start, value, &mut stated);
            }
        }
        stated
    }

    fn routes(&mut self, value: &Spanned<DeValue<'_>>, stated: &mut StatedKeys) {
        let DeValue::Array(items) = value.get_ref() else {
            return self.fault(value.span().start, "routes", "is a list of tables: write [[routes]]");
        };
        for item in items {
            let (begin, mut keys) = (self.origin(item.span().start), StatedKeys::default());
            match item.get_ref() {
                DeValue::Table(table) => self.table("", ROUTE_SETTINGS, table, &mut keys),
                _ => self.fault(item.span().start, "routes", "is a list of tables: write [[routes]]"),
            }
            stated.routes.push((begin, keys));
        }
    }

    fn table<D>(
        &mut self,
        prefix: &str,
        keys: &[GatewayKey<D>],
        table: &DeTable<'_>,
        stated: &mut StatedKeys,
    ) {
        for (name, value) in table {
            self.entry(prefix, keys, name.get_ref(), name.span().start, value, stated);
        }
    }

    /// One name of a table: a key, or a table of keys.
    fn entry<D>(
        &mut self,
        prefix: &str,
        keys: &[GatewayKey<D>],
        name: &str,
        at: usize,
        value: &Spanned<DeValue<'_>>,
        stated: &mut StatedKeys,
    ) {
        let key = format!("{prefix}{name}");
        let inner = format!("{key}.");
        let has_keys = keys.iter().any(|known| known.name.starts_with(&inner));
        match (keys.iter().find(|known| known.name == key), value.get_ref()) {
            (Some(known), value) => self.value(known, value, at, stated),
            (None, DeValue::Table(table)) if has_keys => self.table(&inner, keys, table, stated),
            (None, _) if has_keys => self.fault(at, &key, &format!("is a table: write [{key}]")),
            (None, _) => {
                let near = did_you_mean(&key, keys.iter().map(|known| known.name));
                self.fault(at, &key, &format!("is not a key{near}"));
            }
        }
    }

    fn value<D>(&mut self, key: &GatewayKey<D>, value: &DeValue<'_>, at: usize, stated: &mut StatedKeys) {
        if let (ValueType::NamedTables, DeValue::Table(tables)) = (key.kind, value) {
            return self.named_tables(key.name, tables, stated);
        }
        match text_or_fault(key.kind, value) {
            Ok(text) => stated.add(key.name, StatedValue { text, origin: self.origin(at) }),
            Err(message) => self.fault(at, key.name, &message),
        }
    }

    fn named_tables(&mut self, key: &'static str, tables: &DeTable<'_>, stated: &mut StatedKeys) {
        for (at, line) in named_lines(tables) {
            match line {
                Ok(text) => stated.add(key, StatedValue { text, origin: self.origin(at) }),
                Err(unfit) => self.fault(at, &format!("{key}.{}", unfit.key), &unfit.message),
            }
        }
    }

    fn fault(&mut self, at: usize, key: &str, message: &str) {
        let fault = ConfigFault::new(self.origin(at), message);
        self.faults.push(if key.is_empty() { fault } else { fault.about(key) });
    }

    fn origin(&self, at: usize) -> Origin {
        origin(self.path, self.text, at)
    }
}
