//! Cookies: a browser sends them whichever page asks, so what may change something must come from a page of ours.

use portcullis_core::strategy::StrategyName;

use super::answerers::{AskedServer, every_answerer};
use super::{SETTINGS, TRUSTED, assert_tells_nothing};
use crate::fixture::{Credentials, HTTPS, HttpRequest, TestServer, TestUser};

const CROSS_SITE: &str =
    r#"{"message":"The request was made by a page of another site","error":"Forbidden","statusCode":403}"#;

/// What makes a browser's request one of another site, or not.
const SITES: [(&[(&str, &str)], bool); 12] = [
    (&[], true),
    (&[("sec-fetch-site", "same-origin")], true),
    (&[("sec-fetch-site", "none")], true),
    (&[("sec-fetch-site", "same-origin"), ("origin", "https://app.example.com")], true),
    (&[("origin", "https://app.example.com")], true),
    (&[("origin", "https://auth.example.com"), ("sec-fetch-site", "same-site")], true),
    (&[("sec-fetch-site", "cross-site")], false),
    (&[("sec-fetch-site", "same-site")], false),
    (&[("sec-fetch-site", "cross-site"), ("origin", "https://evil.example")], false),
    (&[("origin", "https://evil.example")], false),
    (&[("origin", "null")], false),
    (&[("origin", "https://app.example.com.evil.example")], false),
];

async fn servers(settings: &[(&str, &str)]) -> Vec<AskedServer> {
    every_answerer(&[&SETTINGS[..], &HTTPS, settings].concat()).await
}

async fn held(server: &TestServer, strategy: StrategyName) -> Credentials {
    TestUser::ANN.registers(server, strategy).await;
    TestUser::ANN.signs_in(server, strategy).await
}

fn with(ask: HttpRequest, headers: &[(&str, &str)]) -> HttpRequest {
    headers.iter().fold(ask, |ask, (name, value)| ask.header(name, value))
}

/// What a proxy asks about a request for `app.example.com`.
fn asks(server: &AskedServer, held: &Credentials, headers: &[(&str, &str)]) -> HttpRequest {
    with(held.shown(server.get("/auth/verify")).header("x-forwarded-host", "app.example.com"), headers)
}

async fn passes(ask: HttpRequest) -> bool {
    let answer = ask.await;
    if answer.status == 200 {
        return true;
    }
    answer.says(403, CROSS_SITE);
    assert_tells_nothing(&answer);
    false
}

// ASVS-map: CS1 CS3
#[tokio::test]
async fn a_request_that_may_change_something_passes_only_from_a_page_of_ours() {
    for server in servers(&TRUSTED).await {
        let held = held(&server, StrategyName::Session).await;
        for (site, is_ours) in SITES {
            let ask = |headers: &[(&str, &str)]| asks(&server, &held, &[site, headers].concat());
            for method in ["POST", "PUT", "PATCH", "DELETE", "PROPFIND", "get", ""] {
                for header in ["x-forwarded-method", "x-original-method"] {
                    assert_eq!(
                        passes(ask(&[(header, method)])).await,
                        is_ours,
                        "{header}: {method} {site:?}"
                    );
                }
            }
            for method in ["GET", "HEAD", "OPTIONS"] {
                for header in ["x-forwarded-method", "x-original-method"] {
                    assert!(passes(ask(&[(header, method)])).await, "{header}: {method} {site:?}");
                }
            }
            assert_eq!(passes(ask(&[])).await, is_ours, "the method is not known {site:?}");
            assert!(passes(ask(&[("sec-fetch-mode", "navigate")])).await, "a link leads here {site:?}");
            let form = [("sec-fetch-mode", "navigate"), ("x-forwarded-method", "POST")];
            assert_eq!(passes(ask(&form)).await, is_ours, "a form was posted {site:?}");
        }
    }
}

// ASVS-map: CS1
#[tokio::test]
async fn a_client_that_adds_a_second_method_makes_no_request_safe() {
    for server in servers(&TRUSTED).await {
        let held = held(&server, StrategyName::Session).await;
        let foreign = ("origin", "https://evil.example");
        for headers in [
            [("x-forwarded-method", "GET"), ("x-original-method", "POST")],
            [("x-forwarded-method", "POST"), ("x-original-method", "GET")],
            [("x-forwarded-method", "GET"), ("x-forwarded-method", "POST")],
            [("x-original-method", "POST"), ("x-original-method", "GET")],
        ] {
            let ask =
                asks(&server, &held, &[&headers[..], &[foreign, ("sec-fetch-mode", "navigate")]].concat());
            assert!(!passes(ask).await, "{headers:?}");
        }
    }
}

// ASVS-map: GW5
#[tokio::test]
async fn a_web_socket_opens_only_from_a_page_of_ours() {
    for server in servers(&TRUSTED).await {
        let held = held(&server, StrategyName::Session).await;
        let opening: [&[(&str, &str)]; 2] = [
            &[("x-forwarded-method", "GET"), ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==")],
            &[("x-forwarded-method", "GET"), ("sec-fetch-mode", "websocket")],
        ];
        for (headers, (site, is_ours)) in opening.iter().flat_map(|headers| SITES.map(|site| (headers, site)))
        {
            let ask = asks(&server, &held, &[site, headers].concat());
            assert_eq!(passes(ask).await, is_ours, "{headers:?} {site:?}");
        }
    }
}

// ASVS-map: CS1
#[tokio::test]
async fn the_method_and_the_host_are_believed_of_a_trusted_proxy_alone() {
    let mut untrusting = servers(&[]).await;
    untrusting.extend(servers(&[("PROXIES_TRUSTED", "10.0.0.0/8")]).await);
    for server in untrusting {
        let held = held(&server, StrategyName::Session).await;
        let own_origin = [("origin", "https://app.example.com")];
        let foreign = [("origin", "https://evil.example"), ("sec-fetch-site", "cross-site")];
        for method in ["GET", "POST"] {
            let ask =
                |headers: &[(&str, &str)]| asks(&server, &held, headers).header("x-forwarded-method", method);
            assert!(!passes(ask(&foreign)).await, "{method}: the client may have written it");
            assert!(!passes(ask(&own_origin)).await, "the client may have written the host");
            assert!(passes(ask(&own_origin).header("host", "app.example.com")).await);
            assert!(passes(ask(&foreign).header("sec-fetch-mode", "navigate")).await);
        }
    }
}

#[tokio::test]
async fn a_token_is_its_clients_own_wherever_the_request_comes_from() {
    for server in servers(&TRUSTED).await {
        for strategy in [StrategyName::Jwt, StrategyName::SessionJwt] {
            let held = held(&server, strategy).await;
            for (site, _) in SITES {
                let ask = asks(&server, &held, site);
                assert!(passes(ask.header("x-forwarded-method", "POST")).await, "{site:?}");
                let posted = with(held.shown(server.ask("POST", "/auth/verify")), site);
                assert!(passes(posted).await, "{site:?}");
            }
        }
    }
}
