//! Requests as Traefik and Envoy document that they send them, byte for byte.

use portcullis_core::strategy::StrategyName;

use super::answerers::{AskedServer, every_answerer};
use super::{SETTINGS, TRUSTED, identity};
use crate::fixture::{HttpAnswer, HttpConnection, TestUser};

/// `ForwardAuth` of Traefik: a GET without a body, whatever the request, with all of its headers.
const TRAEFIK: &str = "GET /auth/verify/@app HTTP/1.1\r\n\
    Host: auth.example.com\r\n\
    User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0\r\n\
    Accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8\r\n\
    Accept-Encoding: gzip, deflate, br\r\n\
    Accept-Language: en-US,en;q=0.5\r\n\
    {credential}\
    Sec-Fetch-Dest: document\r\n\
    Sec-Fetch-Mode: navigate\r\n\
    Sec-Fetch-Site: none\r\n\
    X-Forwarded-For: 192.0.2.7\r\n\
    X-Forwarded-Host: app.example.com\r\n\
    X-Forwarded-Method: {method}\r\n\
    X-Forwarded-Port: 443\r\n\
    X-Forwarded-Proto: https\r\n\
    X-Forwarded-Server: 7f2c5a0c1d9e\r\n\
    X-Forwarded-Uri: /reports/7?part=2\r\n\
    X-Real-Ip: 192.0.2.7\r\n\r\n";

/// `ext_authz` of Envoy over HTTP: the method and the host of the request, and its path behind the prefix. The filter
/// in front of it, as `docs/gateway/envoy.md` says, describes the request in `x-forwarded-*`.
const ENVOY: &str = "{method} /auth/verify/@app/reports/7?part=2 HTTP/1.1\r\n\
    host: app.example.com\r\n\
    content-length: 0\r\n\
    {credential}\
    accept: text/html\r\n\
    x-forwarded-host: app.example.com\r\n\
    x-forwarded-method: {method}\r\n\
    x-forwarded-proto: https\r\n\
    x-forwarded-uri: /reports/7?part=2\r\n\
    x-forwarded-for: 192.0.2.7\r\n\
    x-envoy-internal: true\r\n\
    x-envoy-expected-rq-timeout-ms: 250\r\n\r\n";

const LOCATION: &str = "https://login.example.com/in?theme=dark&return_to=https%3A%2F%2Fapp.example.com%2Freports%2F7%3Fpart%3D2";

async fn told(server: &AskedServer, recorded: &str, method: &str, credential: &str) -> HttpAnswer {
    let request = recorded.replace("{method}", method).replace("{credential}", credential);
    let mut connection = HttpConnection::to(server.address).await;
    connection.write(request.as_bytes()).await;
    connection.answer().await.unwrap()
}

#[tokio::test]
async fn traefik_and_envoy_pass_on_a_signed_in_user_and_send_any_other_browser_to_sign_in() {
    for server in every_answerer(&[&SETTINGS[..], &TRUSTED].concat()).await {
        let ann = TestUser::ANN.registered(&server).await;
        let token = ann.signs_in(&server, StrategyName::SessionJwt).await;
        let cookie = ann.signs_in(&server, StrategyName::Session).await;
        let credentials = [
            format!("Authorization: Bearer {}\r\n", token.credential),
            format!("Cookie: {}\r\n", cookie.credential),
        ];
        for recorded in [TRAEFIK, ENVOY] {
            for (method, status) in [("GET", 302), ("POST", 303)] {
                for credential in &credentials {
                    let passes = told(&server, recorded, method, credential).await.status(200);
                    assert_eq!(identity(&passes)[1..3], ["default", "user"]);
                }
                let sent = told(&server, recorded, method, "").await.status(status);
                assert_eq!(sent.header("location"), Some(LOCATION));
            }
        }
    }
}

// ASVS-map: CS1
#[tokio::test]
async fn traefik_and_envoy_are_told_of_a_form_of_another_site() {
    for server in every_answerer(&[&SETTINGS[..], &TRUSTED].concat()).await {
        let held = TestUser::ANN.registered(&server).await.signs_in(&server, StrategyName::Session).await;
        let credential = format!("Cookie: {}\r\nOrigin: https://evil.example\r\n", held.credential);
        for recorded in
            [TRAEFIK.replace("Sec-Fetch-Site: none", "Sec-Fetch-Site: cross-site"), ENVOY.to_owned()]
        {
            assert_eq!(told(&server, &recorded, "POST", &credential).await.status, 403);
            assert_eq!(told(&server, &recorded, "GET", &credential).await.status, 200, "a link is followed");
        }
    }
}
