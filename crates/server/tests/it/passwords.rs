//! Users change their passwords.

use portcullis_core::strategy::StrategyName;
use serde_json::json;

use crate::fixture::{HTTPS, STRATEGIES, TestServer, TestUser};

const CHANGED: &str = r#"{"message":"Password changed"}"#;
const WRONG: &str = r#"{"message":"Current password is wrong","error":"Forbidden","statusCode":403}"#;
const REUSED: &str = r#"{"message":"Cannot reuse previous password","error":"Bad Request","statusCode":400}"#;

// ASVS-map: PW8
#[tokio::test]
async fn a_new_password_ends_every_other_session_and_keeps_this_one() {
    let server = TestServer::start().await;
    let passwords = [
        "number zero",
        "number one",
        "number two",
        "number three",
        "number four",
        "number five",
        "number six",
    ];
    let mut ann = TestUser::ANN.with_password(passwords[0]);
    ann.registered(&server).await;
    for (number, strategy) in STRATEGIES.into_iter().enumerate() {
        let mut others = Vec::new();
        for strategy in STRATEGIES {
            others.push(ann.signs_in(&server, strategy).await);
        }
        let this = ann.signs_in(&server, strategy).await;
        let new = passwords[number + 1];

        this.changes_password(&server, "not this one", new).await.says(403, WRONG);
        others[1].profile(&server).await.status(200);
        this.changes_password(&server, ann.password, new).await.says(201, CHANGED);

        this.profile(&server).await.status(200);
        if this.refresh.is_some() {
            this.refreshes(&server).await.status(201);
        }
        for other in &others {
            let signed_alone = matches!(other.strategy, StrategyName::Jwt | StrategyName::Refresh);
            let expected = if signed_alone { 200 } else { 401 };
            assert_eq!(other.profile(&server).await.status, expected, "{strategy}: {}", other.strategy);
            if other.refresh.is_some() {
                other.refreshes(&server).await.status(401);
            }
        }
        ann.logs_in(&server, strategy).await.status(401);
        ann = ann.with_password(new);
        ann.logs_in(&server, strategy).await.status(201);
    }
}

#[tokio::test]
async fn none_of_the_last_five_passwords_is_taken_again_and_the_sixth_is() {
    let server = TestServer::start().await;
    let mut ann = TestUser::ANN.with_password("password zero").registered(&server).await;
    let this = ann.signs_in(&server, StrategyName::Session).await;
    let later = ["password one", "password two", "password three", "password four"];
    for new in later {
        this.changes_password(&server, ann.password, new).await.says(201, CHANGED);
        ann = ann.with_password(new);
    }
    for former in ["password zero"].into_iter().chain(later) {
        this.changes_password(&server, ann.password, former).await.says(400, REUSED);
    }
    this.changes_password(&server, ann.password, "password five").await.says(201, CHANGED);
    this.changes_password(&server, "password five", "password zero").await.says(201, CHANGED);
}

#[tokio::test]
async fn faults_are_named_after_the_members_they_are_in() {
    let server = TestServer::start().await;
    let this = TestUser::ANN.registered(&server).await.signs_in(&server, StrategyName::Hybrid).await;
    let ask = || this.shown(server.post("/auth/hybrid/password"));
    let says = |faults: &str| format!(r#"{{"message":[{faults}],"error":"Bad Request","statusCode":400}}"#);
    let both = says(r#""currentPassword should not be empty","newPassword should not be empty""#);
    ask().await.says(400, &both);
    ask().json(&json!({"currentPassword": "", "newPassword": ""})).await.says(400, &both);
    let odd = says(r#""currentPassword must be a string","newPassword must be a string""#);
    ask().json(&json!({"currentPassword": 1, "newPassword": true})).await.says(400, &odd);
    let short = says(r#""newPassword must be longer than or equal to 8 characters""#);
    ask().json(&json!({"currentPassword": "x", "newPassword": "1234567"})).await.says(400, &short);
}

// ASVS-map: PW1
#[tokio::test]
async fn in_production_a_changed_password_has_fifteen_characters_too() {
    let server = TestServer::with(&HTTPS).await;
    let ann = TestUser::ANN.registered(&server).await;
    let this = ann.signs_in(&server, StrategyName::Hybrid).await;
    let refused = this.changes_password(&server, ann.password, "kv7 tzq9 mwx2p").await;
    refused.says(400, r#"{"message":["newPassword must be longer than or equal to 15 characters"],"error":"Bad Request","statusCode":400}"#);
    let refused = this.changes_password(&server, ann.password, "ann@ann@ann@ann@").await.status(400);
    assert!(refused.body.contains("newPassword must not be"), "{refused:?}");
    this.changes_password(&server, ann.password, "kv7 tzq9 mwx2pd").await.says(201, CHANGED);
}

// ASVS-map: TN4
#[tokio::test]
async fn without_a_session_no_password_is_changed() {
    let server = TestServer::start().await;
    let ann = TestUser::ANN.registered(&server).await;
    let body = json!({"currentPassword": ann.password, "newPassword": "another password"});
    for strategy in STRATEGIES {
        let answer = server.post(&format!("/auth/{strategy}/password")).json(&body).await;
        answer.says(401, r#"{"message":"Unauthorized","statusCode":401}"#);
        assert_eq!(answer.header("www-authenticate"), Some("Bearer"));
    }
    ann.logs_in(&server, StrategyName::Jwt).await.status(201);
}
