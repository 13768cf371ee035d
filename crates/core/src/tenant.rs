//! Tenants, and the rules that hold in one.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::clock::Timestamp;
use crate::id::TenantId;
use crate::key::KeyLifetimes;
use crate::password::PasswordPolicy;
use crate::strategy::{Renewal, Strategy, StrategyName};

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
        let longest = |life: fn(Renewal) -> Duration| {
            self.strategies.values().map(|strategy| life(strategy.renewal())).max().unwrap_or_default()
        };
        KeyLifetimes {
            access: longest(access_life),
            refresh: longest(refresh_life),
            cookie: longest(cookie_life),
        }
    }
}

const fn access_life(renewal: Renewal) -> Duration {
    match renewal {
        Renewal::Fixed { lifetime } => lifetime,
        Renewal::Sliding { max, .. } => max,
        Renewal::Rotating { access, .. } => access,
    }
}

const fn refresh_life(renewal: Renewal) -> Duration {
    match renewal {
        Renewal::Fixed { .. } | Renewal::Sliding { .. } => Duration::ZERO,
        Renewal::Rotating { refresh, .. } => refresh,
    }
}

/// A cookie is signed again whenever it slides, but one that does not is as old as its session.
const fn cookie_life(renewal: Renewal) -> Duration {
    match renewal {
        Renewal::Fixed { lifetime } => lifetime,
        Renewal::Sliding { idle, .. } => idle,
        Renewal::Rotating { .. } => Duration::ZERO,
    }
}
