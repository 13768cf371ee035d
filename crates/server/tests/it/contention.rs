//! Contention: many requests at once.

use std::future::IntoFuture as _;

use portcullis_core::strategy::StrategyName;
use serde_json::json;
use tokio::task::JoinSet;

use crate::fixture::{Credentials, HttpAnswer, HttpRequest, TestServer, TestUser, eventually, microservice};

const REFUSED: &str = r#"{"message":"Invalid refresh token","error":"Unauthorized","statusCode":401}"#;

/// Sends the same request so many times at once.
async fn all_at_once(count: usize, ask: &HttpRequest) -> Vec<HttpAnswer> {
    let mut asks = JoinSet::new();
    for _ in 0..count {
        asks.spawn(ask.clone().into_future());
    }
    asks.join_all().await
}

/// The same. A client that a busy server turns away comes again.
async fn all_patiently(count: usize, ask: &HttpRequest) -> Vec<HttpAnswer> {
    let mut asks = JoinSet::new();
    for _ in 0..count {
        asks.spawn(answered(ask.clone()));
    }
    asks.join_all().await
}

async fn answered(ask: HttpRequest) -> HttpAnswer {
    loop {
        let answer = ask.clone().await;
        if answer.status != 503 {
            return answer;
        }
    }
}

fn with_status(answers: &[HttpAnswer], status: u16) -> Vec<&HttpAnswer> {
    answers.iter().filter(|answer| answer.status == status).collect()
}

// ASVS-map: RT1
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_200_concurrent_refreshes_of_one_token_without_proof_one_wins_and_the_session_ends() {
    let server = TestServer::start().await;
    let ann = TestUser::ANN.registered(&server).await;
    for strategy in [StrategyName::Refresh, StrategyName::Denylist] {
        let held = ann.signs_in(&server, strategy).await;
        let answers = all_patiently(200, &held.refreshes(&server)).await;
        let (won, lost) = (with_status(&answers, 201), with_status(&answers, 401));
        assert_eq!((won.len(), lost.len()), (1, 199), "{strategy}");
        assert!(lost.iter().all(|answer| answer.body == REFUSED));
        let winner = held.renewed(won[0]);
        winner.refreshes(&server).await.says(401, REFUSED);
        if strategy == StrategyName::Denylist {
            winner.profile(&server).await.status(401);
        }
    }
}

// ASVS-map: RT2
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_hundred_tabs_with_the_proof_all_get_one_and_the_same_successor() {
    let server = TestServer::start().await;
    let ann = TestUser::ANN.registered(&server).await;
    for strategy in [StrategyName::Refresh, StrategyName::Denylist] {
        let held = ann.signs_in_natively(&server, strategy).await;
        let answers = all_patiently(200, &held.refreshes(&server)).await;
        assert_eq!(with_status(&answers, 201).len(), 200, "{strategy}");
        let tabs: Vec<Credentials> = answers.iter().map(|answer| held.renewed(answer)).collect();
        assert!(tabs.iter().all(|tab| tab.refresh == tabs[0].refresh), "{strategy}");
        for tab in [&tabs[0], &tabs[77], &tabs[199]] {
            tab.profile(&server).await.status(200);
        }
        tabs[0].refreshes(&server).await.status(201);
    }
}

// ASVS-map: AU6
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_200_concurrent_registrations_of_one_address_one_succeeds_with_one_hash() {
    let server = TestServer::start().await;
    let hashed = server.engine.passwords().hashed();
    let answers = all_at_once(200, &TestUser::ANN.registers(&server, StrategyName::Refresh)).await;
    let (made, taken) = (with_status(&answers, 201), with_status(&answers, 409));
    assert_eq!((made.len(), taken.len()), (1, 199));
    let text = r#"{"message":"Email already registered","error":"Conflict","statusCode":409}"#;
    assert!(taken.iter().all(|answer| answer.body == text));
    assert_eq!(server.engine.passwords().hashed(), hashed + 1);
    let user = TestUser::ANN.logs_in(&server, StrategyName::Jwt).await.status(201);
    assert_eq!(user.at("/user/id"), made[0].at("/id"));
}

// ASVS-map: OP2
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_storm_of_logins_is_served_or_told_when_to_come_back_and_checks_go_on() {
    // Five attempts on one account are compared at once: more than can be hashed or wait.
    let server = TestServer::with(&[("HASHING_MAX_WAIT", "10ms"), ("HASHING_THREADS", "1")]).await;
    let ann = TestUser::ANN.registered(&server).await;
    let held = ann.signs_in(&server, StrategyName::Session).await;
    let ask = ann.logs_in(&server, StrategyName::Hybrid);
    let storm = all_at_once(50, &ask);
    let checks = async {
        for _ in 0..20 {
            held.profile(&server).await.status(200);
        }
    };
    let (answers, ()) = tokio::join!(storm, checks);
    let (done, refused) = (with_status(&answers, 201), with_status(&answers, 503));
    assert_eq!(done.len() + refused.len(), 50);
    assert!(!done.is_empty() && !refused.is_empty(), "{} done", done.len());
    for answer in refused {
        answer.says(503, r#"{"message":"Service Unavailable","statusCode":503}"#);
        assert_eq!(answer.header("retry-after"), Some("1"), "the longest wait is below a second");
    }
    for answer in done {
        Credentials::from(StrategyName::Hybrid, answer).profile(&server).await.status(200);
    }
}

/// Registrations of so many people, all of them new, from one address.
fn newcomers(server: &TestServer, from: &str, count: usize) -> JoinSet<HttpAnswer> {
    let mut asks = JoinSet::new();
    for number in 0..count {
        let user = json!({ "email": format!("user{number}@{from}.example"), "password": "vexed quilt mop", "name": "U" });
        let ask = server.post("/auth/jwt/register").header("x-forwarded-for", from).json(&user);
        asks.spawn(ask.into_future());
    }
    asks
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn an_office_whose_people_all_sign_up_at_once_is_served() {
    let server = TestServer::with(&[("HASHING_MAX_WAIT", "5s")]).await;
    let answers = newcomers(&server, "192.0.2.1", 60).join_all().await;
    assert_eq!(with_status(&answers, 201).len(), 60);
}

// ASVS-map: OP2
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_flood_from_one_address_takes_no_turn_from_another() {
    let settings = [("PROXIES_TRUSTED", "127.0.0.1"), ("LIMITS_RATE", "0"), ("HASHING_THREADS", "1")];
    let server = TestServer::with(&settings).await;
    let mut flood = newcomers(&server, "192.0.2.1", 100);
    eventually("the flood waits", async || (server.engine.passwords().waiting() > 60).then_some(())).await;
    let ann = TestUser::ANN.registers(&server, StrategyName::Jwt).header("x-forwarded-for", "198.51.100.1");
    ann.await.status(201);
    assert!(server.engine.passwords().waiting() > 30, "she waited for one of the flood at most");
    flood.shutdown().await;
}

/// A gateway that tells no addresses has the users of many tenants behind it.
// ASVS-map: TN6
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_flood_of_one_tenant_behind_a_gateway_takes_no_turn_from_another_tenant() {
    let settings = [
        ("TCP_LISTEN", "127.0.0.1:0"),
        ("TCP_TRUST_GATEWAY", "true"),
        ("LIMITS_RATE", "0"),
        ("HASHING_THREADS", "1"),
    ];
    let server = TestServer::with(&settings).await;
    server.create_tenant("acme").await;
    let signs_up = |tenant: &str, email: String| {
        let user = json!({ "tenantId": tenant, "email": email, "password": "vexed quilt mop" });
        let tcp = server.tcp;
        async move { microservice::ask(tcp, "auth.signup", &user).await }
    };
    let mut flood = JoinSet::new();
    for number in 0..100 {
        flood.spawn(signs_up("acme", format!("user{number}@example.com")));
    }
    eventually("the flood waits", async || (server.engine.passwords().waiting() > 60).then_some(())).await;
    let answer = signs_up("default", "ann@example.com".to_owned()).await.unwrap();
    assert!(answer.contains("SIGNUP_SUCCESS"), "{answer}");
    assert!(server.engine.passwords().waiting() > 30, "she waited for one of the flood at most");
    flood.shutdown().await;
}

// ASVS-map: SE4
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_many_concurrent_sign_outs_each_succeeds_or_finds_the_session_ended() {
    let server = TestServer::start().await;
    let ann = TestUser::ANN.registered(&server).await;
    for strategy in [StrategyName::Session, StrategyName::Hybrid, StrategyName::SessionJwt] {
        let held = ann.signs_in(&server, strategy).await;
        let answers = all_patiently(50, &held.logs_out(&server)).await;
        assert!(!with_status(&answers, 201).is_empty(), "{strategy}");
        assert!(answers.iter().all(|answer| matches!(answer.status, 201 | 401)), "{strategy}: {answers:?}");
        held.profile(&server).await.status(401);
    }
}

// ASVS-map: SE4
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_cookie_is_sent_again_by_no_request_that_comes_after_the_sign_out() {
    let server = TestServer::start().await;
    let ann = TestUser::ANN.registered(&server).await;
    for _ in 0..10 {
        let held = ann.signs_in(&server, StrategyName::Session).await;
        server
            .run_sql("UPDATE sessions SET idle_expires = idle_expires - 10800000, created = created - 1")
            .await;
        let profile = held.profile(&server);
        let uses = all_at_once(20, &profile);
        let out = async { held.logs_out(&server).await.status(201) };
        let (_, _) = tokio::join!(uses, out);
        let late = held.profile(&server).await.status(401);
        assert!(late.all("set-cookie").is_empty(), "{late:?}");
    }
}

// ASVS-map: PW8
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_many_changes_of_one_password_one_is_made() {
    let server = TestServer::start().await;
    let ann = TestUser::ANN.registered(&server).await;
    let held = ann.signs_in(&server, StrategyName::Session).await;
    let mut asks = JoinSet::new();
    for number in 0..10 {
        let new = format!("new password {number}");
        let ask = held.changes_password(&server, ann.password, &new);
        asks.spawn(async move { (new, ask.await) });
    }
    let mut answers = asks.join_all().await;
    // The right one first: wrong passwords before it, beside those of the requests above, may lock the account.
    answers.sort_by_key(|(_, answer)| answer.status);
    let made: Vec<_> = answers.iter().filter(|(_, answer)| answer.status == 201).collect();
    assert_eq!(made.len(), 1, "{answers:?}");
    // A request that ran beside the winner met its change; a later one has the wrong password.
    assert!(answers.iter().all(|(_, answer)| matches!(answer.status, 201 | 403 | 409)), "{answers:?}");
    let device_sign_in = |password: &str| {
        server.post("/auth/jwt/login").json(&serde_json::json!({"email": ann.email, "password": password}))
    };
    for (new, answer) in &answers {
        device_sign_in(new).await.status(if answer.status == 201 { 201 } else { 401 });
    }
    held.profile(&server).await.status(200);
}
