//! A gateway in front of an application, on each pair of stores: what one node ends, the gateway that follows the other
//! one refuses and cuts.

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use axum::routing::any;
use portcullis_core::clock::Clock as _;
use portcullis_core::email::Email;
use portcullis_core::id::{TenantId, UserKey};
use portcullis_core::machine::SystemClock;
use portcullis_core::revocation::FeedTenants;
use portcullis_core::strategy::StrategyName;
use portcullis_core::user::Role;
use portcullis_gateway::config::{GatewayConfig, GatewaySources};
use portcullis_gateway::serve::{OpenedGateway, followed};
use portcullis_gateway::verification::EngineVerifier;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use crate::clocks::Ahead;
use crate::fixture::{
    Credentials, DataDirectory, HttpRequest, PAIRS, StorePair, TestServer, TestUser, eventually,
};
use crate::sign_in::claims;

/// An application that says who the gateway says the user is.
async fn application() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let say = |request: Request| async move {
        let text = |name: &str| {
            request.headers().get(name).map_or("-", |value| value.to_str().unwrap_or_default()).to_owned()
        };
        match request.uri().path() {
            "/assertion" => text("x-portcullis-assertion"),
            _ => ["x-user-id", "x-tenant-id", "x-user-role", "x-session-id"].map(text).join(" "),
        }
    };
    tokio::spawn(async move { axum::serve(listener, Router::new().fallback(any(say))).await });
    address
}

/// An application whose connections stay open: a WebSocket that sends back what it is sent, or an endless download.
async fn streaming_application() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(serve_stream(stream));
        }
    });
    address
}

async fn serve_stream(mut stream: TcpStream) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let Ok(byte) = stream.read_u8().await else { return };
        head.push(byte);
    }
    let head = String::from_utf8_lossy(&head).to_ascii_lowercase();
    if head.contains("upgrade: websocket") {
        let agreed = "HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n";
        let _ = stream.write_all(agreed.as_bytes()).await;
        let (mut from, mut to) = stream.split();
        let _ = tokio::io::copy(&mut from, &mut to).await;
    } else {
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 1000000\r\n\r\nhalf").await;
        std::future::pending::<()>().await;
    }
}

/// Two nodes on the same stores, and a gateway that follows the second.
struct GuardedNodes {
    one: TestServer,
    other: TestServer,
    gateway: SocketAddr,
    _serving: JoinHandle<()>,
    _home: DataDirectory,
}

impl GuardedNodes {
    async fn on(pair: &StorePair) -> Self {
        let home = DataDirectory::new();
        let stores = pair.make(home.path());
        let settings: Vec<_> = stores.settings.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let (one, other) = (home.server_with(&settings).await, home.server_with(&settings).await);
        let (_, key) = one.engine.create_feed_key(&FeedTenants::All).await.unwrap();
        let (server, feed_key) = (other.address, key.reveal());
        let (application, streams) = (application().await, streaming_application().await);
        let file = format!(
            r#"
            listen = "127.0.0.1:0"
            server = "http://{server}"
            feed_key = "{feed_key}"
            forward_auth.policies.staff = {{ roles = ["manager", "admin"] }}
            [[routes]]
            path = "/"
            upstream = "http://{application}"
            [[routes]]
            path = "/open"
            upstream = "http://{application}"
            public = true
            [[routes]]
            path = "/reports"
            upstream = "http://{application}"
            roles = ["manager", "admin"]
            [[routes]]
            path = "/streams"
            upstream = "http://{streams}"
            "#
        );
        let config = read(&file);
        let verifier = followed(&config).unwrap();
        verifier.ready().await;
        let opened = OpenedGateway::open(&config, Arc::new(verifier)).await.unwrap();
        let gateway = opened.sockets[0].listener.local_addr().unwrap();
        let serving = tokio::spawn(opened.serve(std::future::pending));
        Self { one, other, gateway, _serving: serving, _home: home }
    }

    fn get(&self, path: &str) -> HttpRequest {
        HttpRequest::new(self.gateway, "GET", path)
    }

    /// Waits until the gateway answers a credential with this status.
    async fn answers(&self, path: &str, held: &Credentials, status: u16) -> String {
        eventually("the gateway knows", || async {
            let answer = held.shown(self.get(path)).await;
            assert!(answer.status == 503 || answer.header("retry-after").is_none(), "{answer:?}");
            (answer.status == status).then_some(answer.body)
        })
        .await
    }
}

/// A stream that is open: the WebSocket, or the download.
async fn opens(gateway: SocketAddr, held: &Credentials, is_websocket: bool) -> TcpStream {
    let mut stream = TcpStream::connect(gateway).await.unwrap();
    let upgrade = if is_websocket { "connection: upgrade\r\nupgrade: websocket\r\n" } else { "" };
    let token = &held.credential;
    let request =
        format!("GET /streams HTTP/1.1\r\nhost: a\r\nauthorization: Bearer {token}\r\n{upgrade}\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut begun = Vec::new();
    let last = if is_websocket { &b"\r\n\r\n"[..] } else { b"half" };
    while !begun.ends_with(last) {
        begun.push(stream.read_u8().await.unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&begun))));
    }
    stream
}

async fn is_cut(stream: &mut TcpStream) {
    let mut rest = Vec::new();
    let _ = stream.read_to_end(&mut rest).await;
    assert_eq!(rest, b"", "it was cut");
}

fn read(file: &str) -> GatewayConfig {
    let environment = BTreeMap::new();
    let open = |path: &Path| match path.to_str() {
        Some("gateway.toml") => Ok(file.to_owned()),
        _ => Err(io::Error::from(io::ErrorKind::NotFound)),
    };
    let sources = GatewaySources {
        file: PathBuf::from("gateway.toml"),
        environment: &environment,
        listen: None,
        open: &open,
    };
    GatewayConfig::read(&sources).unwrap_or_else(|faults| panic!("{faults:?}"))
}

async fn user_key(server: &TestServer, user: &TestUser) -> UserKey {
    let email = Email::parse(user.email).unwrap();
    server.engine.user_by_email(&TenantId::default_tenant(), &email).await.unwrap().key
}

async fn a_token_and_a_cookie_are_of_the_same_user(nodes: &GuardedNodes) {
    let key = user_key(&nodes.one, &TestUser::ANN).await;
    for strategy in [StrategyName::SessionJwt, StrategyName::Hybrid, StrategyName::Jwt, StrategyName::Session]
    {
        let held = TestUser::ANN.signs_in(&nodes.one, strategy).await;
        let told = nodes.answers("/", &held, 200).await;
        assert!(told.starts_with(&format!("{} default user ", key.id)), "{strategy:?}: {told}");
        let session = told.rsplit_once(' ').unwrap().1;
        assert_eq!(session.is_empty(), strategy == StrategyName::Jwt, "{told}");
    }
    nodes.get("/").await.says(401, r#"{"message":"Unauthorized","statusCode":401}"#);
    nodes.get("/open").bearer("nonsense").await.says(200, "- - - -");
}

async fn a_sign_out_is_refused_and_cuts_what_is_open(nodes: &GuardedNodes) {
    let held = TestUser::ANN.signs_in(&nodes.one, StrategyName::SessionJwt).await;
    let kept = TestUser::ANN.signs_in(&nodes.one, StrategyName::SessionJwt).await;
    nodes.answers("/", &held, 200).await;
    nodes.answers("/", &kept, 200).await;
    let (mut websocket, mut download) =
        (opens(nodes.gateway, &held, true).await, opens(nodes.gateway, &held, false).await);
    let mut others = opens(nodes.gateway, &kept, true).await;
    websocket.write_all(b"x").await.unwrap();
    assert_eq!(websocket.read_u8().await.unwrap(), b'x');
    held.logs_out(&nodes.one).await.status(201);
    for stream in [&mut websocket, &mut download] {
        is_cut(stream).await;
    }
    nodes.answers("/", &held, 401).await;
    nodes.answers("/", &kept, 200).await;
    others.write_all(b"y").await.unwrap();
    assert_eq!(others.read_u8().await.unwrap(), b'y', "another session's stream goes on");
}

async fn a_signed_out_cookie_is_refused(nodes: &GuardedNodes) {
    let held = TestUser::ANN.signs_in(&nodes.one, StrategyName::Session).await;
    nodes.answers("/", &held, 200).await;
    held.logs_out(&nodes.one).await.status(201);
    nodes.answers("/", &held, 401).await;
}

/// A proxy that asks the gateway is told of a sign-out, too; and until then, how old the proof is that there is none.
async fn a_proxy_that_asks_the_gateway_is_told_of_a_sign_out(nodes: &GuardedNodes) {
    for strategy in [StrategyName::SessionJwt, StrategyName::Hybrid, StrategyName::Session] {
        let held = TestUser::ANN.signs_in(&nodes.one, strategy).await;
        nodes.answers("/auth/verify", &held, 200).await;
        nodes.answers("/auth/verify/@staff/x", &held, 403).await;
        held.logs_out(&nodes.one).await.status(201);
        let signed_out = SystemClock.ticks();
        eventually("the gateway knows", || async {
            let since = SystemClock.ticks().since(signed_out);
            let answer = held.shown(nodes.get("/auth/verify")).await;
            if answer.status != 200 {
                return (answer.status == 401).then_some(());
            }
            let age = answer.header("x-portcullis-age-ms").unwrap().parse().unwrap();
            assert!(
                since <= Duration::from_millis(age),
                "{since:?}: the proof is older than said: {answer:?}"
            );
            None
        })
        .await;
        nodes.answers("/auth/verify/@staff", &held, 401).await;
    }
}

async fn a_role_counts_as_soon_as_it_is_given_and_taken(nodes: &GuardedNodes) {
    let held = TestUser::ANN.signs_in(&nodes.one, StrategyName::SessionJwt).await;
    let key = user_key(&nodes.one, &TestUser::ANN).await;
    nodes.answers("/reports", &held, 403).await;
    nodes.one.engine.set_role(&key, Role::Manager).await.unwrap();
    nodes.answers("/reports", &held, 200).await;
    nodes.answers("/auth/verify/@staff", &held, 200).await;
    nodes.one.engine.set_role(&key, Role::User).await.unwrap();
    nodes.answers("/reports", &held, 403).await;
}

async fn an_outage_is_503_and_what_is_public_goes_on(nodes: GuardedNodes) {
    let held = TestUser::ANN.signs_in(&nodes.one, StrategyName::SessionJwt).await;
    nodes.answers("/", &held, 200).await;
    let (one, gateway) = (nodes.one, nodes.gateway);
    nodes.other.stop().await;
    eventually("the gateway knows too little", || async {
        let answer = held.shown(HttpRequest::new(gateway, "GET", "/")).await;
        assert!(matches!(answer.status, 200 | 503), "{answer:?}");
        (answer.status == 503 && answer.header("retry-after").is_some()).then_some(())
    })
    .await;
    let asked = held.shown(HttpRequest::new(gateway, "GET", "/auth/verify")).await.status(503);
    assert!(asked.header("retry-after").is_some(), "{asked:?}");
    HttpRequest::new(gateway, "GET", "/open").await.status(200);
    one.stop().await;
}

// ASVS-map: RV1, RV3, GW4
#[tokio::test(flavor = "multi_thread")]
async fn what_one_node_ends_a_gateway_of_the_other_refuses_and_cuts_on_every_pair_of_stores() {
    for pair in &PAIRS {
        let nodes = GuardedNodes::on(pair).await;
        TestUser::ANN.registered(&nodes.one).await;
        a_token_and_a_cookie_are_of_the_same_user(&nodes).await;
        a_sign_out_is_refused_and_cuts_what_is_open(&nodes).await;
        a_signed_out_cookie_is_refused(&nodes).await;
        a_proxy_that_asks_the_gateway_is_told_of_a_sign_out(&nodes).await;
        a_role_counts_as_soon_as_it_is_given_and_taken(&nodes).await;
        an_outage_is_503_and_what_is_public_goes_on(nodes).await;
    }
}

/// A gateway in the server's own process.
async fn inside(server: &TestServer) -> SocketAddr {
    let (application, streams) = (application().await, streaming_application().await);
    let config = read(&format!(
        r#"
        listen = "127.0.0.1:0"
        stream_grace = "1s"
        [[routes]]
        path = "/"
        upstream = "http://{application}"
        [[routes]]
        path = "/assertion"
        upstream = "http://{application}"
        assertion = true
        [[routes]]
        path = "/streams"
        upstream = "http://{streams}"
        "#
    ));
    let verifier = EngineVerifier::new(server.engine.clone(), config.process.max_staleness);
    let opened = OpenedGateway::open(&config, Arc::new(verifier)).await.unwrap();
    let gateway = opened.sockets[0].listener.local_addr().unwrap();
    tokio::spawn(opened.serve(std::future::pending));
    gateway
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gateway_in_the_servers_process_verifies_every_strategy_and_cuts_what_is_open() {
    let server = TestServer::start().await;
    TestUser::ANN.registered(&server).await;
    let gateway = inside(&server).await;
    for strategy in crate::fixture::STRATEGIES {
        let held = TestUser::ANN.signs_in(&server, strategy).await;
        held.shown(HttpRequest::new(gateway, "GET", "/")).await.status(200);
    }
    let [ended, kept] = [
        TestUser::ANN.signs_in(&server, StrategyName::SessionJwt).await,
        TestUser::ANN.signs_in(&server, StrategyName::SessionJwt).await,
    ];
    let mut streams = [opens(gateway, &ended, true).await, opens(gateway, &ended, false).await];
    let mut others = opens(gateway, &kept, true).await;
    ended.logs_out(&server).await.status(201);
    ended.shown(HttpRequest::new(gateway, "GET", "/")).await.status(401);
    for stream in &mut streams {
        is_cut(stream).await;
    }
    others.write_all(b"y").await.unwrap();
    assert_eq!(others.read_u8().await.unwrap(), b'y', "another session's stream goes on");
    server.engine.set_role(&user_key(&server, &TestUser::ANN).await, Role::Manager).await.unwrap();
    is_cut(&mut others).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gateway_in_the_servers_process_goes_by_the_clock_of_the_server() {
    let home = DataDirectory::new();
    let database = format!("sqlite:{}/portcullis.db", home.path().display());
    let settings = [("DATABASE", database.as_str()), ("SESSIONS", "")];
    let server = home.server_at(&settings, Arc::new(Ahead(3600))).await;
    TestUser::ANN.registered(&server).await;
    let held = TestUser::ANN.signs_in(&server, StrategyName::SessionJwt).await;
    let told = held.shown(HttpRequest::new(inside(&server).await, "GET", "/assertion")).await.status(200);
    let issued = claims(&told.body)["iat"].as_i64().unwrap();
    assert!(issued * 1000 > SystemClock.now().as_millis() + 1_800_000, "{told:?}");
}

// ASVS-map: JW5
#[tokio::test(flavor = "multi_thread")]
async fn what_a_gateway_asserts_is_no_credential_of_the_server() {
    let server = crate::fixture::TestServer::start().await;
    let key = portcullis_core::key::AssertionKey::generate(&portcullis_core::machine::SystemRandom).unwrap();
    let user = TestUser::ANN.registered(&server).await;
    let sub = user_key(&server, &user).await.id.to_string();
    let claims =
        serde_json::json!({"sub": sub, "tid": "default", "strategy": "jwt", "exp": 9_999_999_999_i64});
    let assertion = key.sign(&claims).unwrap();
    for path in ["/auth/jwt/profile", "/auth/session-jwt/profile", "/auth/me", "/auth/verify"] {
        server.get(path).bearer(&assertion).await.status(401);
    }
}
