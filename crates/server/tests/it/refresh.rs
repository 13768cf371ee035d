//! Refresh token rotation and reuse detection.

use std::time::Duration;

use portcullis_core::session::Session;
use portcullis_core::strategy::StrategyName;
use serde_json::json;
use tokio::time::sleep;

use crate::fixture::{Credentials, TestServer, TestUser};

const ROTATING: [StrategyName; 2] = [StrategyName::Refresh, StrategyName::Denylist];
const REFUSED: &str = r#"{"message":"Invalid refresh token","error":"Unauthorized","statusCode":401}"#;
const REVOKED: &str = r#"{"message":"Token revoked","error":"Unauthorized","statusCode":401}"#;

// ASVS-map: RT1, CK5
#[tokio::test]
async fn a_refresh_answers_the_next_pair_byte_for_byte_and_a_used_token_ends_the_session() {
    let server = TestServer::start().await;
    let ann = TestUser::ANN.registered(&server).await;
    for strategy in ROTATING {
        let first = ann.signs_in(&server, strategy).await;
        let answer = first.refreshes(&server).await;
        let second = first.renewed(&answer);
        let Credentials { credential, refresh, .. } = &second;
        let (access, refresh) = (credential, refresh.as_deref().unwrap());
        answer.says(
            201,
            &match strategy {
                StrategyName::Denylist => {
                    format!(r#"{{"accessToken":"{access}","refreshToken":"{refresh}"}}"#)
                }
                _ => format!(r#"{{"access_token":"{access}","refresh_token":"{refresh}"}}"#),
            },
        );
        assert_eq!(answer.header("cache-control"), Some("no-store"));
        assert_ne!(first.refresh, second.refresh);
        assert_ne!(first.credential, second.credential);
        second.profile(&server).await.status(200);

        let refused = first.refreshes(&server).await;
        refused.says(401, REFUSED);
        assert_eq!(refused.header("www-authenticate"), Some(r#"Bearer error="invalid_token""#));
        second.refreshes(&server).await.says(401, REFUSED);
        match strategy {
            // The end of a session here also ends its access tokens.
            StrategyName::Denylist => second.profile(&server).await.says(401, REVOKED),
            _ => assert_eq!(second.profile(&server).await.status, 200),
        }
    }
}

#[tokio::test]
async fn the_token_travels_as_a_bearer_or_under_any_of_three_names() {
    let server = TestServer::start().await;
    let ann = TestUser::ANN.registered(&server).await;
    for strategy in ROTATING {
        let path = format!("/auth/{strategy}/refresh");
        let mut held = ann.signs_in(&server, strategy).await;
        for name in ["refresh_token", "refreshToken", "token"] {
            let answer = server.post(&path).json(&json!({name: held.refresh_token()})).await.status(201);
            held = held.renewed(&answer);
        }
        let answer = server.post(&path).bearer(held.refresh_token()).await.status(201);
        held = held.renewed(&answer);
        let answer = server.post(&path).bearer(held.refresh_token()).json(&json!({})).await.status(201);
        held = held.renewed(&answer);
        // Some clients send their access token with every request.
        let body = json!({"refresh_token": held.refresh_token()});
        let answer = server.post(&path).bearer(&held.credential).json(&body).await.status(201);
        held.renewed(&answer).profile(&server).await.status(200);
    }
}

#[tokio::test]
async fn without_a_token_or_with_garbage_nothing_happens() {
    let server = TestServer::start().await;
    let ann = TestUser::ANN.registered(&server).await;
    for strategy in ROTATING {
        let held = ann.signs_in(&server, strategy).await;
        let path = format!("/auth/{strategy}/refresh");
        let nothing = server.post(&path).await;
        nothing.says(401, REFUSED);
        assert_eq!(nothing.header("www-authenticate"), Some("Bearer"), "no token was sent");
        let mut bent = held.refresh_token().to_owned();
        bent.replace_range(bent.len() - 3.., "AAA");
        for garbage in ["", ".", "a.b.c", "null", &bent, &"x".repeat(9000)] {
            server.post(&path).json(&json!({"token": garbage})).await.says(401, REFUSED);
        }
        let faults =
            r#"{"message":["refresh_token must be a string"],"error":"Bad Request","statusCode":400}"#;
        server.post(&path).json(&json!({"refresh_token": 7})).await.says(400, faults);
        held.refreshes(&server).await.status(201);
    }
}

// ASVS-map: RT3, RT1
#[tokio::test]
async fn a_native_client_gets_the_same_successor_again_and_needs_its_proof_ever_after() {
    let server = TestServer::start().await;
    let ann = TestUser::ANN.registered(&server).await;
    for strategy in ROTATING {
        let first = ann.signs_in_natively(&server, strategy).await;
        let proof = first.proof.clone().unwrap();
        let answer = first.refreshes(&server).await.status(201);
        let second = first.renewed(&answer);
        let again = first.refreshes(&server).await.status(201);
        assert_eq!(first.renewed(&again).refresh, second.refresh, "an answer was lost, nothing else");

        let other_name = json!({"refreshToken": second.refresh_token(), "deviceSecret": proof});
        let path = format!("/auth/{strategy}/refresh");
        let answer = server.post(&path).json(&other_name).await.status(201);
        let third = second.renewed(&answer);

        // Older than the previous one: a tab that slept. The token is refused, and the session stays.
        first.refreshes(&server).await.says(401, REFUSED);
        let fourth = third.renewed(&third.refreshes(&server).await.status(201));

        // The newest token without the proof: a thief has a copy.
        let thief = Credentials { proof: None, ..fourth.clone() };
        thief.refreshes(&server).await.says(401, REFUSED);
        fourth.refreshes(&server).await.says(401, REFUSED);
    }
}

#[tokio::test]
async fn a_device_secret_is_handed_out_once_and_only_to_those_who_ask() {
    let server = TestServer::start().await;
    let ann = TestUser::ANN.registered(&server).await;
    for strategy in ROTATING {
        let plain = ann.logs_in(&server, strategy).await;
        assert!(!plain.body.to_lowercase().contains("secret"), "{plain:?}");
        let mut body = ann.credentials();
        body["native"] = json!(true);
        let path = format!("/auth/{strategy}/login");
        let answer = server.post(&path).json(&body).await.status(201);
        let native = Credentials::from(strategy, &answer);
        let (refresh, proof) = (native.refresh_token(), native.proof.as_deref().unwrap());
        let expected = match strategy {
            StrategyName::Denylist => format!(r#""refreshToken":"{refresh}","deviceSecret":"{proof}"}}}}"#),
            _ => format!(r#""refresh_token":"{refresh}","device_secret":"{proof}","user":{{"#),
        };
        assert!(answer.body.contains(&expected), "{answer:?}");
        let refreshed = native.refreshes(&server).await.status(201);
        assert!(!refreshed.body.contains(proof), "{refreshed:?}");
        assert!(answer.all("set-cookie").is_empty() && refreshed.all("set-cookie").is_empty());
        body["native"] = json!(false);
        assert_eq!(Credentials::from(strategy, &server.post(&path).json(&body).await).proof, None);
    }
    for strategy in [StrategyName::Jwt, StrategyName::Session, StrategyName::Hybrid, StrategyName::SessionJwt]
    {
        let held = ann.signs_in_natively(&server, strategy).await;
        assert_eq!(held.proof, None, "{strategy} refreshes nothing");
    }
}

// ASVS-map: SE4
#[tokio::test]
async fn a_sign_out_ends_what_its_strategy_says() {
    let server = TestServer::start().await;
    let ann = TestUser::ANN.registered(&server).await;
    let (here, there) = (
        ann.signs_in(&server, StrategyName::Refresh).await,
        ann.signs_in(&server, StrategyName::Refresh).await,
    );
    here.logs_out(&server).await.status(201);
    here.refreshes(&server).await.says(401, REFUSED);
    here.profile(&server).await.status(200);
    there.refreshes(&server).await.status(201);

    let (here, there) = (
        ann.signs_in(&server, StrategyName::Denylist).await,
        ann.signs_in(&server, StrategyName::Denylist).await,
    );
    let bystander = ann.signs_in(&server, StrategyName::Refresh).await;
    here.logs_out(&server).await.status(201);
    for held in [&here, &there] {
        held.profile(&server).await.says(401, REVOKED);
        held.refreshes(&server).await.says(401, REFUSED);
    }
    bystander.refreshes(&server).await.status(201);
}

// ASVS-map: RT6
#[tokio::test]
async fn neither_an_old_session_nor_an_old_token_goes_on() {
    let server = TestServer::start().await;
    let ann = TestUser::ANN.registered(&server).await;
    for strategy in ROTATING {
        let held = ann.signs_in(&server, strategy).await;
        let held = held.renewed(&held.refreshes(&server).await.status(201));
        let over = |session: Session| Session {
            absolute_expires: session.created.plus(Duration::from_millis(1)),
            ..session
        };
        server.change_sessions(&ann, "absolute_expires = created + 1", over).await;
        held.refreshes(&server).await.says(401, REFUSED);
    }
    let hasty =
        TestServer::with(&[("JWT_EXPIRES_IN", "1s"), ("JWT_REFRESH_EXPIRES_IN", "1s"), ("LEEWAY", "0s")])
            .await;
    TestUser::ANN.registered(&hasty).await;
    for strategy in ROTATING {
        let held = ann.signs_in(&hasty, strategy).await;
        sleep(Duration::from_millis(2100)).await;
        held.refreshes(&hasty).await.says(401, REFUSED);
    }
}
