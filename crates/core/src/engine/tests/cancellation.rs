//! Clients who hang up at a moment of their choice, and processes that die at one of nobody's.

use std::sync::Arc;

use tokio::task::yield_now;

use super::interrupted_steps::{self, MOST_STEPS, NEXT_PASSWORD};
use crate::event::EventKind;
use crate::id::TenantId;
use crate::store::conformance::client::FixtureClient;
use crate::store::conformance::fixture::{RegisteredUser, password};
use crate::store::conformance::mailbox::RecordingMailbox;
use crate::strategy::StrategyName;

/// Two nodes, one of which can be stopped, and a user with a letter box.
struct Scene {
    nodes: interrupted_steps::Scene,
    post: Arc<RecordingMailbox>,
    ann: RegisteredUser,
}

impl Scene {
    async fn new() -> Self {
        let nodes = interrupted_steps::Scene::new().await;
        let ann = nodes.fixture.new_user(&nodes.other).await;
        Self { nodes, post: RecordingMailbox::new(), ann }
    }

    /// Does something on the node that can be stopped, until so many steps are taken: whether it was not done by then.
    async fn is_left(&self, steps: usize, doing: impl Future) -> bool {
        self.nodes.faults.stop_after(steps);
        tokio::select! {
            biased;
            () = self.nodes.faults.stuck() => true,
            _ = doing => false,
        }
    }

    /// The same, for a client who hangs up; the node itself goes on.
    async fn hangs_up(&self, steps: usize, doing: impl Future) -> bool {
        let left = self.is_left(steps, doing).await;
        self.nodes.faults.go_on();
        for _ in 0..MOST_STEPS {
            yield_now().await;
        }
        left
    }

    /// The link of the newest letter that leads to a new password.
    async fn link(&self) -> String {
        self.post.collect(&self.nodes.other).await;
        self.post.secret("reset")
    }
}

// ASVS-map: RT1
#[tokio::test]
async fn a_thief_who_hangs_up_is_heard_of_whenever_a_session_was_ended() {
    let mut heard = 0;
    for steps in 0..MOST_STEPS {
        let scene = Scene::new().await;
        let held =
            FixtureClient::browser().sign_in_with_code(&scene.nodes.other, &scene.post, &scene.ann).await;
        let thief = FixtureClient::forgetful();
        let stealing = thief.refresh(&scene.nodes.slow, held.refresh_token());
        let hung_up = scene.hangs_up(steps, stealing).await;
        let ended = usize::from(held.authenticate(&scene.nodes.other).await.is_err());
        scene.post.collect(&scene.nodes.other).await;
        let told = (
            scene.post.count("refresh_reused"),
            scene.nodes.fixture.recorded_events.count(EventKind::RefreshReused),
        );
        assert_eq!(told, (ended, ended), "hung up after {steps} steps");
        heard += ended;
        if !hung_up {
            assert!(heard > 1, "nobody hung up before it was known");
            return;
        }
    }
    panic!("a refresh takes more than {MOST_STEPS} steps");
}

// ASVS-map: RC1
#[tokio::test]
async fn a_stranger_who_hangs_up_on_a_forgotten_password_leaves_its_owner_a_link_that_works() {
    let default = TenantId::default_tenant();
    for steps in 0..MOST_STEPS {
        let scene = Scene::new().await;
        scene.nodes.other.forgot_password(&default, &scene.ann.user.email).await.unwrap();
        scene.link().await;
        let asking = scene.nodes.slow.forgot_password(&default, &scene.ann.user.email);
        let hung_up = scene.hangs_up(steps, asking).await;
        let newest = scene.link().await;
        let chosen = scene.nodes.other.reset_password(&newest, password(NEXT_PASSWORD)).await;
        assert!(chosen.is_ok(), "hung up after {steps} steps: {chosen:?}");
        if !hung_up {
            assert!(steps > 2, "nobody hung up");
            return;
        }
    }
    panic!("it takes more than {MOST_STEPS} steps");
}

// ASVS-map: RC1
#[tokio::test]
async fn whoever_hangs_up_on_a_new_password_has_it_or_has_the_link_still() {
    let default = TenantId::default_tenant();
    let mut outcomes = Vec::new();
    for steps in 0..MOST_STEPS {
        let scene = Scene::new().await;
        scene.nodes.other.forgot_password(&default, &scene.ann.user.email).await.unwrap();
        let link = scene.link().await;
        let choosing = scene.nodes.slow.reset_password(&link, password(NEXT_PASSWORD));
        let hung_up = scene.hangs_up(steps, choosing).await;
        let tries = scene.ann.try_sign_in(&scene.nodes.other, StrategyName::Session, NEXT_PASSWORD, false);
        let has_it = tries.await.is_ok();
        let again = scene.nodes.other.reset_password(&link, password("a third lantern")).await;
        assert_ne!(has_it, again.is_ok(), "hung up after {steps} steps: {again:?}");
        outcomes.push(has_it);
        if !hung_up {
            break;
        }
    }
    outcomes.dedup();
    assert_eq!(outcomes, [false, true]);
}

// ASVS-map: SE5
#[tokio::test]
async fn whoever_was_disabled_by_a_process_that_died_has_no_session_left_when_enabled() {
    let mut disabled = 0;
    for steps in 0..MOST_STEPS {
        let scene = Scene::new().await;
        let held = scene.ann.password_sign_in(&scene.nodes.other, StrategyName::Session).await;
        let key = scene.ann.user.key.clone();
        let died = scene.is_left(steps, scene.nodes.slow.disable_user(&key)).await;
        if scene.nodes.other.user(&key).await.unwrap().disabled.is_some() {
            disabled += 1;
            scene.nodes.other.enable_user(&key).await.unwrap();
            let shown = held.authenticate(&scene.nodes.other).await;
            assert!(shown.is_err(), "died after {steps} steps: {shown:?}");
        }
        if !died {
            assert!(disabled > 1, "nothing died half-way");
            return;
        }
    }
    panic!("it takes more than {MOST_STEPS} steps");
}
