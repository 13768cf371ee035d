//! Refusals that are not the request's fault, and of routes that are switched off.

use std::future::IntoFuture as _;

use portcullis_core::strategy::StrategyName;

use super::{ExpectedRefusal, PLAIN};
use crate::fixture::{DataDirectory, STRATEGIES, TestServer, TestUser, eventually};

// ASVS-map: RV3
#[tokio::test]
async fn an_outage_is_503_and_never_a_refusal() {
    let home = DataDirectory::new();
    let server = home.server().await;
    let ann = TestUser::ANN.registered(&server).await;
    let mut held = Vec::new();
    for strategy in STRATEGIES {
        held.push(ann.signs_in(&server, strategy).await);
    }
    server.database.take_away();
    let expected = ExpectedRefusal {
        status: 503,
        title: "Service Unavailable",
        code: "STORE_UNAVAILABLE",
        sentence: None,
    };
    for strategy in STRATEGIES {
        let path = format!("/auth/{strategy}/login");
        expected.on_strategy(&path, || ann.logs_in(&server, strategy)).await;
        TestUser::BOB.registers(&server, strategy).await.says(503, &expected.plain());
    }
    for held in &held {
        let answer = held.profile(&server).await;
        match held.strategy.as_str() {
            // No store is read for these.
            "jwt" | "refresh" => answer.status(200),
            // While the session view is fresh it answers; after that it is an outage, never a refusal.
            _ => {
                eventually("the view is not believed any more", || async {
                    let answer = held.profile(&server).await;
                    assert!(matches!(answer.status, 200 | 503), "{answer:?}");
                    (answer.status == 503).then_some(answer)
                })
                .await
            }
        };
        if held.refresh.is_some() {
            held.refreshes(&server).await.says(503, &expected.plain());
        }
        if held.strategy.as_str() != "jwt" {
            held.logs_out(&server).await.status(503);
        }
    }
    server.database.bring_back();
    for held in &held {
        eventually("the store is back", || async {
            (held.profile(&server).await.status == 200).then_some(())
        })
        .await;
        if held.refresh.is_some() {
            held.refreshes(&server).await.status(201);
        }
    }
}

// ASVS-map: OP2
#[tokio::test]
async fn a_full_queue_of_hashes_is_503_with_a_time_to_try_again() {
    let server = TestServer::with(&[("HASHING_MAX_WAIT", "10ms"), ("HASHING_THREADS", "1")]).await;
    let ann = TestUser::ANN.registered(&server).await;
    let mut asks = tokio::task::JoinSet::new();
    for _ in 0..20 {
        asks.spawn(ann.logs_in(&server, StrategyName::Jwt).into_future());
    }
    let (mut done, mut refused) = (0, 0);
    for answer in asks.join_all().await {
        if answer.status == 201 {
            done += 1;
            continue;
        }
        answer.says(503, r#"{"message":"Service Unavailable","statusCode":503}"#);
        assert_eq!(answer.header("retry-after"), Some("1"));
        refused += 1;
    }
    assert!(done > 0 && refused > 0, "{done} done, {refused} refused");
    ann.logs_in(&server, StrategyName::Jwt).await.status(201);
}

#[tokio::test]
async fn a_strategy_that_is_not_on_offer_is_not_there() {
    let server = TestServer::with(&[("STRATEGIES_ENABLED", "session")]).await;
    let ann = TestUser::ANN;
    ann.registers(&server, StrategyName::Session).await.status(201);
    for strategy in STRATEGIES.into_iter().filter(|strategy| *strategy != StrategyName::Session) {
        for (path, ask) in [
            ("register", TestUser::BOB.registers(&server, strategy)),
            ("login", ann.logs_in(&server, strategy)),
        ] {
            let text = format!(
                r#"{{"message":"Cannot POST /auth/{strategy}/{path}","error":"Not Found","statusCode":404}}"#
            );
            ask.await.says(404, &text);
        }
        let profile = server.get(&format!("/auth/{strategy}/profile"));
        profile.bearer("x.y.z").await.status(404);
    }
    ann.signs_in(&server, StrategyName::Session).await.profile(&server).await.status(200);
}

#[tokio::test]
async fn an_unknown_tenant_is_refused() {
    let server = TestServer::start().await;
    let unknown = r#"{"message":"Unknown tenant","error":"Bad Request","statusCode":400}"#;
    for strategy in STRATEGIES {
        for name in ["unknown", "", "A B", "../default", "default%00"] {
            let answer = TestUser::ANN.logs_in(&server, strategy).header("x-tenant-id", name).await;
            answer.says(400, unknown);
        }
        let twice = TestUser::ANN.logs_in(&server, strategy).header("x-tenant-id", "default");
        twice.header("x-tenant-id", "default").await.status(400);
    }
    let strict = TestServer::with(&[("TENANTS_REQUIRE_HEADER", "true")]).await;
    for strategy in STRATEGIES {
        TestUser::ANN.logs_in(&strict, strategy).await.status(400);
        strict.get(&format!("/auth/{strategy}/profile")).await.status(400);
    }
    TestUser::ANN.registers(&strict, StrategyName::Jwt).header("x-tenant-id", "default").await.status(201);
}

#[tokio::test]
async fn nothing_is_compressed() {
    let server = TestServer::start().await;
    let ann = TestUser::ANN.registered(&server).await;
    let packed = "gzip, deflate, br, zstd";
    for strategy in STRATEGIES {
        let answer = ann.logs_in(&server, strategy).header("accept-encoding", packed).await.status(201);
        assert_eq!(answer.header("content-encoding"), None);
        assert_eq!(answer.header("transfer-encoding"), None);
        assert_eq!(answer.header("content-length"), Some(answer.body.len().to_string().as_str()));
        assert_eq!(answer.header("content-type"), Some(PLAIN));
    }
    for path in ["/nothing", "/healthz", "/openapi.json", "/.well-known/jwks.json"] {
        let answer = server.get(path).header("accept-encoding", packed).await;
        assert_eq!(answer.header("content-encoding"), None, "{path}");
    }
}
