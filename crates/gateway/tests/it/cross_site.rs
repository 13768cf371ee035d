//! Pages of other sites.

use crate::fixture::{Client, TestGateway, echo};

const APP: &str = "https://app.example";

async fn gateway() -> TestGateway {
    let upstream = echo().await.address;
    TestGateway::start(&format!(
        "[cors]\norigins = [\"{APP}\"]\n[[routes]]\npath = \"/\"\nupstream = \"http://{upstream}\"\nmethods = [\"GET\", \"POST\"]\n"
    ))
    .await
}

// ASVS-map: CS1
#[tokio::test]
async fn a_cookie_changes_nothing_for_a_page_of_another_site() {
    let gateway = gateway().await;
    let cookie = "cookie: connect.sid=ann\r\n";
    let token = "authorization: Bearer ann\r\n";
    for (credential, from, status) in [
        (cookie, "", 200),
        (cookie, "origin: https://app.example\r\n", 200),
        (cookie, "origin: https://app.example\r\nsec-fetch-site: cross-site\r\n", 200),
        (cookie, "origin: http://shop.example\r\n", 200),
        (cookie, "sec-fetch-site: same-origin\r\n", 200),
        (cookie, "sec-fetch-site: cross-site\r\n", 403),
        (cookie, "sec-fetch-site: same-site\r\n", 403),
        (cookie, "origin: https://evil.example\r\n", 403),
        (cookie, "origin: null\r\n", 403),
        (token, "origin: https://evil.example\r\nsec-fetch-site: cross-site\r\n", 200),
    ] {
        let request =
            format!("POST / HTTP/1.1\r\nhost: shop.example\r\n{credential}{from}content-length: 0\r\n\r\n");
        let answer = Client::send(gateway.address, &request).await;
        assert_eq!(answer.status, status, "{credential}{from}: {}", answer.text());
    }
    // What changes nothing may be asked from anywhere; a page of another site cannot read it.
    let read = Client::get(gateway.address, "/", &format!("{cookie}origin: https://evil.example\r\n")).await;
    assert_eq!((read.status, read.header("access-control-allow-origin")), (200, None));
}

// ASVS-map: CS4
#[tokio::test]
async fn a_page_of_an_allowed_origin_may_ask_and_read_and_no_other() {
    let gateway = gateway().await;
    let ask = async |origin: &str| {
        let request = format!(
            "OPTIONS /x HTTP/1.1\r\nhost: shop.example\r\norigin: {origin}\r\naccess-control-request-method: POST\r\n\
             access-control-request-headers: authorization, x-trace, X-User-Id\r\n\r\n"
        );
        Client::send(gateway.address, &request).await
    };
    let allowed = ask(APP).await;
    assert_eq!((allowed.status, allowed.header("access-control-allow-origin")), (204, Some(APP)));
    assert_eq!(allowed.header("access-control-allow-methods"), Some("GET, POST"));
    assert_eq!(allowed.header("access-control-allow-headers"), Some("authorization,x-trace"));
    assert_eq!(allowed.header("access-control-allow-credentials"), Some("true"));
    assert_eq!(
        (allowed.header("access-control-max-age"), allowed.header("vary")),
        (Some("7200"), Some("origin"))
    );
    for other in ["https://evil.example", "null", "https://app.example.evil.example", "http://app.example"] {
        let refused = ask(other).await;
        let names =
            ["access-control-allow-origin", "access-control-allow-methods", "access-control-allow-headers"];
        assert!(names.into_iter().all(|name| refused.header(name).is_none()), "{other}: {refused:?}");
    }
    let read =
        Client::get(gateway.address, "/", &format!("authorization: Bearer ann\r\norigin: {APP}\r\n")).await;
    assert_eq!(read.header("access-control-allow-origin"), Some(APP));
    let refused = Client::get(gateway.address, "/", &format!("origin: {APP}\r\n")).await;
    assert_eq!((refused.status, refused.header("access-control-allow-origin")), (401, Some(APP)));
}
