//! The device proof: a cookie or a secret that stays where a refresh token does not.

use std::sync::Arc;
use std::time::Duration;

use super::client::FixtureClient;
use super::mailbox::RecordingMailbox;
use crate::engine::{
    DeviceSignIn, DeviceSignInResult, Engine, PresentedDevice, RefreshError, VerifyCodeError,
};
use crate::event::EventKind;
use crate::secret::PlainSecret;
use crate::session::{Device, Session, SessionState};
use crate::store::SessionHandle;
use crate::store::conformance::fixture::{Fixture, HeldCredentials, PASSWORD, RegisteredUser, password};
use crate::store::memory::MemoryStore;
use crate::username::LoginName;

struct ProofFixture {
    fixture: Fixture,
    node: Engine,
    mailbox: Arc<RecordingMailbox>,
    ann: RegisteredUser,
}

impl ProofFixture {
    async fn new() -> Self {
        let fixture = Fixture::new(MemoryStore::stores());
        let node = fixture.node().await;
        let ann = fixture.new_user(&node).await;
        Self { fixture, node, mailbox: RecordingMailbox::new(), ann }
    }

    async fn sign_in_with_code(&self, client: &FixtureClient) -> HeldCredentials {
        client.sign_in_with_code(&self.node, &self.mailbox, &self.ann).await
    }

    /// Trades a token that must be good: its successor.
    async fn renewed(&self, client: &FixtureClient, token: &str) -> String {
        client.refresh(&self.node, token).await.unwrap().refresh.reveal().to_owned()
    }

    async fn stored(&self, held: &HeldCredentials) -> Session {
        let handle = SessionHandle::Id(held.session());
        self.fixture.builder.stores.sessions.find(&handle, self.node.now()).await.unwrap().unwrap()
    }

    async fn lives(&self, held: &HeldCredentials) -> bool {
        held.authenticate(&self.node).await.is_ok()
    }
}

#[tokio::test]
async fn a_browser_is_given_its_cookie_with_the_first_step_and_shows_it_with_the_second() {
    let test = ProofFixture::new().await;
    let browser = FixtureClient::browser();
    let login = browser.request_code(&test.node, &test.ann).await;
    let cookie = browser.kept().unwrap();
    let code = test.mailbox.code(&test.node).await;
    let done = browser.verify(&test.node, &test.ann.user.key.tenant, login, &code).await.unwrap();
    assert_eq!(browser.kept(), Some(cookie));
    assert!(done.session.proof.is_some_and(|proof| proof.shown));
}

// ASVS-map: OT2
#[tokio::test]
async fn a_login_of_one_browser_is_not_completed_by_another_but_by_one_without_cookies() {
    let test = ProofFixture::new().await;
    let (browser, other) = (FixtureClient::browser(), FixtureClient::browser());
    test.sign_in_with_code(&other).await;
    let tenant = &test.ann.user.key.tenant;
    let login = browser.request_code(&test.node, &test.ann).await;
    let code = test.mailbox.code(&test.node).await;
    let refused = other.verify(&test.node, tenant, login, &code).await;
    assert!(matches!(refused, Err(VerifyCodeError::Wrong)), "{refused:?}");
    let done = FixtureClient::forgetful().verify(&test.node, tenant, login, &code).await.unwrap();
    assert_eq!((done.session.proof, done.cookie), (None, None));
}

#[tokio::test]
async fn an_app_keeps_one_secret_across_logins_and_each_session_requires_it() {
    let test = ProofFixture::new().await;
    let app = FixtureClient::app();
    let first = test.sign_in_with_code(&app).await;
    let secret = app.kept().unwrap();
    let second = test.sign_in_with_code(&app).await;
    assert_eq!(second.signed_in.grant.device_secret, Some(secret));
    for held in [&first, &second] {
        let next = test.renewed(&app, held.refresh_token()).await;
        assert_eq!(test.renewed(&app, held.refresh_token()).await, next, "the same successor again");
        let thief = FixtureClient::forgetful().refresh(&test.node, &next).await;
        assert!(matches!(thief, Err(RefreshError::Reused)), "{thief:?}");
    }
}

#[tokio::test]
async fn an_app_that_brings_its_secret_with_the_second_step_only_is_let_in_and_keeps_it() {
    let test = ProofFixture::new().await;
    let app = FixtureClient::app();
    test.sign_in_with_code(&app).await;
    let secret = app.kept();
    // The first step went without it, and the cookie that came back was dropped.
    let login = FixtureClient::forgetful().request_code(&test.node, &test.ann).await;
    let code = test.mailbox.code(&test.node).await;
    let done = app.verify(&test.node, &test.ann.user.key.tenant, login, &code).await.unwrap();
    assert_eq!(done.signed_in.grant.device_secret, secret);
}

// ASVS-map: SE2
#[tokio::test]
async fn what_we_did_not_sign_is_not_adopted() {
    let test = ProofFixture::new().await;
    let browser = FixtureClient::browser();
    test.sign_in_with_code(&browser).await;
    let good = browser.kept().unwrap().reveal().to_owned();
    let (value, signature) = good.split_once('.').unwrap();
    let session_cookie = test.ann.password_sign_in(&test.node, crate::strategy::StrategyName::Session).await;
    for bad in [
        String::new(),
        ".".to_owned(),
        value.to_owned(),
        format!("{value}."),
        format!("x{good}"),
        good[..good.len() - 1].to_owned(),
        format!("{value}.{value}.{signature}"),
        format!("device:{good}"),
        "planted.AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA".to_owned(),
        session_cookie.credential().to_owned(),
        session_cookie.credential().trim_start_matches("s:").to_owned(),
        "x".repeat(5_000),
    ] {
        test.fixture.clock.pass(Duration::from_mins(15));
        let victim = FixtureClient::with_cookie(&bad);
        let held = test.sign_in_with_code(&victim).await;
        assert_ne!(victim.kept().unwrap().reveal(), bad, "{bad:?} was adopted");
        let theirs = FixtureClient::with_cookie(&bad).refresh(&test.node, held.refresh_token()).await;
        assert!(matches!(theirs, Err(RefreshError::Reused)), "{bad:?}: {theirs:?}");
    }
}

// ASVS-map: RT1
#[tokio::test]
async fn a_cookie_that_comes_with_a_refresh_is_required_from_then_on() {
    let test = ProofFixture::new().await;
    let browser = FixtureClient::browser();
    test.sign_in_with_code(&browser).await;
    // This session began without any proof: its client showed no cookie.
    let held = test.sign_in_with_code(&FixtureClient::forgetful()).await;
    assert_eq!(test.stored(&held).await.proof, None);
    let unpinned = test.renewed(&FixtureClient::forgetful(), held.refresh_token()).await;
    let pinned = test.renewed(&browser, &unpinned).await;
    assert!(test.stored(&held).await.proof.is_some_and(|proof| proof.shown));
    assert!(test.lives(&held).await);
    let thief = FixtureClient::forgetful().refresh(&test.node, &pinned).await;
    assert!(matches!(thief, Err(RefreshError::Reused)), "{thief:?}");
    assert!(!test.lives(&held).await);
    let after = browser.refresh(&test.node, &pinned).await;
    assert!(matches!(after, Err(RefreshError::SessionGone(_))), "{after:?}");
    test.mailbox.collect(&test.node).await;
    assert_eq!(
        (test.mailbox.count("refresh_reused"), test.fixture.recorded_events.count(EventKind::RefreshReused)),
        (1, 1)
    );
}

#[tokio::test]
async fn a_second_login_in_the_same_browser_keeps_the_proof_of_the_first() {
    let test = ProofFixture::new().await;
    let browser = FixtureClient::browser();
    let first = test.sign_in_with_code(&browser).await;
    let bob = test.fixture.new_user(&test.node).await;
    let second = browser.sign_in_with_code(&test.node, &test.mailbox, &bob).await;
    let again = test.sign_in_with_code(&browser).await;
    for held in [&first, &second, &again] {
        test.renewed(&browser, held.refresh_token()).await;
        assert!(test.lives(held).await);
    }
    let hashes = [test.stored(&first).await, test.stored(&again).await].map(|s| s.proof.unwrap().hash);
    assert_ne!(hashes[0], hashes[1], "a proof of one session is none of another");
}

// ASVS-map: RT3
#[tokio::test]
async fn an_answer_that_was_lost_is_asked_for_again_days_later() {
    let test = ProofFixture::new().await;
    let browser = FixtureClient::browser();
    let held = test.sign_in_with_code(&browser).await;
    let sent = held.refresh_token();
    test.fixture.clock.pass(Duration::from_hours(7 * 24) - Duration::from_mins(30));
    let lost = test.renewed(&browser, sent).await;
    test.fixture.clock.pass(Duration::from_mins(89));
    assert_eq!(test.renewed(&browser, sent).await, lost, "the token itself expired an hour ago");
    test.renewed(&browser, &lost).await;
}

#[tokio::test]
async fn a_tab_that_slept_through_two_refreshes_is_refused_and_the_session_lives() {
    let test = ProofFixture::new().await;
    let browser = FixtureClient::browser();
    let held = test.sign_in_with_code(&browser).await;
    let slept = held.refresh_token();
    let mut token = test.renewed(&browser, slept).await;
    assert_eq!(test.renewed(&browser, slept).await, token, "its successor is unused");
    for _ in 0..3 {
        token = test.renewed(&browser, &token).await;
        test.fixture.clock.pass(Duration::from_secs(61));
        let stale = browser.refresh(&test.node, slept).await;
        assert!(matches!(stale, Err(RefreshError::Stale)), "{stale:?}");
    }
    assert!(test.lives(&held).await);
    assert_eq!(test.fixture.recorded_events.count(EventKind::RefreshStale), 3);
    test.mailbox.collect(&test.node).await;
    assert_eq!(test.mailbox.count("refresh_reused"), 0);
}

// ASVS-map: RT4
#[tokio::test]
async fn a_rider_with_token_and_proof_is_refused_within_three_generations_and_the_user_is_told() {
    for pause in [7 * 60 + 30, 15 * 60, 30 * 60].map(Duration::from_secs) {
        let test = ProofFixture::new().await;
        let browser = FixtureClient::browser();
        let held = test.sign_in_with_code(&browser).await;
        let (mut own, mut ridden) = (held.refresh_token().to_owned(), held.refresh_token().to_owned());
        let mut refused = 0;
        for _ in 0..100 {
            own = test.renewed(&browser, &own).await;
            test.fixture.clock.pass(pause);
            match browser.refresh(&test.node, &ridden).await {
                Ok(refreshed) => refreshed.refresh.reveal().clone_into(&mut ridden),
                Err(RefreshError::Stale) => {
                    refused += 1;
                    test.mailbox.collect(&test.node).await;
                }
                Err(other) => panic!("{other:?}"),
            }
            test.fixture.clock.pass(pause);
        }
        assert_eq!(refused, 98, "the first two are answers that may have been lost");
        assert_eq!(test.stored(&held).await.state, SessionState::Live);
        let reported = test.fixture.recorded_events.count(EventKind::RefreshShared);
        assert_eq!((test.mailbox.count("refresh_shared"), reported), (1, 1));
    }
}

// ASVS-map: RT1
#[tokio::test]
async fn another_devices_proof_is_as_good_as_none() {
    let test = ProofFixture::new().await;
    let (browser, other) = (FixtureClient::browser(), FixtureClient::browser());
    let (held, _) = (test.sign_in_with_code(&browser).await, test.sign_in_with_code(&other).await);
    let thief = other.refresh(&test.node, held.refresh_token()).await;
    assert!(matches!(thief, Err(RefreshError::Reused)), "{thief:?}");
    assert!(!test.lives(&held).await);
}

// ASVS-map: SE9
#[tokio::test]
async fn what_is_in_a_cookie_is_never_told_in_a_body() {
    let test = ProofFixture::new().await;
    let browser = FixtureClient::browser();
    let held = test.sign_in_with_code(&browser).await;
    assert_eq!(held.signed_in.grant.device_secret, None);
    let cookie = browser.kept().unwrap();
    // A script in the browser says that it is an app: its request carries the cookie all the same.
    let shown =
        PresentedDevice { cookies: vec![cookie.clone()], secret: None, native: true, keeps_cookies: true };
    let (node, user) = (&test.node, &test.ann.user);
    let login = LoginName::Email(user.email.clone());
    let request = DeviceSignIn {
        tenant: user.key.tenant.clone(),
        login,
        password: password(PASSWORD),
        device: Device::default(),
        shown: shown.clone(),
    };
    let Ok(DeviceSignInResult::CodeSent { login, cookie: set, .. }) = node.device_sign_in(request).await
    else {
        panic!("no code")
    };
    assert_eq!(set, None);
    let code = PlainSecret::presented(&test.mailbox.code(node).await);
    let tenant = user.key.tenant.clone();
    let request = crate::engine::VerifyCode { tenant, login, code, device: Device::default(), shown };
    let done = node.verify_code(request).await.unwrap();
    let told = done.signed_in.grant.device_secret.unwrap();
    assert_ne!(told, cookie);
    assert_ne!(told.reveal().split('.').next(), cookie.reveal().split('.').next());
    assert_eq!(done.cookie, None);
}

#[tokio::test]
async fn a_cookie_signed_under_a_former_secret_still_proves_its_device() {
    let test = ProofFixture::new().await;
    let browser = FixtureClient::browser();
    let held = test.sign_in_with_code(&browser).await;
    let kept = browser.kept().unwrap();
    let (secret, _) = kept.reveal().split_once('.').unwrap();
    let signed_by_another = FixtureClient::with_cookie(&format!("{secret}.{}", "A".repeat(43)));
    let token = held.signed_in.grant.refresh.clone().unwrap();
    assert!(signed_by_another.refresh(&test.node, token.reveal()).await.is_ok());
    assert!(test.lives(&held).await);
}
