//! Public endpoints: keys, health, documentation, metrics.

use portcullis_core::strategy::StrategyName;
use serde_json::{Value, json};

use crate::fixture::{DataDirectory, HTTPS, TestServer, TestUser};

/// Members that only a private key has (RFC 7518, section 6).
const PRIVATE: [&str; 7] = ["d", "p", "q", "dp", "dq", "qi", "k"];

fn keys(answer: &crate::fixture::HttpAnswer) -> Vec<Value> {
    answer.json()["keys"].as_array().unwrap().clone()
}

// ASVS-map: TN7
#[tokio::test]
async fn the_public_keys_of_each_tenant_are_its_own_and_public() {
    let server = TestServer::start().await;
    server.create_tenant("acme").await;
    let ours = server.get("/.well-known/jwks.json").await.status(200);
    assert_eq!(ours.header("content-type"), Some("application/json; charset=utf-8"));
    assert_eq!(ours.header("cache-control"), Some("public, max-age=300"));
    let theirs = server.get("/t/acme/.well-known/jwks.json").await.status(200);
    let again = server.get("/t/default/.well-known/jwks.json").await.status(200);
    assert_eq!(ours.body, again.body);
    for answer in [&ours, &theirs] {
        let [key] = &keys(answer)[..] else { panic!("{answer:?}") };
        for (name, value) in [("kty", "EC"), ("crv", "P-256"), ("alg", "ES256"), ("use", "sig")] {
            assert_eq!(key[name], value, "{key}");
        }
        for name in ["kid", "x", "y"] {
            assert!(key[name].is_string(), "{key}");
        }
        for name in PRIVATE {
            assert!(key.get(name).is_none(), "{key}");
        }
    }
    assert_ne!(keys(&ours), keys(&theirs));
    for path in
        ["/t/unknown/.well-known/jwks.json", "/t/%00/.well-known/jwks.json", "/t//.well-known/jwks.json"]
    {
        let answer = server.get(path).await.status(404);
        assert_eq!(answer.at("/message"), format!("Cannot GET {path}"));
    }
}

#[tokio::test]
async fn metadata_says_how_the_tokens_of_a_tenant_are_verified() {
    let server = TestServer::start().await;
    server.create_tenant("acme").await;
    for prefix in ["", "/t/acme"] {
        let answer =
            server.get(&format!("{prefix}/.well-known/oauth-authorization-server")).await.status(200);
        assert_eq!(answer.header("content-type"), Some("application/json; charset=utf-8"));
        assert_eq!(answer.header("cache-control"), Some("no-store"), "the address is this client's alone");
        assert_eq!(answer.at("/issuer"), server.engine.issuer());
        assert_eq!(answer.json()["access_token_signing_alg_values_supported"], json!(["ES256"]));
        assert_eq!(answer.json()["response_types_supported"], json!([]));
        let keys = answer.json()["jwks_uri"].as_str().unwrap().to_owned();
        let path = format!("{prefix}/.well-known/jwks.json");
        assert!(keys.starts_with("http://") && keys.ends_with(&path), "{keys}");
        server.get(&path).await.status(200);
    }
    let path = "/t/unknown/.well-known/oauth-authorization-server";
    assert_eq!(server.get(path).await.status(404).at("/message"), format!("Cannot GET {path}"));
}

#[tokio::test]
async fn metadata_names_the_public_url_whatever_a_client_calls_the_server() {
    let server = TestServer::with(&HTTPS).await;
    let path = "/.well-known/oauth-authorization-server";
    let answer = server.get(path).await.status(200);
    assert_eq!(answer.at("/issuer"), "https://auth.example.com");
    assert_eq!(answer.at("/jwks_uri"), "https://auth.example.com/.well-known/jwks.json");
    assert_eq!(answer.header("cache-control"), Some("public, max-age=300"));
}

#[tokio::test]
async fn a_token_is_signed_by_a_key_that_is_published() {
    use base64::Engine as _;
    use ring::signature::{ECDSA_P256_SHA256_FIXED, UnparsedPublicKey};
    let decode = |text: &str| base64::prelude::BASE64_URL_SAFE_NO_PAD.decode(text).unwrap();

    let server = TestServer::start().await;
    let held = TestUser::ANN.registered(&server).await.signs_in(&server, StrategyName::Jwt).await;
    let (signed, signature) = held.credential.rsplit_once('.').unwrap();
    let header: Value = serde_json::from_slice(&decode(signed.split('.').next().unwrap())).unwrap();
    let published = keys(&server.get("/.well-known/jwks.json").await);
    let key = published.iter().find(|key| key["kid"] == header["kid"]).unwrap();
    let coordinate = |name: &str| decode(key[name].as_str().unwrap());
    let point = [vec![4], coordinate("x"), coordinate("y")].concat();
    let verified =
        UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point).verify(signed.as_bytes(), &decode(signature));
    assert!(verified.is_ok());
}

#[tokio::test]
async fn the_server_says_how_it_is() {
    let server = TestServer::start().await;
    server.get("/healthz").await.says(200, r#"{"status":"ok"}"#);
    server.get("/readyz").await.says(200, r#"{"status":"ready"}"#);
    server.get("/auth/health").await.says(200, r#"{"ok":true,"service":"auth-service","mode":"HTTP"}"#);
}

#[tokio::test]
async fn a_missing_database_is_named_until_it_is_back() {
    let home = DataDirectory::new();
    let server = home.sqlite_server().await;
    let unready = r#"{"status":"unavailable","store":"database"}"#;
    server.database.take_away();
    server.get("/readyz").await.says(503, unready);
    server.get("/healthz").await.says(200, r#"{"status":"ok"}"#);
    std::fs::write(home.path().join("portcullis.db"), b"").unwrap();
    server.get("/readyz").await.says(503, unready);
    server.database.bring_back();
    server.get("/readyz").await.says(200, r#"{"status":"ready"}"#);
}

#[tokio::test]
async fn the_document_that_is_served_is_the_document() {
    let server = TestServer::start().await;
    let answer = server.get("/openapi.json").await.status(200);
    let document = portcullis_api::openapi::document(env!("CARGO_PKG_VERSION"));
    assert_eq!(answer.json(), serde_json::to_value(document).unwrap());
    assert!(answer.at("/openapi").starts_with("3.1"), "{}", answer.at("/openapi"));
}

/// The URLs that a page makes a browser fetch.
fn references(html: &str) -> Vec<&str> {
    let attributes = ["src=\"", "href=\"", "src='", "href='", "action=\"", "url("];
    let after = attributes.iter().flat_map(|name| html.split(name).skip(1));
    after.filter_map(|rest| rest.split(['"', '\'', ')']).next()).collect()
}

#[tokio::test]
async fn the_documentation_is_a_page_that_fetches_nothing_from_elsewhere() {
    let server = TestServer::start().await;
    let home = server.get("/").await;
    assert_eq!((home.status, home.header("location")), (307, Some("/docs")));
    let moved = server.get("/docs").await;
    let place = moved.header("location").unwrap_or("/docs").to_owned();
    let place = if place.starts_with('/') { place } else { format!("/{place}") };
    let page = server.get(&place).await.status(200);
    assert!(page.header("content-type").unwrap().starts_with("text/html"), "{page:?}");
    let found = references(&page.body);
    assert!(found.len() > 2, "{page:?}");
    for reference in found {
        let path = reference.trim_start_matches("./");
        assert!(!path.contains("//") && !path.contains(':'), "{reference}");
        if !path.starts_with("data") && !path.starts_with('/') {
            let fetched = server.get(&format!("/docs/{path}")).await.status(200);
            if fetched.header("content-type").is_some_and(|media| media.starts_with("text/css")) {
                for inner in references(&fetched.body) {
                    assert!(inner.starts_with("data:") || !inner.contains("//"), "{inner}");
                }
            }
        }
    }
    let policy = page.header("content-security-policy").unwrap();
    assert!(!policy.contains("http") && !policy.contains('*'), "{policy}");
    assert!(policy.contains("script-src 'self';"), "{policy}");
    let script = server.get("/docs/swagger-initializer.js").await.status(200);
    assert!(script.body.contains("/openapi.json"), "{}", script.body);
    assert!(!script.body.contains("petstore"), "{}", script.body);
}

// ASVS-map: OP5
#[tokio::test]
async fn with_a_public_url_there_is_neither_documentation_nor_a_page_to_find_it_by() {
    let server = TestServer::with(&HTTPS).await;
    for path in
        ["/", "/docs", "/docs/", "/docs/index.html", "/docs/swagger-ui.css", "/openapi.json", "/metrics"]
    {
        let text = format!(r#"{{"message":"Cannot GET {path}","error":"Not Found","statusCode":404}}"#);
        server.get(path).await.says(404, &text);
    }
    server.get("/healthz").await.status(200);
}

// ASVS-map: JW2
#[tokio::test]
async fn a_shared_secret_signs_and_is_published_nowhere() {
    use base64::Engine as _;
    use base64::prelude::BASE64_URL_SAFE_NO_PAD;
    use ring::hmac;

    const SECRET: &str = "gT5rLw1zXe8kVb2mQy7uJc4nHs9pDf3a";
    let server = TestServer::with(&[("JWT_SECRET", SECRET)]).await;
    let ann = TestUser::ANN.registered(&server).await;
    let jwks = server.get("/.well-known/jwks.json").await.status(200);
    assert!(!jwks.body.contains("\"k\"") && !jwks.body.contains("oct"), "{jwks:?}");
    let key = hmac::Key::new(hmac::HMAC_SHA256, SECRET.as_bytes());
    let is_signed_with_it = |token: &str| {
        let (signed, signature) = token.rsplit_once('.').unwrap();
        hmac::verify(&key, signed.as_bytes(), &BASE64_URL_SAFE_NO_PAD.decode(signature).unwrap()).is_ok()
    };
    for strategy in [StrategyName::Jwt, StrategyName::Refresh, StrategyName::Denylist] {
        let held = ann.signs_in(&server, strategy).await;
        assert!(is_signed_with_it(&held.credential), "{strategy}");
        held.profile(&server).await.status(200);
        // A refresh token is for this server alone.
        assert!(!held.refresh.is_some_and(|token| is_signed_with_it(&token)), "{strategy}");
    }
}
