//! What every strategy does on every store: each legal combination of carrier, check and renewal goes through the same
//! stories, told of the engine.

mod credential_kinds;
mod renewal;
mod returning;
mod signing_out;

use std::time::Duration;

pub use credential_kinds::every_kind_of_token_opens_its_own_door_alone;

use super::Capabilities;
use super::fixture::{Fixture, Held, Member};
use crate::engine::{AuthenticationError, Engine, RefreshError};
use crate::store::Stores;
use crate::strategy::{Carrier, Check, Renewal, SessionClaim, Strategy, StrategyName};

/// The name under which the strategy of a story is on offer.
const NAME: StrategyName = StrategyName::Jwt;

/// How long unused credentials last, but for the access token of a rotating strategy.
const IDLE: Duration = Duration::from_hours(1);
const ACCESS: Duration = Duration::from_mins(10);
const MAX: Duration = Duration::from_hours(3);

const RENEWALS: [Renewal; 3] = [
    Renewal::Fixed { lifetime: IDLE },
    Renewal::Sliding { idle: IDLE, max: MAX },
    Renewal::Rotating { access: ACCESS, refresh: IDLE, max: MAX, grace: Duration::from_mins(1) },
];

const CHECKS: [Check; 5] = [
    Check::Stored,
    Check::Signed,
    Check::SignedAndLive(SessionClaim::Jti),
    Check::SignedAndLive(SessionClaim::Sid),
    Check::SignedUnlessRevoked,
];

/// Every strategy that does not contradict itself.
#[must_use]
pub fn legal_strategies() -> Vec<Strategy> {
    let pairs = CHECKS.into_iter().flat_map(|check| RENEWALS.map(|renewal| (check, renewal)));
    let carriers = [Carrier::Cookie, Carrier::Bearer, Carrier::Field];
    pairs
        .flat_map(|(check, renewal)| carriers.map(|carrier| Strategy::new(carrier, check, renewal)))
        .filter_map(Result::ok)
        .collect()
}

/// Every legal strategy through every story, each strategy on stores of its own.
pub async fn every_strategy(make: impl AsyncFn() -> Stores, can: Capabilities) {
    for strategy in legal_strategies() {
        let stores = make().await;
        tell(stores, strategy, can).await;
    }
}

/// One strategy through every story.
pub async fn tell(stores: Stores, strategy: Strategy, can: Capabilities) {
    let fixture = Fixture::new(stores)
        .with_policy(|policy| policy.strategies = [(NAME, strategy)].into_iter().collect());
    let story = Story { node: fixture.node().await, other: fixture.node().await, fixture, strategy, can };
    returning::all(&story).await;
    renewal::all(&story).await;
    signing_out::all(&story).await;
}

/// What a story is told with: two nodes on one stage, and one strategy.
struct Story {
    fixture: Fixture,
    node: Engine,
    other: Engine,
    strategy: Strategy,
    can: Capabilities,
}

impl Story {
    async fn newcomer(&self) -> Member {
        self.fixture.newcomer(&self.node).await
    }

    /// Somebody new, signed in; with a device proof, where there are any.
    async fn signed_in(&self) -> (Member, Held) {
        let member = self.newcomer().await;
        let held = member.sign_in_on(&self.node, NAME, true).await;
        (member, held)
    }

    /// Whether the store is asked before the credential is believed.
    fn is_revocable(&self) -> bool {
        self.strategy.check() != Check::Signed
    }

    /// What is true, at once and here, after the session was ended.
    async fn assert_out(&self, held: &Held) {
        let strategy = self.strategy;
        let refused = held.recognised(&self.node).await;
        match strategy.check() {
            Check::Signed => assert!(refused.is_ok(), "{strategy:?}: {refused:?}"),
            Check::SignedUnlessRevoked => {
                assert!(matches!(refused, Err(AuthenticationError::Revoked)), "{strategy:?}: {refused:?}");
            }
            Check::Stored | Check::SignedAndLive(_) => {
                let is_out =
                    matches!(refused, Err(AuthenticationError::NotLive(_) | AuthenticationError::UserGone));
                assert!(is_out, "{strategy:?}: {refused:?}");
            }
        }
        if strategy.rotates() {
            let refused = held.refresh(&self.node).await;
            assert!(matches!(refused, Err(RefreshError::SessionGone(_))), "{strategy:?}: {refused:?}");
        }
    }

    /// The same, as soon as the other node has heard of it.
    async fn assert_out_elsewhere(&self, held: &Held) {
        if self.is_revocable() {
            let step = Duration::from_millis(5);
            let mut waited = Duration::ZERO;
            while held.recognised(&self.other).await.is_ok() {
                assert!(
                    waited < self.can.patience,
                    "{:?}: the other node has not heard of it",
                    self.strategy
                );
                tokio::time::sleep(step).await;
                waited += step;
            }
        }
        if self.strategy.rotates() {
            let refused = held.refresh(&self.other).await;
            assert!(matches!(refused, Err(RefreshError::SessionGone(_))), "{refused:?}");
        }
    }

    /// Still signed in, on both nodes.
    async fn assert_in(&self, held: &Held) {
        for node in [&self.node, &self.other] {
            let recognised = held.recognised(node).await;
            assert!(recognised.is_ok(), "{:?}: {recognised:?}", self.strategy);
        }
    }
}
