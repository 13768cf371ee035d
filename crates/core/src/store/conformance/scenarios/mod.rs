//! The engine on a store: each legal combination of carrier, check and renewal goes through the same scenarios.

mod authentication;
mod credential_kinds;
mod renewal;
mod sign_out;

use std::time::Duration;

pub use credential_kinds::each_credential_opens_its_own_route_alone;

use super::Capabilities;
use super::fixture::{Fixture, HeldCredentials, RegisteredUser};
use crate::engine::{AuthenticationError, Engine, RefreshError};
use crate::store::Stores;
use crate::strategy::{Carrier, Check, Renewal, SessionClaim, Strategy, StrategyName};

/// The name under which the engine offers the strategy of a scenario.
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

/// Every valid strategy.
#[must_use]
pub fn legal_strategies() -> Vec<Strategy> {
    let pairs = CHECKS.into_iter().flat_map(|check| RENEWALS.map(|renewal| (check, renewal)));
    let carriers = [Carrier::Cookie, Carrier::Bearer, Carrier::Field];
    pairs
        .flat_map(|(check, renewal)| carriers.map(|carrier| Strategy::new(carrier, check, renewal)))
        .filter_map(Result::ok)
        .collect()
}

/// Everything in this module.
pub async fn run(make: impl AsyncFn() -> Stores, can: Capabilities) {
    each_credential_opens_its_own_route_alone(make().await).await;
    every_strategy(make, can).await;
}

/// Every valid strategy through every scenario, each strategy on stores of its own.
pub async fn every_strategy(make: impl AsyncFn() -> Stores, can: Capabilities) {
    for strategy in legal_strategies() {
        let stores = make().await;
        one_strategy(stores, strategy, can).await;
    }
}

/// One strategy through every scenario.
pub async fn one_strategy(stores: Stores, strategy: Strategy, can: Capabilities) {
    let fixture = Fixture::new(stores)
        .with_policy(|policy| policy.strategies = [(NAME, strategy)].into_iter().collect());
    let scenario =
        Scenario { node: fixture.node().await, other: fixture.node().await, fixture, strategy, can };
    authentication::all(&scenario).await;
    renewal::all(&scenario).await;
    sign_out::all(&scenario).await;
}

/// What a scenario needs: two nodes on the same stores, and one strategy.
struct Scenario {
    fixture: Fixture,
    node: Engine,
    other: Engine,
    strategy: Strategy,
    can: Capabilities,
}

impl Scenario {
    async fn new_user(&self) -> RegisteredUser {
        self.fixture.new_user(&self.node).await
    }

    /// A new user, signed in, with a device proof if the strategy has one.
    async fn signed_in(&self) -> (RegisteredUser, HeldCredentials) {
        let member = self.new_user().await;
        let held = member.sign_in_on(&self.node, NAME, true).await;
        (member, held)
    }

    /// Whether the check asks the store before it accepts the credential.
    fn is_revocable(&self) -> bool {
        self.strategy.check() != Check::Signed
    }

    /// Asserts that the session is over on this node, at once, as far as the check promises.
    async fn assert_out(&self, held: &HeldCredentials) {
        let strategy = self.strategy;
        let refused = held.authenticate(&self.node).await;
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
        self.assert_not_renewed(held, &self.node).await;
    }

    async fn assert_not_renewed(&self, held: &HeldCredentials, node: &Engine) {
        if self.strategy.rotates() {
            let refused = held.refresh(node).await;
            assert!(matches!(refused, Err(RefreshError::SessionGone(_))), "{:?}: {refused:?}", self.strategy);
        }
    }

    /// Asserts the same on the other node, as soon as the feed has told it.
    async fn assert_out_elsewhere(&self, held: &HeldCredentials) {
        self.assert_out_soon(held, &self.other).await;
    }

    /// Asserts that this node refuses the credential as soon as the feed has told it.
    async fn assert_out_soon(&self, held: &HeldCredentials, node: &Engine) {
        if self.is_revocable() {
            self.soon("it is out", async || held.authenticate(node).await.is_err()).await;
        }
        self.assert_not_renewed(held, node).await;
    }

    /// Waits for what another node has changed, as long as the feed may take.
    async fn soon(&self, what: &str, is_reached: impl AsyncFn() -> bool) {
        let step = Duration::from_millis(5);
        let mut waited = Duration::ZERO;
        while !is_reached().await {
            let in_time = waited < self.can.announcement_timeout;
            assert!(in_time, "{:?}: the feed has not told the node: {what}", self.strategy);
            tokio::time::sleep(step).await;
            waited += step;
        }
    }

    /// Asserts that the user is still signed in, on both nodes.
    async fn assert_in(&self, held: &HeldCredentials) {
        for node in [&self.node, &self.other] {
            let recognised = held.authenticate(node).await;
            assert!(recognised.is_ok(), "{:?}: {recognised:?}", self.strategy);
        }
    }
}
