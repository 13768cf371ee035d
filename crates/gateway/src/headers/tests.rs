use http::header::{CONNECTION, COOKIE, HOST, HeaderName, HeaderValue};
use portcullis_core::id::UserId;
use portcullis_core::user::Role;
use portcullis_transport::proxies::{ProxyHeader, TrustedProxies};

use super::*;

fn headers(lines: &[(&str, &str)]) -> HeaderMap {
    let line = |(name, value): &(&str, &str)| {
        (HeaderName::from_bytes(name.as_bytes()).unwrap(), HeaderValue::from_bytes(value.as_bytes()).unwrap())
    };
    lines.iter().map(line).collect()
}

fn stripped(lines: &[(&str, &str)]) -> HeaderMap {
    let mut headers = headers(lines);
    take_hop_by_hop(&mut headers);
    HeaderPolicy { cookies: OurCookies::default() }.strip(&mut headers, false);
    headers
}

/// Spellings of what an upstream believes.
const SPELLINGS: [&str; 48] = [
    "x-user-id",
    "X-User-Id",
    "X-USER-ID",
    "X_User_Id",
    "x_user_id",
    "X-User_Id",
    "X.User.Id",
    "x-user.id",
    "x~user~id",
    "x!user!id",
    "x#user$id",
    "x%user&id",
    "x'user*id",
    "x+user^id",
    "x`user|id",
    "X-Tenant-Id",
    "x_tenant_id",
    "X.Tenant.ID",
    "x-tenant_id",
    "X-User-Role",
    "X_USER_ROLE",
    "x.user-role",
    "X-Session-Id",
    "x_session_id",
    "x|session|id",
    "X-Portcullis-Assertion",
    "x_portcullis_assertion",
    "X.Portcullis.Session",
    "x-portcullis-epochs",
    "x_portcullis_anything",
    "X-Original-URL",
    "x_original_url",
    "X-Rewrite-URL",
    "X.Rewrite.Url",
    "X-HTTP-Method",
    "X-HTTP-Method-Override",
    "x_http_method_override",
    "X-Method-Override",
    "x.method.override",
    "X-Forwarded-For",
    "X_Forwarded_For",
    "x-forwarded-proto",
    "X.Forwarded.Host",
    "X-Forwarded-Prefix",
    "x-forwarded-user",
    "Forwarded",
    "X-Forwarded",
    "X_Real_IP",
];

// ASVS-map: GW1
#[test]
fn what_an_upstream_believes_goes_in_every_spelling_and_however_often() {
    for name in SPELLINGS {
        let left = stripped(&[(name, "root"), ("accept", "*/*"), (name, "admin")]);
        let names: Vec<&str> = left.keys().map(HeaderName::as_str).collect();
        assert_eq!(names, ["accept"], "{name}");
    }
    let all: Vec<(&str, &str)> = SPELLINGS.iter().map(|name| (*name, "root")).collect();
    assert!(stripped(&all).is_empty());
}

#[test]
fn what_only_looks_like_it_stays() {
    let others =
        ["x-user", "x-user-idx", "xuserid", "user-id", "x-request-id", "x-forwardedfor", "x-portcullis"];
    let all: Vec<(&str, &str)> = others.iter().map(|name| (*name, "1")).collect();
    assert_eq!(stripped(&all).len(), others.len());
}

// ASVS-map: GW1
#[test]
fn a_client_cannot_have_the_gateway_take_away_what_it_sets() {
    let user = AssertedUser {
        id: UserId::from_uuid(uuid::Uuid::nil()),
        tenant: "acme".parse().unwrap(),
        role: Some(Role::Manager),
        session: None,
    };
    for named in
        ["close, X-User-Id", "x-user-role,x-tenant-id,x-session-id", "x_user_id", "x-portcullis-assertion"]
    {
        let mut left = stripped(&[("connection", named), ("x-user-id", "root")]);
        user.set(&mut left);
        let value = |name: &str| left.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
        assert_eq!(value("x-user-id").as_deref(), Some("00000000-0000-0000-0000-000000000000"), "{named}");
        assert_eq!(value("x-tenant-id").as_deref(), Some("acme"));
        assert_eq!(value("x-user-role").as_deref(), Some("manager"));
        assert_eq!(value("x-session-id").as_deref(), Some(""), "empty rather than absent");
        assert!(!left.contains_key(CONNECTION));
    }
}

// ASVS-map: GW5
#[test]
fn what_belongs_to_a_connection_goes_with_what_connection_names() {
    let left = stripped(&[
        ("connection", "keep-alive, X-Trace"),
        ("connection", "x-hop"),
        ("keep-alive", "timeout=5"),
        ("te", "trailers"),
        ("trailer", "x-sum"),
        ("transfer-encoding", "chunked"),
        ("upgrade", "h2c"),
        ("http2-settings", "AAMAAABk"),
        ("proxy-connection", "keep-alive"),
        ("proxy-authorization", "Basic eDp5"),
        ("x-trace", "1"),
        ("x-hop", "1"),
        ("expect", "100-continue"),
        ("accept", "*/*"),
    ]);
    assert_eq!(left.keys().map(HeaderName::as_str).collect::<Vec<_>>(), ["accept"]);
}

// ASVS-map: GW5
#[test]
fn what_belongs_to_the_request_cannot_be_named_as_the_connections() {
    for named in ["host", "close, Content-Length", "AUTHORIZATION", "x,cookie", "x ,\torigin "] {
        let headers = headers(&[("connection", named), ("host", "a"), ("cookie", "a=b")]);
        assert!(check_connection(&headers).is_err(), "{named}");
    }
}

#[test]
fn our_cookies_and_the_token_stay_here_and_what_others_set_passes_byte_for_byte() {
    let cookie =
        "a=1; connect.sid=s%3Ax.y;  lang=de=; __Host-connect.sid=z;portcullis.device=d; \u{fc}=\u{e9}";
    let left = stripped(&[
        ("cookie", cookie),
        ("cookie", "__HOST-CONNECT.SID=v; __Host-portcullis.device=e; b"),
        ("authorization", "Bearer secret"),
    ]);
    assert_eq!(left.get(COOKIE).unwrap().as_bytes(), "a=1; lang=de=; \u{fc}=\u{e9}; b".as_bytes());
    assert_eq!(left.len(), 1);
    assert!(stripped(&[("cookie", "connect.sid=x")]).is_empty(), "no empty line stays");
    let mut kept = headers(&[("authorization", "Bearer t"), ("cookie", "a=1")]);
    HeaderPolicy { cookies: OurCookies::default() }.strip(&mut kept, true);
    assert_eq!(kept.len(), 2);
}

#[test]
fn the_session_cookie_is_found_by_its_exact_name_among_all_lines() {
    let cookies = OurCookies::default();
    let found = |lines: &[&str]| {
        let lines: Vec<(&str, &str)> = lines.iter().map(|line| ("cookie", *line)).collect();
        cookies.session_pairs(&headers(&lines))
    };
    assert_eq!(
        found(&["a=1; connect.sid=x", "__Host-connect.sid=y"]).unwrap(),
        "connect.sid=x; __Host-connect.sid=y"
    );
    assert_eq!(found(&["a=1", "__HOST-connect.sid=x; =connect.sid"]), None);
    assert_eq!(found(&[]), None);
}

#[test]
fn where_a_request_came_from_is_said_anew() {
    let trusted =
        TrustedProxies { networks: vec!["10.0.0.0/8".parse().unwrap()], header: ProxyHeader::XForwardedFor };
    let told = |peer: &str, lines: &[(&str, &str)]| {
        let sent = headers(lines);
        let client = ForwardedClient::of(peer.parse().unwrap(), &sent, &trusted);
        let mut left = headers(&[("host", "shop.example")]);
        client.set(&mut left);
        let value = |name: &str| left.get(name).map(|value| value.to_str().unwrap().to_owned()).unwrap();
        assert_eq!(value("x-forwarded-host"), "shop.example");
        assert_eq!(value("x-real-ip"), value("x-forwarded-for"));
        assert!(left.contains_key(HOST));
        (value("x-forwarded-for"), value("x-forwarded-proto"), value("forwarded"))
    };
    let lies = [("x-forwarded-for", "6.6.6.6"), ("x-forwarded-proto", "https"), ("forwarded", "for=6.6.6.6")];
    let (address, proto, forwarded) = told("192.0.2.7", &lies);
    assert_eq!((address.as_str(), proto.as_str()), ("192.0.2.7", "http"));
    assert_eq!(forwarded, "for=192.0.2.7;proto=http;host=\"shop.example\"");
    let (address, proto, forwarded) = told(
        "10.0.0.1",
        &[("x-forwarded-for", "6.6.6.6, 2001:db8::7"), ("x-forwarded-proto", "http, https")],
    );
    assert_eq!((address.as_str(), proto.as_str()), ("2001:db8::7", "https"));
    assert_eq!(forwarded, "for=\"[2001:db8::7]\";proto=https;host=\"shop.example\"");
}
