//! The session view while the change feed is silent or the store is down.

use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;

use crate::clock::Ticks;
use crate::engine::{AuthenticationError, ChangePassword, Engine, RefreshError, TenantError};
use crate::id::TenantId;
use crate::liveness::ViewLimits;
use crate::store::conformance::faults::Faults;
use crate::store::conformance::fixture::{Fixture, HeldCredentials, PASSWORD, RegisteredUser, password};
use crate::store::conformance::records::tenant;
use crate::store::memory::MemoryStore;
use crate::strategy::{Check, StrategyName};
use crate::tenant::TenantSettings;

pub(super) const MILLISECOND: Duration = Duration::from_millis(1);
pub(super) const MAX_STALENESS: Duration = Duration::from_secs(1);
pub(super) const ALMOST_STALE: Duration = Duration::from_millis(999);

/// A node whose feed is proven by hand, and another one on the same stores, past all faults.
pub(super) struct OutageFixture {
    pub(super) fixture: Fixture,
    pub(super) faults: Arc<Faults>,
    pub(super) node: Engine,
    pub(super) other: Engine,
    ticks: std::cell::Cell<Duration>,
}

impl OutageFixture {
    pub(super) async fn new() -> Self {
        let truth = MemoryStore::stores();
        let (stores, faults) = Faults::proving_by_hand(truth.clone());
        let mut fixture = Fixture::new(stores);
        fixture.builder.bounds = ViewLimits { max_staleness: MAX_STALENESS, ..ViewLimits::default() };
        let ticks = std::cell::Cell::new(Duration::from_secs(1000));
        fixture.clock.tick_to(ticks.get());
        let node = fixture.node().await;
        let mut without_faults = fixture.clone();
        without_faults.builder.stores = truth;
        let other = without_faults.node().await;
        let test = Self { fixture, faults, node, other, ticks };
        test.prove();
        test.prove();
        test
    }

    /// Time passes by the clock that counts ticks.
    pub(super) fn pass(&self, span: Duration) {
        self.ticks.set(self.ticks.get() + span);
        self.fixture.clock.tick_to(self.ticks.get());
    }

    /// A good barrier that was sent now.
    pub(super) fn prove(&self) {
        self.faults.prove(Ticks::new(self.ticks.get()));
    }

    /// How many store verbs an authentication costs.
    pub(super) async fn cost(&self, held: &HeldCredentials) -> u64 {
        let before = self.faults.asked();
        held.authenticate(&self.node).await.unwrap();
        self.faults.asked() - before
    }

    pub(super) async fn new_user_key(&self) -> (RegisteredUser, HeldCredentials) {
        let ann = self.fixture.new_user(&self.other).await;
        let held = ann.password_sign_in(&self.other, StrategyName::Session).await;
        (ann, held)
    }
}

fn is_outage(answer: &Result<crate::engine::Identity, AuthenticationError>) -> bool {
    matches!(answer, Err(AuthenticationError::Store(_) | AuthenticationError::Tenant(TenantError::Store(_))))
}

#[tokio::test]
async fn a_hit_asks_no_store_while_the_feed_is_proven() {
    let test = OutageFixture::new().await;
    let (_, held) = test.new_user_key().await;
    assert!(test.cost(&held).await > 0);
    assert_eq!(test.cost(&held).await, 0);
    test.pass(ALMOST_STALE);
    assert_eq!(test.cost(&held).await, 0);
    test.faults.go_down();
    assert!(held.authenticate(&test.node).await.is_ok(), "the store is away, and the view is complete");
}

// ASVS-map: RV1 RV2
#[tokio::test]
async fn a_missed_change_is_not_served_beyond_the_bound() {
    for strategy in StrategyName::ALL.into_iter().filter(|name| name.strategy().check() != Check::Signed) {
        let test = OutageFixture::new().await;
        let ann = test.fixture.new_user(&test.other).await;
        let held = ann.password_sign_in(&test.other, strategy).await;
        test.cost(&held).await;
        test.faults.silence_feed();
        test.other.end_session(&held.session()).await.unwrap();
        test.pass(ALMOST_STALE);
        assert!(held.authenticate(&test.node).await.is_ok(), "{strategy}: the bound is what is promised");
        test.pass(MILLISECOND);
        let refused = held.authenticate(&test.node).await;
        let is_out = matches!(refused, Err(AuthenticationError::NotLive(_) | AuthenticationError::Revoked));
        assert!(is_out, "{strategy}: {refused:?}");
    }
}

// ASVS-map: RV2
#[tokio::test]
async fn a_silent_feed_sends_every_reader_to_the_store() {
    let test = OutageFixture::new().await;
    let (_, held) = test.new_user_key().await;
    test.cost(&held).await;
    test.faults.silence_feed();
    test.pass(MAX_STALENESS);
    for _ in 0..3 {
        assert!(test.cost(&held).await > 0, "what was read while the feed was silent is not remembered");
    }
}

// ASVS-map: RV3
#[tokio::test]
async fn an_outage_is_never_a_refusal() {
    let test = OutageFixture::new().await;
    let ann = test.fixture.new_user(&test.other).await;
    for strategy in StrategyName::ALL {
        let held = ann.password_sign_in(&test.other, strategy).await;
        test.cost(&held).await;
        test.faults.silence_feed();
        test.faults.go_down();
        test.pass(MAX_STALENESS);
        let answer = held.authenticate(&test.node).await;
        if strategy.strategy().check() == Check::Signed {
            assert!(answer.is_ok(), "{strategy} asks no store: {answer:?}");
        } else {
            assert!(is_outage(&answer), "{strategy}: {answer:?}");
        }
        if strategy.strategy().rotates() {
            let answer = held.refresh(&test.node).await;
            assert!(matches!(answer, Err(RefreshError::Store(_))), "{strategy}: {answer:?}");
        }
        test.faults.come_up();
        assert!(held.authenticate(&test.node).await.is_ok(), "{strategy}: the store is back");
        test.faults.resume_feed();
        test.prove();
        test.prove();
    }
}

// ASVS-map: RV3
#[tokio::test]
async fn a_sign_out_that_the_store_does_not_take_is_no_sign_out() {
    let test = OutageFixture::new().await;
    let (_, held) = test.new_user_key().await;
    let identity = held.identity(&test.node).await;
    test.faults.go_down();
    assert!(matches!(test.node.sign_out(&identity).await, Err(TenantError::Store(_))));
    test.faults.come_up();
    assert!(held.authenticate(&test.node).await.is_ok());
}

// ASVS-map: RV2
#[tokio::test]
async fn two_good_barriers_end_a_bypass_and_one_does_not() {
    let test = OutageFixture::new().await;
    let (_, held) = test.new_user_key().await;
    test.cost(&held).await;
    test.faults.silence_feed();
    test.pass(2 * MAX_STALENESS);
    test.faults.resume_feed();
    test.prove();
    assert!(test.cost(&held).await > 0);
    assert!(test.cost(&held).await > 0, "one barrier after a silence proves little");
    test.pass(MAX_STALENESS / 4);
    test.prove();
    assert!(test.cost(&held).await > 0, "nothing from before is believed");
    assert_eq!(test.cost(&held).await, 0);
}

// ASVS-map: RV2
#[tokio::test]
async fn what_changed_while_the_feed_was_silent_is_read_anew_when_it_speaks() {
    let test = OutageFixture::new().await;
    let (_, held) = test.new_user_key().await;
    test.cost(&held).await;
    test.faults.silence_feed();
    test.other.end_session(&held.session()).await.unwrap();
    test.faults.resume_feed();
    test.prove();
    let refused = held.authenticate(&test.node).await;
    assert!(matches!(refused, Err(AuthenticationError::NotLive(_))), "{refused:?}");
}

// ASVS-map: RV2
#[tokio::test]
async fn a_change_that_overtakes_a_read_is_not_covered_up_by_it() {
    let mut stopped = 0;
    for steps in 0..20 {
        let test = OutageFixture::new().await;
        let (_, held) = test.new_user_key().await;
        test.node.tenant(&held.tenant).await.unwrap();
        test.faults.stop_after(steps);
        let shown = held.authenticate(&test.node);
        tokio::pin!(shown);
        tokio::select! {
            biased;
            () = test.faults.stuck() => stopped += 1,
            _ = &mut shown => continue,
        }
        test.other.end_session(&held.session()).await.unwrap();
        test.faults.go_on();
        // It was sent before the end: both answers are right. What comes after is sent after.
        let _ = shown.await;
        let refused = held.authenticate(&test.node).await;
        assert!(
            matches!(refused, Err(AuthenticationError::NotLive(_))),
            "stopped after {steps} steps: {refused:?}"
        );
    }
    assert!(stopped >= 6, "only {stopped}: the reads were not stopped");
}

#[tokio::test]
async fn many_who_ask_for_one_session_cost_one_read() {
    let test = OutageFixture::new().await;
    let (_, held) = test.new_user_key().await;
    test.cost(&held).await;
    test.faults.resume_feed();
    let before = test.faults.asked();
    let mut asking = JoinSet::new();
    for _ in 0..100 {
        let (node, held) = (test.node.clone(), held.clone());
        asking.spawn(async move { held.authenticate(&node).await.is_ok() });
    }
    assert!(asking.join_all().await.into_iter().all(|is_in| is_in));
    let tenant_session_and_user = 2 + 1 + 1;
    assert_eq!(test.faults.asked() - before, tenant_session_and_user);
}

// ASVS-map: RV2
#[tokio::test]
async fn no_request_joins_a_read_that_was_sent_long_ago() {
    let test = OutageFixture::new().await;
    let (_, held) = test.new_user_key().await;
    test.node.tenant(&held.tenant).await.unwrap();
    // The first two steps find the cookie's session, the third begins to read it, the fourth would answer.
    test.faults.stop_after(3);
    let slow = held.authenticate(&test.node);
    tokio::pin!(slow);
    tokio::select! {
        biased;
        () = test.faults.stuck() => (),
        answer = &mut slow => panic!("it was not stopped: {answer:?}"),
    }
    test.other.end_session(&held.session()).await.unwrap();
    test.pass(MAX_STALENESS);
    test.faults.go_on();
    let (refused, _) = tokio::join!(biased; held.authenticate(&test.node), slow);
    assert!(matches!(refused, Err(AuthenticationError::NotLive(_))), "{refused:?}");
}

/// One node's clock may be ahead, and see a session idle out that another one has slid.
#[tokio::test]
async fn an_idle_end_that_only_a_fast_clock_has_seen_is_asked_for_again() {
    let test = OutageFixture::new().await;
    let (_, held) = test.new_user_key().await;
    test.cost(&held).await;
    let begun = test.fixture.builder.clock.now();
    test.fixture.clock.set(held.signed_in.grant.expires);
    let early = held.authenticate(&test.node).await;
    assert!(matches!(early, Err(AuthenticationError::NotLive(_))), "{early:?}");
    test.fixture.clock.set(begun.plus(Duration::from_hours(12)));
    assert!(held.authenticate(&test.other).await.is_ok(), "it is slid by a node whose clock is right");
    test.fixture.clock.set(held.signed_in.grant.expires);
    let late = held.authenticate(&test.node).await;
    assert!(late.is_ok(), "{late:?}");
}

// ASVS-map: RV3
#[tokio::test]
async fn a_token_with_a_made_up_key_takes_no_keys_away_while_the_store_is_out_of_reach() {
    let test = OutageFixture::new().await;
    let (ann, _) = test.new_user_key().await;
    let held = ann.password_sign_in(&test.node, StrategyName::Jwt).await;
    held.authenticate(&test.node).await.unwrap();
    test.pass(10 * MAX_STALENESS);
    test.faults.go_down();

    let stranger = Fixture::new(MemoryStore::stores());
    let elsewhere = stranger.node().await;
    let foreign = stranger.new_user(&elsewhere).await.password_sign_in(&elsewhere, StrategyName::Jwt).await;
    assert!(foreign.authenticate(&test.node).await.is_err());
    assert!(held.authenticate(&test.node).await.is_ok(), "what needs no store goes on");
}

/// A user of a tenant that can be suspended. The signature of the token is its only check.
pub(super) async fn user_of_acme(test: &OutageFixture) -> HeldCredentials {
    let acme = tenant("acme");
    test.other.create_tenant(acme.clone(), TenantSettings::default(), None).await.unwrap();
    let ann = test.fixture.register(&test.other, &acme, "ann@example.com").await;
    ann.password_sign_in(&test.other, StrategyName::Jwt).await
}

// ASVS-map: SE5 RV3
#[tokio::test]
async fn a_node_that_was_told_of_a_suspension_does_not_go_back_behind_it_in_an_outage() {
    let test = OutageFixture::new().await;
    let held = user_of_acme(&test).await;
    held.authenticate(&test.node).await.unwrap();
    test.other.suspend_tenant(&held.tenant).await.unwrap();
    test.faults.go_down();
    let answer = held.authenticate(&test.node).await;
    assert!(is_outage(&answer), "{answer:?}");
    test.faults.come_up();
    let refused = held.authenticate(&test.node).await;
    assert!(matches!(refused, Err(AuthenticationError::Tenant(TenantError::Suspended))), "{refused:?}");
}

// ASVS-map: SE5
#[tokio::test]
async fn a_suspension_that_overtakes_a_read_of_its_tenant_is_not_forgotten_over_it() {
    let mut stopped = 0;
    for steps in 0..4 {
        let test = OutageFixture::new().await;
        let held = user_of_acme(&test).await;
        test.node.tenant(&TenantId::default_tenant()).await.unwrap();
        test.faults.stop_after(steps);
        let shown = held.authenticate(&test.node);
        tokio::pin!(shown);
        tokio::select! {
            biased;
            () = test.faults.stuck() => stopped += 1,
            _ = &mut shown => continue,
        }
        test.other.suspend_tenant(&held.tenant).await.unwrap();
        test.faults.go_on();
        // It was sent before the suspension: both answers are right.
        let _ = shown.await;
        test.faults.go_down();
        let answer = held.authenticate(&test.node).await;
        assert!(answer.is_err(), "stopped after {steps} steps: {answer:?}");
    }
    assert_eq!(stopped, 4, "the reads were not stopped");
}

// ASVS-map: RV3
#[tokio::test]
async fn changes_that_may_have_been_missed_take_no_keys_away_while_the_store_is_out_of_reach() {
    let test = OutageFixture::new().await;
    let held = user_of_acme(&test).await;
    held.authenticate(&test.node).await.unwrap();
    test.faults.go_down();
    test.faults.resume_feed();
    assert!(held.authenticate(&test.node).await.is_ok(), "what needs no store goes on");
    // Another tenant's change is none of this one.
    test.other.create_tenant(tenant("globex"), TenantSettings::default(), None).await.unwrap();
    assert!(held.authenticate(&test.node).await.is_ok());
}

// ASVS-map: RT8
#[tokio::test]
async fn a_user_who_changes_the_password_can_refresh_on_a_node_that_has_not_heard_of_it() {
    let test = OutageFixture::new().await;
    let ann = test.fixture.new_user(&test.other).await;
    let held = ann.password_sign_in(&test.other, StrategyName::Denylist).await;
    let identity = held.authenticate(&test.node).await.unwrap();
    test.faults.silence_feed();
    let change =
        ChangePassword { identity, current: password(PASSWORD), new: password("another correct horse") };
    test.other.change_password(change).await.unwrap();
    assert!(held.refresh(&test.node).await.is_ok());
}
