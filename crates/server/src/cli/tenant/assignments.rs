//! What a tenant decides, as arguments of a command.

use std::fmt::Write as _;

use portcullis_core::tenant::TenantSettings;

use crate::cli::failure::Failure;
use crate::config::Config;
use crate::config::tenant::{Assignment, TENANT_SETTINGS};

/// The end of a help text: every key with its value and its meaning.
pub(super) fn help() -> String {
    let left = |key: &crate::config::tenant::TenantSetting| format!("{}={}", key.name, key.value);
    let width = TENANT_SETTINGS.iter().map(|key| left(key).chars().count()).max().unwrap_or(0);
    let mut text = "Keys:\n".to_owned();
    for key in TENANT_SETTINGS.iter() {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "  {:<width$}  {}", left(key), key.help);
    }
    text.push_str("\nDurations are written as 15m, 7d or 1h30m. KEY= takes a decision back.");
    text
}

/// The settings with all of this decided, one after the other.
pub(super) fn assigned(settings: TenantSettings, decisions: &[Assignment]) -> TenantSettings {
    decisions.iter().fold(settings, |settings, decision| decision.over(settings))
}

/// Refuses what could not take effect here: a tenant offers strategies of the installation and no others.
pub(super) fn check(decisions: &[Assignment], config: &Config) -> Result<(), Failure> {
    let enabled = &config.strategies.enabled;
    let foreign = decisions.iter().flat_map(Assignment::strategies).find(|name| !enabled.contains(name));
    match foreign {
        Some(name) => Err(Failure::usage(format_args!(
            "strategies: {name} is not offered by the installation; strategies.enabled says what is"
        ))),
        None => Ok(()),
    }
}
