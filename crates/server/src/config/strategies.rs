//! The strategies that are offered, and how long what they hand out lives. A tenant may state its own.

use std::collections::BTreeMap;
use std::time::Duration;

use portcullis_core::strategy::{Renewal, StrategyName};

use super::parse::Parsed;

/// The strategies that are offered, and the lifetimes of all.
#[derive(Clone, Debug)]
pub struct Strategies {
    /// Those that are offered, in the order stated.
    pub enabled: Vec<StrategyName>,
    renewals: BTreeMap<StrategyName, Renewal>,
}

impl Strategies {
    pub(super) fn blank() -> Self {
        Self { enabled: Vec::new(), renewals: BTreeMap::new() }
    }

    /// How what this strategy hands out is renewed, with the lifetimes that hold here.
    #[must_use]
    pub fn renewal(&self, name: StrategyName) -> Renewal {
        self.renewals.get(&name).copied().unwrap_or_else(|| name.strategy().renewal())
    }

    /// One of a strategy's lifetimes, if it has it.
    pub(super) fn lifetime(&self, name: StrategyName, lifetime: LifetimeKind) -> Option<Duration> {
        lifetime.place(&mut self.renewal(name)).copied()
    }

    /// States one of a strategy's lifetimes.
    pub(super) fn set(&mut self, name: StrategyName, lifetime: LifetimeKind, span: Duration) -> Parsed<()> {
        let mut renewal = self.renewal(name);
        let place = lifetime
            .place(&mut renewal)
            .ok_or_else(|| format!("{name} has no lifetime called {}", lifetime.as_str()))?;
        *place = span;
        self.renewals.insert(name, renewal);
        Ok(())
    }
}

/// One of the lifetimes that a renewal may have, as the settings name them.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum LifetimeKind {
    /// An access token's, from its issue.
    Access,
    /// From the last use to the end.
    Idle,
    /// A refresh token's, from its own issue.
    Refresh,
    /// From login to the end, whatever its use.
    Max,
    /// How long a spent refresh token is answered again.
    Grace,
}

impl LifetimeKind {
    /// All of them, in the order in which they are listed.
    pub(super) const ALL: [Self; 5] = [Self::Access, Self::Idle, Self::Refresh, Self::Max, Self::Grace];

    /// What it means for a strategy.
    pub(super) fn meaning(self, name: StrategyName) -> String {
        match self {
            Self::Access => format!("How long an access token of {name} lives"),
            Self::Idle => format!("How long a session of {name} lives without being used"),
            Self::Refresh => format!("How long a refresh token of {name} lives, from its own issue"),
            Self::Max => format!("How long a session of {name} lives at most, from login"),
            Self::Grace => "How long a spent refresh token is answered again, up to 10m".to_owned(),
        }
    }

    /// The last part of a setting's key.
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Access => "access",
            Self::Idle => "idle",
            Self::Refresh => "refresh",
            Self::Max => "max",
            Self::Grace => "grace",
        }
    }

    const fn place(self, renewal: &mut Renewal) -> Option<&mut Duration> {
        match (self, renewal) {
            (Self::Access, Renewal::Fixed { lifetime: span } | Renewal::Rotating { access: span, .. })
            | (Self::Idle, Renewal::Sliding { idle: span, .. })
            | (Self::Refresh, Renewal::Rotating { refresh: span, .. })
            | (Self::Max, Renewal::Sliding { max: span, .. } | Renewal::Rotating { max: span, .. })
            | (Self::Grace, Renewal::Rotating { grace: span, .. }) => Some(span),
            _ => None,
        }
    }
}
