//! Settings of the process: addresses, stores, secrets, limits, the log.

use std::num::NonZeroU32;
use std::path::PathBuf;

use portcullis_stores::DatabaseUrl;
use tracing::Level;

use super::super::parse;
use super::super::values::LogFormat;
use super::{DefaultValue, Setting, ValueType, put};
use crate::proxies::ProxyHeader;

pub(super) const SERVER: &[Setting] = &[
    Setting::new("config", "FILE", DefaultValue::Unset("none"), "Configuration file (TOML)", |builder, text| {
        put(&mut builder.config.file, Ok(Some(PathBuf::from(text))))
    })
    .kind(ValueType::Absent)
    .flag("config"),
    Setting::new(
        "public_url",
        "URL",
        DefaultValue::Unset("none: development mode"),
        "The URL under which users reach the server: https, or http on a loopback host. It is the issuer (`iss`) of tokens",
        |builder, text| put(&mut builder.config.public_url, parse::public_url(text).map(Some)),
    ),
    Setting::new(
        "data_dir",
        "DIR",
        DefaultValue::Fixed("./portcullis-data"),
        "Directory for the files of this node: the embedded database and the outbox. Nodes share nothing in it",
        |builder, text| put(&mut builder.config.data_dir, Ok(PathBuf::from(text))),
    )
    .flag("data-dir"),
    Setting::new(
        "listen",
        "ADDR:PORT",
        DefaultValue::Fixed("localhost:3000"),
        "Addresses to listen on; `localhost` is 127.0.0.1 and, if the machine has it, [::1]. In development mode they must be \
         loopback addresses",
        |builder, text| put(&mut builder.config.listen, parse::listen(text)),
    )
    .kind(ValueType::List)
    .flag("listen"),
    Setting::new(
        "database",
        "URL",
        DefaultValue::Derived("`sqlite:` and `portcullis.db` in `data_dir`", |builder| {
            DatabaseUrl::preset(&builder.config.data_dir).to_string()
        }),
        "Database for everything that nodes share: `sqlite:PATH`",
        |builder, text| put(&mut builder.config.database, parse::database(text)),
    )
    .flag("database"),
    Setting::new(
        "sessions",
        "URL",
        DefaultValue::Unset("in the database"),
        "Store of the sessions; in this build, only the database",
        |builder, text| put(&mut builder.config.sessions, parse::sessions(text, &builder.config.database)),
    )
    .flag("sessions"),
    Setting::new(
        "proxies.trusted",
        "ADDRESSES",
        DefaultValue::Unset("none: the address that connects is the client's"),
        "Proxies whose header names the client: addresses, or networks such as `10.0.0.0/8`",
        |builder, text| put(&mut builder.config.proxies.networks, parse::list(text, parse::network)),
    )
    .kind(ValueType::List),
    Setting::new(
        "proxies.header",
        "x-forwarded-for|forwarded",
        DefaultValue::Fixed("x-forwarded-for"),
        "Header in which these proxies name the client. The other one is ignored",
        |builder, text| put(&mut builder.config.proxies.header, parse::choice(text, &PROXY_HEADERS)),
    ),
];

const PROXY_HEADERS: [(&str, ProxyHeader); 2] = [
    (ProxyHeader::XForwardedFor.as_str(), ProxyHeader::XForwardedFor),
    (ProxyHeader::Forwarded.as_str(), ProxyHeader::Forwarded),
];

pub(super) const SECRETS: &[Setting] = &[
    Setting::new(
        "master_key",
        "KEY",
        DefaultValue::Unset("none; needed with a public URL"),
        "The key that wraps private keys and secrets in the database, the same on every node: 32 bytes as 64 \
         hexadecimal digits or in base64 (`openssl rand -hex 32`)",
        |builder, text| put(&mut builder.config.master_key, parse::master_key(text).map(Some)),
    )
    .secret(),
    Setting::new(
        "master_key_file",
        "FILE",
        DefaultValue::Unset("none"),
        "File that holds `master_key`",
        |builder, text| put(&mut builder.master_key_file, Ok(Some(PathBuf::from(text)))),
    ),
    Setting::new(
        "jwt_secret",
        "SECRET",
        DefaultValue::Unset("none: ES256, with the tenant's own keys"),
        "Secret of at least 32 bytes that signs access tokens with HS256, for services that share it",
        |builder, text| put(&mut builder.jwt_secret, parse::jwt_secret(text).map(Some)),
    )
    .also("JWT_SECRET")
    .secret(),
    Setting::new(
        "session_secret",
        "SECRET",
        DefaultValue::Unset("made at the first start, kept in the database"),
        "Secret of at least 32 bytes that signs the session cookie, for Express applications that share it",
        |builder, text| put(&mut builder.session_secret, parse::session_secret(text).map(Some)),
    )
    .also("SESSION_SECRET")
    .secret(),
    Setting::new(
        "audience",
        "NAME",
        DefaultValue::Unset("the tenant"),
        "Audience of tokens (`aud`)",
        |builder, text| put(&mut builder.config.audience, parse::plain(text).map(Some)),
    ),
    Setting::new(
        "leeway",
        "DURATION",
        DefaultValue::Fixed("60s"),
        "Tolerated clock difference for a token's `exp` and `nbf`, up to 60s",
        |builder, text| put(&mut builder.config.leeway, parse::duration(text, "0s", "60s")),
    ),
];

pub(super) const LIVENESS: &[Setting] = &[Setting::new(
    "liveness.max_staleness",
    "DURATION",
    DefaultValue::Fixed("1s"),
    "Maximum age of a node's session view, from 250ms to 30s; a node with an older one asks the store. A sign-out takes \
     effect within this time even on a node that is cut off",
    |builder, text| put(&mut builder.config.liveness.max_staleness, parse::duration(text, "250ms", "30s")),
)];

pub(super) const LIMITS: &[Setting] = &[
    Setting::new(
        "limits.body",
        "SIZE",
        DefaultValue::Fixed("64KiB"),
        "Largest body of a request, from 1KiB to 16MiB; a larger one is answered 413",
        |builder, text| put(&mut builder.config.limits.body, parse::size(text, "1KiB", "16MiB")),
    )
    .kind(ValueType::Quantity),
    Setting::new(
        "limits.headers",
        "SIZE",
        DefaultValue::Fixed("16KiB"),
        "Largest headers of a request, together, from 8KiB to 48KiB; larger ones are answered 431",
        |builder, text| put(&mut builder.config.limits.headers, parse::size(text, "8KiB", "48KiB")),
    )
    .kind(ValueType::Quantity),
    Setting::new(
        "limits.connections",
        "NUMBER",
        DefaultValue::Fixed("4096"),
        "Most open connections of each listen address; further clients wait",
        |builder, text| put(&mut builder.config.limits.connections, parse::number(text, 1..=1_000_000)),
    )
    .kind(ValueType::Integer),
    Setting::new(
        "limits.rate",
        "NUMBER",
        DefaultValue::Fixed("300"),
        "Requests a minute that one client address (IPv6: one /64) may send to a tenant to sign up, sign in and refresh, a \
         third of them at once; more are answered 429. 0 is no limit. Development mode does not count loopback",
        |builder, text| put(&mut builder.config.limits.rate, parse::number(text, 0..=1_000_000).map(NonZeroU32::new)),
    )
    .kind(ValueType::Integer),
    Setting::new(
        "limits.rate_tenant",
        "NUMBER",
        DefaultValue::Fixed("0"),
        "The same limit for all addresses of one tenant together. 0 is no limit",
        |builder, text| {
            put(&mut builder.config.limits.rate_tenant, parse::number(text, 0..=1_000_000).map(NonZeroU32::new))
        },
    )
    .kind(ValueType::Integer),
    Setting::new(
        "timeouts.headers",
        "DURATION",
        DefaultValue::Fixed("65s"),
        "Longest time for the headers of a request, and for a connection between two requests. Must be longer than that of a \
         proxy in front",
        |builder, text| put(&mut builder.config.timeouts.headers, parse::duration(text, "100ms", "10m")),
    ),
    Setting::new(
        "timeouts.body",
        "DURATION",
        DefaultValue::Fixed("30s"),
        "Longest time for the body of a request",
        |builder, text| put(&mut builder.config.timeouts.body, parse::duration(text, "100ms", "10m")),
    ),
    Setting::new(
        "timeouts.shutdown",
        "DURATION",
        DefaultValue::Fixed("25s"),
        "Longest time for requests in flight once the server stops",
        |builder, text| put(&mut builder.config.timeouts.shutdown, parse::duration(text, "0s", "10m")),
    ),
];

const LEVELS: [(&str, Level); 5] = [
    ("error", Level::ERROR),
    ("warn", Level::WARN),
    ("info", Level::INFO),
    ("debug", Level::DEBUG),
    ("trace", Level::TRACE),
];

pub(super) const LOG: &[Setting] = &[
    Setting::new(
        "log.format",
        "text|json",
        DefaultValue::Derived("`text` in development mode, otherwise `json`", |builder| {
            if builder.config.is_development() { "text".to_owned() } else { "json".to_owned() }
        }),
        "Format of the log: lines for people, or one JSON object a line",
        |builder, text| {
            let formats = [("text", LogFormat::Text), ("json", LogFormat::Json)];
            put(&mut builder.config.log.format, parse::choice(text, &formats))
        },
    ),
    Setting::new(
        "log.level",
        "LEVEL",
        DefaultValue::Fixed("info"),
        "Least severe level that is logged: `error`, `warn`, `info`, `debug` or `trace`",
        |builder, text| put(&mut builder.config.log.level, parse::choice(text, &LEVELS)),
    ),
    Setting::new(
        "metrics.listen",
        "ADDR:PORT",
        DefaultValue::Unset(
            "none: `/metrics` on the main listener, for loopback clients, in development mode; otherwise off",
        ),
        "Separate listen address for `/metrics`",
        |builder, text| put(&mut builder.config.metrics.listen, parse::socket(text).map(Some)),
    ),
];
