//! The admin API: administrators list, change and sign out users.

use portcullis_api::answer::Success;
use portcullis_api::operation::{AdminOperation, OwnOperation, PublicOperation};
use portcullis_core::id::{TenantId, UserKey};
use portcullis_core::user::Role;
use serde_json::{Value, json};

use super::without_codes;
use crate::fixture::{DataDirectory, DeviceClient, DeviceSession, TestServer, TestUser, eventually};

/// Bob, an administrator.
pub(super) async fn bob_rules<'s>(client: &DeviceClient<'s>) -> DeviceSession<'s> {
    client.server().configure_default_tenant(without_codes()).await;
    TestUser::BOB.signs_up(client).await;
    let bob = TestUser::BOB.signs_in_on(client).await;
    let key = UserKey { tenant: TenantId::default_tenant(), id: bob.user.parse().unwrap() };
    client.server().engine.set_role(&key, Role::Admin).await.unwrap();
    bob
}

// ASVS-map: SE6
#[tokio::test]
async fn an_administrator_does_with_a_user_what_there_is_to_do() {
    let server = TestServer::start().await;
    let client = DeviceClient::curl(&server);
    let bob = bob_rules(&client).await;
    TestUser::ANN.signs_up(&client).await;
    let ann = TestUser::ANN.signs_in_on(&client).await;
    let user = json!({"userId": ann.user});
    let said = bob.asks(AdminOperation::User, user.clone()).await;
    let data = said.succeeded(200, Success::USER);
    let expected = format!(
        r#"{{"id":"{}","username":null,"email":"ann@example.com","mobile":null,"name":"Ann Droid","role":"user","createdAt":""#,
        ann.user
    );
    assert!(
        data.starts_with(&expected) && data.ends_with(r#"","disabled":null,"lockedUntil":null}"#),
        "{data}"
    );

    let role = json!({"userId": ann.user, "role": "manager"});
    bob.asks(AdminOperation::SetRole, role).await.succeeded(201, Success::ROLE_CHANGED);
    assert_eq!(ann.asks(OwnOperation::Me, json!({})).await.at("/data/user/role"), "manager");
    ann.asks(AdminOperation::Users, json!({})).await.refused(
        403,
        "INSUFFICIENT_ROLE",
        "Insufficient role. Required: admin",
    );
    let said = bob.asks(AdminOperation::SetRole, json!({"userId": ann.user, "role": "emperor"})).await;
    let text = "role must be one of the following values: user, manager, admin";
    said.refused_about(400, "VALIDATION_FAILED", text, &format!(r#","details":["{text}"]"#));

    for _ in 0..5 {
        client.device_sign_in(TestUser::ANN.email, "not this one").await;
    }
    assert!(bob.asks(AdminOperation::User, user.clone()).await.data()["lockedUntil"].is_string());
    let said = bob.asks(AdminOperation::UnlockUser, user.clone()).await;
    assert!(said.succeeded(201, Success::USER_UNLOCKED).ends_with(r#""lockedUntil":null}"#));
    let again = TestUser::ANN.signs_in_on(&client).await;

    let data = bob.asks(AdminOperation::UserSessions, user.clone()).await.listed(Success::SESSIONS);
    assert!(
        data.contains(&ann.session) && data.contains(&again.session) && !data.contains(r#""current":true"#)
    );
    let one = json!({"userId": ann.user, "sessionId": ann.session});
    bob.asks(AdminOperation::EndUserSession, one.clone()).await.succeeded(201, Success::SESSION_REVOKED);
    assert_eq!(bob.asks(AdminOperation::EndUserSession, one).await.code(), "SESSION_NOT_FOUND");
    assert_eq!(
        (ann.session_code().await, again.session_code().await),
        ("UNAUTHORIZED".into(), "SESSIONS_RETRIEVED".into())
    );
    let said = bob.asks(AdminOperation::EndUserSessions, user.clone()).await;
    assert_eq!(said.succeeded(201, Success::ALL_SESSIONS_REVOKED), r#"{"revokedCount":1}"#);
    let said = bob.asks(AdminOperation::UserSessions, json!({"userId": ann.user, "ended": "true"})).await;
    let ended: Vec<Value> = serde_json::from_str(&said.listed(Success::ENDED_SESSIONS)).unwrap();
    assert!(ended.iter().all(|one| one["reason"] == "admin") && ended.len() == 2, "{ended:?}");

    let ann = TestUser::ANN.signs_in_on(&client).await;
    let said = bob.asks(AdminOperation::DisableUser, user.clone()).await;
    said.succeeded(201, Success::USER_DISABLED);
    assert!(said.data()["disabled"].is_string());
    assert!(matches!(ann.session_code().await.as_str(), "UNAUTHORIZED" | "USER_NOT_FOUND"));
    assert_eq!(
        client.device_sign_in(TestUser::ANN.email, TestUser::ANN.password).await.code(),
        "INVALID_CREDENTIALS"
    );
    bob.asks(AdminOperation::EnableUser, user.clone()).await.succeeded(201, Success::USER_ENABLED);
    assert_eq!(ann.refreshes().await.code(), "SESSION_NOT_FOUND", "nothing comes back");
    TestUser::ANN.signs_in_on(&client).await;

    assert_eq!(bob.asks(AdminOperation::ResetUser, user).await.succeeded(201, Success::RESET_SENT), "null");
    server.mailbox.link(TestUser::ANN.email, "reset").await;
}

// ASVS-map: AU5
#[tokio::test]
async fn a_demoted_administrator_undoes_nothing_not_even_on_a_node_that_has_not_heard_of_it() {
    let directory = DataDirectory::new();
    let (server, other) = (directory.server().await, directory.server().await);
    let client = DeviceClient::curl(&server);
    let bob = bob_rules(&client).await;
    let key = UserKey { tenant: TenantId::default_tenant(), id: bob.user.parse().unwrap() };
    let there = DeviceSession { client: DeviceClient::curl(&other), ..bob.clone() };
    let back = json!({"userId": bob.user, "role": "admin"});
    for _ in 0..10 {
        // The other server has Bob in its view, too.
        for bob in [&bob, &there] {
            let rules = async || bob.asks(AdminOperation::Users, json!({})).await.code() == "USERS_RETRIEVED";
            eventually("Bob is an administrator", async || rules().await.then_some(())).await;
        }
        server.engine.set_role(&key, Role::User).await.unwrap();
        assert_eq!(there.asks(AdminOperation::SetRole, back.clone()).await.code(), "INSUFFICIENT_ROLE");
        for (kind, members) in [(AdminOperation::SetRole, back.clone()), (AdminOperation::Users, json!({}))] {
            assert_eq!(bob.asks(kind, members).await.code(), "INSUFFICIENT_ROLE", "{kind:?}");
        }
        server.engine.set_role(&key, Role::Admin).await.unwrap();
    }
}

// ASVS-map: AU7
#[tokio::test]
async fn an_administrator_creates_a_user_who_chooses_a_password_by_mail() {
    let server = TestServer::start().await;
    let client = DeviceClient::curl(&server);
    let bob = bob_rules(&client).await;
    let body = json!({"email": "carol@example.com", "username": "carol", "role": "manager", "password": "ignored by us"});
    let said = bob.asks(AdminOperation::CreateUser, body.clone()).await;
    said.succeeded(201, Success::USER_CREATED);
    assert_eq!(said.at("/data/role"), "manager");
    bob.asks(AdminOperation::CreateUser, body).await.refused(409, "USER_EXISTS", "User already exists");
    assert_eq!(client.device_sign_in("carol", "ignored by us").await.code(), "INVALID_CREDENTIALS");
    let token = server.mailbox.link("carol@example.com", "welcome").await;
    let reset = json!({"token": token, "newPassword": "carol's own words"});
    client.asks(PublicOperation::ResetPassword, reset, None).await.succeeded(201, Success::PASSWORD_RESET);
    assert_eq!(client.device_sign_in("carol", "carol's own words").await.code(), "LOGIN_SUCCESS");
    for (search, found) in
        [("carol", 1), ("CAROL@EXAMPLE", 1), ("example.com", 2), ("unknown", 0), ("%", 0), ("_", 0)]
    {
        let said = bob.asks(AdminOperation::Users, json!({"search": search})).await;
        assert_eq!(said.data().as_array().unwrap().len(), found, "{search}: {said:?}");
    }
}

/// Every reason for the end of a session that needs no waiting.
// ASVS-map: SE6
#[tokio::test]
async fn its_owner_reads_why_each_session_has_ended() {
    let server = TestServer::start().await;
    let client = DeviceClient::curl(&server);
    let bob = bob_rules(&client).await;
    TestUser::ANN.signs_up(&client).await;
    let ann = TestUser::ANN.signs_in_on(&client).await;
    ann.asks(OwnOperation::LogoutSession, json!({"sessionId": ann.session})).await;
    let ann = TestUser::ANN.signs_in_on(&client).await;
    ann.asks(OwnOperation::LogoutAll, json!({})).await;
    let ann = TestUser::ANN.signs_in_on(&client).await;
    bob.asks(AdminOperation::EndUserSessions, json!({"userId": ann.user})).await;
    let old = TestUser::ANN.signs_in_on(&client).await;
    old.refreshes().await;
    assert_eq!(old.refreshes().await.code(), "INVALID_REFRESH_HASH");
    let capped = portcullis_core::tenant::TenantSettings { session_cap: Some(1), ..without_codes() };
    server.configure_default_tenant(capped).await;
    TestUser::ANN.signs_in_on(&client).await;
    let ann = TestUser::ANN.signs_in_on(&client).await;
    let said = ann.asks(OwnOperation::Sessions, json!({"ended": "true"})).await;
    let reasons: Vec<String> = said
        .data()
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["reason"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(reasons, ["logout", "logout_all", "admin", "refresh_reuse", "limit"]);
    assert!(said.data().as_array().unwrap().iter().all(|one| one["endedAt"].is_string()));
    let live = ann.asks(OwnOperation::Sessions, json!({})).await.data();
    assert!(
        live.as_array()
            .unwrap()
            .iter()
            .all(|one| one.get("reason").is_none() && one.get("endedAt").is_none())
    );
}
