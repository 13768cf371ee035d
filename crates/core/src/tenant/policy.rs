//! The policy of a tenant: the configuration of the installation with the tenant's settings applied.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;

use crate::key::KeyLifetimes;
use crate::lockout::LockoutLimits;
use crate::password::PasswordPolicy;
use crate::session::KNOWN_DEVICE;
use crate::strategy::{Check, Renewal, Strategy, StrategyName};
use crate::word_enum::word_enum;

/// The policy of a tenant.
#[derive(Clone, PartialEq, Debug)]
pub struct TenantPolicy {
    /// The strategies that are offered, with their lifetimes.
    pub strategies: BTreeMap<StrategyName, Strategy>,
    /// The audience of tokens. `None` for the tenant's id, and for none in access tokens that a shared secret signs.
    pub audience: Option<String>,
    /// `client_id` of access tokens: the clients of a tenant are not told apart.
    pub client_id: Arc<str>,
    /// How far the clocks of issuer and verifier may differ.
    pub leeway: Duration,
    /// What a new password must satisfy.
    pub password: PasswordPolicy,
    /// Whether a device sign-in has a second step.
    pub second_step: SecondStep,
    /// The limits of the brute-force lockout.
    pub lockout: LockoutLimits,
    /// The maximum number of sessions of a user; one more ends the oldest. 0 for no limit.
    pub session_cap: u32,
    /// Whether sign-up hides that an address has an account.
    pub hides_existence: bool,
}

word_enum! {
    /// Whether a sign-in has a second step, in which the user enters a code that was mailed. The word stands in
    /// settings.
    #[derive(Default, Deserialize)]
    #[serde(rename_all = "snake_case")]
    pub enum SecondStep {
        /// Device sign-ins have one. Strategies without a second step are offered as well.
        #[default]
        On = "on",
        /// The same, but a device that is known to the user and shows its proof skips the code.
        NewDevices = "new_devices",
        /// No sign-in has one.
        Off = "off",
        /// Every sign-in has one. Strategies without a second step are not offered.
        Forced = "forced",
    }
}

/// `client_id` where a tenant has none of its own.
const CLIENT: &str = "portcullis";

impl TenantPolicy {
    /// All strategies with their default lifetimes, a leeway of a minute, and this password policy.
    #[must_use]
    pub fn with_passwords(password: PasswordPolicy) -> Self {
        let strategies = StrategyName::ALL.into_iter().map(|name| (name, name.strategy())).collect();
        Self {
            strategies,
            audience: None,
            client_id: CLIENT.into(),
            leeway: Duration::from_mins(1),
            password,
            second_step: SecondStep::default(),
            lockout: LockoutLimits::default(),
            session_cap: 0,
            hides_existence: false,
        }
    }

    /// The strategy of this name. `None` if the tenant does not offer it or it lacks a second step that is forced.
    #[must_use]
    pub fn offers(&self, name: StrategyName) -> Option<Strategy> {
        let offered = self.second_step != SecondStep::Forced || name.has_second_step();
        self.strategies.get(&name).copied().filter(|_| offered)
    }

    /// How long a key of each use must verify after it has signed for the last time.
    #[must_use]
    pub fn key_lifetimes(&self) -> KeyLifetimes {
        let mut longest = AT_LEAST;
        for strategy in self.strategies.values() {
            let credential = credential_life(strategy.check(), strategy.renewal());
            let lifetime =
                if strategy.check() == Check::Stored { &mut longest.cookie } else { &mut longest.access };
            *lifetime = (*lifetime).max(credential);
            if let Renewal::Rotating { refresh, .. } = strategy.renewal() {
                longest.refresh = longest.refresh.max(refresh);
            }
        }
        longest
    }
}

/// How long a key verifies at least. So an operator who shortens a lifetime or withdraws a strategy does not invalidate
/// what was signed before.
const AT_LEAST: KeyLifetimes = KeyLifetimes {
    access: Duration::from_hours(24),
    refresh: Duration::from_hours(30 * 24),
    // Cookie keys sign device cookies as well.
    cookie: KNOWN_DEVICE,
};

/// The lifetime of what a client sends with each request. A cookie is signed again when it slides; a token is not.
const fn credential_life(check: Check, renewal: Renewal) -> Duration {
    match (check, renewal) {
        (_, Renewal::Fixed { lifetime }) => lifetime,
        (Check::Stored, Renewal::Sliding { idle, .. }) => idle,
        (_, Renewal::Sliding { max, .. }) => max,
        (_, Renewal::Rotating { access, .. }) => access,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_verifies_as_long_as_the_longest_lived_thing_it_signed() {
        let hours = |hours| Duration::from_hours(hours);
        let mut policy = TenantPolicy::with_passwords(PasswordPolicy::DEVELOPMENT);
        let month = hours(30 * 24);
        let preset = KeyLifetimes { access: hours(24), refresh: month, cookie: KNOWN_DEVICE };
        assert_eq!(policy.key_lifetimes(), preset);
        let fixed = Renewal::Fixed { lifetime: hours(48) };
        let longer = StrategyName::Jwt.strategy().with_renewal(fixed).unwrap();
        policy.strategies.insert(StrategyName::Jwt, longer);
        assert_eq!(policy.key_lifetimes(), KeyLifetimes { access: hours(48), ..preset });
        policy.strategies.clear();
        assert_eq!(policy.key_lifetimes(), preset);
    }
}
