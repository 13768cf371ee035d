//! Services behind a guard, over real sockets: made of a verifier, which takes tokens and session cookies and follows
//! another node than the one that users sign out at, and made of an engine.

use std::net::SocketAddr;

use axum::Router;
use axum::routing::{delete, get};
use portcullis_axum::role::Admin;
use portcullis_axum::{CurrentUser, FreshSignIn, Guard, RequireRole};
use portcullis_core::email::Email;
use portcullis_core::id::TenantId;
use portcullis_core::revocation::FeedTenants;
use portcullis_core::strategy::StrategyName;
use portcullis_core::user::Role;
use portcullis_verifier::{OnStale, Verifier};
use tokio::net::TcpListener;
use tokio::task::AbortHandle;

use crate::fixture::{Credentials, DataDirectory, HttpAnswer, HttpRequest, TestServer, TestUser, eventually};

const APP: &str = "https://app.example.com";

/// A service on a port of its own, which ends with the test.
struct GuardedService {
    address: SocketAddr,
    serving: AbortHandle,
}

impl Drop for GuardedService {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

async fn about(CurrentUser(user): CurrentUser) -> String {
    format!("{} {} {}", user.user_id(), user.session, user.role.map_or("", Role::as_str))
}

impl GuardedService {
    async fn behind(guard: Guard) -> Self {
        let routes = Router::new()
            .route("/", get(about).post(about).delete(about))
            .route("/admin", delete(|_: RequireRole<Admin>| async { "done" }))
            .route("/key", get(|_: FreshSignIn<600>| async { "done" }))
            .route("/open", get(open).post(open))
            .layer(guard.origins([APP]).public(["/open"]));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let serving = tokio::spawn(async move { axum::serve(listener, routes).await }).abort_handle();
        Self { address, serving }
    }

    fn ask(&self, method: &str, path: &str) -> HttpRequest {
        HttpRequest::new(self.address, method, path)
    }

    /// The answer to a request with this credential, as soon as it is no outage.
    async fn answer(&self, method: &str, path: &str, held: &Credentials) -> HttpAnswer {
        // The feed may have been late for a moment, which is no rejection.
        eventually("the service answers", || async {
            let answer = held.shown(self.ask(method, path)).await;
            (answer.status != 503).then_some(answer)
        })
        .await
    }
}

async fn open(user: Option<CurrentUser>) -> String {
    user.is_some().to_string()
}

/// Two nodes on the same stores, and a service that follows the second.
struct VerifiedService {
    one: TestServer,
    other: TestServer,
    verifier: Verifier,
    service: GuardedService,
    _home: DataDirectory,
}

impl VerifiedService {
    async fn start(guard: fn(Verifier) -> Guard) -> Self {
        let home = DataDirectory::new();
        let (one, other) = (home.server().await, home.server().await);
        let (_, key) = one.engine.create_feed_key(&FeedTenants::All).await.unwrap();
        let verifier = Verifier::builder(&format!("http://{}", other.address));
        let verifier = verifier.feed_key(key.reveal()).build().unwrap();
        verifier.ready().await;
        let service = GuardedService::behind(guard(verifier.clone())).await;
        TestUser::ANN.registered(&one).await;
        Self { one, other, verifier, service, _home: home }
    }

    /// The requests about credentials that the verifier has sent to the server.
    fn questions(&self) -> u64 {
        self.verifier.status().asks
    }
}

// ASVS-map: RV1
#[tokio::test(flavor = "multi_thread")]
async fn a_cookie_is_asked_about_once_and_a_sign_out_elsewhere_is_refused() {
    let nodes = VerifiedService::start(Guard::of).await;
    let [ended, kept] = [
        TestUser::ANN.signs_in(&nodes.one, StrategyName::Session).await,
        TestUser::ANN.signs_in(&nodes.one, StrategyName::Session).await,
    ];
    let first = nodes.service.answer("GET", "/", &ended).await.status(200);
    let asked = nodes.questions();
    for _ in 0..5 {
        assert_eq!(nodes.service.answer("GET", "/", &ended).await.status(200).body, first.body);
    }
    assert_eq!(nodes.questions(), asked, "the cookie obeys the feed");
    nodes.service.answer("GET", "/", &kept).await.status(200);
    ended.logs_out(&nodes.one).await.status(201);
    let refused = eventually("the service refuses", || async {
        let answer = nodes.service.answer("GET", "/", &ended).await;
        (answer.status != 200).then_some(answer)
    })
    .await;
    assert_eq!((refused.status, refused.all("set-cookie").len()), (401, 0), "{refused:?}");
    nodes.service.answer("GET", "/", &kept).await.status(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_role_counts_and_when_the_user_signed_in_is_not_known_of_a_cookie() {
    let nodes = VerifiedService::start(Guard::of).await;
    let held = TestUser::ANN.signs_in(&nodes.one, StrategyName::Session).await;
    let refused = nodes.service.answer("DELETE", "/admin", &held).await.status(403);
    assert_eq!(refused.at("/message"), "Insufficient role. Required: admin");
    let (tenant, email) = (TenantId::default_tenant(), Email::parse(TestUser::ANN.email).unwrap());
    let ann = nodes.one.engine.user_by_email(&tenant, &email).await.unwrap();
    nodes.one.engine.set_role(&ann.key, Role::Admin).await.unwrap();
    eventually("the role counts", || async {
        let answer = nodes.service.answer("DELETE", "/admin", &held).await;
        (answer.status == 200).then_some(())
    })
    .await;
    let fresh = nodes.service.answer("GET", "/key", &held).await.status(401);
    assert!(fresh.header("www-authenticate").unwrap().contains("insufficient_user_authentication"));
    let token = TestUser::ANN.signs_in(&nodes.one, StrategyName::SessionJwt).await;
    nodes.service.answer("GET", "/key", &token).await.status(200);
}

// ASVS-map: GW4
#[tokio::test(flavor = "multi_thread")]
async fn a_token_counts_before_a_cookie_and_two_authorization_lines_are_refused() {
    let nodes = VerifiedService::start(Guard::of).await;
    let bob = TestUser::BOB.registered(&nodes.one).await;
    let cookie = TestUser::ANN.signs_in(&nodes.one, StrategyName::Session).await;
    let token = bob.signs_in(&nodes.one, StrategyName::SessionJwt).await;
    let of_cookie = nodes.service.answer("GET", "/", &cookie).await.status(200);
    let of_token = nodes.service.answer("GET", "/", &token).await.status(200);
    let both =
        || nodes.service.ask("GET", "/").bearer(&token.credential).header("cookie", &cookie.credential);
    both().await.says(200, &of_token.body);
    both().bearer(&token.credential).await.status(401);
    let forged = nodes.service.ask("GET", "/").bearer("forged").header("cookie", &cookie.credential);
    forged.await.status(401);
    let other_scheme = nodes.service.ask("GET", "/").header("authorization", "Basic YTpi");
    other_scheme.header("cookie", &cookie.credential).await.says(200, &of_cookie.body);
    let of_others = format!("a=\u{fc}; {}; b", cookie.credential);
    nodes.service.ask("GET", "/").header("cookie", &of_others).await.says(200, &of_cookie.body);
}

async fn other_sites_are_refused(service: &GuardedService, cookie: &Credentials, token: &Credentials) {
    let from = |ask: HttpRequest, held: &Credentials, headers: &[(&str, &str)]| {
        let ask = held.shown(ask);
        headers.iter().fold(ask, |ask, (name, value)| ask.header(name, value))
    };
    let (own, evil) = (format!("http://{}", service.address), "https://evil.example");
    for foreign in [&[("origin", evil)][..], &[("sec-fetch-site", "cross-site")], &[("origin", "null")]] {
        for method in ["POST", "DELETE"] {
            let refused = from(service.ask(method, "/"), cookie, foreign).await.status(403);
            assert_eq!(refused.at("/message"), "The request was made by a page of another site");
            from(service.ask(method, "/"), token, foreign).await.status(200);
        }
        from(service.ask("GET", "/"), cookie, foreign).await.status(200);
        let websocket =
            service.ask("GET", "/").header("connection", "upgrade").header("upgrade", "websocket");
        from(websocket, cookie, foreign).await.status(403);
        from(service.ask("POST", "/open"), cookie, foreign).await.says(200, "false");
    }
    for known in
        [&[("origin", APP)][..], &[("origin", own.as_str())], &[("sec-fetch-site", "same-origin")], &[]]
    {
        from(service.ask("POST", "/"), cookie, known).await.status(200);
        from(service.ask("POST", "/open"), cookie, known).await.says(200, "true");
    }
    let nothing_shown = service.ask("POST", "/").header("origin", evil);
    nothing_shown.await.status(401);
}

// ASVS-map: CS1
#[tokio::test(flavor = "multi_thread")]
async fn a_page_of_another_site_changes_nothing_with_a_cookie_and_a_token_is_its_clients_own() {
    let nodes = VerifiedService::start(Guard::of).await;
    let cookie = TestUser::ANN.signs_in(&nodes.one, StrategyName::Session).await;
    let token = TestUser::ANN.signs_in(&nodes.one, StrategyName::SessionJwt).await;
    nodes.service.answer("GET", "/", &cookie).await.status(200);
    other_sites_are_refused(&nodes.service, &cookie, &token).await;
}

// ASVS-map: CS1
#[tokio::test(flavor = "multi_thread")]
async fn a_guard_of_an_engine_asks_the_same_of_a_cookie() {
    let server = TestServer::start().await;
    TestUser::ANN.registered(&server).await;
    let service = GuardedService::behind(Guard::of((server.engine.clone(), StrategyName::Session))).await;
    let of_tokens = GuardedService::behind(Guard::of((server.engine.clone(), StrategyName::Jwt))).await;
    let cookie = TestUser::ANN.signs_in(&server, StrategyName::Session).await;
    let token = TestUser::ANN.signs_in(&server, StrategyName::Jwt).await;
    let evil = |service: &GuardedService| service.ask("POST", "/").header("origin", "https://evil.example");
    cookie.shown(evil(&service)).await.status(403);
    cookie.shown(service.ask("POST", "/").header("origin", APP)).await.status(200);
    cookie.shown(service.ask("POST", "/")).await.status(200);
    cookie.shown(evil(&service).by("GET")).await.status(200);
    token.shown(evil(&of_tokens)).await.status(200);
}

// ASVS-map: RV3
#[tokio::test(flavor = "multi_thread")]
async fn an_outage_is_503_for_a_cookie_and_never_401() {
    let guards: [fn(Verifier) -> Guard; 2] = [Guard::of, |verifier| Guard::of((verifier, OnStale::Refuse))];
    for guard in guards {
        let nodes = VerifiedService::start(guard).await;
        let [known, new] = [
            TestUser::ANN.signs_in(&nodes.one, StrategyName::Session).await,
            TestUser::ANN.signs_in(&nodes.one, StrategyName::Session).await,
        ];
        nodes.service.answer("GET", "/", &known).await.status(200);
        let VerifiedService { one, other, service, _home, .. } = nodes;
        other.stop().await;
        for held in [known, new] {
            eventually("the service knows too little", || async {
                let answer = held.shown(service.ask("GET", "/")).await;
                assert!(matches!(answer.status, 200 | 503), "{answer:?}");
                (answer.status == 503 && answer.header("retry-after").is_some()).then_some(())
            })
            .await;
        }
        service.ask("GET", "/open").await.says(200, "false");
        one.stop().await;
    }
}
