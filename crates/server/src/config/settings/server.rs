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
    Setting::new("config", "FILE", DefaultValue::Unset("none"), "The configuration file", |builder, text| {
        put(&mut builder.config.file, Ok(Some(PathBuf::from(text))))
    })
    .kind(ValueType::Absent)
    .flag("config"),
    Setting::new(
        "public_url",
        "URL",
        DefaultValue::Unset("none: development mode"),
        "The URL under which people reach the server, https except on a loopback host. Tokens name it as issuer",
        |builder, text| put(&mut builder.config.public_url, parse::public_url(text).map(Some)),
    ),
    Setting::new(
        "data_dir",
        "DIR",
        DefaultValue::Fixed("./portcullis-data"),
        "Where this node keeps files: an embedded database. Nothing in it is shared",
        |builder, text| put(&mut builder.config.data_dir, Ok(PathBuf::from(text))),
    )
    .flag("data-dir"),
    Setting::new(
        "listen",
        "ADDR:PORT",
        DefaultValue::Fixed("localhost:3000"),
        "The addresses to listen on; `localhost` is 127.0.0.1 and, where there is one, [::1]. One that other machines \
         reach is refused in development mode",
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
        "Where everything lives that nodes share: `sqlite:PATH`",
        |builder, text| put(&mut builder.config.database, parse::database(text)),
    )
    .flag("database"),
    Setting::new(
        "sessions",
        "URL",
        DefaultValue::Unset("in the database"),
        "Where sessions live; in this build that is the database",
        |builder, text| put(&mut builder.config.sessions, parse::sessions(text, &builder.config.database)),
    )
    .flag("sessions"),
    Setting::new(
        "proxies.trusted",
        "ADDRESSES",
        DefaultValue::Unset("none: whoever connects is the client"),
        "The proxies that are believed when they say whom a request came from: addresses, or networks as `10.0.0.0/8`",
        |builder, text| put(&mut builder.config.proxies.networks, parse::list(text, parse::network)),
    )
    .kind(ValueType::List),
    Setting::new(
        "proxies.header",
        "x-forwarded-for|forwarded",
        DefaultValue::Fixed("x-forwarded-for"),
        "Where they say it; the other header is then the client's own word, and nobody's",
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
        "A file that holds `master_key`, in its place",
        |builder, text| put(&mut builder.master_key_file, Ok(Some(PathBuf::from(text)))),
    ),
    Setting::new(
        "jwt_secret",
        "SECRET",
        DefaultValue::Unset("none: ES256 with keys of our own"),
        "Signs access tokens with HS256 and this secret, at least 32 bytes, for services that share it",
        |builder, text| put(&mut builder.jwt_secret, parse::jwt_secret(text).map(Some)),
    )
    .also("JWT_SECRET")
    .secret(),
    Setting::new(
        "session_secret",
        "SECRET",
        DefaultValue::Unset("made at the first start, kept in the database"),
        "Signs the session cookie, at least 32 bytes, for Express applications that share it",
        |builder, text| put(&mut builder.session_secret, parse::session_secret(text).map(Some)),
    )
    .also("SESSION_SECRET")
    .secret(),
    Setting::new(
        "audience",
        "NAME",
        DefaultValue::Unset("the tenant"),
        "Whom tokens are for (`aud`)",
        |builder, text| put(&mut builder.config.audience, parse::plain(text).map(Some)),
    ),
    Setting::new(
        "leeway",
        "DURATION",
        DefaultValue::Fixed("60s"),
        "How far clocks may differ when a token's `exp` and `nbf` are judged, up to 60s",
        |builder, text| put(&mut builder.config.leeway, parse::duration(text, "0s", "60s")),
    ),
];

pub(super) const LIVENESS: &[Setting] = &[Setting::new(
    "liveness.max_staleness",
    "DURATION",
    DefaultValue::Fixed("1s"),
    "How old a node's view of the sessions may be before it asks the store, from 250ms to 30s. A sign-out takes effect \
     within this time on a node that is cut off",
    |builder, text| put(&mut builder.config.liveness.max_staleness, parse::duration(text, "250ms", "30s")),
)];

pub(super) const LIMITS: &[Setting] = &[
    Setting::new(
        "limits.body",
        "SIZE",
        DefaultValue::Fixed("64KiB"),
        "The largest body of a request; a larger one is 413",
        |builder, text| put(&mut builder.config.limits.body, parse::size(text, "1KiB", "16MiB")),
    )
    .kind(ValueType::Quantity),
    Setting::new(
        "limits.headers",
        "SIZE",
        DefaultValue::Fixed("16KiB"),
        "The largest headers of a request, together; larger ones are 431",
        |builder, text| put(&mut builder.config.limits.headers, parse::size(text, "8KiB", "48KiB")),
    )
    .kind(ValueType::Quantity),
    Setting::new(
        "limits.connections",
        "NUMBER",
        DefaultValue::Fixed("4096"),
        "The most connections at a time to each address; further ones wait",
        |builder, text| put(&mut builder.config.limits.connections, parse::number(text, 1..=1_000_000)),
    )
    .kind(ValueType::Integer),
    Setting::new(
        "limits.rate",
        "NUMBER",
        DefaultValue::Fixed("300"),
        "How many requests a minute one address (of IPv6, one /64) may send a tenant to sign up, to sign in and to renew, a \
         third of them at once; further ones are 429. 0 is any number. Development mode does not count this machine's own",
        |builder, text| put(&mut builder.config.limits.rate, parse::number(text, 0..=1_000_000).map(NonZeroU32::new)),
    )
    .kind(ValueType::Integer),
    Setting::new(
        "limits.rate_tenant",
        "NUMBER",
        DefaultValue::Fixed("0"),
        "The same for all addresses of one tenant together",
        |builder, text| {
            put(&mut builder.config.limits.rate_tenant, parse::number(text, 0..=1_000_000).map(NonZeroU32::new))
        },
    )
    .kind(ValueType::Integer),
    Setting::new(
        "timeouts.headers",
        "DURATION",
        DefaultValue::Fixed("65s"),
        "How long the headers of a request may take, and how long a connection is kept for the next one: longer than a proxy \
         before it keeps its own",
        |builder, text| put(&mut builder.config.timeouts.headers, parse::duration(text, "100ms", "10m")),
    ),
    Setting::new(
        "timeouts.body",
        "DURATION",
        DefaultValue::Fixed("30s"),
        "How long the body of a request may take",
        |builder, text| put(&mut builder.config.timeouts.body, parse::duration(text, "100ms", "10m")),
    ),
    Setting::new(
        "timeouts.shutdown",
        "DURATION",
        DefaultValue::Fixed("25s"),
        "How long requests in flight may take once the server is told to stop",
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
        DefaultValue::Derived("`text` in development mode, else `json`", |builder| {
            if builder.config.is_development() { "text".to_owned() } else { "json".to_owned() }
        }),
        "Lines for people, or one JSON object a line",
        |builder, text| {
            let formats = [("text", LogFormat::Text), ("json", LogFormat::Json)];
            put(&mut builder.config.log.format, parse::choice(text, &formats))
        },
    ),
    Setting::new(
        "log.level",
        "LEVEL",
        DefaultValue::Fixed("info"),
        "`error`, `warn`, `info`, `debug` or `trace`",
        |builder, text| put(&mut builder.config.log.level, parse::choice(text, &LEVELS)),
    ),
    Setting::new(
        "metrics.listen",
        "ADDR:PORT",
        DefaultValue::Unset(
            "none: in development mode `/metrics` of the main listener, to this machine only; else nowhere",
        ),
        "A listener of its own for `/metrics`",
        |builder, text| put(&mut builder.config.metrics.listen, parse::socket(text).map(Some)),
    ),
];
