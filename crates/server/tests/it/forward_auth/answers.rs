//! Who passes, who does not, and what the proxy is told of each.

use portcullis_core::strategy::StrategyName;
use portcullis_core::tenant::TenantSettings;
use portcullis_core::user::Role;

use super::answerers::{IN_ONE_PROCESS, answerers, every_answerer};
use super::{
    PATHS, SETTINGS, UNAUTHORIZED, asks, assert_tells_nothing, credentials, identity, promote, user_key,
};
use crate::fixture::{Credentials, HttpConnection, TestUser, eventually};

const METHODS: [&str; 9] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND"];

// ASVS-map: GW1 GW2
#[tokio::test]
async fn a_credential_of_every_strategy_passes_and_the_answer_says_whose_request_it_is() {
    for server in every_answerer(&SETTINGS).await {
        let ann = TestUser::ANN.registered(&server).await;
        let user = user_key(&server, &ann).await.id.to_string();
        for held in credentials(&server, &ann).await {
            for path in PATHS {
                let answer = asks(&server, path, &held).await.status(200);
                let [id, tenant, role, session] = identity(&answer);
                assert_eq!((id, tenant, role), (user.as_str(), "default", "user"), "{held:?}");
                assert_eq!(session.parse::<uuid::Uuid>().unwrap().to_string(), session);
                let keeps_session = held.strategy.strategy().keeps_session();
                assert_eq!(
                    answer.header("x-portcullis-session"),
                    Some(if keeps_session { session } else { "" })
                );
                assert_eq!(answer.header("x-portcullis-epochs"), Some("0,0,0"));
                assert!(answer.header("x-portcullis-age-ms").unwrap().parse::<u64>().is_ok(), "{answer:?}");
                assert_eq!((answer.body.as_str(), answer.header("content-length")), ("", Some("0")));
                assert_eq!(answer.header("cache-control"), Some("no-store"));
                assert_eq!(answer.header("set-cookie"), None);
            }
        }
    }
}

#[tokio::test]
async fn every_method_is_answered_alike() {
    for server in every_answerer(&SETTINGS).await {
        let ann = TestUser::ANN.registered(&server).await;
        for strategy in [StrategyName::SessionJwt, StrategyName::Session] {
            let held = ann.signs_in(&server, strategy).await;
            for (method, path) in METHODS.iter().flat_map(|method| PATHS.map(|path| (*method, path))) {
                let passes = held.shown(server.ask(method, path)).await.status(200);
                assert_eq!(identity(&passes)[1], "default");
                let refused = server.ask(method, path).await.status(401);
                assert_eq!(refused.header("www-authenticate"), Some("Bearer"), "{method}");
                assert_tells_nothing(&refused);
            }
        }
    }
}

// ASVS-map: GW2 TN4
#[tokio::test]
async fn without_a_valid_credential_it_is_401_with_a_challenge_and_nothing_else_is_told() {
    for server in every_answerer(&SETTINGS).await {
        let ann = TestUser::ANN.registered(&server).await;
        let refresh = ann.signs_in(&server, StrategyName::Refresh).await;
        for path in PATHS {
            let nothing = server.get(path).await;
            nothing.says(401, UNAUTHORIZED);
            assert_eq!(nothing.header("www-authenticate"), Some("Bearer"));
            assert_tells_nothing(&nothing);
            for (name, value) in [
                ("authorization", "Bearer x.y.z".to_owned()),
                ("authorization", format!("Bearer {}", refresh.refresh_token())),
                ("cookie", "connect.sid=s%3Ax.y".to_owned()),
                ("cookie", format!("connect.sid={}", refresh.credential)),
            ] {
                let refused = server.get(path).header(name, &value).await;
                refused.says(401, UNAUTHORIZED);
                assert_eq!(refused.header("www-authenticate"), Some("Bearer error=\"invalid_token\""));
                assert_tells_nothing(&refused);
            }
            let elsewhere = server.get(path).header("cookie", &format!("sid={}", refresh.credential));
            elsewhere.await.says(401, UNAUTHORIZED);
        }
        let problem =
            server.get("/auth/verify").header("accept", "application/problem+json").await.status(401);
        assert_eq!(problem.at("/code"), "UNAUTHORIZED");
    }
}

// ASVS-map: GW2
#[tokio::test]
async fn two_credentials_of_one_kind_never_pass() {
    for server in every_answerer(&SETTINGS).await {
        let (ann, bob) = (TestUser::ANN.registered(&server).await, TestUser::BOB.registered(&server).await);
        let token = ann.signs_in(&server, StrategyName::SessionJwt).await;
        let [one, other] = [
            ann.signs_in(&server, StrategyName::Session).await,
            bob.signs_in(&server, StrategyName::Session).await,
        ];
        let bearer = format!("Bearer {}", token.credential);
        for second in [bearer.as_str(), "Basic YTpi", "", "Bearer x"] {
            for (first, second) in [(bearer.as_str(), second), (second, bearer.as_str())] {
                let ask = server.get("/auth/verify").header("authorization", first);
                let refused = ask.header("authorization", second).header("cookie", &one.credential).await;
                refused.says(401, UNAUTHORIZED);
            }
        }
        // One's own sign-out would take both cookies away; a proxy is never told to.
        let both = format!("{}; {}", one.credential, other.credential);
        assert_tells_nothing(&server.get("/auth/verify").header("cookie", &both).await.status(401));
        let beside_a_planted_one = format!("connect.sid=s%3Aplanted.x; {}", one.credential);
        server.get("/auth/verify").header("cookie", &beside_a_planted_one).await.status(200);
    }
}

#[tokio::test]
async fn a_token_counts_before_a_cookie_and_the_credentials_of_others_are_passed_over() {
    for server in every_answerer(&SETTINGS).await {
        let (ann, bob) = (TestUser::ANN.registered(&server).await, TestUser::BOB.registered(&server).await);
        let token = ann.signs_in(&server, StrategyName::Jwt).await;
        let cookie = bob.signs_in(&server, StrategyName::Session).await;
        let (ann, bob) = (user_key(&server, &ann).await, user_key(&server, &bob).await);
        let both = cookie.shown(asks(&server, "/auth/verify", &token)).await.status(200);
        assert_eq!(identity(&both)[0], ann.id.to_string());
        let basic = asks(&server, "/auth/verify", &cookie).header("authorization", "Basic YTpi").await;
        assert_eq!(identity(&basic.status(200))[0], bob.id.to_string());
        let bad = asks(&server, "/auth/verify", &cookie).header("authorization", "Bearer x.y.z").await;
        bad.says(401, UNAUTHORIZED);
    }
}

// ASVS-map: TN2
#[tokio::test]
async fn the_tenant_is_the_tokens_own_whatever_the_request_says() {
    let settings = [&SETTINGS[..], &[("TENANTS_REQUIRE_HEADER", "true")]].concat();
    for server in answerers(&IN_ONE_PROCESS, &settings).await {
        server.create_tenant("acme").await;
        let bob = TestUser::BOB;
        bob.registers(&server, StrategyName::Jwt).header("x-tenant-id", "acme").await.status(201);
        let answer = bob.logs_in(&server, StrategyName::SessionJwt).header("x-tenant-id", "acme").await;
        let held = Credentials::from(StrategyName::SessionJwt, &answer.status(201));
        for named in [None, Some("acme"), Some("default"), Some("nobody"), Some("\u{e4}")] {
            let ask = asks(&server, "/auth/verify", &held);
            let ask = named.into_iter().fold(ask, |ask, named| ask.header("x-tenant-id", named));
            assert_eq!(identity(&ask.await.status(200))[1], "acme", "{named:?}");
        }
        let acme = "acme".parse().unwrap();
        let offers = |settings| TenantSettings { strategies: Some(vec![StrategyName::Jwt]), ..settings };
        server.engine.change_tenant(&acme, offers).await.unwrap();
        asks(&server, "/auth/verify", &held).await.says(401, UNAUTHORIZED);
    }
}

// ASVS-map: TN4
#[tokio::test]
async fn a_user_without_a_role_that_is_required_is_refused_and_never_sent_to_sign_in() {
    for server in every_answerer(&SETTINGS).await {
        let ann = TestUser::ANN.registered(&server).await;
        let held = ann.signs_in(&server, StrategyName::SessionJwt).await;
        let insufficient = |roles| {
            format!(
                r#"{{"message":"Insufficient role. Required: {roles}","error":"Forbidden","statusCode":403}}"#
            )
        };
        for (path, roles) in [
            ("/auth/verify?role=manager,admin", "manager, admin"),
            ("/auth/verify?role=admin%2Cmanager", "admin, manager"),
            ("/auth/verify?role=admin", "admin"),
            ("/auth/verify/@staff", "manager, admin"),
            ("/auth/verify/@staff/x?role=user", "manager, admin"),
        ] {
            let refused = asks(&server, path, &held).header("accept", "text/html").await;
            refused.says(403, &insufficient(roles));
            assert_tells_nothing(&refused);
            assert_eq!(refused.header("www-authenticate"), None);
            server.get(path).await.says(401, UNAUTHORIZED);
        }
        asks(&server, "/auth/verify?role=user,admin", &held).await.status(200);
        promote(&server, &ann, Role::Manager).await;
        let staff = server.answers(200, || asks(&server, "/auth/verify/@staff", &held)).await;
        assert_eq!(identity(&staff)[2], "manager", "a role counts");
        asks(&server, "/auth/verify?role=admin", &held).await.says(403, &insufficient("admin"));
    }
}

#[tokio::test]
async fn a_query_that_cannot_be_meant_is_400_whoever_asks() {
    for server in every_answerer(&SETTINGS).await {
        let held = TestUser::ANN.registered(&server).await.signs_in(&server, StrategyName::Jwt).await;
        let no_role =
            "role must be one or several of the following values, separated by commas: user, manager, admin";
        let own = server.own_setting();
        let no_page = format!("login must be an https address whose host {own} or forward_auth.hosts names");
        let no_page = no_page.as_str();
        for (query, message) in [
            ("role=user&role=user", "role must be given once"),
            ("login=https://query.example.com&login=https://query.example.com", "login must be given once"),
            ("roles=user", "property roles should not exist"),
            ("rd=https://query.example.com", "property rd should not exist"),
            ("role=", no_role),
            ("role=boss", no_role),
            ("role=user,", no_role),
            ("login=", no_page),
            ("login=/login", no_page),
            ("login=http://query.example.com", no_page),
        ] {
            let said = format!(r#"{{"message":["{message}"],"error":"Bad Request","statusCode":400}}"#);
            let path = format!("/auth/verify?{query}");
            let refused = asks(&server, &path, &held).await;
            refused.says(400, &said);
            assert_tells_nothing(&refused);
            server.get(&path).header("accept", "text/html").await.says(400, &said);
        }
        asks(&server, "/auth/verify?", &held).await.status(200);
        asks(&server, "/auth/verify?login=https://query.example.com/in&role=user", &held).await.status(200);
    }
}

#[tokio::test]
async fn a_body_is_not_read() {
    for server in every_answerer(&SETTINGS).await {
        let held = TestUser::ANN.registered(&server).await.signs_in(&server, StrategyName::Jwt).await;
        for path in PATHS {
            let announced = held.shown(server.ask("POST", path)).header("content-length", "100000000");
            let mut connection = HttpConnection::to(server.address).await;
            connection.write(&announced.header("content-type", "text/plain").bytes()).await;
            assert_eq!(connection.answer().await.unwrap().status, 200, "{path}: none of it was sent");
        }
    }
}

// ASVS-map: CS4
#[tokio::test]
async fn no_page_of_a_browser_is_allowed_to_read_an_answer_and_a_preflight_is_judged_like_any_request() {
    for server in every_answerer(&SETTINGS).await {
        let held = TestUser::ANN.registered(&server).await.signs_in(&server, StrategyName::Jwt).await;
        for path in PATHS {
            let preflight = server.ask("OPTIONS", path).header("origin", "http://localhost:5173");
            let preflight = preflight.header("access-control-request-method", "POST");
            let refused = preflight.clone().await;
            refused.says(401, UNAUTHORIZED);
            assert_tells_nothing(&refused);
            let passes = held.shown(preflight).await.status(200);
            assert!(
                passes.headers.iter().all(|(name, _)| !name.starts_with("access-control-")),
                "{passes:?}"
            );
        }
    }
}

// ASVS-map: RV3 GW2
#[tokio::test]
async fn an_outage_is_503_and_no_browser_is_sent_to_sign_in() {
    for server in answerers(&IN_ONE_PROCESS, &[&SETTINGS[..], &super::TRUSTED].concat()).await {
        let ann = TestUser::ANN.registered(&server).await;
        let held = credentials(&server, &ann).await;
        for held in &held {
            asks(&server, "/auth/verify/@app", held).await.status(200);
        }
        server.database.take_away();
        for held in held {
            let looks_nothing_up = matches!(held.strategy, StrategyName::Jwt | StrategyName::Refresh);
            if looks_nothing_up {
                asks(&server, "/auth/verify/@app", &held).await.status(200);
                continue;
            }
            let refused = eventually("the view is not believed any more", || async {
                let ask = asks(&server, "/auth/verify/@app", &held).header("accept", "text/html");
                let ask =
                    ask.header("x-forwarded-proto", "https").header("x-forwarded-host", "app.example.com");
                let answer = ask.header("x-forwarded-uri", "/").await;
                assert!(matches!(answer.status, 200 | 503), "{answer:?}");
                (answer.status == 503).then_some(answer)
            })
            .await;
            assert_eq!(refused.header("retry-after"), Some("1"));
            assert_eq!(refused.body, r#"{"message":"Service Unavailable","statusCode":503}"#);
            assert_tells_nothing(&refused);
        }
        server.database.bring_back();
    }
}
