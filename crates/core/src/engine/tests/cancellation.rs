//! Clients that hang up at a moment of their choice, and processes that die at any moment.

use std::sync::Arc;

use tokio::task::yield_now;

use super::client::FixtureClient;
use super::interrupted_steps::{self, MOST_STEPS, NEXT_PASSWORD};
use super::mailbox::RecordingMailbox;
use crate::event::EventKind;
use crate::id::TenantId;
use crate::store::conformance::fixture::{RegisteredUser, password};
use crate::strategy::StrategyName;

/// Two nodes, one of which can be stopped, and a user with a mailbox.
struct StoppableNodesWithUser {
    nodes: interrupted_steps::StoppableNodes,
    mailbox: Arc<RecordingMailbox>,
    ann: RegisteredUser,
}

impl StoppableNodesWithUser {
    async fn new() -> Self {
        let nodes = interrupted_steps::StoppableNodes::new().await;
        let ann = nodes.fixture.new_user(&nodes.other).await;
        Self { nodes, mailbox: RecordingMailbox::new(), ann }
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

    /// The link in the newest reset mail.
    async fn link(&self) -> String {
        self.mailbox.collect(&self.nodes.other).await;
        self.mailbox.secret("reset")
    }
}

// ASVS-map: RT1
#[tokio::test]
async fn a_thief_who_hangs_up_raises_the_alarm_whenever_a_session_was_ended() {
    let mut heard = 0;
    for steps in 0..MOST_STEPS {
        let test = StoppableNodesWithUser::new().await;
        let held =
            FixtureClient::browser().sign_in_with_code(&test.nodes.other, &test.mailbox, &test.ann).await;
        let thief = FixtureClient::forgetful();
        let stealing = thief.refresh(&test.nodes.slow, held.refresh_token());
        let hung_up = test.hangs_up(steps, stealing).await;
        let ended = usize::from(held.authenticate(&test.nodes.other).await.is_err());
        test.mailbox.collect(&test.nodes.other).await;
        let told = (
            test.mailbox.count("refresh_reused"),
            test.nodes.fixture.recorded_events.count(EventKind::RefreshReused),
        );
        assert_eq!(told, (ended, ended), "hung up after {steps} steps");
        heard += ended;
        if !hung_up {
            assert!(heard > 1, "no client hung up before the alarm");
            return;
        }
    }
    panic!("a refresh takes more than {MOST_STEPS} steps");
}

#[tokio::test]
async fn a_stranger_who_hangs_up_on_a_forgotten_password_leaves_its_owner_a_link_that_works() {
    let default = TenantId::default_tenant();
    for steps in 0..MOST_STEPS {
        let test = StoppableNodesWithUser::new().await;
        test.nodes.other.forgot_password(&default, &test.ann.user.email).await.unwrap();
        test.link().await;
        let asking = test.nodes.slow.forgot_password(&default, &test.ann.user.email);
        let hung_up = test.hangs_up(steps, asking).await;
        let newest = test.link().await;
        let chosen = test.nodes.other.reset_password(&newest, password(NEXT_PASSWORD)).await;
        assert!(chosen.is_ok(), "hung up after {steps} steps: {chosen:?}");
        if !hung_up {
            assert!(steps > 2, "no client hung up");
            return;
        }
    }
    panic!("it takes more than {MOST_STEPS} steps");
}

// ASVS-map: RC1
#[tokio::test]
async fn a_client_that_hangs_up_on_a_reset_has_the_new_password_or_the_link_still() {
    let default = TenantId::default_tenant();
    let mut outcomes = Vec::new();
    for steps in 0..MOST_STEPS {
        let test = StoppableNodesWithUser::new().await;
        test.nodes.other.forgot_password(&default, &test.ann.user.email).await.unwrap();
        let link = test.link().await;
        let choosing = test.nodes.slow.reset_password(&link, password(NEXT_PASSWORD));
        let hung_up = test.hangs_up(steps, choosing).await;
        let tries = test.ann.try_sign_in(&test.nodes.other, StrategyName::Session, NEXT_PASSWORD, false);
        let has_it = tries.await.is_ok();
        let again = test.nodes.other.reset_password(&link, password("a third lantern")).await;
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
async fn a_user_disabled_by_a_process_that_died_has_no_session_left_when_enabled() {
    let mut disabled = 0;
    for steps in 0..MOST_STEPS {
        let test = StoppableNodesWithUser::new().await;
        let held = test.ann.password_sign_in(&test.nodes.other, StrategyName::Session).await;
        let key = test.ann.user.key.clone();
        let died = test.is_left(steps, test.nodes.slow.disable_user(&key)).await;
        if test.nodes.other.user(&key).await.unwrap().disabled.is_some() {
            disabled += 1;
            test.nodes.other.enable_user(&key).await.unwrap();
            let shown = held.authenticate(&test.nodes.other).await;
            assert!(shown.is_err(), "died after {steps} steps: {shown:?}");
        }
        if !died {
            assert!(disabled > 1, "nothing died half-way");
            return;
        }
    }
    panic!("it takes more than {MOST_STEPS} steps");
}

/// A verb elsewhere would not go through the helper.
#[test]
fn the_engine_has_public_verbs_in_its_tables_alone() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/src/engine");
    let mut verbs = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let source = if path.is_file() { std::fs::read_to_string(&path).unwrap() } else { String::new() };
        if source.contains("    pub async fn") {
            verbs.push(path.file_stem().unwrap().to_str().unwrap().to_owned());
        }
    }
    verbs.sort();
    assert_eq!(verbs, ["asking_verbs", "bootstrap", "mod", "verbs"]);
}
