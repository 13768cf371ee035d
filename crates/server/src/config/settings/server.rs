//! Settings of the process: addresses, stores, secrets, limits, the log.

use std::num::NonZeroU32;
use std::path::{Path, PathBuf};

use tracing::Level;

use super::super::parse;
use super::super::sections::LogFormat;
use super::{Kind, Preset, Setting, put};
use crate::proxies::Header;

pub(super) const SERVER: &[Setting] = &[
    Setting::new("config", "FILE", Preset::Unset("none"), "The configuration file", |draft, text| {
        put(&mut draft.config.file, Ok(Some(PathBuf::from(text))))
    })
    .kind(Kind::Absent)
    .flag("config"),
    Setting::new(
        "public_url",
        "URL",
        Preset::Unset("none: development mode"),
        "The URL under which people reach the server, https except on a loopback host. Tokens name it as issuer",
        |draft, text| put(&mut draft.config.public_url, parse::public_url(text).map(Some)),
    ),
    Setting::new(
        "data_dir",
        "DIR",
        Preset::Is("./portcullis-data"),
        "Where this node keeps files: an embedded database. Nothing in it is shared",
        |draft, text| put(&mut draft.config.data_dir, Ok(PathBuf::from(text))),
    )
    .flag("data-dir"),
    Setting::new(
        "listen",
        "ADDR:PORT",
        Preset::Is("localhost:3000"),
        "The addresses to listen on; `localhost` is 127.0.0.1 and, where there is one, [::1]. One that other machines \
         reach is refused in development mode",
        |draft, text| put(&mut draft.config.listen, parse::listen(text)),
    )
    .kind(Kind::List)
    .flag("listen"),
    Setting::new(
        "database",
        "URL",
        Preset::Derived("`sqlite:` and `portcullis.db` in `data_dir`", |draft| {
            format!("sqlite:{}", draft.config.data_dir.join(Path::new("portcullis.db")).display())
        }),
        "Where everything lives that nodes share: `sqlite:PATH`",
        |draft, text| put(&mut draft.config.database, parse::database(text)),
    )
    .flag("database"),
    Setting::new(
        "sessions",
        "URL",
        Preset::Unset("in the database"),
        "Where sessions live; in this build that is the database",
        |draft, text| put(&mut draft.config.sessions, parse::sessions(text, &draft.config.database)),
    )
    .flag("sessions"),
    Setting::new(
        "proxies.trusted",
        "ADDRESSES",
        Preset::Unset("none: whoever connects is the client"),
        "The proxies that are believed when they say whom a request came from: addresses, or networks as `10.0.0.0/8`",
        |draft, text| put(&mut draft.config.proxies.networks, parse::list(text, parse::network)),
    )
    .kind(Kind::List),
    Setting::new(
        "proxies.header",
        "x-forwarded-for|forwarded",
        Preset::Is("x-forwarded-for"),
        "Where they say it; the other header is then the client's own word, and nobody's",
        |draft, text| put(&mut draft.config.proxies.header, parse::choice(text, &PROXY_HEADERS)),
    ),
];

const PROXY_HEADERS: [(&str, Header); 2] = [
    (Header::XForwardedFor.as_str(), Header::XForwardedFor),
    (Header::Forwarded.as_str(), Header::Forwarded),
];

pub(super) const SECRETS: &[Setting] = &[
    Setting::new(
        "master_key",
        "KEY",
        Preset::Unset("none; needed with a public URL"),
        "The key that wraps private keys and secrets in the database, the same on every node: 32 bytes as 64 \
         hexadecimal digits or in base64 (`openssl rand -hex 32`)",
        |draft, text| put(&mut draft.config.master_key, parse::master_key(text).map(Some)),
    )
    .secret(),
    Setting::new(
        "master_key_file",
        "FILE",
        Preset::Unset("none"),
        "A file that holds `master_key`, in its place",
        |draft, text| put(&mut draft.master_key_file, Ok(Some(PathBuf::from(text)))),
    ),
    Setting::new(
        "jwt_secret",
        "SECRET",
        Preset::Unset("none: ES256 with keys of our own"),
        "Signs access tokens with HS256 and this secret, at least 32 bytes, for services that share it",
        |draft, text| put(&mut draft.jwt_secret, parse::jwt_secret(text).map(Some)),
    )
    .also("JWT_SECRET")
    .secret(),
    Setting::new(
        "session_secret",
        "SECRET",
        Preset::Unset("made at the first start, kept in the database"),
        "Signs the session cookie, at least 32 bytes, for Express applications that share it",
        |draft, text| put(&mut draft.session_secret, parse::session_secret(text).map(Some)),
    )
    .also("SESSION_SECRET")
    .secret(),
    Setting::new(
        "audience",
        "NAME",
        Preset::Unset("the tenant"),
        "Whom tokens are for (`aud`)",
        |draft, text| put(&mut draft.config.audience, parse::plain(text).map(Some)),
    ),
    Setting::new(
        "leeway",
        "DURATION",
        Preset::Is("60s"),
        "How far clocks may differ when a token's `exp` and `nbf` are judged, up to 60s",
        |draft, text| put(&mut draft.config.leeway, parse::duration(text, "0s", "60s")),
    ),
];

pub(super) const LIVENESS: &[Setting] = &[Setting::new(
    "liveness.max_staleness",
    "DURATION",
    Preset::Is("1s"),
    "How old a node's view of the sessions may be before it asks the store, from 250ms to 30s. A sign-out takes effect \
     within this time on a node that is cut off",
    |draft, text| put(&mut draft.config.liveness.max_staleness, parse::duration(text, "250ms", "30s")),
)];

pub(super) const LIMITS: &[Setting] = &[
    Setting::new(
        "limits.body",
        "SIZE",
        Preset::Is("64KiB"),
        "The largest body of a request; a larger one is 413",
        |draft, text| put(&mut draft.config.limits.body, parse::size(text, "1KiB", "16MiB")),
    )
    .kind(Kind::Quantity),
    Setting::new(
        "limits.headers",
        "SIZE",
        Preset::Is("16KiB"),
        "The largest headers of a request, together; larger ones are 431",
        |draft, text| put(&mut draft.config.limits.headers, parse::size(text, "8KiB", "48KiB")),
    )
    .kind(Kind::Quantity),
    Setting::new(
        "limits.connections",
        "NUMBER",
        Preset::Is("4096"),
        "The most connections at a time to each address; further ones wait",
        |draft, text| put(&mut draft.config.limits.connections, parse::number(text, 1..=1_000_000)),
    )
    .kind(Kind::Integer),
    Setting::new(
        "limits.rate",
        "NUMBER",
        Preset::Is("300"),
        "How many requests a minute one address (of IPv6, one /64) may send a tenant to sign up, to sign in and to renew, a \
         third of them at once; further ones are 429. 0 is any number. Development mode does not count this machine's own",
        |draft, text| put(&mut draft.config.limits.rate, parse::number(text, 0..=1_000_000).map(NonZeroU32::new)),
    )
    .kind(Kind::Integer),
    Setting::new(
        "limits.rate_tenant",
        "NUMBER",
        Preset::Is("0"),
        "The same for all addresses of one tenant together",
        |draft, text| {
            put(&mut draft.config.limits.rate_tenant, parse::number(text, 0..=1_000_000).map(NonZeroU32::new))
        },
    )
    .kind(Kind::Integer),
    Setting::new(
        "timeouts.headers",
        "DURATION",
        Preset::Is("65s"),
        "How long the headers of a request may take, and how long a connection is kept for the next one: longer than a proxy \
         before it keeps its own",
        |draft, text| put(&mut draft.config.timeouts.headers, parse::duration(text, "100ms", "10m")),
    ),
    Setting::new(
        "timeouts.body",
        "DURATION",
        Preset::Is("30s"),
        "How long the body of a request may take",
        |draft, text| put(&mut draft.config.timeouts.body, parse::duration(text, "100ms", "10m")),
    ),
    Setting::new(
        "timeouts.shutdown",
        "DURATION",
        Preset::Is("25s"),
        "How long requests in flight may take once the server is told to stop",
        |draft, text| put(&mut draft.config.timeouts.shutdown, parse::duration(text, "0s", "10m")),
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
        Preset::Derived("`text` in development mode, else `json`", |draft| {
            if draft.config.is_development() { "text".to_owned() } else { "json".to_owned() }
        }),
        "Lines for people, or one JSON object a line",
        |draft, text| {
            let formats = [("text", LogFormat::Text), ("json", LogFormat::Json)];
            put(&mut draft.config.log.format, parse::choice(text, &formats))
        },
    ),
    Setting::new(
        "log.level",
        "LEVEL",
        Preset::Is("info"),
        "`error`, `warn`, `info`, `debug` or `trace`",
        |draft, text| put(&mut draft.config.log.level, parse::choice(text, &LEVELS)),
    ),
    Setting::new(
        "metrics.listen",
        "ADDR:PORT",
        Preset::Unset(
            "none: in development mode `/metrics` of the main listener, to this machine only; else nowhere",
        ),
        "A listener of its own for `/metrics`",
        |draft, text| put(&mut draft.config.metrics.listen, parse::socket(text).map(Some)),
    ),
];
