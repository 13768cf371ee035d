//! Tenants: the header is a hint, the token is the truth, and each decides for itself.

use portcullis_api::answer::Success;
use portcullis_api::operation::{DeviceOperation, OwnOperation, PublicOperation};
use portcullis_core::id::{TenantId, UserKey};
use portcullis_core::strategy::StrategyName;
use portcullis_core::tenant::{SecondStep, TenantSettings};
use serde_json::json;

use super::without_codes;
use crate::fixture::{
    DeviceClient, DeviceSession, Envelope, STRATEGIES, TestServer, TestUser, eventually, random_id,
};

const GONE: &str = "Tenant connection not available";

/// The message of each operation for an unknown tenant.
const NO_TENANT: [(DeviceOperation, &str); 8] = [
    (
        DeviceOperation::Own(OwnOperation::Sessions),
        "Unable to fetch sessions because tenant environment is not initialized.",
    ),
    (
        DeviceOperation::Own(OwnOperation::LogoutSession),
        "Logout failed because tenant environment is not initialized.",
    ),
    (
        DeviceOperation::Own(OwnOperation::LogoutAll),
        "Unable to perform logout-all because tenant environment is not initialized.",
    ),
    (
        DeviceOperation::Public(PublicOperation::Refresh),
        "Token refresh failed because tenant environment is not initialized.",
    ),
    (DeviceOperation::Public(PublicOperation::Login), GONE),
    (DeviceOperation::Public(PublicOperation::Signup), GONE),
    (DeviceOperation::Public(PublicOperation::VerifyLogin), GONE),
    (DeviceOperation::Public(PublicOperation::ResendCode), GONE),
];

fn good_body(kind: impl Into<DeviceOperation>) -> serde_json::Value {
    let id = random_id();
    match kind.into() {
        DeviceOperation::Own(OwnOperation::LogoutSession) => json!({"sessionId": id}),
        DeviceOperation::Public(PublicOperation::Refresh) => json!({"refreshToken": "nonsense"}),
        DeviceOperation::Public(PublicOperation::Login) => {
            json!({"usernameOrEmailOrMobile": "ann", "password": "correct horse battery"})
        }
        DeviceOperation::Public(PublicOperation::Signup) => {
            json!({"email": "ann@example.com", "password": "correct horse battery"})
        }
        DeviceOperation::Public(PublicOperation::VerifyLogin) => json!({"loginId": id, "otp": "123456"}),
        DeviceOperation::Public(PublicOperation::ResendCode) => json!({"loginId": id}),
        _ => json!({}),
    }
}

#[tokio::test]
async fn where_a_tenant_must_be_named_nothing_is_done_without_one() {
    let server = TestServer::with(&[("TENANTS_REQUIRE_HEADER", "true")]).await;
    for client in [DeviceClient::curl(&server), DeviceClient::service(&server)] {
        for (kind, text) in NO_TENANT {
            let said = client.asks(kind, good_body(kind), None).await;
            said.refused_about(400, "TENANT_CONNECTION_MISSING", text, r#","details":{"tenantId":null}"#);
        }
    }
    let client = DeviceClient::curl(&server).of("default");
    TestUser::ANN.signs_up(&client).await.succeeded(201, Success::SIGNED_UP);
    let ann = TestUser::ANN.signs_in_on(&client).await;
    assert_eq!(ann.session_code().await, "SESSIONS_RETRIEVED");
    // The tokens in links name their tenant.
    let said =
        DeviceClient::curl(&server).asks(PublicOperation::Unlock, json!({"token": "nonsense"}), None).await;
    assert_eq!(said.code(), "INVALID_UNLOCK_TOKEN");
    server.get("/auth/health").await.status(200);
}

#[tokio::test]
async fn an_unknown_tenant_is_named_in_the_refusal() {
    let server = TestServer::start().await;
    for client in [DeviceClient::curl(&server).of("unknown"), DeviceClient::service(&server).of("unknown")] {
        for (kind, text) in NO_TENANT {
            let said = client.asks(kind, good_body(kind), None).await;
            let more = r#","details":{"tenantId":"unknown"}"#;
            said.refused_about(400, "TENANT_CONNECTION_MISSING", text, more);
        }
    }
    // No tenant has such a name; the answer repeats it so that the client's author finds the mistake.
    for client in [DeviceClient::curl(&server).of("Acme"), DeviceClient::service(&server).of("Acme")] {
        let said = client.asks(PublicOperation::Login, good_body(PublicOperation::Login), None).await;
        let (text, more) = ("Tenant connection not available", r#","details":{"tenantId":"Acme"}"#);
        said.refused_about(400, "TENANT_CONNECTION_MISSING", text, more);
    }
}

#[tokio::test]
async fn a_client_that_misspells_the_tenant_keeps_the_session() {
    let server = TestServer::start().await;
    for client in [DeviceClient::curl(&server), DeviceClient::service(&server)] {
        TestUser::ANN.signs_up(&client).await;
        let ann = TestUser::ANN.signs_in_on(&client).await;
        let token = json!({"refreshToken": ann.refresh});
        let said = client.clone().of("defualt").asks(PublicOperation::Refresh, token.clone(), None).await;
        assert_eq!(said.code(), "TENANT_CONNECTION_MISSING");
        assert_eq!(client.asks(PublicOperation::Refresh, token, None).await.code(), "TOKENS_REFRESHED");
    }
}

// ASVS-map: TN2
#[tokio::test]
async fn tokens_of_one_tenant_are_none_of_another_whatever_the_header_says() {
    let server = TestServer::start().await;
    server.create_tenant("acme").await;
    for client in [DeviceClient::curl(&server), DeviceClient::service(&server)] {
        let acme = client.clone().of("acme");
        TestUser::ANN.signs_up(&acme).await;
        let ann = TestUser::ANN.signs_in_on(&acme).await;
        let liar = client.clone().of("default");
        let said = liar.asks(OwnOperation::Sessions, json!({}), Some(&ann.access)).await;
        said.refused(401, "TENANT_MISMATCH", "Unauthorized");
        let said = liar.asks(PublicOperation::Refresh, json!({"refreshToken": ann.refresh}), None).await;
        assert_eq!(said.code(), "TENANT_MISMATCH");
        // Without a header the token names the tenant.
        let said = client.asks(OwnOperation::Sessions, json!({}), Some(&ann.access)).await;
        assert_eq!(said.code(), "SESSIONS_RETRIEVED");
        let said = client.asks(PublicOperation::Refresh, json!({"refreshToken": ann.refresh}), None).await;
        assert_eq!(said.code(), "TOKENS_REFRESHED");
        liar.device_sign_in(TestUser::ANN.email, TestUser::ANN.password).await.refused(
            401,
            "INVALID_CREDENTIALS",
            "Invalid credentials",
        );
        let said = acme.device_sign_in(TestUser::ANN.email, TestUser::ANN.password).await;
        let (login, code) = (said.at("/data/loginId"), acme.code_for(&TestUser::ANN).await);
        assert_eq!(liar.verify(&login, &code).await.code(), "INVALID_OTP", "a login is of its tenant");
        assert_eq!(acme.verify(&login, &code).await.code(), "LOGIN_SUCCESS");
    }
}

// ASVS-map: RV5, SE5
#[tokio::test]
async fn a_tenant_that_is_suspended_is_over_for_everybody_at_once() {
    let server = TestServer::start().await;
    server.create_tenant_with("acme", without_codes()).await;
    let client = DeviceClient::curl(&server).of("acme");
    TestUser::ANN.signs_up(&client).await;
    let ann = TestUser::ANN.signs_in_on(&client).await;
    let acme: TenantId = "acme".parse().unwrap();
    server.engine.suspend_tenant(&acme).await.unwrap();
    assert_eq!(ann.session_code().await, "UNAUTHORIZED");
    let said = ann.refreshes().await;
    assert_eq!(
        (said.code(), said.at("/meta/sessionId")),
        ("SESSION_NOT_FOUND".to_owned(), ann.session.clone())
    );
    let anonymous = server.get("/auth/me").header("x-tenant-id", "acme").await.status(401);
    assert_eq!(anonymous.header("www-authenticate"), Some("Bearer"), "no token was shown: {anonymous:?}");
    client.device_sign_in(TestUser::ANN.email, TestUser::ANN.password).await.refused(
        403,
        "TENANT_SUSPENDED",
        "Tenant is suspended",
    );
    TestUser::BOB.signs_up(&client).await.refused(403, "TENANT_SUSPENDED", "Tenant is suspended");
    server.engine.resume_tenant(&acme).await.unwrap();
    assert_eq!(ann.session_code().await, "UNAUTHORIZED", "nothing comes back");
    // Tokens have whole seconds: those of the second of the suspension are refused.
    let ann = eventually("the second of the suspension is over", || async {
        let ann = TestUser::ANN.signs_in_on(&client).await;
        (ann.session_code().await == "SESSIONS_RETRIEVED").then_some(ann)
    })
    .await;
    let said = ann.asks(OwnOperation::Sessions, json!({"ended": "true"})).await;
    assert_eq!(said.data()[0]["reason"], "tenant", "{said:?}");
}

// ASVS-map: SE5, AU2
#[tokio::test]
async fn a_disabled_user_is_signed_out_and_sign_in_tells_nothing() {
    let server = TestServer::start().await;
    server.configure_default_tenant(without_codes()).await;
    let client = DeviceClient::curl(&server);
    TestUser::ANN.signs_up(&client).await;
    let ann = TestUser::ANN.signs_in_on(&client).await;
    let key = UserKey { tenant: TenantId::default_tenant(), id: ann.user.parse().unwrap() };
    server.engine.disable_user(&key).await.unwrap();
    let said = ann.asks(OwnOperation::Sessions, json!({})).await;
    let (code, text) = (said.code(), said.at("/message"));
    let told =
        [("UNAUTHORIZED", "Unauthorized"), ("USER_NOT_FOUND", "User not found for the current tenant.")];
    assert!(told.contains(&(code.as_str(), text.as_str())), "{said:?}");
    assert_eq!(said.http.unwrap().status, 401);
    assert_eq!(ann.refreshes().await.code(), "SESSION_NOT_FOUND");
    let said = client.device_sign_in(TestUser::ANN.email, TestUser::ANN.password).await;
    let unknown = client.device_sign_in("unknown@example.com", TestUser::ANN.password).await;
    assert_eq!(said.undated(), unknown.undated());
}

// ASVS-map: AU4
#[tokio::test]
async fn a_tenant_has_codes_or_none_or_insists_on_them() {
    let server = TestServer::start().await;
    for otp in [SecondStep::On, SecondStep::Off, SecondStep::Forced] {
        let name = format!("tenant-{}", otp.as_str());
        server
            .create_tenant_with(&name, TenantSettings { otp: Some(otp), ..TenantSettings::default() })
            .await;
        for client in [DeviceClient::curl(&server).of(&name), DeviceClient::service(&server).of(&name)] {
            TestUser::ANN.signs_up(&client).await;
            let said = client.device_sign_in(TestUser::ANN.email, TestUser::ANN.password).await;
            if otp == SecondStep::Off {
                said.succeeded(201, Success::LOGGED_IN);
                assert_eq!(DeviceSession::from(&client, &said).session_code().await, "SESSIONS_RETRIEVED");
            } else {
                said.succeeded(201, Success::OTP_SENT);
            }
        }
        for strategy in STRATEGIES {
            let answer = TestUser::ANN.logs_in(&server, strategy).header("x-tenant-id", &name).await;
            assert_eq!(
                answer.status,
                if otp == SecondStep::Forced { 404 } else { 201 },
                "{otp:?}: {answer:?}"
            );
        }
    }
}

#[tokio::test]
async fn a_tenant_that_does_not_offer_device_sessions_has_none() {
    let server = TestServer::start().await;
    let only = TenantSettings { strategies: Some(vec![StrategyName::Jwt]), ..TenantSettings::default() };
    server.create_tenant_with("acme", only).await;
    let client = DeviceClient::curl(&server).of("acme");
    let [signup, login, verify, resend] = [
        PublicOperation::Signup,
        PublicOperation::Login,
        PublicOperation::VerifyLogin,
        PublicOperation::ResendCode,
    ];
    for kind in [signup, login, verify, resend] {
        let said = client.asks(kind, good_body(kind), None).await;
        assert_eq!(said.code(), "NOT_FOUND", "{kind:?}");
    }
}

// ASVS-map: AU2
#[tokio::test]
async fn a_tenant_that_hides_who_is_there_answers_all_sign_ups_alike_and_tells_the_owner() {
    let server = TestServer::start().await;
    let hides = TenantSettings { hide_existence: Some(true), ..TenantSettings::default() };
    server.create_tenant_with("acme", hides).await;
    let client = DeviceClient::curl(&server).of("acme");
    let (new, taken): (Envelope, Envelope) =
        (TestUser::ANN.signs_up(&client).await, TestUser::ANN.signs_up(&client).await);
    assert_eq!(new.succeeded(201, Success::SIGNED_UP), "null");
    assert_eq!(new.undated(), taken.undated());
    server.mailbox.mail(TestUser::ANN.email, "sign_up_attempted").await;
    TestUser::ANN.signs_in_on(&client).await;
}
