//! The strategies that are offered, and the lifetimes of their tokens and sessions. A tenant may have its own.

use std::collections::BTreeMap;
use std::time::Duration;

use portcullis_core::strategy::{Renewal, StrategyName};

use super::parse::Parsed;

/// The strategies that are offered, and the lifetimes of all.
#[derive(Clone, Default, Debug)]
pub struct Strategies {
    /// The strategies that are offered, in the order stated.
    pub enabled: Vec<StrategyName>,
    renewals: BTreeMap<StrategyName, Renewal>,
}

impl Strategies {
    /// The renewal of a strategy, with the lifetimes that are configured.
    #[must_use]
    pub fn renewal(&self, name: StrategyName) -> Renewal {
        self.renewals.get(&name).copied().unwrap_or_else(|| name.strategy().renewal())
    }

    /// One of a strategy's lifetimes; `None` if the strategy has no such lifetime.
    pub(super) fn lifetime(&self, name: StrategyName, lifetime: LifetimeKind) -> Option<Duration> {
        lifetime.place(&mut self.renewal(name)).copied()
    }

    /// Sets one of a strategy's lifetimes.
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
    /// Of an access token, from its issue.
    Access,
    /// Idle timeout: from the last use to the end of the session.
    Idle,
    /// Of a refresh token, from its own issue.
    Refresh,
    /// Absolute timeout: from sign-in to the end of the session.
    Max,
    /// Grace window: repeats of a refresh after it are counted.
    Grace,
}

impl LifetimeKind {
    /// All of them, in the order in which they are listed.
    pub(super) const ALL: [Self; 5] = [Self::Access, Self::Idle, Self::Refresh, Self::Max, Self::Grace];

    /// Its help text for a strategy.
    pub(super) fn meaning(self, name: StrategyName) -> String {
        match self {
            Self::Access => format!("Lifetime of an access token under {name}"),
            Self::Idle => format!("Idle timeout of a session under {name}"),
            Self::Refresh => format!("Lifetime of a refresh token under {name}, from its own issue"),
            Self::Max => format!("Absolute timeout of a session under {name}, from sign-in"),
            Self::Grace => "Grace window: repeats of a refresh after it are counted, up to 10m".to_owned(),
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
