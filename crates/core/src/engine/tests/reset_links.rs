//! Links that lead to another password.

use std::sync::Arc;
use std::time::Duration;

use super::mailbox::RecordingMailbox;
use crate::engine::{Engine, NewUser, PasswordSignInError, ResetError};
use crate::event::EventKind;
use crate::id::TenantId;
use crate::session::{EndReason, SessionState};
use crate::store::Page;
use crate::store::conformance::faults::Faults;
use crate::store::conformance::fixture::{Fixture, PASSWORD, RegisteredUser, password};
use crate::store::conformance::records::{email, tenant};
use crate::store::memory::MemoryStore;
use crate::strategy::StrategyName;

const NEXT: &str = "brisk lantern";

struct ResetFixture {
    fixture: Fixture,
    faults: Arc<Faults>,
    node: Engine,
    mailbox: Arc<RecordingMailbox>,
    ann: RegisteredUser,
}

impl ResetFixture {
    async fn new() -> Self {
        let (stores, faults) = Faults::within(MemoryStore::stores());
        let fixture = Fixture::new(stores);
        let node = fixture.node().await;
        let ann = fixture.new_user(&node).await;
        Self { fixture, faults, node, mailbox: RecordingMailbox::new(), ann }
    }

    /// Asks for a link and reads it in the mail.
    async fn link(&self) -> String {
        self.node.forgot_password(&TenantId::default_tenant(), &self.ann.user.email).await.unwrap();
        self.mailbox.collect(&self.node).await;
        self.mailbox.secret("reset")
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

// ASVS-map: RC1, RC2, AU7
#[tokio::test]
async fn a_link_sets_the_password_once_ends_every_session_and_signs_no_user_in() {
    let test = ResetFixture::new().await;
    let mut held = Vec::new();
    for strategy in [StrategyName::Session, StrategyName::Hybrid, StrategyName::Denylist] {
        held.push(test.ann.password_sign_in(&test.node, strategy).await);
    }
    let link = test.link().await;
    assert!(held[0].authenticate(&test.node).await.is_ok(), "asking changes nothing");
    test.resets(&link, NEXT).await.unwrap();
    for held in &held {
        assert!(held.authenticate(&test.node).await.is_err());
    }
    let page = Page { after: None, limit: 100 };
    let all = test.node.sessions(&test.ann.user.key, page).await.unwrap();
    assert_eq!(all.len(), held.len());
    assert!(all.iter().all(|listed| matches!(
        listed.state,
        SessionState::Ended(ending) if ending.reason == EndReason::PasswordChange
    )));
    assert!(is_invalid(&test.resets(&link, "vivid saddle").await));
    assert!(!test.gets_in_with(PASSWORD).await);
    assert!(test.gets_in_with(NEXT).await);
    test.mailbox.collect(&test.node).await;
    assert_eq!(
        (
            test.mailbox.count("password_changed"),
            test.fixture.recorded_events.count(EventKind::PasswordReset)
        ),
        (1, 1)
    );
}

#[tokio::test]
async fn a_reset_opens_a_locked_account() {
    let test = ResetFixture::new().await;
    for _ in 0..11 {
        assert!(!test.gets_in_with("wrong password").await);
    }
    assert!(!test.gets_in_with(PASSWORD).await);
    let link = test.link().await;
    test.resets(&link, NEXT).await.unwrap();
    assert!(test.gets_in_with(NEXT).await);
}

// ASVS-map: RC1
#[tokio::test]
async fn a_newer_link_takes_the_place_of_an_older_one_and_an_hour_ends_it() {
    let test = ResetFixture::new().await;
    let (older, newer) = (test.link().await, test.link().await);
    assert!(is_invalid(&test.resets(&older, NEXT).await));
    test.fixture.clock.pass(Duration::from_hours(1));
    assert!(is_invalid(&test.resets(&newer, NEXT).await));
    assert!(test.gets_in_with(PASSWORD).await);
}

#[tokio::test]
async fn what_is_wrong_with_the_password_is_said_before_the_link_is_used() {
    let test = ResetFixture::new().await;
    let link = test.link().await;
    let weak = test.resets(&link, "short").await;
    assert!(matches!(weak, Err(ResetError::Weak(_))), "{weak:?}");
    let same = test.resets(&link, PASSWORD).await;
    assert!(matches!(same, Err(ResetError::Reused)), "{same:?}");
    test.resets(&link, NEXT).await.unwrap();
}

// ASVS-map: RC1
#[tokio::test]
async fn who_has_no_link_learns_nothing_about_passwords() {
    let test = ResetFixture::new().await;
    let link = test.link().await;
    let hashed = test.fixture.passwords.hashed();
    for bad in [&link[..link.len() - 1], &format!("{link}0"), &link.replacen("default", "acme", 1), "a.b.c"] {
        for with in ["short", PASSWORD, NEXT] {
            assert!(is_invalid(&test.resets(bad, with).await), "{bad}");
        }
    }
    assert_eq!(test.fixture.passwords.hashed(), hashed);
}

// ASVS-map: AU2
#[tokio::test]
async fn an_unknown_address_is_answered_and_written_down_like_a_known_one() {
    let test = ResetFixture::new().await;
    let bob = test.fixture.new_user(&test.node).await;
    test.node.disable_user(&bob.user.key).await.unwrap();
    let accounts = [test.ann.user.email.clone(), email("unknown@example.com"), bob.user.email];
    let mut walks = Vec::new();
    for address in &accounts {
        let mut walk = Vec::new();
        for _ in 0..7 {
            test.faults.heard();
            test.node.forgot_password(&TenantId::default_tenant(), address).await.unwrap();
            walk.push(test.faults.heard());
        }
        walks.push(walk);
    }
    assert_eq!(walks[0], walks[1]);
    assert_eq!(walks[0], walks[2]);
    test.mailbox.collect(&test.node).await;
    let mails = test.mailbox.mails();
    assert!(mails.iter().all(|mail| mail.to == test.ann.user.email));
    assert_eq!((mails.len(), test.node.mail_waiting().await.unwrap()), (1, 0), "older ones are closed");
}

// ASVS-map: TN3
#[tokio::test]
async fn a_link_of_one_tenant_is_none_of_another() {
    let test = ResetFixture::new().await;
    let acme = tenant("acme");
    test.fixture.create_tenant(&acme).await;
    let twin = test.fixture.register(&test.node, &acme, test.ann.user.email.as_typed()).await;
    let link = test.link().await;
    assert!(is_invalid(&test.resets(&link.replacen("default", "acme", 1), NEXT).await));
    test.resets(&link, NEXT).await.unwrap();
    assert!(twin.try_sign_in(&test.node, StrategyName::Session, PASSWORD, false).await.is_ok());
}

// ASVS-map: SE5
#[tokio::test]
async fn a_link_is_worthless_once_its_user_is_disabled_or_the_password_has_changed() {
    let test = ResetFixture::new().await;
    let link = test.link().await;
    test.node.disable_user(&test.ann.user.key).await.unwrap();
    assert!(is_invalid(&test.resets(&link, NEXT).await));
    test.node.enable_user(&test.ann.user.key).await.unwrap();
    assert!(is_invalid(&test.resets(&link, NEXT).await));
    let link = test.link().await;
    test.node.set_password(&test.ann.user.key, password(NEXT)).await.unwrap();
    assert!(is_invalid(&test.resets(&link, "vivid saddle").await));
}

// ASVS-map: OT2
#[tokio::test]
async fn an_unlock_link_resets_nothing_and_a_reset_link_unlocks_nothing() {
    let test = ResetFixture::new().await;
    for _ in 0..5 {
        assert!(!test.gets_in_with("wrong password").await);
    }
    let reset = test.link().await;
    let unlock = test.mailbox.secret("unlock");
    assert!(test.node.unlock(&reset).await.is_err());
    assert!(is_invalid(&test.resets(&unlock, NEXT).await));
    let locked = test.ann.try_sign_in(&test.node, StrategyName::Session, PASSWORD, false).await;
    assert!(matches!(locked, Err(PasswordSignInError::Locked)), "{locked:?}");
    test.resets(&reset, NEXT).await.unwrap();
}

// ASVS-map: RC1
#[tokio::test]
async fn an_invited_user_chooses_a_first_password_within_three_days() {
    let test = ResetFixture::new().await;
    let new = NewUser::new(email("eve@example.com"), None);
    let eve = RegisteredUser { user: test.node.invite_user(&TenantId::default_tenant(), new).await.unwrap() };
    let in_with = async |with| eve.try_sign_in(&test.node, StrategyName::Session, with, false).await;
    assert!(in_with(PASSWORD).await.is_err());
    test.mailbox.collect(&test.node).await;
    let link = test.mailbox.secret("welcome");
    test.fixture.clock.pass(Duration::from_hours(71));
    test.resets(&link, NEXT).await.unwrap();
    assert!(in_with(NEXT).await.is_ok());
    assert!(is_invalid(&test.resets(&link, "vivid saddle").await));
}
