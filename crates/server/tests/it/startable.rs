//! What `config check` accepts, `serve` starts with: generated configurations, each started for real.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};

use portcullis_server::config::{Config, Flags};
use portcullis_server::serve::{check, serve_until};
use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::{Config as Cases, TestRunner};
use rcgen::{CertificateParams, KeyPair};
use tempfile::TempDir;
use tokio::net::TcpSocket;
use tokio::runtime::Runtime;

use crate::fixture::MASTER_KEY;

/// Settings with texts that an operator might state, some of them wrong. `{A}` and `{B}` are free ports, `{dir}` is a
/// directory with the files that are named.
const STATED: &[(&str, &[&str])] = &[
    ("config", &["{dir}/p.toml"]),
    (
        "public_url",
        &["https://auth.example.com", "https://a.b:8443/", "http://localhost:3000", "http://[::1]"],
    ),
    ("data_dir", &["{dir}/data", "{dir}/a/b", "{dir}/with a space"]),
    (
        "listen",
        &[
            "localhost:{A}",
            "127.0.0.1:{A}",
            "127.0.0.1:{A}, 127.0.0.1:{B}",
            "127.0.0.1:{A}, localhost:{A}",
            "0.0.0.0:{A}",
            "127.0.0.1:{A}, 0.0.0.0:{A}",
            "[::]:{A}, 0.0.0.0:{A}",
            "[::ffff:127.0.0.1]:{A}",
            "[::1]:{A}",
            ",",
            "localhost:0, localhost:0",
        ],
    ),
    ("gateway.config", &["{dir}/gateway.toml"]),
    ("handover", &["{dir}/h.sock", "{dir}/{long}", "h.sock"]),
    ("database_connections", &["1", "16", "1000"]),
    ("database", &["sqlite:{dir}/x.db", "sqlite:{dir}/data/portcullis.db", "sqlite:", "sqlite::memory:"]),
    ("sessions", &["sqlite:{dir}/x.db", "redis://h?x=1"]),
    ("proxies.trusted", &["10.0.0.0/8", "0.0.0.0/0", "::1"]),
    ("proxies.header", &["forwarded", "x-forwarded-for"]),
    ("master_key", &[MASTER_KEY, "short"]),
    ("master_key_file", &["{dir}/key", "{dir}/none"]),
    ("jwt_secret", &["6Zk2m1YFQ0v9cWq4rXt7uBn3sEa8dHj5", "secret"]),
    ("session_secret", &["gT5rLw1zXe8kVb2mQy7uJc4nHs9pDf3a", "6Zk2m1YFQ0v9cWq4rXt7uBn3sEa8dHj5"]),
    ("audience", &["app", " ", "a,b", "https://api.example.com"]),
    ("leeway", &["0s", "60s", "61s"]),
    ("cookie.name", &["sid", "__Host-sid", "__Secure-sid", "a b"]),
    ("cookie.same_site", &["none", "strict"]),
    ("cookie.domain", &["example.com", "localhost"]),
    ("cors.origins", &["https://app.example.com", "*", "http://localhost:1, http://127.0.0.1:2"]),
    ("cors.headers", &["x-app-version, x-requested-with", "a b", "*"]),
    ("forward_auth.hosts", &["app.example.com, app.example.com:8443", "https://app.example.com", "*"]),
    (
        "forward_auth.policies",
        &[
            "staff.roles=manager, admin\nstaff.login=https://auth.example.com/login\nstaff.hosts=app.example.com",
            "any",
            "staff.login=https://auth.example.com/login",
            "staff.roles=boss",
            "staff=admin",
        ],
    ),
    ("tenants.require_header", &["true", "false"]),
    ("tenant.name", &["Example & Söhne <x>", "\u{202e}"]),
    ("tenant.logo_url", &["https://example.com/logo.png?a=b&c", "javascript:alert(1)"]),
    ("tenant.home_url", &["https://example.com", "http://127.0.0.1:8080/"]),
    ("otp", &["on", "new_devices", "off", "forced"]),
    ("lockout.after", &["1", "100", "0"]),
    ("lockout.for", &["1s", "24h", "0s"]),
    ("session_cap", &["0", "1", "10000"]),
    ("hide_existence", &["true", "false"]),
    ("password.shortest", &["8", "15", "64", "65"]),
    ("hashing.threads", &["1", "3", "0"]),
    ("hashing.max_wait", &["10ms", "10s", "0s"]),
    ("mail.transport", &["outbox", "smtp://localhost:1?tls=none", "smtps://mail.example.com", "smtp://"]),
    ("mail.from", &["no-reply@example.com", "Example <no-reply@example.com>", "nobody"]),
    ("mail.username", &["me"]),
    ("mail.password", &["hunter2"]),
    ("mail.password_file", &["{dir}/password"]),
    ("mail.ca", &["{dir}/certificate.pem", "{dir}/key", "{dir}/none"]),
    ("mail.timeout", &["1s", "5m", "6m"]),
    ("mail.templates", &["{dir}/templates", "{dir}/broken", "{dir}/none"]),
    ("mail.language", &["en", "de-AT", "xx", "e n"]),
    ("strategies.enabled", &["", "jwt", "device", "session, refresh", "jwt, jwt", "device, session-jwt"]),
    ("jwt_expires_in", &["3600", "2 days", "8d", "10 y"]),
    ("jwt_refresh_expires_in", &["90d", "1h", "1"]),
    ("strategies.jwt.access", &["1s", "3650d", "3651d"]),
    ("strategies.session.idle", &["1s", "31d"]),
    ("strategies.session.max", &["1s", "3650d"]),
    ("strategies.hybrid.access", &["5m", "0s"]),
    ("strategies.refresh.access", &["8d", "1m"]),
    ("strategies.refresh.refresh", &["40d", "1m"]),
    ("strategies.refresh.max", &["1d", "3650d"]),
    ("strategies.refresh.grace", &["0s", "10m", "11m"]),
    ("strategies.denylist.access", &["8d", "1m"]),
    ("strategies.denylist.refresh", &["40d", "1m"]),
    ("strategies.denylist.max", &["1d", "3650d"]),
    ("strategies.denylist.grace", &["0s", "10m"]),
    ("strategies.session-jwt.access", &["5m", "3650d"]),
    ("strategies.device.access", &["8d", "1m"]),
    ("strategies.device.refresh", &["40d", "1m"]),
    ("strategies.device.max", &["1d", "3650d"]),
    ("strategies.device.grace", &["0s", "10m"]),
    ("liveness.max_staleness", &["250ms", "30s", "1ms"]),
    ("liveness.capacity", &["1000", "2000", "1"]),
    ("limits.body", &["1KiB", "16MiB", "0"]),
    ("limits.headers", &["8KiB", "48KiB", "1KiB"]),
    ("limits.connections", &["1", "1000000", "0"]),
    ("limits.rate", &["0", "1", "1000000"]),
    ("limits.rate_tenant", &["0", "1"]),
    ("timeouts.headers", &["100ms", "10m"]),
    ("timeouts.body", &["100ms", "10m"]),
    ("timeouts.shutdown", &["0s", "10m"]),
    ("timeouts.drain", &["0s", "10m"]),
    (
        "tcp.listen",
        &[
            "localhost:{B}",
            "127.0.0.1:{A}",
            "0.0.0.0:{B}",
            "[::]:{A}",
            "unix:{dir}/p.sock",
            "unix:{dir}/{long}",
        ],
    ),
    ("tcp.tls.certificate", &["{dir}/certificate.pem", "{dir}/key"]),
    ("tcp.tls.key", &["{dir}/key.pem", "{dir}/other.pem"]),
    ("tcp.tls.client_ca", &["{dir}/certificate.pem"]),
    ("tcp.trust_gateway", &["true", "false"]),
    ("tcp.limits.frame", &["1KiB", "16MiB"]),
    ("tcp.limits.connections", &["1", "1000000"]),
    ("tcp.limits.in_flight", &["1", "1024"]),
    ("tcp.timeouts.idle", &["1s", "24h"]),
    ("tcp.timeouts.packet", &["100ms", "10m"]),
    ("log.format", &["text", "json"]),
    ("log.level", &["error", "trace"]),
    ("metrics.listen", &["127.0.0.1:{A}", "127.0.0.1:{B}", "0.0.0.0:{B}", "127.0.0.1:0"]),
];

const CASES: u32 = 64;

/// A port on which nothing listens, kept from other processes: it is bound, and may be used again by number.
fn reserved() -> (TcpSocket, SocketAddr) {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_reuseaddr(true).unwrap();
    socket.bind((Ipv4Addr::LOCALHOST, 0).into()).unwrap();
    let address = socket.local_addr().unwrap();
    (socket, address)
}

/// A directory with every file that a setting names.
fn directory() -> TempDir {
    let home = TempDir::new().unwrap();
    let write = |name: &str, text: &str| {
        let path = home.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    };
    let [key, other] = [(); 2].map(|()| KeyPair::generate().unwrap());
    let certificate = CertificateParams::new(["localhost".to_owned()]).unwrap().self_signed(&key).unwrap();
    write("certificate.pem", &certificate.pem());
    write("key.pem", &key.serialize_pem());
    write("other.pem", &other.serialize_pem());
    write("key", MASTER_KEY);
    write("password", "hunter2\n");
    write("p.toml", "[cors]\norigins = []\n");
    write("templates/page.css", "body { color: black }\n");
    write("broken/page.html", "{{ nothing_of_this_name }}");
    home
}

/// What an operator in production states at least; a further setting may replace each.
const PRODUCTION: [(&str, &str); 3] =
    [("public_url", "https://auth.example.com"), ("mail.transport", "outbox"), ("master_key", MASTER_KEY)];

fn stated() -> impl Strategy<Value = BTreeMap<&'static str, &'static str>> {
    let one = select(STATED).prop_flat_map(|(key, texts)| (Just(key), select(texts)));
    // Several addresses at once, because rules between settings are where a start may know better.
    let addresses = (0..STATED.len()).prop_filter_map("addresses", |at| {
        STATED.get(at).filter(|(key, _)| key.ends_with("listen")).copied()
    });
    let address = addresses.prop_flat_map(|(key, texts)| (Just(key), select(texts)));
    let some = (proptest::collection::vec(one, 0..5), proptest::collection::vec(address, 0..3));
    (any::<bool>(), some).prop_map(|(in_production, (some, addresses))| {
        let production = PRODUCTION.into_iter().filter(|_| in_production);
        production.chain(some).chain(addresses).collect()
    })
}

/// The environment that states this, in a directory with these ports.
fn environment(stated: &BTreeMap<&str, &str>, home: &Path, ports: [u16; 2]) -> BTreeMap<String, String> {
    let [a, b] = ports.map(|port| port.to_string());
    let filled = |text: &str| {
        let text = text.replace("{A}", &a).replace("{B}", &b).replace("{long}", &"s".repeat(107));
        text.replace("{dir}", &home.display().to_string())
    };
    let preset = [("listen", "127.0.0.1:{A}"), ("data_dir", "{dir}/data")];
    let all: BTreeMap<&str, &str> =
        preset.into_iter().chain(stated.iter().map(|(key, text)| (*key, *text))).collect();
    let variable = |key: &str| format!("PORTCULLIS_{}", key.replace(['.', '-'], "_").to_uppercase());
    all.into_iter().map(|(key, text)| (variable(key), filled(text))).collect()
}

fn accepted(env: &BTreeMap<String, String>) -> Option<Config> {
    let config = Config::read(&Flags::default(), env, &|path| std::fs::read_to_string(path)).ok()?;
    check(&config).ok().map(|()| config)
}

/// Starts servers one after the other, each with files and ports of its own.
struct Starter {
    home: TempDir,
    ports: [(TcpSocket, SocketAddr); 2],
    runtime: Runtime,
}

impl Starter {
    fn new() -> Self {
        Self { home: directory(), ports: [reserved(), reserved()], runtime: Runtime::new().unwrap() }
    }

    /// Starts and stops a server if this is accepted. Returns whether it was, or why the server did not start.
    fn start(&self, stated: &BTreeMap<&str, &str>) -> Result<bool, String> {
        let [a, b] = &self.ports;
        let env = environment(stated, self.home.path(), [a.1.port(), b.1.port()]);
        let Some(config) = accepted(&env) else { return Ok(false) };
        for left in ["data", "a", "with a space", "x.db"] {
            let left = self.home.path().join(left);
            let _ = std::fs::remove_dir_all(&left).or_else(|_| std::fs::remove_file(&left));
        }
        let mut out = std::io::sink();
        let served = self.runtime.block_on(serve_until(&config, std::future::ready(()), &mut out));
        served.map(|()| true).map_err(|fault| format!("{stated:?}: {fault}"))
    }
}

#[test]
fn a_server_starts_with_every_value_that_is_accepted() {
    let starter = Starter::new();
    let all = STATED.iter().flat_map(|(key, texts)| texts.iter().map(move |text| (*key, *text)));
    let (accepted, refused): (Vec<_>, Vec<_>) =
        all.partition(|stated| starter.start(&BTreeMap::from([*stated])).unwrap());
    assert!(accepted.len() > 80 && refused.len() > 40, "{} of {refused:?}", accepted.len());
}

#[test]
fn a_server_starts_with_every_configuration_that_is_accepted() {
    let (starter, count) = (Starter::new(), AtomicUsize::new(0));
    let mut runner = TestRunner::new(Cases { cases: CASES, failure_persistence: None, ..Cases::default() });
    let outcome = runner.run(&stated(), |stated| {
        let was_accepted = starter.start(&stated).map_err(TestCaseError::fail)?;
        count.fetch_add(was_accepted.into(), Ordering::Relaxed);
        Ok(())
    });
    outcome.unwrap_or_else(|fault| panic!("{fault}"));
    let count = count.into_inner();
    assert!(count > 8, "only {count} of {CASES} configurations were accepted");
}

#[test]
fn every_setting_is_among_those_that_are_tried() {
    let config = Config::read(&Flags::default(), &BTreeMap::new(), &|_| Ok(String::new())).unwrap();
    let all: BTreeSet<&str> = config.report().rows().iter().map(|row| row.key).collect();
    let tried: BTreeSet<&str> = STATED.iter().map(|(key, _)| *key).collect();
    assert_eq!(tried, all);
}
