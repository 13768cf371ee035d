//! What an upstream sees of a request, and a client of an answer.

use serde_json::Value;

use crate::fixture::{Client, TestGateway, echo};

const ANN: &str = "authorization: Bearer ann\r\n";

fn header(told: &Value, name: &str) -> Vec<String> {
    let lines = told["headers"].as_array().unwrap().iter();
    lines.filter(|line| line[0] == name).map(|line| line[1].as_str().unwrap().to_owned()).collect()
}

// ASVS-map: GW1
#[tokio::test]
async fn an_upstream_learns_who_the_user_is_from_the_gateway_alone() {
    let gateway = TestGateway::with_route(echo().await.address, "").await;
    let lies = [
        "x-user-id: root",
        "X-User-Id: root2",
        "X_User_Id: root",
        "X.User.Id: root",
        "x-tenant-id: acme",
        "X_Tenant_Id: acme",
        "x-user-role: admin",
        "x-session-id: 1",
        "x-portcullis-assertion: e30.e30.x",
        "connection: close, x-user-id, x-user-role",
        "x-original-url: /admin",
        "x-http-method-override: DELETE",
        "x-forwarded-for: 6.6.6.6",
        "forwarded: for=6.6.6.6",
        "x-real-ip: 6.6.6.6",
        "x-forwarded-host: evil",
    ];
    let sent = lies.join("\r\n") + "\r\n";
    let told = Client::get(gateway.address, "/", &format!("{ANN}{sent}")).await.json();
    let ann = crate::fixture::FakeVerifier::id("ann");
    assert_eq!(header(&told, "x-user-id"), [ann]);
    assert_eq!(header(&told, "x-tenant-id"), ["default"]);
    assert_eq!(header(&told, "x-user-role"), ["user"]);
    assert_eq!(header(&told, "x-session-id").len(), 1);
    assert_eq!(header(&told, "x-forwarded-for"), ["127.0.0.1"]);
    assert_eq!(header(&told, "x-forwarded-host"), ["shop.example"]);
    assert_eq!(header(&told, "forwarded"), ["for=127.0.0.1;proto=http;host=\"shop.example\""]);
    assert_eq!(header(&told, "host"), ["shop.example"]);
    let text = told.to_string();
    for lie in ["root", "acme", "admin", "6.6.6.6", "evil", "e30", "DELETE", "Bearer"] {
        assert!(!text.contains(lie), "{lie}: {text}");
    }
}

#[tokio::test]
async fn the_token_and_our_cookies_reach_an_upstream_only_where_the_route_says_so() {
    let upstream = echo().await.address;
    let cookies = "cookie: a=1; connect.sid=ann; portcullis.device=d\r\n";
    let gateway = TestGateway::with_route(upstream, "").await;
    let told = Client::get(gateway.address, "/", &format!("{ANN}{cookies}")).await.json();
    assert_eq!((header(&told, "cookie"), header(&told, "authorization").len()), (vec!["a=1".to_owned()], 0));
    let gateway = TestGateway::with_route(upstream, "forward_token = true").await;
    let told = Client::get(gateway.address, "/", &format!("{ANN}{cookies}")).await.json();
    assert_eq!(header(&told, "cookie"), ["a=1"]);
    assert_eq!(header(&told, "authorization"), ["Bearer ann"]);
}

#[tokio::test]
async fn a_path_is_forwarded_as_it_was_matched() {
    let gateway = TestGateway::with_route(echo().await.address, "encoded = \"keep\"").await;
    for (sent, forwarded) in [
        ("/A/%62;x?q=%2F..//", "/A/b;x?q=%2F..//"),
        ("/a%2fb//c%25", "/a%2Fb//c%25"),
        ("//", "//"),
        ("/%c3%a9/é", "/%C3%A9/é"),
    ] {
        let told = Client::get(gateway.address, sent, ANN).await.json();
        assert_eq!(told["target"], forwarded, "{sent}");
    }
}

#[tokio::test]
async fn a_body_passes_with_one_framing_and_without_trailers() {
    let gateway = TestGateway::with_route(echo().await.address, "").await;
    let head = format!("POST / HTTP/1.1\r\nhost: a\r\n{ANN}");
    let told = Client::send(gateway.address, &format!("{head}content-length: 5\r\n\r\nhello")).await.json();
    assert_eq!((told["body"].as_u64(), header(&told, "content-length")), (Some(5), vec!["5".to_owned()]));
    let chunks = "5\r\nhello\r\n0\r\nx-user-id: root\r\n\r\n";
    let sent = format!(
        "{head}transfer-encoding: chunked\r\ntrailer: x-user-id\r\ncontent-length: 99\r\n\r\n{chunks}"
    );
    let told = Client::send(gateway.address, &sent).await.json();
    assert_eq!(told["body"], 5);
    assert_eq!(header(&told, "transfer-encoding"), ["chunked"]);
    assert_eq!(header(&told, "content-length").len() + header(&told, "trailer").len(), 0);
    assert!(!told.to_string().contains("root"));
}

#[tokio::test]
async fn an_answer_passes_without_what_belongs_to_the_connection() {
    let gateway = TestGateway::with_route(echo().await.address, "public = true").await;
    let answer = Client::get(gateway.address, "/", "").await;
    assert_eq!((answer.status, answer.header("x-upstream")), (200, Some("yes")));
    assert_eq!(answer.header("keep-alive"), None);
    let of_origins = answer.headers.iter().find(|(name, _)| name.starts_with("access-control-"));
    assert_eq!(of_origins, None, "the gateway alone speaks of origins");
}

#[tokio::test]
async fn an_upstream_can_verify_what_the_gateway_says() {
    let upstream = echo().await.address;
    let gateway = TestGateway::with_route(upstream, "assertion = true").await;
    let assertion = async || {
        let told = Client::get(gateway.address, "/", ANN).await.json();
        header(&told, "x-portcullis-assertion").concat()
    };
    let (first, second) = (assertion().await, assertion().await);
    assert_eq!(first, second, "it is sent again for half a minute");
    let keys = Client::get(gateway.address, "/.well-known/portcullis-gateway.json", "").await;
    assert_eq!(keys.status, 200);
    let claims = verified(&first, &keys.json());
    assert_eq!(claims["aud"], format!("http://{upstream}"));
    assert_eq!(claims["sub"], crate::fixture::FakeVerifier::id("ann"));
    assert_eq!(claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap(), 60);
    let other = Client::get(gateway.address, "/", "authorization: Bearer eve\r\n").await.json();
    assert_ne!(header(&other, "x-portcullis-assertion").concat(), first);
}

/// The claims of a token that one of these keys has signed.
fn verified(token: &str, jwks: &Value) -> Value {
    use base64::Engine as _;
    let decode = |text: &str| base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(text).unwrap();
    let [header, payload, signature] = token.split('.').collect::<Vec<_>>().try_into().unwrap();
    let header: Value = serde_json::from_slice(&decode(header)).unwrap();
    assert_eq!((header["typ"].as_str(), header["alg"].as_str()), (Some("gateway+jwt"), Some("ES256")));
    let key = jwks["keys"].as_array().unwrap().iter().find(|key| key["kid"] == header["kid"]).unwrap();
    let [x, y] = ["x", "y"].map(|of| decode(key[of].as_str().unwrap()));
    let point = [&[4][..], &x, &y].concat();
    let public = ring::signature::UnparsedPublicKey::new(&ring::signature::ECDSA_P256_SHA256_FIXED, point);
    let signed = token.rsplit_once('.').unwrap().0;
    public.verify(signed.as_bytes(), &decode(signature)).unwrap();
    serde_json::from_slice(&decode(payload)).unwrap()
}
