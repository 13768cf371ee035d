//! What ends a session ends what a proxy is told of it.

use portcullis_core::session::EndReason;
use portcullis_core::strategy::{Check, StrategyName};
use portcullis_core::user::Role;

use super::answerers::{Answerer, IN_ONE_PROCESS, answerers};
use super::{SETTINGS, UNAUTHORIZED, asks, assert_tells_nothing, credentials, identity, promote, user_key};
use crate::fixture::{Credentials, STRATEGIES, TestUser};

// ASVS-map: SE4 RV1
#[tokio::test]
async fn a_sign_out_is_refused_at_once() {
    for server in answerers(&IN_ONE_PROCESS, &SETTINGS).await {
        let ann = TestUser::ANN.registered(&server).await;
        for strategy in STRATEGIES {
            let held = ann.signs_in(&server, strategy).await;
            let asked = ["/auth/verify", "/auth/verify/@any/x"].map(|path| asks(&server, path, &held));
            for ask in asked.clone() {
                ask.await.status(200);
            }
            held.logs_out(&server).await.status(201);
            let outlives = strategy.strategy().check() == Check::Signed;
            for ask in asked {
                let answer = ask.await;
                if outlives {
                    answer.status(200);
                    continue;
                }
                let expected = match strategy {
                    _ if server.by != Answerer::Server => "Unauthorized",
                    StrategyName::Hybrid => "Token is not whitelisted",
                    StrategyName::Denylist => "Token revoked",
                    _ => "Unauthorized",
                };
                assert_eq!(answer.status(401).at("/message"), expected, "{strategy}");
            }
        }
    }
}

// ASVS-map: SE5 AU5
#[tokio::test]
async fn a_user_who_is_signed_out_everywhere_or_disabled_passes_nowhere() {
    for server in answerers(&IN_ONE_PROCESS, &SETTINGS).await {
        let ann = TestUser::ANN.registered(&server).await;
        let user = user_key(&server, &ann).await;
        let before = credentials(&server, &ann).await;
        server.engine.end_sessions(&user, EndReason::LogoutAll).await.unwrap();
        for held in before {
            let answer = asks(&server, "/auth/verify", &held).await;
            if held.strategy.strategy().check() == Check::Signed {
                // A verifier compares this with the epoch of the sign-out.
                assert_eq!(answer.status(200).header("x-portcullis-epochs"), Some("0,0,0"));
            } else {
                assert_tells_nothing(&answer.status(401));
            }
        }
        let after = credentials(&server, &ann).await;
        for held in &after {
            let answer = asks(&server, "/auth/verify", held).await.status(200);
            assert_eq!(answer.header("x-portcullis-epochs"), Some("1,0,0"), "{held:?}");
        }
        promote(&server, &ann, Role::Admin).await;
        let of_session = after.iter().find(|held| held.strategy == StrategyName::Session).unwrap();
        assert_eq!(identity(&asks(&server, "/auth/verify", of_session).await.status(200))[2], "admin");
        server.engine.disable_user(&user).await.unwrap();
        for held in after.iter().filter(|held| held.strategy.strategy().check() != Check::Signed) {
            assert_eq!(asks(&server, "/auth/verify", held).await.status, 401, "{held:?}");
        }
    }
}

// ASVS-map: SE5
#[tokio::test]
async fn while_a_tenant_is_suspended_none_of_its_tokens_passes() {
    for server in answerers(&IN_ONE_PROCESS, &SETTINGS).await {
        server.create_tenant("acme").await;
        let bob = TestUser::BOB;
        bob.registers(&server, StrategyName::Jwt).header("x-tenant-id", "acme").await.status(201);
        let mut held = Vec::new();
        for strategy in STRATEGIES.into_iter().filter(|strategy| *strategy != StrategyName::Session) {
            let answer = bob.logs_in(&server, strategy).header("x-tenant-id", "acme").await;
            held.push(Credentials::from(strategy, &answer.status(201)));
        }
        for held in &held {
            asks(&server, "/auth/verify", held).await.status(200);
        }
        server.engine.suspend_tenant(&"acme".parse().unwrap()).await.unwrap();
        for held in &held {
            asks(&server, "/auth/verify", held).await.says(401, UNAUTHORIZED);
        }
    }
}
