//! Wrong passwords, and the lock that follows.

use std::sync::Arc;
use std::time::Duration;

use crate::engine::{DeviceSignInError, DeviceSignInResult, Engine, PasswordSignInError, UnlockError};
use crate::id::TenantId;
use crate::lockout::{AttemptKey, AttemptRecord};
use crate::store::conformance::client::FixtureClient;
use crate::store::conformance::faults::Faults;
use crate::store::conformance::fixture::{Fixture, PASSWORD, RegisteredUser, try_sign_in};
use crate::store::conformance::mailbox::RecordingMailbox;
use crate::store::conformance::records::email;
use crate::store::memory::MemoryStore;
use crate::strategy::StrategyName;

pub(super) const LOCK: Duration = Duration::from_mins(15);

pub(super) struct Scene {
    pub(super) fixture: Fixture,
    pub(super) faults: Arc<Faults>,
    pub(super) node: Engine,
    pub(super) post: Arc<RecordingMailbox>,
    pub(super) ann: RegisteredUser,
}

/// What somebody is told.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Told {
    In,
    Wrong,
    Locked,
}

impl Scene {
    pub(super) async fn new() -> Self {
        let (stores, faults) = Faults::within(MemoryStore::stores());
        let fixture = Fixture::new(stores);
        let node = fixture.node().await;
        let ann = fixture.new_user(&node).await;
        Self { fixture, faults, node, post: RecordingMailbox::new(), ann }
    }

    /// One guess on the device-session surface.
    async fn says_on(&self, client: &FixtureClient, with: &str) -> Told {
        let name = self.ann.user.email.as_typed();
        match client.device_sign_in(&self.node, &TenantId::default_tenant(), name, with).await {
            Ok(DeviceSignInResult::CodeSent { .. }) | Err(DeviceSignInError::TooManyCodes { .. }) => Told::In,
            Err(DeviceSignInError::Password(PasswordSignInError::InvalidCredentials)) => Told::Wrong,
            Err(DeviceSignInError::Password(PasswordSignInError::Locked)) => Told::Locked,
            other => panic!("{other:?}"),
        }
    }

    pub(super) async fn says(&self, with: &str) -> Told {
        self.says_on(&FixtureClient::forgetful(), with).await
    }

    pub(super) async fn is_wrong(&self, times: usize) {
        for _ in 0..times {
            assert_eq!(self.says("wrong password").await, Told::Wrong);
        }
    }

    pub(super) async fn attempts(&self) -> AttemptRecord {
        let key = AttemptKey { user: self.ann.user.key.clone(), device: None };
        self.fixture.builder.stores.attempts.find(&key).await.unwrap()
    }
}

// ASVS-map: AU1
#[tokio::test]
async fn five_wrong_passwords_on_whatever_surface_lock_and_the_owner_is_told_once() {
    let scene = Scene::new().await;
    for strategy in [StrategyName::Jwt, StrategyName::Session, StrategyName::Refresh] {
        let wrong = scene.ann.try_sign_in(&scene.node, strategy, "wrong password", false).await;
        assert!(matches!(wrong, Err(PasswordSignInError::InvalidCredentials)), "{wrong:?}");
    }
    scene.is_wrong(2).await;
    assert_eq!(scene.says(PASSWORD).await, Told::Locked);
    let elsewhere = scene.ann.try_sign_in(&scene.node, StrategyName::Jwt, PASSWORD, false).await;
    assert!(matches!(elsewhere, Err(PasswordSignInError::Locked)), "{elsewhere:?}");
    scene.is_wrong(3).await;
    assert_eq!(scene.says(PASSWORD).await, Told::Wrong, "five were looked at");
    let until = scene.node.locked_until(&scene.ann.user.key).await.unwrap();
    assert_eq!(until, Some(scene.node.now().plus(LOCK)), "guesses do not prolong it");
    scene.post.collect(&scene.node).await;
    assert_eq!((scene.post.count("unlock"), scene.post.mails().len()), (1, 1));
}

// ASVS-map: AU1
#[tokio::test]
async fn a_quarter_of_an_hour_later_the_account_is_open() {
    let scene = Scene::new().await;
    scene.is_wrong(10).await;
    scene.fixture.clock.pass(LOCK.saturating_sub(Duration::from_millis(1)));
    assert_eq!(scene.says(PASSWORD).await, Told::Wrong);
    scene.fixture.clock.pass(Duration::from_millis(1));
    scene.is_wrong(4).await;
    assert_eq!(scene.says(PASSWORD).await, Told::In);
    assert_eq!(scene.attempts().await, AttemptRecord::default());
}

// ASVS-map: AU1
#[tokio::test]
async fn from_the_hundredth_in_a_row_time_opens_nothing_and_the_link_does() {
    let scene = Scene::new().await;
    for _ in 0..10 {
        scene.is_wrong(12).await;
        scene.post.collect(&scene.node).await;
        scene.fixture.clock.pass(LOCK);
    }
    assert_eq!(scene.attempts().await.failures, 100);
    scene.fixture.clock.pass(Duration::from_mins(29));
    assert_eq!(scene.says(PASSWORD).await, Told::Wrong);
    scene.node.unlock(&scene.post.secret("unlock")).await.unwrap();
    assert_eq!(scene.says(PASSWORD).await, Told::In);
}

// ASVS-map: AU1
#[tokio::test]
async fn strangers_cannot_lock_out_a_known_device_and_its_owner_opens_the_account() {
    let scene = Scene::new().await;
    let laptop = FixtureClient::browser();
    laptop.sign_in_with_code(&scene.node, &scene.post, &scene.ann).await;
    let stranger = FixtureClient::browser();
    let bob = scene.fixture.new_user(&scene.node).await;
    stranger.sign_in_with_code(&scene.node, &scene.post, &bob).await;
    for _ in 0..10 {
        scene.is_wrong(12).await;
        scene.fixture.clock.pass(LOCK);
    }
    assert_eq!(scene.says_on(&stranger, PASSWORD).await, Told::Wrong, "a device, but not one of hers");
    assert_eq!(scene.says_on(&laptop, "wrong password").await, Told::Wrong);
    assert_eq!(scene.says_on(&laptop, PASSWORD).await, Told::In);
    assert_eq!(scene.says(PASSWORD).await, Told::In);
}

#[tokio::test]
async fn a_known_device_that_guesses_locks_itself_and_not_the_account() {
    let scene = Scene::new().await;
    let laptop = FixtureClient::browser();
    laptop.sign_in_with_code(&scene.node, &scene.post, &scene.ann).await;
    for _ in 0..5 {
        assert_eq!(scene.says_on(&laptop, "wrong password").await, Told::Wrong);
    }
    assert_eq!(scene.says_on(&laptop, PASSWORD).await, Told::Locked);
    assert_eq!(scene.says(PASSWORD).await, Told::In);
    scene.post.collect(&scene.node).await;
    assert_eq!(scene.post.count("unlock"), 0);
}

// ASVS-map: RC1
#[tokio::test]
async fn an_unlock_link_opens_once_and_nothing_else_opens() {
    let scene = Scene::new().await;
    scene.is_wrong(5).await;
    scene.post.collect(&scene.node).await;
    let link = scene.post.secret("unlock");
    for bad in
        ["", "default", &link[..link.len() - 1], &format!("{link}x"), &link.replacen("default", "acme", 1)]
    {
        let refused = scene.node.unlock(bad).await;
        assert!(matches!(refused, Err(UnlockError::InvalidToken)), "{bad}: {refused:?}");
    }
    assert_eq!(scene.says(PASSWORD).await, Told::Locked);
    scene.node.unlock(&link).await.unwrap();
    assert!(matches!(scene.node.unlock(&link).await, Err(UnlockError::InvalidToken)));
    scene.is_wrong(5).await;
    assert!(matches!(scene.node.unlock(&link).await, Err(UnlockError::InvalidToken)), "it is spent");
    assert_eq!(scene.says(PASSWORD).await, Told::Locked);
}

#[tokio::test]
async fn a_newer_unlock_link_takes_the_place_of_an_older_one_and_none_lives_longer_than_an_hour() {
    let scene = Scene::new().await;
    let mut links = Vec::new();
    for _ in 0..2 {
        scene.is_wrong(5).await;
        scene.post.collect(&scene.node).await;
        links.push(scene.post.secret("unlock"));
        scene.fixture.clock.pass(LOCK);
    }
    assert!(matches!(scene.node.unlock(&links[0]).await, Err(UnlockError::InvalidToken)));
    scene.fixture.clock.pass(Duration::from_mins(45));
    assert!(matches!(scene.node.unlock(&links[1]).await, Err(UnlockError::InvalidToken)));
}

// ASVS-map: AU2
#[tokio::test]
async fn who_does_not_exist_is_answered_and_written_down_like_who_does() {
    let scene = Scene::new().await;
    let nobody = [email("nobody@example.com"), email("another.nobody@example.com")];
    let bob = scene.fixture.new_user(&scene.node).await;
    scene.node.disable_user(&bob.user.key).await.unwrap();
    let mut accounts = vec![scene.ann.user.email.clone(), bob.user.email];
    accounts.extend(nobody);
    let mut walks = Vec::new();
    for address in &accounts {
        scene.faults.heard();
        let mut walk = Vec::new();
        for nth in 0..12 {
            let (tenant, strategy) = (TenantId::default_tenant(), StrategyName::Session);
            let client = FixtureClient::browser();
            let refused = if nth % 2 == 0 {
                try_sign_in(&scene.node, &tenant, address, strategy, "wrong password", false).await.err()
            } else {
                let answer =
                    client.device_sign_in(&scene.node, &tenant, address.as_typed(), "wrong password").await;
                answer.err().map(|refused| match refused {
                    DeviceSignInError::Password(refused) => refused,
                    DeviceSignInError::TooManyCodes { .. } => panic!("nobody asked for a code"),
                })
            };
            walk.push((format!("{refused:?}"), scene.faults.heard()));
        }
        walks.push(walk);
    }
    assert!(walks[0].iter().any(|(_, verbs)| verbs.contains(&"issue a ticket")), "{:?}", walks[0]);
    for (walk, address) in walks.iter().zip(&accounts) {
        assert_eq!(*walk, walks[0], "{address}");
    }
    scene.post.collect(&scene.node).await;
    let told: Vec<_> = scene.post.mails().into_iter().map(|mail| mail.to).collect();
    assert_eq!(told, [scene.ann.user.email]);
    assert_eq!(scene.node.mail_waiting().await.unwrap(), 0);
}
