//! Servers stop and start, and two run on one database.

use std::time::Duration;

use portcullis_core::strategy::StrategyName;
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};

use crate::fixture::{
    Credentials, DEADLINE, DataDirectory, HttpConnection, MASTER_KEY, STRATEGIES, TestServer, TestUser,
    eventually,
};

async fn signed_in_everywhere(server: &TestServer, ann: &TestUser) -> Vec<Credentials> {
    let mut held = Vec::new();
    for strategy in STRATEGIES {
        held.push(ann.signs_in(server, strategy).await);
    }
    held
}

// ASVS-map: OP4, RT3
#[tokio::test]
async fn a_session_from_before_a_restart_goes_on_after_it() {
    let home = DataDirectory::new();
    let first = home.server().await;
    let ann = TestUser::ANN.registered(&first).await;
    let mut held = signed_in_everywhere(&first, &ann).await;
    held.push(ann.signs_in_natively(&first, StrategyName::Refresh).await);
    let mut ended = Vec::new();
    for held in signed_in_everywhere(&first, &ann).await {
        if !matches!(held.strategy, StrategyName::Jwt | StrategyName::Denylist) {
            held.logs_out(&first).await.status(201);
            ended.push(held);
        }
    }
    let (keys, issuer) = (first.get("/.well-known/jwks.json").await.body, first.engine.issuer().to_owned());
    let (before, spent) = (held.clone(), held[6].clone());
    held[6] = spent.renewed(&spent.refreshes(&first).await.status(201));
    first.stop().await;

    let second = home.server().await;
    assert_eq!(second.get("/.well-known/jwks.json").await.body, keys);
    assert_eq!(second.engine.issuer(), issuer);
    for held in &held {
        held.profile(&second).await.status(200);
    }
    for held in &ended {
        let expected = if held.strategy == StrategyName::Refresh { 200 } else { 401 };
        assert_eq!(held.profile(&second).await.status, expected, "{}", held.strategy);
        if held.refresh.is_some() {
            held.refreshes(&second).await.status(401);
        }
    }
    // The answer to the last refresh before the stop was lost: the retry gets the same successor.
    let retried = before[6].renewed(&before[6].refreshes(&second).await.status(201));
    assert_eq!(retried.refresh, held[6].refresh);
    for held in held.iter().filter(|held| held.refresh.is_some()) {
        let next = held.renewed(&held.refreshes(&second).await.status(201));
        next.profile(&second).await.status(200);
    }
    ann.logs_in(&second, StrategyName::Jwt).await.status(201);
    TestUser::ANN.registers(&second, StrategyName::Jwt).await.status(409);
}

// ASVS-map: OP4
#[tokio::test]
async fn a_move_to_production_seals_the_keys_and_keeps_the_sessions() {
    let home = DataDirectory::new();
    let first = home.server().await;
    let ann = TestUser::ANN.registered(&first).await;
    let held = signed_in_everywhere(&first, &ann).await;
    first.stop().await;
    let settings = [("MASTER_KEY", MASTER_KEY)];
    let second = home.server_with(&settings).await;
    for held in &held {
        held.profile(&second).await.status(200);
    }
    second.stop().await;
    let third = home.server_with(&settings).await;
    for held in &held {
        held.profile(&third).await.status(200);
    }
}

// ASVS-map: OP4
#[tokio::test]
async fn a_refresh_in_flight_at_the_stop_is_finished() {
    let home = DataDirectory::new();
    let server = home.server().await;
    let ann = TestUser::ANN.registered(&server).await;
    let held = ann.signs_in(&server, StrategyName::Refresh).await;
    let request = held.refreshes(&server).header("expect", "100-continue").bytes();
    let (address, (begun, rest)) = (server.address, request.split_at(request.len() - 20));
    let mut line = server.connection().await;
    line.write(begun).await;
    assert_eq!(line.answer().await.unwrap().status, 100, "the handler has begun to read");
    // An idle connection must not keep the server from stopping.
    let _idle = server.connection().await;

    let stopped = tokio::spawn(server.stop());
    let closed = async {
        while TcpStream::connect(address).await.is_ok() {
            sleep(Duration::from_millis(10)).await;
        }
    };
    timeout(DEADLINE, closed).await.expect("new connections are still taken");
    assert!(!stopped.is_finished(), "a request is in flight");
    line.write(rest).await;
    let answer = line.answer().await.unwrap().status(201);
    timeout(DEADLINE, stopped).await.expect("it stops").unwrap();

    let next = held.renewed(&answer);
    let second = home.server().await;
    next.profile(&second).await.status(200);
    next.refreshes(&second).await.status(201);
}

// ASVS-map: OP4
#[tokio::test]
async fn a_client_that_never_finishes_keeps_no_server_from_stopping() {
    let home = DataDirectory::new();
    let server = home.server_with(&[("TIMEOUTS_SHUTDOWN", "200ms")]).await;
    let mut line: HttpConnection = server.connection().await;
    line.write(b"POST /auth/jwt/login HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\ncontent-length: 9\r\nexpect: 100-continue\r\n\r\n{").await;
    assert_eq!(line.answer().await.unwrap().status, 100, "the handler has begun to read");
    timeout(DEADLINE, server.stop()).await.expect("it stops");
}

// ASVS-map: SE4
#[tokio::test]
async fn a_sign_out_on_one_server_holds_on_the_other() {
    let home = DataDirectory::new();
    let (here, there) = (home.server().await, home.server().await);
    let ann = TestUser::ANN.registered(&here).await;
    for strategy in STRATEGIES.into_iter().filter(|strategy| *strategy != StrategyName::Jwt) {
        let held = ann.signs_in(&here, strategy).await;
        for server in [&there, &here, &there] {
            held.profile(server).await.status(200);
        }
        held.logs_out(&there).await.status(201);
        if strategy == StrategyName::Refresh {
            held.refreshes(&here).await.status(401);
            continue;
        }
        held.profile(&there).await.status(401);
        eventually("the sign-out arrives", || async {
            (held.profile(&here).await.status == 401).then_some(())
        })
        .await;
        for _ in 0..20 {
            held.profile(&here).await.status(401);
        }
    }
}

// ASVS-map: RT2
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn tabs_on_two_servers_get_one_and_the_same_successor() {
    let home = DataDirectory::new();
    let (here, there) = (home.server().await, home.server().await);
    assert_eq!(
        here.get("/.well-known/jwks.json").await.body,
        there.get("/.well-known/jwks.json").await.body,
        "both agree on the keys"
    );
    let ann = TestUser::ANN.registered(&here).await;
    for _ in 0..10 {
        let held = ann.signs_in_natively(&here, StrategyName::Refresh).await;
        let (one, other) =
            tokio::join!(async { held.refreshes(&here).await }, async { held.refreshes(&there).await });
        let (one, other) = (held.renewed(&one.status(201)), held.renewed(&other.status(201)));
        assert_eq!(one.refresh, other.refresh);
        one.refreshes(&there).await.status(201);
    }
}

// ASVS-map: PW8
#[tokio::test]
async fn a_new_password_holds_everywhere() {
    let home = DataDirectory::new();
    let (here, there) = (home.server().await, home.server().await);
    let ann = TestUser::ANN.registered(&here).await;
    let (stays, goes) = (
        ann.signs_in(&here, StrategyName::Session).await,
        ann.signs_in(&there, StrategyName::SessionJwt).await,
    );
    goes.profile(&there).await.status(200);
    stays.changes_password(&here, ann.password, "a new password").await.status(201);
    eventually("the change arrives", || async { (goes.profile(&there).await.status == 401).then_some(()) })
        .await;
    stays.profile(&there).await.status(200);
    ann.logs_in(&there, StrategyName::Jwt).await.status(401);
    ann.with_password("a new password").logs_in(&there, StrategyName::Jwt).await.status(201);
}
