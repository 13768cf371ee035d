//! Tenants: what is stored of one, what it has decided for itself, and the rules that follow.

mod policy;
mod settings;

use std::time::Duration;

pub use policy::{SecondStep, TenantPolicy};
pub use settings::{SettingsFault, StrategyLifetimes, TenantSettings};

use crate::clock::Timestamp;
use crate::id::TenantId;

/// What is stored of a tenant.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TenantRecord {
    /// Its name.
    pub id: TenantId,
    /// When it was made.
    pub created: Timestamp,
    /// What it has decided for itself.
    pub settings: TenantSettings,
    /// The database in which its users and sessions live; with those of everybody else if none is named.
    pub database: Option<String>,
    /// Since when nobody may sign in or stay signed in.
    pub suspended: Option<Timestamp>,
    /// Tokens that were issued up to this moment are not believed: it was suspended then.
    pub tokens_not_before: Option<Timestamp>,
    /// How often it was changed.
    pub version: u64,
}

impl TenantRecord {
    /// A new tenant, under the rules of the installation.
    #[must_use]
    pub fn new(id: TenantId, created: Timestamp) -> Self {
        let settings = TenantSettings::default();
        Self { id, created, settings, database: None, suspended: None, tokens_not_before: None, version: 0 }
    }

    /// The tenant under other settings.
    #[must_use]
    pub fn with_settings(self, settings: TenantSettings) -> Self {
        if self.settings == settings { self } else { Self { settings, ..self }.changed() }
    }

    /// The tenant, suspended; one that is already stays as it is.
    #[must_use]
    pub fn suspended(self, now: Timestamp) -> Self {
        if self.suspended.is_some() {
            return self;
        }
        Self { suspended: Some(now), tokens_not_before: Some(now), ..self }.changed()
    }

    /// The tenant, open again. What was issued before it was suspended, and while it was, stays worthless.
    ///
    /// Tokens know whole seconds: one that is issued in the second in which the tenant is opened is good, unless that is
    /// the second in which it was suspended.
    #[must_use]
    pub fn resumed(self, now: Timestamp) -> Self {
        if self.suspended.is_none() {
            return self;
        }
        let before = now.whole_second().minus(Duration::from_millis(1));
        let tokens_not_before = self.tokens_not_before.max(Some(before));
        Self { suspended: None, tokens_not_before, ..self }.changed()
    }

    fn changed(self) -> Self {
        Self { version: self.version.saturating_add(1), ..self }
    }
}

/// What is made once and holds for all tenants and all nodes.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Installation {
    /// The issuer of tokens where no public URL is configured.
    pub issuer: String,
    /// When it was made.
    pub created: Timestamp,
}

#[cfg(test)]
mod tests {
    use super::*;

    // ASVS-map: SE5
    #[test]
    fn what_was_issued_before_a_suspension_is_worthless_after_it() {
        let at = Timestamp::from_seconds;
        let tenant = TenantRecord::new(TenantId::default_tenant(), at(0));
        let suspended = tenant.clone().suspended(at(10));
        assert_eq!(suspended.clone().suspended(at(11)), suspended);
        let resumed = suspended.clone().resumed(at(20));
        let before = at(20).minus(Duration::from_millis(1));
        assert_eq!((resumed.suspended, resumed.tokens_not_before, resumed.version), (None, Some(before), 2));
        let at_once = suspended.resumed(at(10).plus(Duration::from_millis(300)));
        assert_eq!(at_once.tokens_not_before, Some(at(10)));
        assert_eq!(tenant.clone().resumed(at(5)), tenant);
    }
}
