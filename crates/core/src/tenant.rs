//! Tenants, and the rules that hold in one.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::clock::Timestamp;
use crate::id::TenantId;
use crate::key::KeyLifetimes;
use crate::password::PasswordPolicy;
use crate::strategy::{Check, Renewal, Strategy, StrategyName};

/// What is stored of a tenant.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TenantRecord {
    /// Its name.
    pub id: TenantId,
    /// When it was made.
    pub created: Timestamp,
}

/// What is made once and holds for all tenants and all nodes.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Installation {
    /// The issuer of tokens where no public URL is configured.
    pub issuer: String,
    /// When it was made.
    pub created: Timestamp,
}

/// The rules of a tenant.
#[derive(Clone, PartialEq, Debug)]
pub struct Policy {
    /// The strategies on offer, and what each name means here.
    pub strategies: BTreeMap<StrategyName, Strategy>,
    /// Who tokens are for; the tenant's name if nothing is set.
    pub audience: Option<String>,
    /// How far clocks of issuer and verifier may be apart.
    pub leeway: Duration,
    /// What a password must be like when it is set.
    pub password: PasswordPolicy,
}

impl Policy {
    /// All named strategies with their own lifetimes, a minute's leeway, and this password policy.
    #[must_use]
    pub fn with_passwords(password: PasswordPolicy) -> Self {
        let strategies = StrategyName::ALL.into_iter().map(|name| (name, name.strategy())).collect();
        Self { strategies, audience: None, leeway: Duration::from_mins(1), password }
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
    cookie: Duration::from_hours(30 * 24),
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
        let mut policy = Policy::with_passwords(PasswordPolicy::DEVELOPMENT);
        let month = hours(30 * 24);
        let preset = KeyLifetimes { access: hours(24), refresh: month, cookie: month };
        assert_eq!(policy.key_lifetimes(), preset);
        let fixed = Renewal::Fixed { lifetime: hours(48) };
        let longer = StrategyName::Jwt.strategy().renewed_by(fixed).unwrap();
        policy.strategies.insert(StrategyName::Jwt, longer);
        assert_eq!(policy.key_lifetimes(), KeyLifetimes { access: hours(48), ..preset });
        policy.strategies.clear();
        assert_eq!(policy.key_lifetimes(), preset);
    }
}
