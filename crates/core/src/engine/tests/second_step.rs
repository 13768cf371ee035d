//! A password, and then a code.

use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;

use super::client::FixtureClient;
use super::mailbox::RecordingMailbox;
use crate::engine::{
    ChangePassword, DeviceSignInError, DeviceSignInResult, Engine, PasswordSignInError, VerifyCodeError,
};
use crate::id::{TenantId, TicketId};
use crate::store::Page;
use crate::store::conformance::fixture::{Fixture, PASSWORD, RegisteredUser, password};
use crate::store::conformance::records::tenant;
use crate::store::memory::MemoryStore;
use crate::strategy::StrategyName;
use crate::tenant::SecondStep;

/// A node, a user who has signed up, and the user's mailbox.
pub(super) struct SecondStepFixture {
    pub(super) fixture: Fixture,
    pub(super) node: Engine,
    pub(super) mailbox: Arc<RecordingMailbox>,
    pub(super) ann: RegisteredUser,
}

impl SecondStepFixture {
    pub(super) async fn new() -> Self {
        Self::on(Fixture::new(MemoryStore::stores())).await
    }

    pub(super) async fn on(fixture: Fixture) -> Self {
        let node = fixture.node().await;
        let ann = fixture.new_user(&node).await;
        Self { fixture, node, mailbox: RecordingMailbox::new(), ann }
    }

    pub(super) async fn asks(&self) -> TicketId {
        FixtureClient::forgetful().request_code(&self.node, &self.ann).await
    }

    pub(super) async fn says(&self, login: TicketId, code: &str) -> Result<(), VerifyCodeError> {
        self.says_in(&TenantId::default_tenant(), login, code).await
    }

    pub(super) async fn says_in(
        &self,
        tenant: &TenantId,
        login: TicketId,
        code: &str,
    ) -> Result<(), VerifyCodeError> {
        FixtureClient::forgetful().verify(&self.node, tenant, login, code).await.map(|_| ())
    }

    pub(super) async fn sessions(&self) -> usize {
        let page = Page { after: None, limit: 100 };
        self.node.sessions_that(&self.ann.user.key, false, page).await.unwrap().len()
    }
}

/// A code that is not this one.
pub(super) fn other_than(code: &str) -> String {
    let number: u32 = code.parse().unwrap();
    format!("{:06}", (number + 1) % 1_000_000)
}

// ASVS-map: OT1, AU4
#[tokio::test]
async fn a_password_and_the_code_in_the_mail_let_in_once() {
    let test = SecondStepFixture::new().await;
    let login = test.asks().await;
    assert_eq!(test.sessions().await, 0, "a password alone is nothing");
    let code = test.mailbox.code(&test.node).await;
    test.says(login, &code).await.unwrap();
    let again = test.says(login, &code).await;
    assert!(matches!(again, Err(VerifyCodeError::Wrong)), "{again:?}");
    assert_eq!(test.sessions().await, 1);
    assert_eq!(test.mailbox.mails().len(), 1);
}

// ASVS-map: OT1
#[tokio::test]
async fn before_it_is_sent_no_code_is_the_right_one_and_after_five_minutes_none_is() {
    let test = SecondStepFixture::new().await;
    let login = test.asks().await;
    let early = test.says(login, "000000").await;
    assert!(matches!(early, Err(VerifyCodeError::Wrong)), "{early:?}");
    let code = test.mailbox.code(&test.node).await;
    test.fixture.clock.pass(Duration::from_mins(5));
    let late = test.says(login, &code).await;
    assert!(matches!(late, Err(VerifyCodeError::Expired)), "{late:?}");
}

// ASVS-map: OT2
#[tokio::test]
async fn a_code_opens_its_own_login_in_its_own_tenant_alone() {
    let test = SecondStepFixture::new().await;
    test.fixture.create_tenant(&tenant("acme")).await;
    let first = test.asks().await;
    let of_first = test.mailbox.code(&test.node).await;
    let second = test.asks().await;
    let of_second = test.mailbox.code(&test.node).await;
    for (where_, login, code) in [
        (TenantId::default_tenant(), first, &of_second),
        (TenantId::default_tenant(), second, &of_first),
        (tenant("acme"), second, &of_second),
    ] {
        let refused = test.says_in(&where_, login, code).await;
        assert!(matches!(refused, Err(VerifyCodeError::Wrong)), "{refused:?}");
    }
    test.says(second, &of_second).await.unwrap();
    test.says(first, &of_first).await.unwrap();
}

// ASVS-map: OT4
#[tokio::test]
async fn of_four_open_logins_the_oldest_is_closed() {
    let test = SecondStepFixture::new().await;
    let mut open = Vec::new();
    for _ in 0..4 {
        let login = test.asks().await;
        open.push((login, test.mailbox.code(&test.node).await));
        test.fixture.clock.pass(Duration::from_secs(1));
    }
    let closed = test.says(open[0].0, &open[0].1).await;
    assert!(matches!(closed, Err(VerifyCodeError::Wrong)), "{closed:?}");
    for (login, code) in &open[1..] {
        test.says(*login, code).await.unwrap();
    }
}

// ASVS-map: OT4
#[tokio::test]
async fn ten_codes_are_mailed_in_a_quarter_of_an_hour_and_no_more() {
    let test = SecondStepFixture::new().await;
    for _ in 0..10 {
        test.asks().await;
        test.fixture.clock.pass(Duration::from_mins(1));
    }
    let user = &test.ann.user;
    let ask = async || {
        FixtureClient::forgetful()
            .device_sign_in(&test.node, &user.key.tenant, user.email.as_typed(), PASSWORD)
            .await
    };
    for _ in 0..90 {
        let refused = ask().await;
        assert!(matches!(refused, Err(DeviceSignInError::TooManyCodes { .. })), "{refused:?}");
    }
    test.mailbox.collect(&test.node).await;
    assert!(test.mailbox.mails().len() <= 10);
    test.fixture.clock.pass(Duration::from_mins(5));
    assert!(matches!(ask().await, Ok(DeviceSignInResult::CodeSent { .. })));
}

// ASVS-map: OT3
#[tokio::test]
async fn after_ten_wrong_codes_over_several_logins_not_even_a_right_one_is_looked_at() {
    let test = SecondStepFixture::new().await;
    for _ in 0..2 {
        let login = test.asks().await;
        let code = test.mailbox.code(&test.node).await;
        for _ in 0..5 {
            let wrong = test.says(login, &other_than(&code)).await;
            assert!(matches!(wrong, Err(VerifyCodeError::Wrong)), "{wrong:?}");
        }
        let spent = test.says(login, &code).await;
        assert!(matches!(spent, Err(VerifyCodeError::TooMany)), "{spent:?}");
    }
    let login = test.asks().await;
    let refused = test.says(login, &test.mailbox.code(&test.node).await).await;
    assert!(matches!(refused, Err(VerifyCodeError::TooMany)), "{refused:?}");
    test.fixture.clock.pass(Duration::from_mins(15));
    let login = test.asks().await;
    test.says(login, &test.mailbox.code(&test.node).await).await.unwrap();
}

/// The answers to so many codes at once.
async fn all_at_once(
    test: &Arc<SecondStepFixture>,
    login: TicketId,
    code: &str,
    count: usize,
) -> Vec<Result<(), VerifyCodeError>> {
    let mut saying = JoinSet::new();
    for _ in 0..count {
        let (test, code) = (test.clone(), code.to_owned());
        saying.spawn(async move { test.says(login, &code).await });
    }
    saying.join_all().await
}

// ASVS-map: OT3
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_a_thousand_wrong_codes_at_once_five_are_compared() {
    let test = Arc::new(SecondStepFixture::new().await);
    let login = test.asks().await;
    let code = test.mailbox.code(&test.node).await;
    let answers = all_at_once(&test, login, &other_than(&code), 1_000).await;
    let looked_at = answers.iter().filter(|answer| matches!(answer, Err(VerifyCodeError::Wrong))).count();
    assert_eq!(looked_at, 5);
    assert!(answers.iter().all(|a| matches!(a, Err(VerifyCodeError::Wrong | VerifyCodeError::TooMany))));
    assert!(matches!(test.says(login, &code).await, Err(VerifyCodeError::TooMany)));
}

// ASVS-map: OT1
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_fifty_right_codes_at_once_one_makes_a_session() {
    let test = Arc::new(SecondStepFixture::new().await);
    let login = test.asks().await;
    let code = test.mailbox.code(&test.node).await;
    let answers = all_at_once(&test, login, &code, 50).await;
    assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 1);
    assert_eq!(test.sessions().await, 1);
}

/// What happens between the two steps makes the code worthless, and it stays so.
async fn is_worthless_after(what: impl AsyncFn(&SecondStepFixture)) {
    let test = SecondStepFixture::new().await;
    let login = test.asks().await;
    let code = test.mailbox.code(&test.node).await;
    what(&test).await;
    let refused = test.says(login, &code).await;
    assert!(matches!(refused, Err(VerifyCodeError::Wrong)), "{refused:?}");
    assert_eq!(test.sessions().await, 0);
}

// ASVS-map: SE5
#[tokio::test]
async fn what_ends_all_sessions_between_the_two_steps_makes_the_code_worthless() {
    is_worthless_after(async |test| {
        test.node.disable_user(&test.ann.user.key).await.unwrap();
    })
    .await;
    is_worthless_after(async |test| {
        test.node.disable_user(&test.ann.user.key).await.unwrap();
        test.node.enable_user(&test.ann.user.key).await.unwrap();
    })
    .await;
    is_worthless_after(async |test| {
        test.node.set_password(&test.ann.user.key, password("brisk lantern")).await.unwrap();
    })
    .await;
    is_worthless_after(async |test| {
        let held = test.ann.password_sign_in(&test.node, StrategyName::Jwt).await;
        let identity = held.identity(&test.node).await;
        let (current, new) = (password(PASSWORD), password("brisk lantern"));
        let change = ChangePassword { identity: identity.clone(), current, new };
        test.node.change_password(change).await.unwrap();
    })
    .await;
}

// ASVS-map: SE5
#[tokio::test]
async fn a_code_of_a_suspended_tenant_is_worthless_and_stays_so() {
    let fixture = Fixture::new(MemoryStore::stores());
    let (node, mailbox, acme) = (fixture.node().await, RecordingMailbox::new(), tenant("acme"));
    fixture.create_tenant(&acme).await;
    let ann = fixture.register(&node, &acme, "ann@example.com").await;
    let client = FixtureClient::browser();
    let login = client.request_code(&node, &ann).await;
    let code = mailbox.code(&node).await;
    node.suspend_tenant(&acme).await.unwrap();
    assert!(matches!(client.verify(&node, &acme, login, &code).await, Err(VerifyCodeError::Tenant(_))));
    node.resume_tenant(&acme).await.unwrap();
    assert!(matches!(client.verify(&node, &acme, login, &code).await, Err(VerifyCodeError::Wrong)));
}

fn fixture_with(second_step: SecondStep) -> Fixture {
    Fixture::new(MemoryStore::stores()).with_policy(|policy| policy.second_step = second_step)
}

#[tokio::test]
async fn without_a_second_step_the_password_lets_in_and_nothing_is_mailed() {
    let test = SecondStepFixture::on(fixture_with(SecondStep::Off)).await;
    let user = &test.ann.user;
    let client = FixtureClient::browser();
    let done =
        match client.device_sign_in(&test.node, &user.key.tenant, user.email.as_typed(), PASSWORD).await {
            Ok(DeviceSignInResult::Done(done)) => done,
            other => panic!("{other:?}"),
        };
    assert!(done.cookie.is_some());
    assert!(FixtureClient::held(&done).authenticate(&test.node).await.is_ok());
    assert_eq!((test.mailbox.collect(&test.node).await, test.sessions().await), (0, 1));
}

// ASVS-map: AU4
#[tokio::test]
async fn where_the_second_step_is_forced_no_sign_in_gets_around_it() {
    let fixture = Fixture::new(MemoryStore::stores());
    let node = fixture.node().await;
    let ann = fixture.new_user(&node).await;
    node.change_tenant(&TenantId::default_tenant(), |settings| crate::tenant::TenantSettings {
        otp: Some(SecondStep::Forced),
        ..settings
    })
    .await
    .unwrap();
    for name in StrategyName::ROUTED {
        let refused = ann.try_sign_in(&node, name, PASSWORD, false).await;
        assert!(matches!(refused, Err(PasswordSignInError::NotOffered)), "{name}: {refused:?}");
    }
    let held = FixtureClient::browser().sign_in_with_code(&node, &RecordingMailbox::new(), &ann).await;
    assert!(held.authenticate(&node).await.is_ok());
}

/// Presents so many wrong codes, in as many sign-ins as it takes, and returns how many were compared.
async fn wrong_codes(test: &SecondStepFixture, count: u32) -> u32 {
    let mut compared = 0;
    for _ in 0..count / 5 {
        let login = test.asks().await;
        let code = other_than(&test.mailbox.code(&test.node).await);
        for _ in 0..5 {
            compared += u32::from(matches!(test.says(login, &code).await, Err(VerifyCodeError::Wrong)));
        }
        test.fixture.clock.pass(Duration::from_mins(15));
    }
    compared
}

// ASVS-map: OT3
#[tokio::test]
async fn after_a_hundred_wrong_codes_in_a_row_none_is_compared_until_the_owner_opens_the_account() {
    let test = SecondStepFixture::new().await;
    let laptop = FixtureClient::browser();
    for _ in 0..2 {
        laptop.sign_in_with_code(&test.node, &test.mailbox, &test.ann).await;
    }
    assert_eq!(wrong_codes(&test, 130).await, 100);
    assert_eq!(test.mailbox.count("unlock"), 1, "the owner was told");

    let login = test.asks().await;
    let code = test.mailbox.code(&test.node).await;
    let refused = test.says(login, &code).await;
    assert!(matches!(refused, Err(VerifyCodeError::TooMany)), "{refused:?}");
    // A known device has a counter of its own.
    laptop.sign_in_with_code(&test.node, &test.mailbox, &test.ann).await;
}

#[tokio::test]
async fn the_link_and_an_administrator_open_the_account_to_codes_again_and_a_right_code_clears_the_count() {
    let test = SecondStepFixture::new().await;
    let user = &test.ann.user.key;
    let enters = async || {
        let login = test.asks().await;
        test.says(login, &test.mailbox.code(&test.node).await).await
    };
    assert_eq!(wrong_codes(&test, 95).await, 95);
    assert_eq!(test.node.locked_until(user).await.unwrap(), None);
    enters().await.unwrap();
    for is_owner in [true, false] {
        assert_eq!(wrong_codes(&test, 105).await, 100);
        assert!(matches!(enters().await, Err(VerifyCodeError::TooMany)));
        assert!(test.node.locked_until(user).await.unwrap().is_some(), "the account is shown as locked");
        if is_owner {
            test.node.unlock(&test.mailbox.secret("unlock")).await.unwrap();
        } else {
            test.node.unlock_user(user).await.unwrap();
        }
        assert_eq!(test.node.locked_until(user).await.unwrap(), None);
        enters().await.unwrap();
    }
}
