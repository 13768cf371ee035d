//! Device proof: the cookie of a browser, the secret of an app.

use portcullis_api::answer::Success;
use portcullis_api::operation::PublicOperation;
use portcullis_core::strategy::StrategyName;
use portcullis_core::tenant::{StrategyLifetimes, TenantSettings};
use serde_json::json;

use crate::fixture::{DeviceClient, DeviceSession, Envelope, HTTPS, TestServer, TestUser};

const INVALID: (u16, &str, &str) = (
    401,
    "INVALID_REFRESH_TOKEN",
    "The provided refresh token is invalid or has expired. Please log in again.",
);
const REUSED: (u16, &str, &str) =
    (401, "INVALID_REFRESH_HASH", "Invalid refresh token. Please log in again to continue.");

fn is_refused(said: &Envelope, (status, code, text): (u16, &str, &str)) {
    said.refused(status, code, text);
}

/// No grace window: a repeated token is stale at once.
fn without_grace() -> TenantSettings {
    let none = StrategyLifetimes { grace: Some(std::time::Duration::ZERO), ..StrategyLifetimes::default() };
    TenantSettings { lifetimes: [(StrategyName::Device, none)].into(), ..TenantSettings::default() }
}

async fn without_proof(member: &DeviceSession<'_>) -> Envelope {
    let body = json!({"refreshToken": member.refresh});
    DeviceClient::curl(member.client.server()).asks(PublicOperation::Refresh, body, None).await
}

// ASVS-map: CK1, CK2
#[tokio::test]
async fn a_browser_keeps_one_cookie_of_the_host_from_the_login_on() {
    for (server, https) in [(TestServer::start().await, false), (TestServer::with(&HTTPS).await, true)] {
        let browser = DeviceClient::browser(&server);
        TestUser::ANN.signs_up(&browser).await;
        assert_eq!(browser.cookie(), None);
        let said = browser.device_sign_in(TestUser::ANN.email, TestUser::ANN.password).await;
        let set = said.header("set-cookie").unwrap();
        let parts: Vec<&str> = set.split("; ").collect();
        let name = if https { "__Host-portcullis.device=" } else { "portcullis.device=" };
        assert!(parts[0].starts_with(name), "{set}");
        assert_eq!(parts[1], "Path=/");
        assert!(parts[2].starts_with("Expires="), "{set}");
        let rest: &[&str] =
            if https { &["HttpOnly", "Secure", "SameSite=Lax"] } else { &["HttpOnly", "SameSite=Lax"] };
        assert_eq!(&parts[3..], rest, "{set}");
        let kept = browser.cookie();
        let code = browser.code_for(&TestUser::ANN).await;
        let said = browser.verify(&said.at("/data/loginId"), &code).await;
        assert_eq!(said.code(), "LOGIN_SUCCESS", "{said:?}");
        assert_eq!(browser.cookie(), kept, "one for all logins and accounts");
        assert!(!said.body.contains("deviceSecret"), "{said:?}");
        TestUser::BOB.signs_up(&browser).await;
        TestUser::BOB.signs_in_on(&browser).await;
        assert_eq!(browser.cookie(), kept);
    }
}

// ASVS-map: RT1, RT3
#[tokio::test]
async fn a_repeated_refresh_is_answered_the_same_with_the_proof_and_ends_the_session_without() {
    let server = TestServer::start().await;
    TestUser::ANN.signs_up(&DeviceClient::curl(&server)).await;
    let browser = DeviceClient::browser(&server);
    let app = DeviceClient::service(&server);
    for native in [false, true] {
        let old = if native {
            TestUser::ANN.signs_in_natively_on(&app).await
        } else {
            TestUser::ANN.signs_in_on(&browser).await
        };
        assert_eq!(old.secret.is_some(), native);
        let said = old.refreshes().await;
        said.succeeded(201, Success::TOKENS_REFRESHED);
        let new = old.renewed(&said);
        let again = old.renewed(&old.refreshes().await);
        assert_eq!(again.refresh, new.refresh, "one successor");
        let newer = new.renewed(&new.refreshes().await);
        is_refused(&old.refreshes().await, INVALID);
        assert_eq!(newer.session_code().await, "SESSIONS_RETRIEVED", "a tab that slept ends nothing");
        is_refused(&without_proof(&newer).await, REUSED);
        assert_eq!(newer.session_code().await, "UNAUTHORIZED");
        assert_eq!(newer.refreshes().await.code(), "SESSION_NOT_FOUND");
        server.mailbox.mail(TestUser::ANN.email, "refresh_reused").await;
    }
}

// ASVS-map: RT3
#[tokio::test]
async fn a_repeated_refresh_is_answered_the_same_until_its_successor_is_used() {
    let server = TestServer::start().await;
    server.configure_default_tenant(without_grace()).await;
    let app = DeviceClient::curl(&server);
    TestUser::ANN.signs_up(&app).await;
    let old = TestUser::ANN.signs_in_natively_on(&app).await;
    let new = old.renewed(&old.refreshes().await);
    let again = old.renewed(&old.refreshes().await);
    assert_eq!(again.refresh, new.refresh);
    assert_eq!(new.refreshes().await.code(), "TOKENS_REFRESHED");
    is_refused(&old.refreshes().await, INVALID);
}

#[tokio::test]
async fn a_store_that_lost_its_last_writes_signs_out_no_device() {
    let server = TestServer::start().await;
    let (browser, curl) = (DeviceClient::browser(&server), DeviceClient::curl(&server));
    TestUser::ANN.signs_up(&curl).await;
    let mut devices = [
        TestUser::ANN.signs_in_on(&browser).await,
        TestUser::ANN.signs_in_natively_on(&curl).await,
        TestUser::ANN.signs_in_on(&curl).await,
    ];
    server.run_sql("CREATE TABLE kept AS SELECT * FROM sessions").await;
    for device in &mut devices {
        for _ in 0..2 {
            *device = device.renewed(&device.refreshes().await);
        }
    }
    server.run_sql("DELETE FROM sessions; INSERT INTO sessions SELECT * FROM kept").await;
    for device in devices {
        let next = device.renewed(&device.refreshes().await);
        if device.secret.is_some() {
            assert_eq!(device.renewed(&device.refreshes().await).refresh, next.refresh, "one successor");
        }
        let newest = next.renewed(&next.refreshes().await);
        assert_eq!(newest.session_code().await, "SESSIONS_RETRIEVED");
        if device.secret.is_some() {
            is_refused(&without_proof(&newest).await, REUSED);
        }
    }
}

// ASVS-map: RT1
#[tokio::test]
async fn a_client_that_keeps_no_cookies_gets_no_device_proof_and_a_used_token_ends_the_session() {
    let server = TestServer::start().await;
    let curl = DeviceClient::curl(&server);
    TestUser::ANN.signs_up(&curl).await;
    let old = TestUser::ANN.signs_in_on(&curl).await;
    let new = old.renewed(&old.refreshes().await);
    let new = new.renewed(&new.refreshes().await);
    is_refused(&old.refreshes().await, REUSED);
    assert_eq!(new.session_code().await, "UNAUTHORIZED");
}

#[tokio::test]
async fn a_second_login_in_the_same_browser_keeps_the_proof_of_the_first_session() {
    let server = TestServer::start().await;
    let browser = DeviceClient::browser(&server);
    TestUser::ANN.signs_up(&browser).await;
    TestUser::BOB.signs_up(&browser).await;
    let first = TestUser::ANN.signs_in_on(&browser).await;
    let second = TestUser::ANN.signs_in_on(&browser).await;
    let third = TestUser::BOB.signs_in_on(&browser).await;
    for member in [&first, &second, &third] {
        let new = member.renewed(&member.refreshes().await);
        assert_eq!(member.renewed(&member.refreshes().await).refresh, new.refresh);
        new.renewed(&new.refreshes().await);
    }
}

// ASVS-map: OT2
#[tokio::test]
async fn a_code_is_for_the_browser_that_asked_for_it() {
    let server = TestServer::start().await;
    let (ours, theirs) = (DeviceClient::browser(&server), DeviceClient::browser(&server));
    TestUser::ANN.signs_up(&ours).await;
    TestUser::BOB.signs_up(&theirs).await;
    TestUser::BOB.signs_in_on(&theirs).await;
    let said = ours.device_sign_in(TestUser::ANN.email, TestUser::ANN.password).await;
    let (login, code) = (said.at("/data/loginId"), ours.code_for(&TestUser::ANN).await);
    let said = theirs.verify(&login, &code).await;
    said.refused(401, "INVALID_OTP", "Invalid OTP. Please try again.");
    assert_eq!(ours.verify(&login, &code).await.code(), "LOGIN_SUCCESS");
    // A client without the cookie may keep no cookies at all.
    let said = ours.device_sign_in(TestUser::ANN.email, TestUser::ANN.password).await;
    let code = ours.code_for(&TestUser::ANN).await;
    let said = DeviceClient::curl(&server).verify(&said.at("/data/loginId"), &code).await;
    assert_eq!(said.code(), "LOGIN_SUCCESS");
}

// ASVS-map: SE2
#[tokio::test]
async fn a_planted_cookie_is_no_device_proof() {
    let server = TestServer::start().await;
    let browser = DeviceClient::browser(&server);
    TestUser::ANN.signs_up(&browser).await;
    browser.keep_cookie(Some("portcullis.device=planted.planted".to_owned()));
    let ann = TestUser::ANN.signs_in_on(&browser).await;
    let kept = browser.cookie().unwrap();
    assert!(!kept.contains("planted"), "{kept}");
    ann.renewed(&ann.refreshes().await);
}

/// What a browser sends if another site of the domain has planted a cookie.
fn with_planted(own: &str, planted: &str) -> [String; 4] {
    [
        format!("{own}; {planted}"),
        format!("{planted}; {own}"),
        format!("city=Zürich; {planted}; {own}; {planted}"),
        format!("{planted}; {own}; portcullis.device=; portcullis.device=ü"),
    ]
}

// ASVS-map: CK4
#[tokio::test]
async fn of_several_device_cookies_the_one_that_the_session_or_the_account_knows_is_the_proof() {
    let server = TestServer::start().await;
    let (browser, thief) = (DeviceClient::browser(&server), DeviceClient::browser(&server));
    TestUser::ANN.signs_up(&browser).await;
    TestUser::BOB.signs_up(&thief).await;
    let mut ann = TestUser::ANN.signs_in_on(&browser).await;
    let own = browser.cookie().unwrap();
    TestUser::BOB.signs_in_on(&thief).await;
    // The server signed it, for another browser.
    let stolen_place = thief.cookie().unwrap();
    for planted in [stolen_place.as_str(), "portcullis.device=planted.planted"] {
        for cookies in with_planted(&own, planted) {
            browser.keep_cookie(Some(cookies.clone()));
            ann = ann.renewed(&ann.refreshes().await);
            browser.keep_cookie(Some(cookies.clone()));
            let said = browser.device_sign_in(TestUser::ANN.email, TestUser::ANN.password).await;
            assert_eq!(said.code(), "OTP_SENT", "{cookies}");
            assert_eq!(browser.cookie().as_deref(), Some(own.as_str()), "{cookies}");
            let code = browser.code_for(&TestUser::ANN).await;
            browser.keep_cookie(Some(cookies.clone()));
            let said = browser.verify(&said.at("/data/loginId"), &code).await;
            assert_eq!(said.code(), "LOGIN_SUCCESS", "{cookies}");
            browser.keep_cookie(Some(cookies));
            let again = ann.renewed(&ann.refreshes().await);
            assert_eq!(
                again.renewed(&ann.refreshes().await).refresh,
                again.refresh,
                "a retry is answered the same"
            );
            ann = again;
        }
    }
    // Planted ones alone are no proof.
    browser.keep_cookie(Some(format!("{stolen_place}; portcullis.device=planted.planted")));
    is_refused(&ann.refreshes().await, REUSED);
}

// ASVS-map: CK4
#[tokio::test]
async fn a_cookie_of_another_application_that_is_no_text_takes_no_device_proof_away() {
    let server = TestServer::start().await;
    let browser = DeviceClient::browser(&server);
    TestUser::ANN.signs_up(&browser).await;
    let ann = TestUser::ANN.signs_in_on(&browser).await;
    browser.keep_cookie(Some(format!("city=Zürich; {}", browser.cookie().unwrap())));
    let ann = ann.renewed(&ann.refreshes().await);
    assert_eq!(ann.session_code().await, "SESSIONS_RETRIEVED");
    assert_eq!(server.mailbox.waiting_for(TestUser::ANN.email), Vec::<&str>::new());
}

// ASVS-map: AU7
#[tokio::test]
async fn an_app_keeps_its_secret_across_logins_and_the_owner_hears_of_new_devices_only() {
    let server = TestServer::start().await;
    let app = DeviceClient::service(&server);
    TestUser::ANN.signs_up(&app).await;
    let first = TestUser::ANN.signs_in_natively_on(&app).await;
    let login = json!({"usernameOrEmailOrMobile": "ann@example.com", "password": TestUser::ANN.password,
        "native": true, "deviceSecret": first.secret});
    let said = app.asks(PublicOperation::Login, login, None).await;
    let verify = json!({"loginId": said.at("/data/loginId"), "otp": app.code_for(&TestUser::ANN).await,
        "native": true, "deviceSecret": first.secret});
    let second = DeviceSession::from(&app, &app.asks(PublicOperation::VerifyLogin, verify, None).await);
    assert_eq!(second.secret, first.secret);
    second.renewed(&second.refreshes().await);
    first.renewed(&first.refreshes().await);
    let other = TestUser::ANN.signs_in_on(&DeviceClient::browser(&server)).await;
    server.mailbox.mail(TestUser::ANN.email, "new_device").await;
    assert_eq!(server.mailbox.waiting_for(TestUser::ANN.email), Vec::<&str>::new(), "{}", other.session);
}
