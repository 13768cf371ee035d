//! The settings of a tenant as text: what `portcullis tenant` takes and shows.
//!
//! A value is parsed like the installation's setting that it overrides, and written so that it can be parsed again.
//! What several settings must satisfy together is checked in the core.

mod settings_table;

#[cfg(test)]
mod tests;

use portcullis_core::strategy::{Renewal, StrategyName};
use portcullis_core::tenant::{StrategyLifetimes, TenantPolicy, TenantSettings};

use super::Config;
use super::parse::Parsed;
use portcullis_config::did_you_mean;

pub(crate) use settings_table::TENANT_SETTINGS;

/// Parses a text into a tenant's settings.
type Read = dyn Fn(&mut TenantSettings, &str) -> Parsed<()> + Send + Sync;

/// Copies a value between settings, also if it is not set.
type Copy = dyn Fn(&TenantSettings, &mut TenantSettings) + Send + Sync;

/// Writes the value; `None` if it is not set.
type Show = dyn Fn(&TenantSettings) -> Option<String> + Send + Sync;

/// A setting that a tenant may override.
pub(crate) struct TenantSetting {
    /// Its key: `mail.from`.
    pub(crate) name: String,
    /// The name of its value in help texts: `DURATION`.
    pub(crate) value: &'static str,
    /// What it means, in one line.
    pub(crate) help: String,
    read: Box<Read>,
    copy: Box<Copy>,
    show: Box<Show>,
}

impl std::fmt::Debug for TenantSetting {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.name)
    }
}

impl TenantSetting {
    /// Its value as text; `None` if it is not set.
    pub(crate) fn shown(&self, settings: &TenantSettings) -> Option<String> {
        (self.show)(settings)
    }
}

/// `KEY=VALUE`: a setting and its new value. `KEY=` unsets it.
#[derive(Clone, Debug)]
pub(crate) struct Assignment {
    /// The setting.
    pub(crate) key: &'static TenantSetting,
    stated: TenantSettings,
}

impl Assignment {
    /// Parses `KEY=VALUE`, or `KEY=` to unset.
    ///
    /// # Errors
    /// A sentence that names the key and what is wrong with it.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let (name, value) = text
            .split_once('=')
            .ok_or_else(|| format!("{text:?} is not KEY=VALUE; KEY= unsets a setting"))?;
        let key = TENANT_SETTINGS.iter().find(|key| key.name == name).ok_or_else(|| unknown(name))?;
        let mut stated = TenantSettings::default();
        if !value.is_empty() {
            (key.read)(&mut stated, value).map_err(|message| format!("{name}: {message}"))?;
        }
        Ok(Self { key, stated })
    }

    /// The settings with this one assigned.
    pub(crate) fn over(&self, mut settings: TenantSettings) -> TenantSettings {
        (self.key.copy)(&self.stated, &mut settings);
        settings
    }

    /// The strategies that this assignment offers; none if it is about another setting.
    pub(crate) fn strategies(&self) -> &[StrategyName] {
        self.stated.strategies.as_deref().unwrap_or_default()
    }
}

fn unknown(name: &str) -> String {
    let suggestion = did_you_mean(name, TENANT_SETTINGS.iter().map(|key| key.name.as_str()));
    format!("{name:?} is not a setting of a tenant{suggestion}")
}

/// The effective settings of a tenant: its own, otherwise those of the installation.
pub(crate) fn effective(policy: &TenantPolicy, settings: &TenantSettings, config: &Config) -> TenantSettings {
    let Config { mail, branding, .. } = config;
    let renewals = policy.strategies.iter().map(|(name, strategy)| (*name, of(strategy.renewal())));
    let offered = policy.strategies.keys().copied().filter(|name| policy.offers(*name).is_some());
    TenantSettings {
        strategies: Some(offered.collect()),
        lifetimes: renewals.collect(),
        otp: Some(policy.second_step),
        lock_after: Some(policy.lockout.max_failures),
        lock_for: Some(policy.lockout.lock_duration),
        shortest_password: Some(policy.password.min_length),
        session_cap: Some(policy.session_cap),
        client_id: Some(policy.client_id.to_string()),
        hide_existence: Some(policy.hides_existence),
        sender: settings.sender.clone().or_else(|| mail.from.as_ref().map(ToString::to_string)),
        language: settings.language.clone().or_else(|| Some(mail.language.clone())),
        reset_url: settings.reset_url.clone(),
        name: settings.name.clone().or_else(|| Some(branding.name.clone())),
        logo_url: settings.logo_url.clone().or_else(|| branding.logo_url.clone()),
        home_url: settings.home_url.clone().or_else(|| branding.home_url.clone()),
    }
}

fn of(renewal: Renewal) -> StrategyLifetimes {
    let mut lifetimes = StrategyLifetimes::default();
    match renewal {
        Renewal::Fixed { lifetime } => lifetimes.lifetime = Some(lifetime),
        Renewal::Sliding { idle, max } => (lifetimes.idle, lifetimes.max) = (Some(idle), Some(max)),
        Renewal::Rotating { access, refresh, max, grace } => {
            lifetimes = StrategyLifetimes {
                access: Some(access),
                refresh: Some(refresh),
                max: Some(max),
                grace: Some(grace),
                ..lifetimes
            };
        }
    }
    lifetimes
}
