//! Policies of the configuration, and what proxies append to their address.

use portcullis_core::strategy::StrategyName;

use super::answerers::{Answerer, every_answerer};
use super::{SETTINGS, asks};
use crate::fixture::TestUser;

// ASVS-map: GW3
#[tokio::test]
async fn whatever_follows_its_name_the_policy_is_the_one_that_is_named() {
    for server in every_answerer(&SETTINGS).await {
        let held = TestUser::ANN.registered(&server).await.signs_in(&server, StrategyName::Jwt).await;
        for rest in [
            "",
            "/",
            "//",
            "/a",
            "/a/",
            "/../@any",
            "/../../verify",
            "/%2e%2e/@any",
            "/..%2f@any",
            "/;/../@any",
            "//@any",
            "/%00",
            "/%ff%fe",
            "/%",
            "?role=user",
            "/a?role=boss&role=boss",
            "/a?login=https://evil.example",
        ] {
            let path = format!("/auth/verify/@staff{rest}");
            assert_eq!(asks(&server, &path, &held).await.status, 403, "{rest}");
            assert_eq!(server.get(&path).await.status, 401, "{rest}");
            let path = format!("/auth/verify/@any{rest}");
            assert_eq!(asks(&server, &path, &held).await.status, 200, "{rest}");
        }
    }
}

// ASVS-map: GW2
#[tokio::test]
async fn a_policy_that_does_not_exist_lets_nothing_pass() {
    for server in every_answerer(&SETTINGS).await {
        let held = TestUser::ANN.registered(&server).await.signs_in(&server, StrategyName::Jwt).await;
        for path in [
            "/auth/verify/@none",
            "/auth/verify/@Any",
            "/auth/verify/@any2/x",
            "/auth/verify/@any%2fx",
            "/auth/verify/@any*",
            "/auth/verify/@/x",
            "/auth/verify/@",
            "/auth/verify/any",
            "/auth/verify/any/x",
            "/auth/verify//@any",
            "//auth/verify",
            "/auth/Verify",
            "/auth/verify;x",
            "/auth/verify%00",
        ] {
            let answer = asks(&server, path, &held).await;
            // A gateway refuses what servers read in different ways.
            let is_unclear = server.by != Answerer::Server && path.contains("%00");
            assert_eq!(answer.status, if is_unclear { 400 } else { 404 }, "{path}");
            super::assert_tells_nothing(&answer);
        }
        assert_eq!(
            asks(&server, "/auth/verify/@none", &held).await.body,
            r#"{"message":"Cannot GET /auth/verify/@none","error":"Not Found","statusCode":404}"#
        );
    }
}
