//! The rules of a tenant.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::key::KeyLifetimes;
use crate::lockout::LockoutLimits;
use crate::password::PasswordPolicy;
use crate::session::KNOWN_DEVICE;
use crate::strategy::{Check, Renewal, Strategy, StrategyName};

/// The rules of a tenant.
#[derive(Clone, PartialEq, Debug)]
pub struct TenantPolicy {
    /// The strategies on offer, and what each name means here.
    pub strategies: BTreeMap<StrategyName, Strategy>,
    /// Who tokens are for; the tenant's name if nothing is set.
    pub audience: Option<String>,
    /// How far clocks of issuer and verifier may be apart.
    pub leeway: Duration,
    /// What a password must be like when it is set.
    pub password: PasswordPolicy,
    /// Whether a sign-in on the device-session surface has a second step.
    pub second_step: SecondStep,
    /// How many wrong passwords lock an account, and for how long.
    pub lockout: LockoutLimits,
    /// The most sessions a user may have; the oldest end. 0: any number.
    pub session_cap: u32,
    /// Whether a sign-up does not tell that an address has an account.
    pub hides_existence: bool,
}

/// Whether a sign-in has a second step: a code that is sent by mail.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SecondStep {
    /// On the device-session surface; the strategies that know none are offered beside it.
    #[default]
    On,
    /// Nowhere.
    Off,
    /// Everywhere: what knows no second step is not offered.
    Forced,
}

impl SecondStep {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::On, Self::Off, Self::Forced];

    /// The word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::On => "on",
            Self::Off => "off",
            Self::Forced => "forced",
        }
    }
}

impl TenantPolicy {
    /// All named strategies with their own lifetimes, a minute's leeway, and this password policy.
    #[must_use]
    pub fn with_passwords(password: PasswordPolicy) -> Self {
        let strategies = StrategyName::ALL.into_iter().map(|name| (name, name.strategy())).collect();
        Self {
            strategies,
            audience: None,
            leeway: Duration::from_mins(1),
            password,
            second_step: SecondStep::default(),
            lockout: LockoutLimits::default(),
            session_cap: 0,
            hides_existence: false,
        }
    }

    /// The strategies on offer, each with the second step if the tenant insists on one.
    #[must_use]
    pub fn offers(&self, name: StrategyName) -> Option<Strategy> {
        let offered = self.second_step != SecondStep::Forced || name.has_second_step();
        self.strategies.get(&name).copied().filter(|_| offered)
    }

    /// How long a key of each use must be known after it has signed for the last time.
    #[must_use]
    pub fn key_lifetimes(&self) -> KeyLifetimes {
        let mut longest = AT_LEAST;
        for strategy in self.strategies.values() {
            let credential = credential_life(strategy.check(), strategy.renewal());
            let line =
                if strategy.check() == Check::Stored { &mut longest.cookie } else { &mut longest.access };
            *line = (*line).max(credential);
            if let Renewal::Rotating { refresh, .. } = strategy.renewal() {
                longest.refresh = longest.refresh.max(refresh);
            }
        }
        longest
    }
}

/// How long a key is known at least, so that a lifetime that is made shorter, or a strategy that is not offered for a
/// while, does not take back what was signed before.
const AT_LEAST: KeyLifetimes = KeyLifetimes {
    access: Duration::from_hours(24),
    refresh: Duration::from_hours(30 * 24),
    // It signs the device cookies, too, and a device is known for 400 days.
    cookie: KNOWN_DEVICE,
};

/// How long what is shown with each request lasts. A cookie is signed again whenever it slides, a token is not.
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
    fn a_retired_key_is_known_as_long_as_the_longest_thing_it_signed() {
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
