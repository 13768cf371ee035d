//! A record that an operator or another program has spoiled is the trouble of that record alone.

use portcullis_api::answer::Success;
use portcullis_api::operation::{AdminOperation, PublicOperation};
use portcullis_core::id::TenantId;
use portcullis_core::strategy::StrategyName;
use serde_json::json;

use super::admin::bob_rules;
use super::without_codes;
use crate::fixture::{DeviceClient, TestServer, TestUser, eventually};

const INVALID: &str = r#"{"message":"Invalid credentials","error":"Unauthorized","statusCode":401}"#;

/// What an operator writes into Ann's row, and whether she can sign in with it.
const SPOILED: [(&str, bool); 6] = [
    ("id = '42'", false),
    ("id = upper(id)", false),
    ("email = 'ann'", false),
    ("password = '$scrypt$ln=16$abc'", false),
    ("name = ''", true),
    ("role = 'superadmin'", true),
];

// ASVS-map: AU2
#[tokio::test]
async fn a_user_whose_record_cannot_be_read_is_answered_like_one_who_does_not_exist() {
    for (change, stands) in SPOILED {
        let server = TestServer::start().await;
        server.configure_default_tenant(without_codes()).await;
        let ann = TestUser::ANN.registered(&server).await;
        server.run_sql(&format!("UPDATE users SET {change}")).await;
        let answer = ann.logs_in(&server, StrategyName::SessionJwt).await;
        assert_eq!(answer.status, if stands { 201 } else { 401 }, "{change}: {answer:?}");
        if !stands {
            assert_eq!(answer.body, INVALID, "{change}");
        }
        let client = DeviceClient::curl(&server);
        let code = client.device_sign_in(ann.email, ann.password).await.code();
        assert_eq!(code, if stands { "LOGIN_SUCCESS" } else { "INVALID_CREDENTIALS" }, "{change}");
        let forgot = client.asks(PublicOperation::ForgotPassword, json!({"email": ann.email}), None).await;
        forgot.succeeded(201, Success::RESET_REQUESTED);
        ann.registers(&server, StrategyName::Jwt).await.status(409);
    }
}

#[tokio::test]
async fn an_administrator_lists_the_others_and_mends_what_a_role_or_a_password_mends() {
    let server = TestServer::start().await;
    let client = DeviceClient::curl(&server);
    let bob = bob_rules(&client).await;
    let mut users = Vec::new();
    for (number, (change, _)) in SPOILED.iter().enumerate() {
        let email = format!("ann{number}@example.com");
        let created = bob.asks(AdminOperation::CreateUser, json!({"email": email})).await;
        let id = created.at("/data/id");
        let change = change.replace("'ann'", "'ann @'");
        server.run_sql(&format!("UPDATE users SET {change} WHERE id = '{id}'")).await;
        users.push(id);
    }
    let listed = bob.asks(AdminOperation::Users, json!({})).await;
    listed.listed(Success::USERS);
    let shown: Vec<String> = (0..4).map(|place| listed.at(&format!("/data/{place}/id"))).collect();
    assert_eq!(shown, [&bob.user, &users[3], &users[4], &users[5]].map(Clone::clone));
    assert_eq!(listed.at("/data/3/role"), "user", "a word that is no role permits nothing");

    let unreadable = async || server.engine.unreadable(&TenantId::default_tenant()).await.unwrap().len();
    assert_eq!(unreadable().await, SPOILED.len());
    for id in &users[4..] {
        let role = json!({"userId": id, "role": "user"});
        bob.asks(AdminOperation::SetRole, role).await.succeeded(201, Success::ROLE_CHANGED);
    }
    assert_eq!(unreadable().await, SPOILED.len() - 2);
}

/// It is a fault, and no refusal: a client that is told 401 would forget its tokens.
// ASVS-map: LG3
#[tokio::test]
async fn sessions_of_a_user_whose_record_cannot_be_read_wait_until_it_is_mended() {
    let server = TestServer::start().await;
    server.configure_default_tenant(without_codes()).await;
    let client = DeviceClient::curl(&server);
    TestUser::ANN.signs_up(&client).await;
    TestUser::BOB.signs_up(&client).await;
    let (ann, bob) = (TestUser::ANN.signs_in_on(&client).await, TestUser::BOB.signs_in_on(&client).await);
    let cookie = TestUser::ANN.signs_in(&server, StrategyName::Session).await;
    let change = |email: &str| format!("UPDATE users SET email = '{email}' WHERE id = '{}'", ann.user);
    server.run_sql(&change("ann")).await;
    eventually("the record is seen", || async {
        (ann.session_code().await == "INTERNAL_ERROR").then_some(())
    })
    .await;
    assert_eq!(cookie.profile(&server).await.status, 500);
    assert_eq!(ann.refreshes().await.code(), "INTERNAL_ERROR");
    assert_eq!(bob.session_code().await, "SESSIONS_RETRIEVED");

    server.run_sql(&change(TestUser::ANN.email)).await;
    eventually("the record is mended", || async {
        (ann.session_code().await == "SESSIONS_RETRIEVED").then_some(())
    })
    .await;
    assert_eq!(cookie.profile(&server).await.status, 200);
    ann.renewed(&ann.refreshes().await);
}
