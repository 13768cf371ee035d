//! The keys of the file outside its routes.

use portcullis_config::parse::{
    boolean, choice, cookie_name, duration, list, listen, log_level, network, number, path, public_url,
    socket, web_host, web_origin,
};
use portcullis_config::toml_value::ValueType;
use portcullis_transport::proxies::ProxyHeader;

use super::draft::{GatewayDraft, feed_key};
use super::key::{GatewayKey, key, some};

use ValueType::{Boolean, Integer, List, NamedTables, Text};

/// The keys outside the routes.
pub(super) const SETTINGS: &[GatewayKey<GatewayDraft>] = &[
    key!("listen", List, "127.0.0.1:8080", process.listen = listen, "Addresses where clients connect"),
    key!(
        "server",
        Text,
        "",
        server = |text| public_url(text).map(Some),
        "URL of the Portcullis server that is followed; left out inside `portcullis serve`"
    ),
    key!(
        "feed_key",
        Text,
        "",
        feed_key = |text| feed_key(text).map(Some),
        "Feed key, as `portcullis feed key create` printed it; a secret"
    ),
    key!(
        "feed_key_file",
        Text,
        "",
        feed_key_file = |text| path(text).map(Some),
        "File that holds the feed key"
    ),
    key!(
        "tenants",
        List,
        "default",
        tenants = |text| {
            some(
                list(text, |name| name.parse().map_err(|fault| format!("{name:?}: {fault}")))?,
                "tenant",
                "and it is default",
            )
        },
        "Tenants whose users may pass; the feed key must be of exactly these"
    ),
    key!(
        "max_staleness",
        Text,
        "1s",
        process.max_staleness = |text| duration(text, "250ms", "1m"),
        "How old the knowledge of what is revoked may be"
    ),
    key!(
        "stream_grace",
        Text,
        "30s",
        stream_grace = |text| duration(text, "1s", "1h"),
        "For how long an open stream goes on while nothing is proven"
    ),
    key!(
        "cors.origins",
        List,
        "",
        origins = |text| list(text, web_origin),
        "Origins whose pages may call with credentials, each exactly as browsers send it"
    ),
    key!(
        "proxies.trusted",
        List,
        "",
        proxies.networks = |text| list(text, network),
        "Proxies in front of the gateway whose headers name the client"
    ),
    key!(
        "proxies.header",
        Text,
        "x-forwarded-for",
        proxies.header = |text| {
            choice(
                text,
                &[ProxyHeader::XForwardedFor, ProxyHeader::Forwarded].map(|header| (header.as_str(), header)),
            )
        },
        "Header in which they name it"
    ),
    key!(
        "forward_auth.enabled",
        Boolean,
        "",
        answers_proxies = |text| boolean(text).map(Some),
        "Whether the gateway answers `/auth/verify` itself; it does where hosts or policies are stated"
    ),
    key!(
        "forward_auth.hosts",
        List,
        "",
        forward_auth.hosts = |text| list(text, web_host),
        "Hosts to which a browser may return from the page of `/auth/verify?login=…`, and on which that page may be"
    ),
    GatewayKey::new(
        "forward_auth.policies",
        NamedTables,
        "",
        "What `/auth/verify/@NAME` requires: a table for each policy, with `roles`, `login` and `hosts`; the variable has a \
         line for each, `NAME.roles=admin`",
        |draft, lines| draft.forward_auth.add_policies(lines).map(|_| ()),
    ),
    key!(
        "timeouts.connect",
        Text,
        "1s",
        timeouts.connect = |text| duration(text, "10ms", "1m"),
        "How long an upstream may take to accept a connection, TLS included"
    ),
    key!(
        "timeouts.first_byte",
        Text,
        "30s",
        timeouts.first_byte = |text| duration(text, "10ms", "1h"),
        "How long an upstream may take to begin its answer"
    ),
    key!(
        "timeouts.idle",
        Text,
        "60s",
        timeouts.idle = |text| duration(text, "10ms", "1d"),
        "How long a body or a WebSocket may pause, and a client's connection stay unused"
    ),
    key!(
        "timeouts.drain",
        Text,
        "5s",
        process.drain = |text| duration(text, "0s", "10m"),
        "How long a gateway that stops tells clients with an answer to connect anew"
    ),
    key!(
        "timeouts.shutdown",
        Text,
        "30s",
        process.shutdown = |text| duration(text, "0s", "1h"),
        "How long requests in flight may take once the gateway stops"
    ),
    key!(
        "limits.connections",
        Integer,
        "10000",
        process.connections = |text| number(text, 1..=1_000_000),
        "Clients that are connected at once"
    ),
    key!(
        "cookies.session",
        List,
        "",
        session_cookies = |text| list(text, cookie_name).map(Some),
        "Names of the session cookie, if the server's `cookie.name` is not the default"
    ),
    key!(
        "metrics.listen",
        Text,
        "",
        process.metrics = |text| socket(text).map(Some),
        "Address where metrics are served at /metrics"
    ),
    key!(
        "log.format",
        Text,
        "text",
        process.log_json = |text| choice(text, &[("text", false), ("json", true)]),
        "Lines of the log for people or for programs"
    ),
    key!("log.level", Text, "info", process.log_level = |text| log_level(text), "What is logged"),
    key!("log.requests", Boolean, "true", process.log_requests = boolean, "Whether each request has a line"),
];
