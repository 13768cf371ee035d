//! The table of settings: name, default, meaning and parser of each.
//!
//! Flags, variables, keys of the file, `config check` and the table in `docs/configuration.md` are made from it. A new
//! setting is one row here and one field of [`Config`](super::Config). Rows are applied from first to last, so a
//! default may depend on the rows above it. Rules between settings are in `rules`.

#[macro_use]
mod row;

mod forward_auth;
pub(super) mod lifetimes;
mod mail;
mod server;
mod tcp;
pub(super) mod web;

use super::builder::ConfigBuilder;
pub(super) use portcullis_config::toml_value::ValueType;
use portcullis_config::{ConfigFault, Origin, StatedValue, did_you_mean};

use super::parse::{Parsed, database_without_password};
use super::report::ReportRow;

/// One setting.
pub(super) struct Setting {
    /// Its key in the file: `limits.body`.
    pub(super) key: &'static str,
    /// The name of its value in help texts: `DURATION`.
    pub(super) value: &'static str,
    /// Its value if no source states it.
    pub(super) default: DefaultValue,
    /// What it means, in one line.
    pub(super) doc: &'static str,
    /// Parses a text and stores the value.
    pub(super) apply: fn(&mut ConfigBuilder, &str) -> Parsed<()>,
    /// The TOML types that the file may use for it.
    pub(super) kind: ValueType,
    /// A variable that other software uses for the same thing.
    pub(super) also: Option<&'static str>,
    /// Whether its value is a secret, which is never shown.
    pub(super) secret: bool,
    /// Whether its value is the URL of a database, which is shown without its password.
    pub(super) names_database: bool,
    /// The name of its flag without dashes; `None` if it has no flag.
    pub(super) flag: Option<&'static str>,
    /// A value for the file that `config init` writes, where the default is none, or not for production.
    pub(super) example: Option<&'static str>,
}

/// The value of a setting that no source states.
#[derive(Clone, Copy)]
pub(super) enum DefaultValue {
    /// None; the text says what that means.
    Unset(&'static str),
    /// This text.
    Fixed(&'static str),
    /// Computed from other settings; the text describes it in the documentation.
    Derived(&'static str, fn(&ConfigBuilder) -> String),
}

impl Setting {
    const fn also(self, variable: &'static str) -> Self {
        Self { also: Some(variable), ..self }
    }

    const fn secret(self) -> Self {
        Self { secret: true, ..self }
    }

    const fn names_database(self) -> Self {
        Self { names_database: true, ..self }
    }

    const fn example(self, text: &'static str) -> Self {
        Self { example: Some(text), ..self }
    }

    const fn flag(self, name: &'static str) -> Self {
        Self { flag: Some(name), ..self }
    }

    /// Gives the setting its default, then each stated value, lowest source first. Each of them must be valid, even one
    /// that a higher source overrides.
    pub(super) fn apply_all(
        &self,
        builder: &mut ConfigBuilder,
        stated: &[StatedValue],
        faults: &mut Vec<ConfigFault>,
    ) {
        let unset = if let DefaultValue::Unset(meaning) = self.default { meaning } else { "" };
        let default = self.default_text(builder).map(|text| StatedValue { text, origin: Origin::Default });
        for value in default.iter().chain(stated) {
            builder.parsing = value.origin.clone();
            if let Err(message) = (self.apply)(builder, &value.text) {
                builder.mark_broken(self.key);
                faults.push(ConfigFault::new(value.origin.clone(), message).about(self.key));
            }
        }
        let effective = match self.kind {
            ValueType::NamedTables => all_lines(stated),
            _ => stated.last().or(default.as_ref()).cloned(),
        };
        let shown = |value: &StatedValue| match self.secret {
            true => "(set)".to_owned(),
            false if self.names_database => database_without_password(&value.text),
            false => value.text.clone(),
        };
        builder.report(ReportRow {
            key: self.key,
            value: effective.as_ref().map(shown),
            origin: effective.map_or(Origin::Default, |value| value.origin),
            warnings: Vec::new(),
            unset,
        });
    }

    /// The value if no source states it, beside the settings that the builder has already.
    pub(super) fn default_text(&self, builder: &ConfigBuilder) -> Option<String> {
        match self.default {
            DefaultValue::Unset(_) => None,
            DefaultValue::Fixed(text) => Some(text.to_owned()),
            DefaultValue::Derived(_, text) => Some(text(builder)),
        }
    }

    /// The default in words, for documentation.
    pub(super) fn default_in_words(&self) -> String {
        match self.default {
            DefaultValue::Fixed(text) => format!("`{text}`"),
            DefaultValue::Unset(meaning) | DefaultValue::Derived(meaning, _) => meaning.to_owned(),
        }
    }

    /// The name of its variable.
    pub(super) fn variable(&self) -> String {
        variable_of(self.key)
    }
}

fn variable_of(key: &str) -> String {
    format!("{VARIABLE_PREFIX}{}", key.replace(['.', '-'], "_").to_uppercase())
}

/// All that is stated of named tables: a higher source adds to a lower one. It comes from the highest.
fn all_lines(stated: &[StatedValue]) -> Option<StatedValue> {
    let lines: Vec<&str> = stated.iter().flat_map(|value| value.text.lines()).collect();
    stated.last().map(|last| StatedValue { text: lines.join("; "), origin: last.origin.clone() })
}

/// The prefix of every variable.
pub(super) const VARIABLE_PREFIX: &str = "PORTCULLIS_";

/// Settings that belong together.
pub(super) struct SettingGroup {
    /// The heading in the documentation.
    pub(super) heading: &'static str,
    /// The settings.
    pub(super) settings: &'static [Setting],
}

/// All groups, in order.
pub(super) const GROUPS: [SettingGroup; 11] = [
    SettingGroup { heading: "Server", settings: server::SERVER },
    SettingGroup { heading: "Secrets and tokens", settings: server::SECRETS },
    SettingGroup { heading: "Browsers", settings: web::BROWSERS },
    SettingGroup { heading: "Forward-auth", settings: forward_auth::FORWARD_AUTH },
    SettingGroup { heading: "Tenants and passwords", settings: web::PEOPLE },
    SettingGroup { heading: "Mail", settings: mail::MAIL },
    SettingGroup { heading: "Strategies and their lifetimes", settings: lifetimes::STRATEGIES },
    SettingGroup { heading: "Liveness", settings: server::LIVENESS },
    SettingGroup { heading: "Limits", settings: server::LIMITS },
    SettingGroup { heading: "Microservices", settings: tcp::TCP },
    SettingGroup { heading: "Log and metrics", settings: server::LOG },
];

/// All settings, in order.
pub(super) fn all() -> impl Iterator<Item = &'static Setting> {
    GROUPS.iter().flat_map(|group| group.settings)
}

/// The setting with this key.
pub(super) fn find(key: &str) -> Option<&'static Setting> {
    all().find(|setting| setting.key == key)
}

/// Settings of released versions, and what has replaced each: an upgrade must not leave an operator guessing.
const REPLACED: [(&str, &str); 1] = [("hashing.queue", "hashing.max_wait")];

/// What is wrong with the key or the variable of no setting. `known` are those that may be meant.
pub(super) fn not_a_setting<'a>(stated: &str, known: impl Iterator<Item = &'a str>) -> String {
    let replacement = REPLACED.into_iter().find_map(|(old, new)| match stated {
        _ if stated == old => Some(new.to_owned()),
        _ if stated == variable_of(old) => Some(variable_of(new)),
        _ => None,
    });
    match replacement {
        Some(new) => format!("is not a setting any more: {new} has replaced it"),
        None => format!("is not a setting{}", did_you_mean(stated, known)),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn keys_and_variables_name_one_setting_each() {
        let keys: BTreeSet<&str> = all().map(|setting| setting.key).collect();
        let variables: BTreeSet<String> = all()
            .flat_map(|setting| [Some(setting.variable()), setting.also.map(str::to_owned)])
            .flatten()
            .collect();
        assert_eq!(keys.len(), all().count());
        assert_eq!(variables.len(), all().count() + all().filter(|setting| setting.also.is_some()).count());
    }

    #[test]
    fn a_variable_is_named_after_its_key() {
        for (key, variable) in [
            ("data_dir", "PORTCULLIS_DATA_DIR"),
            ("strategies.session-jwt.access", "PORTCULLIS_STRATEGIES_SESSION_JWT_ACCESS"),
        ] {
            assert_eq!(find(key).unwrap().variable(), variable);
        }
    }
}
