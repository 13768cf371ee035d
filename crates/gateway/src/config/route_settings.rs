//! The keys of a route.

use http::Method;
use http::uri::PathAndQuery;
use portcullis_config::parse::{Parsed, boolean, choice, duration, list, path, role, size};
use portcullis_config::toml_value::ValueType;
use portcullis_verifier::OnStale;

use super::draft::RouteDraft;
use super::key::{GatewayKey, key, some};
use crate::routes::KNOWN_METHODS;
use crate::upstream::UpstreamUrl;

use ValueType::{Boolean, List, Quantity, Text};

/// The keys of a route.
pub(super) const ROUTE_SETTINGS: &[GatewayKey<RouteDraft>] = &[
    key!(
        "path",
        Text,
        "",
        path = |text| Ok(text.to_owned()),
        "Literal path; what lies below it belongs to it"
    ),
    key!(
        "methods",
        List,
        "",
        methods = |text| some(list(text, method)?, "method", "and all pass"),
        "Methods; all where left out"
    ),
    key!(
        "upstream",
        List,
        "",
        upstream.urls = |text| some(list(text, UpstreamUrl::parse)?, "server", "with its route"),
        "URL of the server behind the route, or several: scheme, host and port"
    ),
    key!(
        "ca_file",
        Text,
        "",
        ca_file = |text| path(text).map(Some),
        "Certificates in PEM that https upstreams must be signed with, in place of the system's"
    ),
    key!(
        "health",
        Text,
        "",
        upstream.health = |text| health(text).map(Some),
        "Path that each upstream is asked every five seconds; a pool leaves out who fails"
    ),
    key!("public", Boolean, "false", is_public = boolean, "Whether everyone may pass"),
    key!("roles", List, "", roles = |text| list(text, role).map(Some), "Roles of which one is needed"),
    key!(
        "on_stale",
        Text,
        "ask",
        on_stale = |text| { choice(text, &[("ask", OnStale::Ask), ("refuse", OnStale::Refuse)]) },
        "What happens while the knowledge of what is revoked is too old: ask the server, or refuse with 503"
    ),
    key!(
        "case",
        Text,
        "ignore",
        is_exact = |text| choice(text, &[("ignore", false), ("exact", true)]),
        "Whether case counts in the path"
    ),
    key!(
        "encoded",
        Text,
        "refuse",
        keeps_encoded = |text| choice(text, &[("refuse", false), ("keep", true)]),
        "Whether %2F, %25 and empty segments pass as they are"
    ),
    key!(
        "forward_token",
        Boolean,
        "false",
        forwards_token = boolean,
        "Whether the upstream sees Authorization"
    ),
    key!(
        "assertion",
        Boolean,
        "false",
        asserts = boolean,
        "Whether the upstream gets x-portcullis-assertion"
    ),
    key!(
        "body_limit",
        Quantity,
        "10MiB",
        body_limit = |text| size(text, "0", "1024GiB").map(|size| size as u64),
        "Most bytes of a request's body"
    ),
    key!(
        "timeouts.connect",
        Text,
        "",
        timeouts.connect = |text| duration(text, "10ms", "1m"),
        "As outside the routes"
    ),
    key!(
        "timeouts.first_byte",
        Text,
        "",
        timeouts.first_byte = |text| duration(text, "10ms", "1h"),
        "As outside the routes"
    ),
    key!(
        "timeouts.idle",
        Text,
        "",
        timeouts.idle = |text| duration(text, "10ms", "1d"),
        "As outside the routes"
    ),
];

fn method(text: &str) -> Parsed<Method> {
    if let Some(method) = KNOWN_METHODS.iter().find(|method| method.as_str() == text) {
        return Ok(method.clone());
    }
    let names: Vec<&str> = KNOWN_METHODS.iter().map(Method::as_str).collect();
    Err(format!("{text:?} is not one of {}", names.join(", ")))
}

fn health(text: &str) -> Parsed<String> {
    let is_path = text.starts_with('/') && text.parse::<PathAndQuery>().is_ok();
    if is_path { Ok(text.to_owned()) } else { Err(format!("{text:?} is not a path: write /healthz")) }
}
