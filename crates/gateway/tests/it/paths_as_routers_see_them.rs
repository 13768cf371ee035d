//! What policy matched is what the upstream serves: whatever a client writes, an upstream's router must not take for
//! the protected part what the gateway took for the public one.

use axum::Router;
use axum::http::Uri;
use axum::routing::get;
use proptest::prelude::*;
use tower::ServiceExt as _;

use portcullis_core::user::Role;
use portcullis_gateway::config::GatewayConfig;
use portcullis_gateway::explain::{Fate, explain};

use crate::fixture::read;

/// Paths as a client may write them. A test of `portcullis-server` sends the same through a gateway to Express itself.
const SPELLINGS: &str = include_str!("spellings.txt");
/// What further paths are put together from.
const PIECES: &str = include_str!("pieces_of_paths.txt");

/// Who may pass: a public part, a part for administrators, and the rest for users.
fn config() -> GatewayConfig {
    let route = |path: &str, keys: &str| {
        format!("[[routes]]\npath = \"{path}\"\nupstream = \"http://127.0.0.1:1\"\n{keys}\n")
    };
    let file =
        [route("/", ""), route("/open", "public = true"), route("/admin", "roles = [\"admin\"]")].concat();
    read(&file).unwrap()
}

/// What an upstream would serve: `open`, `admin` or `rest`.
type UpstreamRouter = fn(&str) -> Option<&'static str>;

/// axum's own router.
fn axum_router(target: &str) -> Option<&'static str> {
    let routes = Router::new()
        .route("/open", get(|| async { "open" }))
        .route("/open/", get(|| async { "open" }))
        .route("/open/{*rest}", get(|| async { "open" }))
        .route("/admin", get(|| async { "admin" }))
        .route("/admin/", get(|| async { "admin" }))
        .route("/admin/{*rest}", get(|| async { "admin" }))
        .fallback(|| async { "rest" });
    let request =
        axum::extract::Request::get(target.parse::<Uri>().ok()?).body(axum::body::Body::empty()).ok()?;
    let answered = futures_util::FutureExt::now_or_never(routes.oneshot(request))?.ok()?;
    let body = futures_util::FutureExt::now_or_never(axum::body::to_bytes(answered.into_body(), 16))?.ok()?;
    match &*body {
        b"open" => Some("open"),
        b"admin" => Some("admin"),
        _ => Some("rest"),
    }
}

/// Express: decodes each segment, and case does not count.
fn express_like(target: &str) -> Option<&'static str> {
    let decoded = percent_encoding::percent_decode_str(target).decode_utf8().ok()?.to_lowercase();
    Some(part(&decoded.split('/').map(str::to_owned).collect::<Vec<_>>()))
}

/// A servlet container: parameters are cut, then it decodes, then it walks along dots and empty segments.
fn servlet_like(target: &str) -> Option<&'static str> {
    let cut: Vec<&str> = target.split('/').map(|segment| segment.split(';').next().unwrap()).collect();
    let joined = cut.join("/");
    Some(walked(&percent_encoding::percent_decode_str(&joined).decode_utf8().ok()?))
}

/// One that decodes first, and then cuts parameters.
fn decoding_servlet_like(target: &str) -> Option<&'static str> {
    let decoded = percent_encoding::percent_decode_str(target).decode_utf8().ok()?.into_owned();
    let cut: Vec<&str> = decoded.split('/').map(|segment| segment.split(';').next().unwrap()).collect();
    Some(walked(&cut.join("/").to_lowercase()))
}

/// A file server on another system: a backslash is a slash, and it decodes twice.
fn sloppy(target: &str) -> Option<&'static str> {
    let once = percent_encoding::percent_decode_str(target).decode_utf8().ok()?.into_owned();
    let twice = percent_encoding::percent_decode_str(&once).decode_utf8().ok()?.into_owned();
    Some(walked(&twice.replace('\\', "/").to_lowercase()))
}

fn walked(path: &str) -> &'static str {
    let mut segments: Vec<String> = vec![String::new()];
    for segment in path.split('/').filter(|segment| !segment.is_empty() && *segment != ".") {
        if segment == ".." {
            segments.truncate(segments.len().saturating_sub(1).max(1));
        } else {
            segments.push(segment.to_owned());
        }
    }
    part(&segments)
}

fn part(segments: &[String]) -> &'static str {
    match segments.get(1).map(String::as_str) {
        Some("open") => "open",
        Some("admin") => "admin",
        _ => "rest",
    }
}

const ROUTERS: [(&str, UpstreamRouter); 5] = [
    ("axum", axum_router),
    ("express", express_like),
    ("servlet", servlet_like),
    ("decoding servlet", decoding_servlet_like),
    ("sloppy", sloppy),
];

/// Whether the gateway lets a user with this role, or a client without a token, have this path; what it forwards then.
fn passes(path: &str, user: Option<Role>) -> Option<String> {
    let Fate::Forwarded { target, needs, .. } = explain(&config(), &http::Method::GET, path) else {
        return None;
    };
    let admits = |need: &str| match need {
        "public" => true,
        "signed in" => user.is_some(),
        _ => user == Some(Role::Admin),
    };
    needs.iter().all(|need| admits(need)).then_some(target)
}

fn check(path: &str) {
    for (user, forbidden) in [(None, &["rest", "admin"][..]), (Some(Role::User), &["admin"])] {
        let Some(target) = passes(path, user) else { continue };
        let target = target.split('?').next().unwrap().to_owned();
        for (name, router) in ROUTERS {
            let served = router(&target);
            assert!(
                served.is_none_or(|served| !forbidden.contains(&served)),
                "{path} passes as {target} for {user:?}, and {name} serves {served:?}"
            );
        }
    }
}

// ASVS-map: GW3
#[test]
fn no_spelling_leads_past_the_policy() {
    SPELLINGS.lines().for_each(check);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]
    #[test]
    fn whatever_a_client_writes_the_upstream_serves_what_was_matched(path in any_path()) {
        if path.parse::<Uri>().is_ok() {
            check(&path);
        }
    }
}

fn any_path() -> impl Strategy<Value = String> {
    let meant = prop::sample::select(PIECES.lines().collect::<Vec<_>>());
    prop::collection::vec(meant, 0..10).prop_map(|pieces| format!("/{}", pieces.concat()))
}
