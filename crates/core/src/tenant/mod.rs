//! Tenants: the record of one, its settings, and the policy that follows from them.

mod policy;
mod settings;

use std::time::Duration;

pub use policy::{SecondStep, TenantPolicy};
pub use settings::{SettingsFault, StrategyLifetimes, TenantSettings};

use crate::clock::Timestamp;
use crate::id::TenantId;

/// A tenant, as it is stored.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TenantRecord {
    /// The tenant's id.
    pub id: TenantId,
    /// When the tenant was created.
    pub created: Timestamp,
    /// The tenant's own settings.
    pub settings: TenantSettings,
    /// The database of the tenant's users and sessions. `None` for the shared one.
    pub database: Option<String>,
    /// Since when the tenant is suspended: its users can neither sign in nor stay signed in. `None` if it is not.
    pub suspended: Option<Timestamp>,
    /// Tokens issued up to this moment are refused, because the tenant was suspended. `None` if it never was.
    pub tokens_not_before: Option<Timestamp>,
    /// How often the tenant was changed.
    pub version: u64,
}

impl TenantRecord {
    /// A new tenant with the policy of the installation.
    #[must_use]
    pub fn new(id: TenantId, created: Timestamp) -> Self {
        let settings = TenantSettings::default();
        Self { id, created, settings, database: None, suspended: None, tokens_not_before: None, version: 0 }
    }

    /// Changes the settings.
    #[must_use]
    pub fn with_settings(self, settings: TenantSettings) -> Self {
        if self.settings == settings { self } else { Self { settings, ..self }.changed() }
    }

    /// Suspends the tenant. A suspended tenant does not change.
    #[must_use]
    pub fn suspended(self, now: Timestamp) -> Self {
        if self.suspended.is_some() {
            return self;
        }
        Self { suspended: Some(now), tokens_not_before: Some(now), ..self }.changed()
    }

    /// Ends the suspension. Tokens issued before or during it stay invalid.
    ///
    /// Tokens carry whole seconds: one issued in the second of the resumption is valid, unless the tenant was suspended
    /// in the same second.
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

/// What the first start creates for all tenants and all nodes.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Installation {
    /// The issuer of tokens if no public URL is configured.
    pub issuer: String,
    /// When the installation was created.
    pub created: Timestamp,
}

#[cfg(test)]
mod tests {
    use super::*;

    // ASVS-map: SE5
    #[test]
    fn tokens_issued_before_a_suspension_stay_invalid_after_it() {
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
