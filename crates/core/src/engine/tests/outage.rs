//! The view of the sessions while the feed is silent and the store is away.

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

const MILLISECOND: Duration = Duration::from_millis(1);
const MAX_STALENESS: Duration = Duration::from_secs(1);
const ALMOST_STALE: Duration = Duration::from_millis(999);

/// A node whose feed is proven by hand, and another one on the same stores, past all faults.
struct Scene {
    fixture: Fixture,
    faults: Arc<Faults>,
    node: Engine,
    other: Engine,
    ticks: std::cell::Cell<Duration>,
}

impl Scene {
    async fn new() -> Self {
        let truth = MemoryStore::stores();
        let (stores, faults) = Faults::proving_by_hand(truth.clone());
        let mut fixture = Fixture::new(stores);
        fixture.builder.bounds = ViewLimits { max_staleness: MAX_STALENESS, ..ViewLimits::default() };
        let ticks = std::cell::Cell::new(Duration::from_secs(1000));
        fixture.clock.tick_to(ticks.get());
        let node = fixture.node().await;
        let mut elsewhere = fixture.clone();
        elsewhere.builder.stores = truth;
        let other = elsewhere.node().await;
        let scene = Self { fixture, faults, node, other, ticks };
        scene.prove();
        scene.prove();
        scene
    }

    /// Time passes by the clock that counts ticks.
    fn pass(&self, span: Duration) {
        self.ticks.set(self.ticks.get() + span);
        self.fixture.clock.tick_to(self.ticks.get());
    }

    /// A good barrier that was sent now.
    fn prove(&self) {
        self.faults.prove(Ticks::new(self.ticks.get()));
    }

    /// How many verbs it costs to recognise somebody.
    async fn cost(&self, held: &HeldCredentials) -> u64 {
        let before = self.faults.asked();
        held.authenticate(&self.node).await.unwrap();
        self.faults.asked() - before
    }

    async fn new_user_key(&self) -> (RegisteredUser, HeldCredentials) {
        let ann = self.fixture.new_user(&self.other).await;
        let held = ann.password_sign_in(&self.other, StrategyName::Session).await;
        (ann, held)
    }
}

fn is_outage(answer: &Result<crate::engine::Identity, AuthenticationError>) -> bool {
    matches!(answer, Err(AuthenticationError::Store(_) | AuthenticationError::Tenant(TenantError::Store(_))))
}

#[tokio::test]
async fn a_hit_asks_nobody_while_the_feed_is_proven() {
    let scene = Scene::new().await;
    let (_, held) = scene.new_user_key().await;
    assert!(scene.cost(&held).await > 0);
    assert_eq!(scene.cost(&held).await, 0);
    scene.pass(ALMOST_STALE);
    assert_eq!(scene.cost(&held).await, 0);
    scene.faults.go_down();
    assert!(held.authenticate(&scene.node).await.is_ok(), "the store is away, and the view is complete");
}

// ASVS-map: RV1 RV2
#[tokio::test]
async fn a_missed_change_is_not_served_beyond_the_bound() {
    let scene = Scene::new().await;
    let (_, held) = scene.new_user_key().await;
    scene.cost(&held).await;
    scene.faults.silence_feed();
    scene.other.end_session(&held.session()).await.unwrap();
    scene.pass(ALMOST_STALE);
    assert!(held.authenticate(&scene.node).await.is_ok(), "the bound is what is promised");
    scene.pass(MILLISECOND);
    let refused = held.authenticate(&scene.node).await;
    assert!(matches!(refused, Err(AuthenticationError::NotLive(_))), "{refused:?}");
}

// ASVS-map: RV2
#[tokio::test]
async fn a_silent_feed_sends_every_reader_to_the_store() {
    let scene = Scene::new().await;
    let (_, held) = scene.new_user_key().await;
    scene.cost(&held).await;
    scene.faults.silence_feed();
    scene.pass(MAX_STALENESS);
    for _ in 0..3 {
        assert!(scene.cost(&held).await > 0, "what was read while the feed was silent is not remembered");
    }
}

// ASVS-map: RV3
#[tokio::test]
async fn an_outage_is_never_a_refusal() {
    let scene = Scene::new().await;
    let ann = scene.fixture.new_user(&scene.other).await;
    for strategy in StrategyName::ALL {
        let held = ann.password_sign_in(&scene.other, strategy).await;
        scene.cost(&held).await;
        scene.faults.silence_feed();
        scene.faults.go_down();
        scene.pass(MAX_STALENESS);
        let answer = held.authenticate(&scene.node).await;
        if strategy.strategy().check() == Check::Signed {
            assert!(answer.is_ok(), "{strategy} asks nobody: {answer:?}");
        } else {
            assert!(is_outage(&answer), "{strategy}: {answer:?}");
        }
        if strategy.strategy().rotates() {
            let answer = held.refresh(&scene.node).await;
            assert!(matches!(answer, Err(RefreshError::Store(_))), "{strategy}: {answer:?}");
        }
        scene.faults.come_up();
        assert!(held.authenticate(&scene.node).await.is_ok(), "{strategy}: the store is back");
        scene.faults.resume_feed();
        scene.prove();
        scene.prove();
    }
}

#[tokio::test]
async fn a_sign_out_that_the_store_does_not_take_is_no_sign_out() {
    let scene = Scene::new().await;
    let (_, held) = scene.new_user_key().await;
    let identity = held.identity(&scene.node).await;
    scene.faults.go_down();
    assert!(matches!(scene.node.sign_out(&identity).await, Err(TenantError::Store(_))));
    scene.faults.come_up();
    assert!(held.authenticate(&scene.node).await.is_ok());
}

// ASVS-map: RV2
#[tokio::test]
async fn two_good_barriers_end_a_bypass_and_one_does_not() {
    let scene = Scene::new().await;
    let (_, held) = scene.new_user_key().await;
    scene.cost(&held).await;
    scene.faults.silence_feed();
    scene.pass(2 * MAX_STALENESS);
    scene.faults.resume_feed();
    scene.prove();
    assert!(scene.cost(&held).await > 0);
    assert!(scene.cost(&held).await > 0, "one barrier after a silence proves little");
    scene.pass(MAX_STALENESS / 4);
    scene.prove();
    assert!(scene.cost(&held).await > 0, "nothing from before is believed");
    assert_eq!(scene.cost(&held).await, 0);
}

// ASVS-map: RV2
#[tokio::test]
async fn what_changed_while_the_feed_was_silent_is_read_anew_when_it_speaks() {
    let scene = Scene::new().await;
    let (_, held) = scene.new_user_key().await;
    scene.cost(&held).await;
    scene.faults.silence_feed();
    scene.other.end_session(&held.session()).await.unwrap();
    scene.faults.resume_feed();
    scene.prove();
    let refused = held.authenticate(&scene.node).await;
    assert!(matches!(refused, Err(AuthenticationError::NotLive(_))), "{refused:?}");
}

#[tokio::test]
async fn a_change_that_overtakes_a_read_is_not_covered_up_by_it() {
    let mut stopped = 0;
    for steps in 0..20 {
        let scene = Scene::new().await;
        let (_, held) = scene.new_user_key().await;
        scene.node.tenant(&held.tenant).await.unwrap();
        scene.faults.stop_after(steps);
        let shown = held.authenticate(&scene.node);
        tokio::pin!(shown);
        tokio::select! {
            biased;
            () = scene.faults.stuck() => stopped += 1,
            _ = &mut shown => continue,
        }
        scene.other.end_session(&held.session()).await.unwrap();
        scene.faults.go_on();
        // It was sent before the end: both answers are right. What comes after is sent after.
        let _ = shown.await;
        let refused = held.authenticate(&scene.node).await;
        assert!(
            matches!(refused, Err(AuthenticationError::NotLive(_))),
            "stopped after {steps} steps: {refused:?}"
        );
    }
    assert!(stopped >= 6, "only {stopped}: the reads were not stopped");
}

#[tokio::test]
async fn many_who_ask_for_one_session_cost_one_read() {
    let scene = Scene::new().await;
    let (_, held) = scene.new_user_key().await;
    scene.cost(&held).await;
    scene.faults.resume_feed();
    let before = scene.faults.asked();
    let mut asking = JoinSet::new();
    for _ in 0..100 {
        let (node, held) = (scene.node.clone(), held.clone());
        asking.spawn(async move { held.authenticate(&node).await.is_ok() });
    }
    assert!(asking.join_all().await.into_iter().all(|is_in| is_in));
    let tenant_session_epochs_and_user = 2 + 1 + 2;
    assert_eq!(scene.faults.asked() - before, tenant_session_epochs_and_user);
}

#[tokio::test]
async fn nobody_joins_a_read_that_was_sent_long_ago() {
    let scene = Scene::new().await;
    let (_, held) = scene.new_user_key().await;
    scene.node.tenant(&held.tenant).await.unwrap();
    // The first two steps find the cookie's session, the third begins to read it, the fourth would answer.
    scene.faults.stop_after(3);
    let slow = held.authenticate(&scene.node);
    tokio::pin!(slow);
    tokio::select! {
        biased;
        () = scene.faults.stuck() => (),
        answer = &mut slow => panic!("it was not stopped: {answer:?}"),
    }
    scene.other.end_session(&held.session()).await.unwrap();
    scene.pass(MAX_STALENESS);
    scene.faults.go_on();
    let (refused, _) = tokio::join!(biased; held.authenticate(&scene.node), slow);
    assert!(matches!(refused, Err(AuthenticationError::NotLive(_))), "{refused:?}");
}

/// One node's clock may be ahead, and see a session idle out that another one has slid.
#[tokio::test]
async fn an_idle_end_that_only_a_fast_clock_has_seen_is_asked_for_again() {
    let scene = Scene::new().await;
    let (_, held) = scene.new_user_key().await;
    scene.cost(&held).await;
    let begun = scene.fixture.builder.clock.now();
    scene.fixture.clock.set(held.signed_in.grant.expires);
    let early = held.authenticate(&scene.node).await;
    assert!(matches!(early, Err(AuthenticationError::NotLive(_))), "{early:?}");
    scene.fixture.clock.set(begun.plus(Duration::from_hours(12)));
    assert!(held.authenticate(&scene.other).await.is_ok(), "it is slid by a node whose clock is right");
    scene.fixture.clock.set(held.signed_in.grant.expires);
    let late = held.authenticate(&scene.node).await;
    assert!(late.is_ok(), "{late:?}");
}

// ASVS-map: RV3
#[tokio::test]
async fn a_token_with_a_made_up_key_takes_no_keys_away_while_the_store_is_out_of_reach() {
    let scene = Scene::new().await;
    let (ann, _) = scene.new_user_key().await;
    let held = ann.password_sign_in(&scene.node, StrategyName::Jwt).await;
    held.authenticate(&scene.node).await.unwrap();
    scene.pass(10 * MAX_STALENESS);
    scene.faults.go_down();

    let stranger = Fixture::new(MemoryStore::stores());
    let elsewhere = stranger.node().await;
    let foreign = stranger.new_user(&elsewhere).await.password_sign_in(&elsewhere, StrategyName::Jwt).await;
    assert!(foreign.authenticate(&scene.node).await.is_err());
    assert!(held.authenticate(&scene.node).await.is_ok(), "what needs no store goes on");
}

/// Somebody of a tenant that can be suspended, whose token is believed by its signature alone.
async fn somebody_of_acme(scene: &Scene) -> HeldCredentials {
    let acme = tenant("acme");
    scene.other.create_tenant(acme.clone(), TenantSettings::default(), None).await.unwrap();
    let ann = scene.fixture.register(&scene.other, &acme, "ann@example.com").await;
    ann.password_sign_in(&scene.other, StrategyName::Jwt).await
}

// ASVS-map: SE5 RV3
#[tokio::test]
async fn a_node_that_was_told_of_a_suspension_does_not_go_back_behind_it_in_an_outage() {
    let scene = Scene::new().await;
    let held = somebody_of_acme(&scene).await;
    held.authenticate(&scene.node).await.unwrap();
    scene.other.suspend_tenant(&held.tenant).await.unwrap();
    scene.faults.go_down();
    let answer = held.authenticate(&scene.node).await;
    assert!(is_outage(&answer), "{answer:?}");
    scene.faults.come_up();
    let refused = held.authenticate(&scene.node).await;
    assert!(matches!(refused, Err(AuthenticationError::Tenant(TenantError::Suspended))), "{refused:?}");
}

// ASVS-map: SE5
#[tokio::test]
async fn a_suspension_that_overtakes_a_read_of_its_tenant_is_not_forgotten_over_it() {
    let mut stopped = 0;
    for steps in 0..4 {
        let scene = Scene::new().await;
        let held = somebody_of_acme(&scene).await;
        scene.node.tenant(&TenantId::default_tenant()).await.unwrap();
        scene.faults.stop_after(steps);
        let shown = held.authenticate(&scene.node);
        tokio::pin!(shown);
        tokio::select! {
            biased;
            () = scene.faults.stuck() => stopped += 1,
            _ = &mut shown => continue,
        }
        scene.other.suspend_tenant(&held.tenant).await.unwrap();
        scene.faults.go_on();
        // It was sent before the suspension: both answers are right.
        let _ = shown.await;
        scene.faults.go_down();
        let answer = held.authenticate(&scene.node).await;
        assert!(answer.is_err(), "stopped after {steps} steps: {answer:?}");
    }
    assert_eq!(stopped, 4, "the reads were not stopped");
}

// ASVS-map: RV3
#[tokio::test]
async fn changes_that_may_have_been_missed_take_no_keys_away_while_the_store_is_out_of_reach() {
    let scene = Scene::new().await;
    let held = somebody_of_acme(&scene).await;
    held.authenticate(&scene.node).await.unwrap();
    scene.faults.go_down();
    scene.faults.resume_feed();
    assert!(held.authenticate(&scene.node).await.is_ok(), "what needs no store goes on");
    // Another tenant's change is none of this one.
    scene.other.create_tenant(tenant("globex"), TenantSettings::default(), None).await.unwrap();
    assert!(held.authenticate(&scene.node).await.is_ok());
}

// ASVS-map: RT2
#[tokio::test]
async fn whoever_changes_their_password_can_refresh_on_a_node_that_has_not_heard_of_it() {
    let scene = Scene::new().await;
    let ann = scene.fixture.new_user(&scene.other).await;
    let held = ann.password_sign_in(&scene.other, StrategyName::Denylist).await;
    let identity = held.authenticate(&scene.node).await.unwrap();
    scene.faults.silence_feed();
    let change =
        ChangePassword { identity, current: password(PASSWORD), new: password("another correct horse") };
    scene.other.change_password(change).await.unwrap();
    assert!(held.refresh(&scene.node).await.is_ok());
}
