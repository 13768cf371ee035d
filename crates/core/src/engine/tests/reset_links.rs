//! Links that lead to another password.

use std::sync::Arc;
use std::time::Duration;

use crate::engine::{Engine, NewUser, PasswordSignInError, ResetError};
use crate::event::EventKind;
use crate::id::TenantId;
use crate::session::{EndReason, SessionState};
use crate::store::Page;
use crate::store::conformance::faults::Faults;
use crate::store::conformance::fixture::{Fixture, PASSWORD, RegisteredUser, password};
use crate::store::conformance::mailbox::RecordingMailbox;
use crate::store::conformance::records::{email, tenant};
use crate::store::memory::MemoryStore;
use crate::strategy::StrategyName;

const NEXT: &str = "brisk lantern";

struct Scene {
    fixture: Fixture,
    faults: Arc<Faults>,
    node: Engine,
    post: Arc<RecordingMailbox>,
    ann: RegisteredUser,
}

impl Scene {
    async fn new() -> Self {
        let (stores, faults) = Faults::within(MemoryStore::stores());
        let fixture = Fixture::new(stores);
        let node = fixture.node().await;
        let ann = fixture.new_user(&node).await;
        Self { fixture, faults, node, post: RecordingMailbox::new(), ann }
    }

    /// Asks for a link and reads it in the mail.
    async fn link(&self) -> String {
        self.node.forgot_password(&TenantId::default_tenant(), &self.ann.user.email).await.unwrap();
        self.post.collect(&self.node).await;
        self.post.secret("reset")
    }

    async fn resets(&self, link: &str, to: &str) -> Result<(), ResetError> {
        self.node.reset_password(link, password(to)).await
    }

    async fn gets_in_with(&self, with: &str) -> bool {
        self.ann.try_sign_in(&self.node, StrategyName::Session, with, false).await.is_ok()
    }
}

fn is_invalid(answer: &Result<(), ResetError>) -> bool {
    matches!(answer, Err(ResetError::InvalidToken))
}

// ASVS-map: RC1
#[tokio::test]
async fn a_link_sets_the_password_once_ends_every_session_and_signs_nobody_in() {
    let scene = Scene::new().await;
    let mut held = Vec::new();
    for strategy in [StrategyName::Session, StrategyName::Hybrid, StrategyName::Denylist] {
        held.push(scene.ann.password_sign_in(&scene.node, strategy).await);
    }
    let link = scene.link().await;
    assert!(held[0].authenticate(&scene.node).await.is_ok(), "asking changes nothing");
    scene.resets(&link, NEXT).await.unwrap();
    for held in &held {
        assert!(held.authenticate(&scene.node).await.is_err());
    }
    let page = Page { after: None, limit: 100 };
    let all = scene.node.sessions(&scene.ann.user.key, page).await.unwrap();
    assert_eq!(all.len(), held.len());
    assert!(all.iter().all(|listed| matches!(
        listed.state,
        SessionState::Ended(ending) if ending.reason == EndReason::PasswordChange
    )));
    assert!(is_invalid(&scene.resets(&link, "vivid saddle").await));
    assert!(!scene.gets_in_with(PASSWORD).await);
    assert!(scene.gets_in_with(NEXT).await);
    scene.post.collect(&scene.node).await;
    assert_eq!(
        (scene.post.count("password_changed"), scene.fixture.recorded_events.count(EventKind::PasswordReset)),
        (1, 1)
    );
}

#[tokio::test]
async fn a_reset_opens_a_locked_account() {
    let scene = Scene::new().await;
    for _ in 0..11 {
        assert!(!scene.gets_in_with("wrong password").await);
    }
    assert!(!scene.gets_in_with(PASSWORD).await);
    let link = scene.link().await;
    scene.resets(&link, NEXT).await.unwrap();
    assert!(scene.gets_in_with(NEXT).await);
}

#[tokio::test]
async fn a_newer_link_takes_the_place_of_an_older_one_and_an_hour_ends_it() {
    let scene = Scene::new().await;
    let (older, newer) = (scene.link().await, scene.link().await);
    assert!(is_invalid(&scene.resets(&older, NEXT).await));
    scene.fixture.clock.pass(Duration::from_hours(1));
    assert!(is_invalid(&scene.resets(&newer, NEXT).await));
    assert!(scene.gets_in_with(PASSWORD).await);
}

#[tokio::test]
async fn what_is_wrong_with_the_password_is_said_before_the_link_is_spent() {
    let scene = Scene::new().await;
    let link = scene.link().await;
    let weak = scene.resets(&link, "short").await;
    assert!(matches!(weak, Err(ResetError::Weak(_))), "{weak:?}");
    let same = scene.resets(&link, PASSWORD).await;
    assert!(matches!(same, Err(ResetError::Reused)), "{same:?}");
    scene.resets(&link, NEXT).await.unwrap();
}

// ASVS-map: RC1
#[tokio::test]
async fn who_has_no_link_learns_nothing_about_passwords() {
    let scene = Scene::new().await;
    let link = scene.link().await;
    let hashed = scene.fixture.passwords.hashed();
    for bad in [&link[..link.len() - 1], &format!("{link}0"), &link.replacen("default", "acme", 1), "a.b.c"] {
        for with in ["short", PASSWORD, NEXT] {
            assert!(is_invalid(&scene.resets(bad, with).await), "{bad}");
        }
    }
    assert_eq!(scene.fixture.passwords.hashed(), hashed);
}

// ASVS-map: AU2
#[tokio::test]
async fn an_address_that_nobody_has_is_answered_and_written_down_like_one_that_somebody_has() {
    let scene = Scene::new().await;
    let bob = scene.fixture.new_user(&scene.node).await;
    scene.node.disable_user(&bob.user.key).await.unwrap();
    let accounts = [scene.ann.user.email.clone(), email("nobody@example.com"), bob.user.email];
    let mut walks = Vec::new();
    for address in &accounts {
        let mut walk = Vec::new();
        for _ in 0..7 {
            scene.faults.heard();
            scene.node.forgot_password(&TenantId::default_tenant(), address).await.unwrap();
            walk.push(scene.faults.heard());
        }
        walks.push(walk);
    }
    assert_eq!(walks[0], walks[1]);
    assert_eq!(walks[0], walks[2]);
    scene.post.collect(&scene.node).await;
    let letters = scene.post.mails();
    assert!(letters.iter().all(|mail| mail.to == scene.ann.user.email));
    assert_eq!((letters.len(), scene.node.mail_waiting().await.unwrap()), (1, 0), "older ones are closed");
}

// ASVS-map: TN3
#[tokio::test]
async fn a_link_of_one_tenant_is_none_of_another() {
    let scene = Scene::new().await;
    let acme = tenant("acme");
    scene.fixture.create_tenant(&acme).await;
    let twin = scene.fixture.register(&scene.node, &acme, scene.ann.user.email.as_typed()).await;
    let link = scene.link().await;
    assert!(is_invalid(&scene.resets(&link.replacen("default", "acme", 1), NEXT).await));
    scene.resets(&link, NEXT).await.unwrap();
    assert!(twin.try_sign_in(&scene.node, StrategyName::Session, PASSWORD, false).await.is_ok());
}

// ASVS-map: SE5
#[tokio::test]
async fn a_link_is_worthless_once_its_user_is_disabled_or_the_password_has_changed() {
    let scene = Scene::new().await;
    let link = scene.link().await;
    scene.node.disable_user(&scene.ann.user.key).await.unwrap();
    assert!(is_invalid(&scene.resets(&link, NEXT).await));
    scene.node.enable_user(&scene.ann.user.key).await.unwrap();
    assert!(is_invalid(&scene.resets(&link, NEXT).await));
    let link = scene.link().await;
    scene.node.set_password(&scene.ann.user.key, password(NEXT)).await.unwrap();
    assert!(is_invalid(&scene.resets(&link, "vivid saddle").await));
}

// ASVS-map: OT2
#[tokio::test]
async fn an_unlock_link_resets_nothing_and_a_reset_link_unlocks_nothing() {
    let scene = Scene::new().await;
    for _ in 0..5 {
        assert!(!scene.gets_in_with("wrong password").await);
    }
    let reset = scene.link().await;
    let unlock = scene.post.secret("unlock");
    assert!(scene.node.unlock(&reset).await.is_err());
    assert!(is_invalid(&scene.resets(&unlock, NEXT).await));
    let locked = scene.ann.try_sign_in(&scene.node, StrategyName::Session, PASSWORD, false).await;
    assert!(matches!(locked, Err(PasswordSignInError::Locked)), "{locked:?}");
    scene.resets(&reset, NEXT).await.unwrap();
}

#[tokio::test]
async fn somebody_who_is_invited_chooses_a_first_password_within_three_days() {
    let scene = Scene::new().await;
    let new = NewUser::new(email("eve@example.com"), None);
    let eve =
        RegisteredUser { user: scene.node.invite_user(&TenantId::default_tenant(), new).await.unwrap() };
    let in_with = async |with| eve.try_sign_in(&scene.node, StrategyName::Session, with, false).await;
    assert!(in_with(PASSWORD).await.is_err());
    scene.post.collect(&scene.node).await;
    let link = scene.post.secret("welcome");
    scene.fixture.clock.pass(Duration::from_hours(71));
    scene.resets(&link, NEXT).await.unwrap();
    assert!(in_with(NEXT).await.is_ok());
    assert!(is_invalid(&scene.resets(&link, "vivid saddle").await));
}
