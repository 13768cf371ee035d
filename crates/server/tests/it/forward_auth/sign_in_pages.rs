//! Browsers whose users are not signed in are sent to a page for signing in, and can return.

use portcullis_core::strategy::StrategyName;

use super::answerers::{Answerer, AskedServer, every_answerer};
use super::{SETTINGS, TRUSTED, UNAUTHORIZED, assert_tells_nothing};
use crate::fixture::{HTTPS, HttpAnswer, HttpRequest, TestUser};

const FORWARDED: [(&str, &str); 3] = [
    ("x-forwarded-proto", "https"),
    ("x-forwarded-host", "app.example.com"),
    ("x-forwarded-uri", "/reports?year=2026&x=a%2Fb"),
];
const LOCATION: &str = "https://login.example.com/in?theme=dark&return_to=https%3A%2F%2Fapp.example.com%2Freports%3Fyear%3D2026%26x%3Da%252Fb";

async fn servers(settings: &[(&str, &str)]) -> Vec<AskedServer> {
    every_answerer(&[&SETTINGS[..], &HTTPS, settings].concat()).await
}

/// A request with these headers; a later one of a name replaces an earlier one, and an empty one takes it away.
fn asks(server: &AskedServer, path: &str, changes: &[(&str, &str)]) -> HttpRequest {
    let mut headers = vec![("accept", "text/html,application/xhtml+xml,*/*;q=0.8")];
    headers.extend(FORWARDED);
    for (name, value) in changes {
        headers.retain(|(known, _)| known != name);
        headers.extend((!value.is_empty()).then_some((*name, *value)));
    }
    headers.into_iter().fold(server.get(path), |ask, (name, value)| ask.header(name, value))
}

fn assert_stays(answer: &HttpAnswer) {
    assert_eq!((answer.status, answer.header("location")), (401, None), "{answer:?}");
    assert_eq!(answer.body, UNAUTHORIZED);
}

// ASVS-map: CS5
#[tokio::test]
async fn a_browser_that_asks_for_a_page_is_sent_to_sign_in_and_may_return() {
    for server in servers(&TRUSTED).await {
        for (method, status) in [("", 302), ("GET", 302), ("HEAD", 302), ("POST", 303), ("DELETE", 303)] {
            for header in ["x-forwarded-method", "x-original-method"] {
                let answer =
                    asks(&server, "/auth/verify/@app/ignored", &[(header, method)]).await.status(status);
                assert_eq!(answer.header("location"), Some(LOCATION), "{method}");
                assert_eq!((answer.body.as_str(), answer.header("cache-control")), ("", Some("no-store")));
                assert_tells_nothing(&answer);
            }
        }
        let posted = asks(&server, "/auth/verify/@app", &[]).by("POST");
        assert_eq!(posted.await.status, 303, "the proxy asks by the method of the request");

        if server.by == Answerer::FollowingGateway {
            // It does not know the public URL of the server.
            continue;
        }
        let by_query = "/auth/verify?login=https://auth.example.com/in%3Fa%3Db";
        let answer = asks(&server, by_query, &[("x-forwarded-host", "query.example.com")]).await.status(302);
        let location = answer.header("location").unwrap();
        assert!(
            location.starts_with("https://auth.example.com/in?a=b&return_to=https%3A%2F%2Fquery.example.com")
        );
    }
}

#[tokio::test]
async fn a_user_who_has_been_signed_out_is_sent_to_sign_in_and_one_who_is_signed_in_is_not() {
    for server in servers(&TRUSTED).await {
        let ann = TestUser::ANN.registered(&server).await;
        let held = ann.signs_in(&server, StrategyName::Session).await;
        held.shown(asks(&server, "/auth/verify/@app", &[])).await.status(200);
        held.logs_out(&server).await.status(201);
        let answer = server.answers(302, || held.shown(asks(&server, "/auth/verify/@app", &[]))).await;
        assert_eq!(answer.header("location"), Some(LOCATION));
        assert_tells_nothing(&answer);
    }
}

#[tokio::test]
async fn every_other_client_is_answered_401() {
    for server in servers(&TRUSTED).await {
        for changes in [
            [("accept", "")],
            [("accept", "*/*")],
            [("accept", "application/json")],
            [("x-requested-with", "XMLHttpRequest")],
            [("sec-fetch-mode", "cors")],
            [("sec-fetch-mode", "websocket")],
        ] {
            assert_stays(&asks(&server, "/auth/verify/@app", &changes).await);
        }
        asks(&server, "/auth/verify/@app", &[("sec-fetch-mode", "navigate")]).await.status(302);
        assert_stays(&asks(&server, "/auth/verify/@any", &[]).await);
        assert_stays(&asks(&server, "/auth/verify", &[]).await);
    }
}

// ASVS-map: CS5
#[tokio::test]
async fn a_browser_returns_to_an_allowed_host_alone() {
    for server in servers(&TRUSTED).await {
        let allowed =
            [("app.example.com:8443", "https"), ("APP.example.com", "https"), ("app.example.com:80", "http")];
        for (host, scheme) in allowed {
            let changes = [("x-forwarded-host", host), ("x-forwarded-proto", scheme)];
            let answer = asks(&server, "/auth/verify/@app", &changes).await.status(302);
            let location = url::Url::parse(answer.header("location").unwrap()).unwrap();
            let (_, back) = location.query_pairs().find(|(name, _)| name == "return_to").unwrap();
            assert!(back.starts_with(&format!("{scheme}://app.example.com")), "{back}");
        }
        for host in [
            "",
            "evil.example",
            "app.example.com.evil.example",
            "evilapp.example.com",
            "app.example.com:444",
            "app.example.com@evil.example",
            "evil.example#app.example.com",
            "evil.example/app.example.com",
            "evil.example\\.app.example.com",
            "app.example.com, evil.example",
            "evil.example,app.example.com",
            "app.example.com evil.example",
            "query.example.com",
            "auth.example.com",
        ] {
            assert_stays(&asks(&server, "/auth/verify/@app", &[("x-forwarded-host", host)]).await);
        }
        for (name, value) in [
            ("x-forwarded-proto", ""),
            ("x-forwarded-proto", "javascript"),
            ("x-forwarded-proto", "https,http"),
            ("x-forwarded-uri", ""),
            ("x-forwarded-uri", "@evil.example/"),
            ("x-forwarded-uri", ".evil.example/"),
            ("x-forwarded-uri", ":444/"),
            ("x-forwarded-uri", "https://evil.example/"),
        ] {
            assert_stays(&asks(&server, "/auth/verify/@app", &[(name, value)]).await);
        }
        for (name, value) in FORWARDED {
            let twice = asks(&server, "/auth/verify/@app", &[]).header(name, value);
            assert_stays(&twice.await);
        }
    }
}

// ASVS-map: CS5
#[tokio::test]
async fn whatever_the_path_it_stays_on_the_host() {
    for server in servers(&TRUSTED).await {
        for path in [
            "//evil.example/",
            "/\\evil.example",
            "/@evil.example",
            "/..//evil.example",
            "/%0d%0aX:%20y",
            "/ü",
        ] {
            let answer = asks(&server, "/auth/verify/@app", &[("x-forwarded-uri", path)]).await;
            if answer.status == 401 {
                continue;
            }
            let location = url::Url::parse(answer.status(302).header("location").unwrap()).unwrap();
            assert_eq!(location.host_str(), Some("login.example.com"));
            let (_, back) = location.query_pairs().find(|(name, _)| name == "return_to").unwrap();
            assert_eq!(url::Url::parse(&back).unwrap().host_str(), Some("app.example.com"), "{path}");
        }
    }
}

// ASVS-map: CS5
#[tokio::test]
async fn what_a_proxy_says_is_believed_of_a_trusted_one_alone() {
    let mut untrusting = servers(&[]).await;
    untrusting.extend(servers(&[("PROXIES_TRUSTED", "10.0.0.0/8")]).await);
    for server in untrusting {
        assert_stays(&asks(&server, "/auth/verify/@app", &[]).await);
        assert_stays(&asks(&server, "/auth/verify/@app", &[("host", "app.example.com")]).await);
    }
}

// ASVS-map: CS5
#[tokio::test]
async fn a_query_sends_browsers_to_no_page_but_one_of_a_host_that_is_allowed() {
    for server in servers(&TRUSTED).await {
        for page in [
            "https://evil.example/",
            "https://query.example.com.evil.example/",
            "https://query.example.com@evil.example/",
            "https://query.example.com:444/",
            "//query.example.com/",
            "javascript:alert(1)",
            "https:query.example.com",
        ] {
            let page: String = url::form_urlencoded::byte_serialize(page.as_bytes()).collect();
            let path = format!("/auth/verify?login={page}");
            let answer = asks(&server, &path, &[("x-forwarded-host", "query.example.com")]).await;
            assert_eq!((answer.status, answer.header("location")), (400, None), "{page}");
        }
    }
}
