//! Wrong passwords, and the lock that follows.

use std::sync::Arc;
use std::time::Duration;

use super::client::FixtureClient;
use super::mailbox::RecordingMailbox;
use crate::engine::{
    DeviceSignInError, DeviceSignInResult, Engine, PasswordSignIn, PasswordSignInError, UnlockError,
};
use crate::id::TenantId;
use crate::lockout::{AttemptKey, AttemptRecord};
use crate::secret::PlainSecret;
use crate::store::conformance::faults::Faults;
use crate::store::conformance::fixture::{Fixture, PASSWORD, RegisteredUser, password, try_sign_in};
use crate::store::conformance::records::email;
use crate::store::memory::MemoryStore;
use crate::strategy::StrategyName;
use crate::username::LoginName;

pub(super) const LOCK: Duration = Duration::from_mins(15);

pub(super) struct LockoutFixture {
    pub(super) fixture: Fixture,
    pub(super) faults: Arc<Faults>,
    pub(super) node: Engine,
    pub(super) mailbox: Arc<RecordingMailbox>,
    pub(super) ann: RegisteredUser,
}

/// The answer to a sign-in.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum SignInAnswer {
    In,
    Wrong,
    Locked,
}

impl LockoutFixture {
    pub(super) async fn new() -> Self {
        let (stores, faults) = Faults::within(MemoryStore::stores());
        let fixture = Fixture::new(stores);
        let node = fixture.node().await;
        let ann = fixture.new_user(&node).await;
        Self { fixture, faults, node, mailbox: RecordingMailbox::new(), ann }
    }

    /// One sign-in on the device-session surface.
    async fn says_on(&self, client: &FixtureClient, with: &str) -> SignInAnswer {
        let name = self.ann.user.email.as_typed();
        match client.device_sign_in(&self.node, &TenantId::default_tenant(), name, with).await {
            Ok(DeviceSignInResult::CodeSent { .. }) | Err(DeviceSignInError::TooManyCodes { .. }) => {
                SignInAnswer::In
            }
            Err(DeviceSignInError::Password(PasswordSignInError::InvalidCredentials)) => SignInAnswer::Wrong,
            Err(DeviceSignInError::Password(PasswordSignInError::Locked)) => SignInAnswer::Locked,
            other => panic!("{other:?}"),
        }
    }

    pub(super) async fn says(&self, with: &str) -> SignInAnswer {
        self.says_on(&FixtureClient::forgetful(), with).await
    }

    pub(super) async fn is_wrong(&self, times: usize) {
        for _ in 0..times {
            assert_eq!(self.says("wrong password").await, SignInAnswer::Wrong);
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
    let test = LockoutFixture::new().await;
    for strategy in [StrategyName::Jwt, StrategyName::Session, StrategyName::Refresh] {
        let wrong = test.ann.try_sign_in(&test.node, strategy, "wrong password", false).await;
        assert!(matches!(wrong, Err(PasswordSignInError::InvalidCredentials)), "{wrong:?}");
    }
    test.is_wrong(2).await;
    assert_eq!(test.says(PASSWORD).await, SignInAnswer::Locked);
    let elsewhere = test.ann.try_sign_in(&test.node, StrategyName::Jwt, PASSWORD, false).await;
    assert!(matches!(elsewhere, Err(PasswordSignInError::Locked)), "{elsewhere:?}");
    test.is_wrong(3).await;
    assert_eq!(test.says(PASSWORD).await, SignInAnswer::Wrong, "five were compared");
    let until = test.node.locked_until(&test.ann.user.key).await.unwrap();
    assert_eq!(until, Some(test.node.now().plus(LOCK)), "further attempts do not prolong it");
    test.mailbox.collect(&test.node).await;
    assert_eq!((test.mailbox.count("unlock"), test.mailbox.mails().len()), (1, 1));
}

// ASVS-map: AU1, OP2
#[tokio::test]
async fn a_guess_that_is_not_compared_costs_no_hash_whether_or_not_there_is_such_a_user() {
    let test = LockoutFixture::new().await;
    let unknown = email("unknown@example.com");
    for address in [&test.ann.user.email, &unknown] {
        let client = FixtureClient::forgetful();
        let guess = async |with| {
            let default = TenantId::default_tenant();
            let answer = client.device_sign_in(&test.node, &default, address.as_typed(), with).await;
            assert!(
                matches!(answer, Err(DeviceSignInError::Password(PasswordSignInError::InvalidCredentials))),
                "{answer:?}"
            );
        };
        let before = test.fixture.passwords.hashed();
        for _ in 0..10 {
            guess("wrong password").await;
        }
        assert_eq!(test.fixture.passwords.hashed(), before + 10, "{address:?}");
        for with in ["wrong password", PASSWORD] {
            guess(with).await;
        }
        assert_eq!(test.fixture.passwords.hashed(), before + 10, "{address:?}");
    }
}

// ASVS-map: AU1
#[tokio::test]
async fn a_quarter_of_an_hour_later_the_account_is_open() {
    let test = LockoutFixture::new().await;
    test.is_wrong(10).await;
    test.fixture.clock.pass(LOCK.saturating_sub(Duration::from_millis(1)));
    assert_eq!(test.says(PASSWORD).await, SignInAnswer::Wrong);
    test.fixture.clock.pass(Duration::from_millis(1));
    test.is_wrong(4).await;
    assert_eq!(test.says(PASSWORD).await, SignInAnswer::In);
    assert_eq!(test.attempts().await, AttemptRecord::default());
}

// ASVS-map: AU1
#[tokio::test]
async fn from_the_hundredth_in_a_row_time_opens_nothing_and_the_link_does() {
    let test = LockoutFixture::new().await;
    for _ in 0..10 {
        test.is_wrong(12).await;
        test.mailbox.collect(&test.node).await;
        test.fixture.clock.pass(LOCK);
    }
    assert_eq!(test.attempts().await.failures, 100);
    test.fixture.clock.pass(Duration::from_mins(29));
    assert_eq!(test.says(PASSWORD).await, SignInAnswer::Wrong);
    test.node.unlock(&test.mailbox.secret("unlock")).await.unwrap();
    assert_eq!(test.says(PASSWORD).await, SignInAnswer::In);
}

// ASVS-map: AU1
#[tokio::test]
async fn strangers_cannot_lock_out_a_known_device_and_its_owner_opens_the_account() {
    let test = LockoutFixture::new().await;
    let laptop = FixtureClient::browser();
    laptop.sign_in_with_code(&test.node, &test.mailbox, &test.ann).await;
    let stranger = FixtureClient::browser();
    let bob = test.fixture.new_user(&test.node).await;
    stranger.sign_in_with_code(&test.node, &test.mailbox, &bob).await;
    for _ in 0..10 {
        test.is_wrong(12).await;
        test.fixture.clock.pass(LOCK);
    }
    assert_eq!(test.says_on(&stranger, PASSWORD).await, SignInAnswer::Wrong, "a device, but not one of hers");
    assert_eq!(test.says_on(&laptop, "wrong password").await, SignInAnswer::Wrong);
    assert_eq!(test.says_on(&laptop, PASSWORD).await, SignInAnswer::In);
    assert_eq!(test.says(PASSWORD).await, SignInAnswer::In);
}

// ASVS-map: AU1
#[tokio::test]
async fn a_device_proof_opens_the_strategies_with_a_password_alone_to_its_owner() {
    let test = LockoutFixture::new().await;
    let app = FixtureClient::app();
    app.sign_in_with_code(&test.node, &test.mailbox, &test.ann).await;
    let native = test.ann.try_sign_in(&test.node, StrategyName::Refresh, PASSWORD, true).await.unwrap();
    let bob = test.fixture.new_user(&test.node).await;
    let of_bob = bob.try_sign_in(&test.node, StrategyName::Refresh, PASSWORD, true).await.unwrap();
    for secret in [app.kept(), native.grant.device_secret] {
        for _ in 0..10 {
            test.is_wrong(12).await;
            test.fixture.clock.pass(LOCK);
        }
        let sign_in = async |with: &str, device_secret| {
            let login = LoginName::Email(test.ann.user.email.clone());
            let request = PasswordSignIn::new(StrategyName::Denylist, login, password(with));
            test.node.password_sign_in(PasswordSignIn { device_secret, ..request }).await
        };
        let planted = Some(PlainSecret::presented("chosen by the client"));
        for none in [None, planted, of_bob.grant.device_secret.clone()] {
            let refused = sign_in(PASSWORD, none).await;
            assert!(matches!(refused, Err(PasswordSignInError::InvalidCredentials)), "{refused:?}");
        }
        assert!(sign_in("wrong password", secret.clone()).await.is_err());
        sign_in(PASSWORD, secret).await.unwrap();
        assert_eq!(test.says(PASSWORD).await, SignInAnswer::In, "the owner is back");
    }
}

// ASVS-map: AU1
#[tokio::test]
async fn a_known_device_that_guesses_locks_itself_and_not_the_account() {
    let test = LockoutFixture::new().await;
    let laptop = FixtureClient::browser();
    laptop.sign_in_with_code(&test.node, &test.mailbox, &test.ann).await;
    for _ in 0..5 {
        assert_eq!(test.says_on(&laptop, "wrong password").await, SignInAnswer::Wrong);
    }
    assert_eq!(test.says_on(&laptop, PASSWORD).await, SignInAnswer::Locked);
    assert_eq!(test.says(PASSWORD).await, SignInAnswer::In);
    test.mailbox.collect(&test.node).await;
    assert_eq!(test.mailbox.count("unlock"), 0);
}

// ASVS-map: RC1
#[tokio::test]
async fn an_unlock_link_opens_once_and_nothing_else_opens() {
    let test = LockoutFixture::new().await;
    test.is_wrong(5).await;
    test.mailbox.collect(&test.node).await;
    let link = test.mailbox.secret("unlock");
    for bad in
        ["", "default", &link[..link.len() - 1], &format!("{link}x"), &link.replacen("default", "acme", 1)]
    {
        let refused = test.node.unlock(bad).await;
        assert!(matches!(refused, Err(UnlockError::InvalidToken)), "{bad}: {refused:?}");
    }
    assert_eq!(test.says(PASSWORD).await, SignInAnswer::Locked);
    test.node.unlock(&link).await.unwrap();
    assert!(matches!(test.node.unlock(&link).await, Err(UnlockError::InvalidToken)));
    test.is_wrong(5).await;
    assert!(matches!(test.node.unlock(&link).await, Err(UnlockError::InvalidToken)), "it is used");
    assert_eq!(test.says(PASSWORD).await, SignInAnswer::Locked);
}

// ASVS-map: RC1
#[tokio::test]
async fn a_newer_unlock_link_takes_the_place_of_an_older_one_and_none_lives_longer_than_an_hour() {
    let test = LockoutFixture::new().await;
    let mut links = Vec::new();
    for _ in 0..2 {
        test.is_wrong(5).await;
        test.mailbox.collect(&test.node).await;
        links.push(test.mailbox.secret("unlock"));
        test.fixture.clock.pass(LOCK);
    }
    assert!(matches!(test.node.unlock(&links[0]).await, Err(UnlockError::InvalidToken)));
    test.fixture.clock.pass(Duration::from_mins(45));
    assert!(matches!(test.node.unlock(&links[1]).await, Err(UnlockError::InvalidToken)));
}

// ASVS-map: AU2
#[tokio::test]
async fn an_unknown_user_is_answered_and_written_down_like_a_known_one() {
    let test = LockoutFixture::new().await;
    let unknown = [email("unknown@example.com"), email("another.unknown@example.com")];
    let bob = test.fixture.new_user(&test.node).await;
    test.node.disable_user(&bob.user.key).await.unwrap();
    let mut accounts = vec![test.ann.user.email.clone(), bob.user.email];
    accounts.extend(unknown);
    let mut walks = Vec::new();
    for address in &accounts {
        test.faults.heard();
        let mut walk = Vec::new();
        for nth in 0..12 {
            let (tenant, strategy) = (TenantId::default_tenant(), StrategyName::Session);
            let client = FixtureClient::browser();
            let refused = if nth % 2 == 0 {
                try_sign_in(&test.node, &tenant, address, strategy, "wrong password", false).await.err()
            } else {
                let answer =
                    client.device_sign_in(&test.node, &tenant, address.as_typed(), "wrong password").await;
                answer.err().map(|refused| match refused {
                    DeviceSignInError::Password(refused) => refused,
                    DeviceSignInError::TooManyCodes { .. } => panic!("no code was asked for"),
                })
            };
            walk.push((format!("{refused:?}"), test.faults.heard()));
        }
        walks.push(walk);
    }
    assert!(walks[0].iter().any(|(_, verbs)| verbs.contains(&"issue a ticket")), "{:?}", walks[0]);
    for (walk, address) in walks.iter().zip(&accounts) {
        assert_eq!(*walk, walks[0], "{address}");
    }
    test.mailbox.collect(&test.node).await;
    let told: Vec<_> = test.mailbox.mails().into_iter().map(|mail| mail.to).collect();
    assert_eq!(told, [test.ann.user.email]);
    assert_eq!(test.node.mail_waiting().await.unwrap(), 0);
}
