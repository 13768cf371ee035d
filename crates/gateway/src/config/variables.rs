//! The variables: `PORTCULLIS_GATEWAY_…` for each key outside the routes.

use std::collections::BTreeMap;

use portcullis_config::{ConfigFault, Origin, StatedValue, did_you_mean};

use super::key::StatedKeys;
use super::settings::SETTINGS;

/// The prefix of every variable.
const PREFIX: &str = "PORTCULLIS_GATEWAY_";

/// The variable of the server's own setting `gateway.config`.
const OF_SERVER: &str = "PORTCULLIS_GATEWAY_CONFIG";

fn variable(key: &str) -> String {
    format!("{PREFIX}{}", key.replace('.', "_").to_uppercase())
}

/// Every variable.
pub fn variables() -> impl Iterator<Item = String> {
    SETTINGS.iter().map(|key| variable(key.name))
}

/// Whether this is one of them.
#[must_use]
pub fn is_variable(name: &str) -> bool {
    variables().any(|known| known == name)
}

/// Adds what variables state. An empty one is unset.
pub(super) fn add(
    environment: &BTreeMap<String, String>,
    stated: &mut StatedKeys,
    faults: &mut Vec<ConfigFault>,
) {
    for key in SETTINGS {
        let name = variable(key.name);
        if let Some(text) = environment.get(&name).filter(|text| !text.is_empty()) {
            stated.add(key.name, StatedValue { text: text.clone(), origin: Origin::Variable(name) });
        }
    }
    let ours = environment.iter().filter(|(name, text)| name.starts_with(PREFIX) && !text.is_empty());
    for (name, _) in ours.filter(|(name, _)| !is_variable(name) && *name != OF_SERVER) {
        let known: Vec<String> = variables().collect();
        let near = did_you_mean(name, known.iter().map(String::as_str));
        faults.push(ConfigFault::new(Origin::Variable(name.clone()), format!("is not a setting{near}")));
    }
}
