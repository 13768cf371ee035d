//! A key of the file, and what the file and the variables state.

use std::collections::BTreeMap;

use portcullis_config::parse::Parsed;
use portcullis_config::toml_value::ValueType;
use portcullis_config::{ConfigFault, Origin, StatedValue};

/// A key: `D` is what it fills.
pub(super) struct GatewayKey<D: 'static> {
    /// Its name, with its table: `timeouts.connect`.
    pub(super) name: &'static str,
    /// The TOML types that the file may use for it.
    pub(super) kind: ValueType,
    /// Its value where it is not stated; empty for none.
    pub(super) default: &'static str,
    /// What it means, in one line.
    pub(super) doc: &'static str,
    /// Parses a text and stores the value.
    pub(super) apply: fn(&mut D, &str) -> Parsed<()>,
}

impl<D> GatewayKey<D> {
    pub(super) const fn new(
        name: &'static str,
        kind: ValueType,
        default: &'static str,
        doc: &'static str,
        apply: fn(&mut D, &str) -> Parsed<()>,
    ) -> Self {
        Self { name, kind, default, doc, apply }
    }
}

/// The values that are stated for keys, lowest priority first.
#[derive(Default)]
pub(super) struct StatedKeys {
    values: BTreeMap<&'static str, Vec<StatedValue>>,
    /// Those of each route, and where the route begins.
    pub(super) routes: Vec<(Origin, Self)>,
}

impl StatedKeys {
    /// Adds a value with a higher priority than all before.
    pub(super) fn add(&mut self, key: &'static str, value: StatedValue) {
        self.values.entry(key).or_default().push(value);
    }

    /// Where the value of a key is stated that counts.
    pub(super) fn origin(&self, key: &str) -> Option<&Origin> {
        self.values.get(key).and_then(|values| values.last()).map(|value| &value.origin)
    }

    /// Where a value of a key is stated last that is `about` something.
    pub(super) fn origin_about(&self, key: &str, about: impl Fn(&str) -> bool) -> Option<&Origin> {
        let values = self.values.get(key).into_iter().flatten();
        values.rev().find(|value| about(&value.text)).map(|value| &value.origin)
    }

    /// Gives each key its default, then each stated value. Each must be valid, even one that another goes before.
    pub(super) fn fill<D>(
        &self,
        keys: &[GatewayKey<D>],
        table: &str,
        draft: &mut D,
        faults: &mut Vec<ConfigFault>,
    ) {
        for key in keys {
            let default = StatedValue { text: key.default.to_owned(), origin: Origin::Default };
            let default = Some(&default).filter(|value| !value.text.is_empty());
            let stated = self.values.get(key.name).into_iter().flatten();
            for value in default.into_iter().chain(stated) {
                if let Err(message) = (key.apply)(draft, &value.text) {
                    let name = format!("{table}{}", key.name);
                    faults.push(ConfigFault::new(value.origin.clone(), message).about(name));
                }
            }
        }
    }
}

/// A list that names something: an empty one says nothing that could be meant.
pub(super) fn some<T>(list: Vec<T>, what: &str, otherwise: &str) -> Parsed<Vec<T>> {
    if list.is_empty() { Err(format!("names no {what}: leave it out, {otherwise}")) } else { Ok(list) }
}

/// A key whose parser's value is stored in a field.
macro_rules! key {
    ($name:literal, $kind:ident, $default:literal, $($field:ident).+ = $parse:expr, $doc:literal) => {
        $crate::config::key::GatewayKey::new($name, $kind, $default, $doc, |draft, text| {
            let parse: fn(&str) -> Result<_, String> = $parse;
            draft.$($field).+ = parse(text)?;
            Ok(())
        })
    };
}
pub(super) use key;
