//! `KEY=VALUE` arguments: the settings of a tenant.

use std::fmt::Write as _;

use portcullis_core::tenant::TenantSettings;

use crate::cli::failure::Failure;
use crate::config::Config;
use crate::config::tenant::{Assignment, TENANT_SETTINGS};

/// The end of a help text: every setting with its value and meaning.
pub(super) fn help() -> String {
    let left = |key: &crate::config::tenant::TenantSetting| format!("{}={}", key.name, key.value);
    let width = TENANT_SETTINGS.iter().map(|key| left(key).chars().count()).max().unwrap_or(0);
    let mut text = "Keys:\n".to_owned();
    for key in TENANT_SETTINGS.iter() {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "  {:<width$}  {}", left(key), key.help);
    }
    text.push_str("\nDurations are written as 15m, 7d or 1h30m. KEY= unsets a setting.");
    text
}

/// The settings with all of these assigned, in order.
pub(super) fn assigned(settings: TenantSettings, decisions: &[Assignment]) -> TenantSettings {
    decisions.iter().fold(settings, |settings, decision| decision.over(settings))
}

/// Refuses a strategy that the installation does not offer: it could not take effect.
pub(super) fn check(decisions: &[Assignment], config: &Config) -> Result<(), Failure> {
    let enabled = &config.strategies.enabled;
    let foreign = decisions.iter().flat_map(Assignment::strategies).find(|name| !enabled.contains(name));
    match foreign {
        Some(name) => Err(Failure::usage(format_args!(
            "strategies: {name} is not offered by the installation; add it to strategies.enabled or leave it out"
        ))),
        None => Ok(()),
    }
}
