//! Settings of the process: addresses, stores, secrets, limits, the log.

use std::num::NonZeroU32;

use portcullis_stores::DatabaseUrl;

use super::super::builder::ConfigBuilder;
use super::super::parse::{
    Parsed, choice, database, duration, jwt_secret, list, listen, log_level, master_key, network, number,
    path, plain, public_url, session_secret, sessions, size, socket, socket_path,
};
use super::super::values::LogFormat;
use super::DefaultValue::{Derived, Fixed, Unset};
use super::Setting;
use portcullis_transport::proxies::ProxyHeader;

fn in_data_dir(builder: &ConfigBuilder) -> String {
    DatabaseUrl::preset(&builder.config.data_dir).to_string()
}

pub(super) const SERVER: &[Setting] = &[
    setting!("config" [flag("config")]: Absent("FILE"), Unset("none"), config.file = Some(path),
        "Configuration file (TOML). If none is named, /etc/portcullis/portcullis.toml is read, if there is one"),
    setting!("public_url" [example("https://auth.example.com")]: Text("URL"), Unset("none: development mode"), config.public_url = Some(public_url),
        "The URL under which users reach the server: https, or http on a loopback host. It is the issuer (`iss`) of \
         tokens"),
    setting!("data_dir" [flag("data-dir")]: Text("DIR"), Fixed("./portcullis-data"), config.data_dir = path,
        "Directory for the files of this node: the embedded database and the outbox. Nodes share nothing in it"),
    setting!("listen" [flag("listen")]: List("ADDR:PORT"), Fixed("localhost:3000"), config.listen = listen,
        "Addresses to listen on; `localhost` is 127.0.0.1 and, if the machine has it, [::1]. In development mode \
         they must be loopback addresses"),
    setting!("gateway.config" [example("/etc/portcullis/gateway.toml")]: Text("FILE"), Unset("none: this process is no gateway"),
        config.gateway = Some(path),
        "File of a gateway that runs in this process"),
    setting!("handover" [example("/run/portcullis/handover.sock")]: Text("PATH"), Unset("none: the server stops before the next one starts"),
        config.handover = Some(socket_path),
        "Unix socket, for the server's user alone, over which a new server with the same configuration takes over the \
         listening sockets of the one that runs, so that a restart loses no request"),
    setting!("database" [flag("database"), names_database()]: Text("URL"),
        Derived("`sqlite:` and `portcullis.db` in `data_dir`", in_data_dir), config.database = database,
        "Database for everything that nodes share: `sqlite:PATH`, or `postgres://USER:PASSWORD@HOST/DATABASE`"),
    setting!("database_connections": Integer("NUMBER"), Fixed("16"),
        config.database_connections = number(1..=1_000),
        "Most connections of this node to a PostgreSQL database, beside one that listens for changes. All nodes \
         together must stay below the server's `max_connections`"),
    setting!("sessions" [flag("sessions"), names_database(), example("redis://localhost:6379")]: Text("URL"), Unset("in the database"),
        |builder, text| {
            builder.config.sessions = sessions(text, &builder.config.database)?;
            Ok(())
        },
        "Store of live sessions: `redis://USER:PASSWORD@HOST:PORT`, or `rediss://…` with TLS. What has ended stays in \
         the database"),
    setting!("proxies.trusted" [example("127.0.0.1")]: List("ADDRESSES"), Unset("none: the address that connects is the client's"),
        config.proxies.networks = list(network),
        "Proxies whose header names the client: addresses, or networks such as `10.0.0.0/8`"),
    setting!("proxies.header": Text("x-forwarded-for|forwarded"), Fixed("x-forwarded-for"),
        config.proxies.header = choice(&PROXY_HEADERS),
        "Header in which these proxies name the client. The other one is ignored"),
];

const PROXY_HEADERS: [(&str, ProxyHeader); 2] = [
    (ProxyHeader::XForwardedFor.as_str(), ProxyHeader::XForwardedFor),
    (ProxyHeader::Forwarded.as_str(), ProxyHeader::Forwarded),
];

pub(super) const SECRETS: &[Setting] = &[
    setting!("master_key" [secret()]: Text("KEY"), Unset("none; needed with a public URL"),
        config.master_key = Some(master_key),
        "The key that wraps private keys and secrets in the database, the same on every node: 32 bytes as 64 \
         hexadecimal digits or in base64 (`openssl rand -hex 32`)"),
    setting!("master_key_file" [example("/etc/portcullis/master.key")]: Text("FILE"), Unset("none"), master_key_file = Some(path),
        "File that holds `master_key`"),
    setting!("jwt_secret" [also("JWT_SECRET"), secret()]: Text("SECRET"),
        Unset("none: ES256, with the tenant's own keys"), jwt_secret = Some(jwt_secret),
        "Secret of at least 32 bytes that signs access tokens with HS256, for services that share it"),
    setting!("session_secret" [also("SESSION_SECRET"), secret()]: Text("SECRET"),
        Unset("made at the first start, kept in the database"), session_secret = Some(session_secret),
        "Secret of at least 32 bytes that signs the session cookie, for Express applications that share it"),
    setting!("audience" [example("example")]: Text("NAME"), Unset("the tenant; none in access tokens under `jwt_secret`"), config.audience = Some(plain),
        "Audience of tokens (`aud`)"),
    setting!("leeway": Text("DURATION"), Fixed("60s"), config.leeway = duration("0s", "60s"),
        "Tolerated clock difference for a token's `exp` and `nbf`, up to 60s"),
];

pub(super) const LIVENESS: &[Setting] = &[
    setting!("liveness.max_staleness": Text("DURATION"), Fixed("1s"),
        config.liveness.max_staleness = duration("250ms", "30s"),
        "Maximum age of a node's session view, from 250ms to 30s; a node with an older one asks the store. A \
         sign-out takes effect within this time even on a node that is cut off"),
    setting!("liveness.capacity": Integer("NUMBER"), Fixed("100000"),
        config.liveness.capacity = number(1_000..=10_000_000),
        "Most sessions, and as many users, that a node keeps in memory for each database, and most verified tokens, and \
         as many cookies, for all together; what does not fit is read from the store, or verified anew"),
];

/// Parses a number of requests a minute; 0 is no limit.
fn rate(text: &str) -> Parsed<Option<NonZeroU32>> {
    number(text, 0..=1_000_000).map(NonZeroU32::new)
}

pub(super) const LIMITS: &[Setting] = &[
    setting!("limits.body": Quantity("SIZE"), Fixed("64KiB"), config.limits.body = size("1KiB", "16MiB"),
        "Largest body of a request, from 1KiB to 16MiB; a larger one is answered 413"),
    setting!("limits.headers": Quantity("SIZE"), Fixed("16KiB"),
        config.limits.headers = size("8KiB", "48KiB"),
        "Largest headers of a request, together, from 8KiB to 48KiB; larger ones are answered 431; \
         more than 100 lines by a bare 431 without body and CORS headers"),
    setting!("limits.connections": Integer("NUMBER"), Fixed("4096"),
        config.limits.connections = number(1..=1_000_000),
        "Most open connections of each listen address. For a further client the longest idle one of the address with most \
         connections is closed; while none is idle, the client waits"),
    setting!("limits.rate": Integer("NUMBER"), Fixed("300"),
        config.limits.rate = rate,
        "Requests a minute that one client address (IPv6: one /64) may send to a tenant to sign up, sign in, \
         refresh and change a password, a third of them at once; more are answered 429. A refresh that proves its \
         device counts for its session instead, of which 600 a minute may come. 0 is no limit. Development mode does \
         not count loopback"),
    setting!("limits.rate_tenant": Integer("NUMBER"), Fixed("0"),
        config.limits.rate_tenant = rate,
        "The same limit for all addresses of one tenant together. 0 is no limit"),
    setting!("timeouts.headers": Text("DURATION"), Fixed("65s"),
        config.timeouts.headers = duration("100ms", "10m"),
        "Longest time for the headers of a request, and for a connection between two requests, up to a sixteenth more. \
         Must be longer than that of a proxy in front"),
    setting!("timeouts.body": Text("DURATION"), Fixed("30s"), config.timeouts.body = duration("100ms", "10m"),
        "Longest time for the body of a request"),
    setting!("timeouts.shutdown": Text("DURATION"), Fixed("25s"),
        config.timeouts.shutdown = duration("0s", "10m"),
        "Longest time for requests in flight once the server stops"),
    setting!("timeouts.drain": Text("DURATION"), Derived("`0s` in development mode, otherwise `5s`", drain),
        config.timeouts.drain = duration("0s", "10m"),
        "How long a connection without a request stays open once the server stops: a request may be on its way. Must be \
         longer than a proxy in front keeps such a connection; `timeouts.shutdown` limits it"),
];

fn drain(builder: &ConfigBuilder) -> String {
    if builder.config.is_development() { "0s".to_owned() } else { "5s".to_owned() }
}

const FORMATS: [(&str, LogFormat); 2] = [("text", LogFormat::Text), ("json", LogFormat::Json)];

fn log_format(builder: &ConfigBuilder) -> String {
    if builder.config.is_development() { "text".to_owned() } else { "json".to_owned() }
}

pub(super) const LOG: &[Setting] = &[
    setting!("log.format": Text("text|json"), Derived("`text` in development mode, otherwise `json`", log_format),
        config.log.format = choice(&FORMATS),
        "Format of the log: lines for people, or one JSON object a line"),
    setting!("log.level": Text("LEVEL"), Fixed("info"), config.log.level = log_level,
        "Least severe level that is logged: `error`, `warn`, `info`, `debug` or `trace`"),
    setting!("metrics.listen" [example("127.0.0.1:9090")]: Text("ADDR:PORT"),
        Unset("none: `/metrics` on the main listener, for loopback clients, in development mode; otherwise off"),
        config.metrics.listen = Some(socket),
        "Separate listen address for `/metrics`"),
];
