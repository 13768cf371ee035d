//! The binary never writes secrets into its log or a refusal.

use base64::Engine as _;
use base64::prelude::{BASE64_STANDARD_NO_PAD, BASE64_URL_SAFE_NO_PAD};
use portcullis_api::operation::PublicOperation;
use portcullis_core::strategy::StrategyName;
use serde_json::{Value, json};

use crate::fixture::{
    Credentials, DataDirectory, DeviceClient, HttpAnswer, HttpRequest, MASTER_KEY, STRATEGIES, ServerProcess,
    TestUser,
};

const SESSION_SECRET: &str = "6Zk2m1YFQ0v9cWq4rXt7uBn3sEa8dHj5";
const JWT_SECRET: &str = "gT5rLw1zXe8kVb2mQy7uJc4nHs9pDf3a";

/// The secrets that must not appear, and the refusals in which they might.
#[derive(Default)]
pub(crate) struct SecretWatch {
    secrets: Vec<String>,
    pub(crate) refusals: Vec<HttpAnswer>,
}

impl SecretWatch {
    pub(crate) fn over(&mut self, secret: impl Into<String>) {
        self.secrets.push(secret.into());
    }

    fn over_credentials(&mut self, held: &Credentials) {
        let Credentials { credential, refresh, proof, .. } = held;
        let value = credential.strip_prefix("connect.sid=s%3A").unwrap_or(credential);
        self.over(value);
        // The id, the payload and the signature alone are secrets as well.
        self.secrets.extend(value.split('.').filter(|part| part.len() > 40).map(str::to_owned));
        self.secrets.extend(refresh.iter().chain(proof).cloned());
    }

    pub(crate) async fn refused(&mut self, ask: HttpRequest) {
        let answer = ask.await;
        assert!(answer.status >= 400, "{answer:?}");
        self.refusals.push(answer);
    }

    /// Fails if a text contains a secret. The header of a JWT is not one: it is the same for all tokens of a key.
    pub(crate) fn assert_unseen(&self, what: &str, text: &str) {
        for secret in self.secrets.iter().filter(|secret| secret.len() >= 8) {
            assert!(!text.contains(secret), "{what} holds {secret}: {text}");
        }
    }
}

fn person(number: usize) -> (String, String) {
    (format!("canary{number}@example.com"), format!("CANARY-password-{number}-of-a-user"))
}

// ASVS-map: LG1, SE9
#[tokio::test]
async fn no_secret_is_ever_logged_or_written_in_a_refusal() {
    let program = ServerProcess::start(&[
        ("LOG_LEVEL", "trace"),
        ("SESSION_SECRET", SESSION_SECRET),
        ("JWT_SECRET", JWT_SECRET),
        ("MASTER_KEY", MASTER_KEY),
    ]);
    let mut watch = SecretWatch::default();
    for secret in [SESSION_SECRET, JWT_SECRET, MASTER_KEY] {
        watch.over(secret);
    }
    for (number, strategy) in STRATEGIES.into_iter().enumerate() {
        let path = |operation: &str| format!("/auth/{strategy}/{operation}");
        let (email, password) = person(number);
        let (wrong, new) = (format!("CANARY-wrong-{number}-guess"), format!("CANARY-new-{number}-password"));
        for secret in [&password, &wrong, &new] {
            watch.over(secret);
        }
        let sign_up = json!({"email": email, "password": password, "name": "Ann"});
        program.post(&path("register"), &sign_up).await.status(201);
        watch.refused(program.post(&path("register"), &sign_up)).await;
        let guess = json!({"email": email, "password": wrong});
        watch.refused(program.post(&path("login"), &guess)).await;
        let spoiled = format!("{{\"email\":\"{email}\",\"password\":\"{password}\"");
        watch.refused(program.ask("POST", &path("login")).text(spoiled.clone())).await;
        watch.refused(program.ask("POST", &path("login")).body(spoiled)).await;
        let typo = json!({"email": password, "password": [password], "native": password});
        watch.refused(program.post(&path("login"), &typo)).await;

        let login = json!({"email": email, "password": password, "native": true});
        let held = Credentials::from(strategy, &program.post(&path("login"), &login).await.status(201));
        watch.over_credentials(&held);
        held.shown(program.ask("GET", &path("profile"))).await.status(200);
        for other in STRATEGIES.into_iter().filter(|other| *other != strategy) {
            watch.refused(held.shown(program.ask("GET", &format!("/auth/{other}/profile")))).await;
        }
        let bent = format!("{}x", held.credential);
        watch.refused(program.ask("GET", &path("profile")).bearer(&bent)).await;
        watch.refused(program.ask("GET", &path("profile")).header("cookie", &bent)).await;
        let tenant = held.shown(program.ask("GET", &path("profile"))).header("x-tenant-id", &password);
        watch.refused(tenant).await;
        let change = |current: &str| json!({"currentPassword": current, "newPassword": new});
        watch.refused(held.shown(program.post(&path("password"), &change(&wrong)))).await;
        held.shown(program.post(&path("password"), &change(&password))).await.status(201);

        if let Some(refresh) = &held.refresh {
            let body = json!({"token": refresh, "device_secret": held.proof});
            let next = held.renewed(&program.post(&path("refresh"), &body).await.status(201));
            watch.over_credentials(&next);
            watch.refused(program.post(&path("refresh"), &json!({"token": bent}))).await;
            // Without the proof: the session ends, and an alarm is logged.
            watch.refused(program.post(&path("refresh"), &json!({"token": next.refresh}))).await;
            watch.refused(program.post(&path("refresh"), &json!({"token": next.refresh}))).await;
        }
        let logout = held.shown(program.ask("POST", &path("logout"))).await;
        assert!(matches!(logout.status, 201 | 401), "{logout:?}");
        if !matches!(strategy, StrategyName::Jwt | StrategyName::Refresh) {
            watch.refused(held.shown(program.ask("POST", &path("logout")))).await;
        }
    }
    let metrics = program.ask("GET", "/metrics").await.status(200);
    let log = program.stop();
    // The log works: every decision is in it.
    for event in [
        "signed_up",
        "signed_in",
        "sign_in_refused",
        "refreshed",
        "refresh_reused",
        "ended",
        "password_changed",
    ] {
        assert!(log.contains(event), "{event}: {log}");
    }
    watch.assert_unseen("the log", &log);
    watch.assert_unseen("the metrics", &metrics.body);
    for refusal in &watch.refusals {
        watch.assert_unseen("a refusal", &format!("{refusal:?}"));
    }
    assert!(watch.refusals.len() > 60, "{}", watch.refusals.len());
}

// ASVS-map: LG2
#[tokio::test]
async fn no_client_writes_lines_of_its_own_into_the_log() {
    for format in ["text", "json"] {
        let program = ServerProcess::start(&[("LOG_LEVEL", "debug"), ("LOG_FORMAT", format)]);
        let forged =
            "\r\n2026-01-01T00:00:00Z  INFO portcullis::audit: event=\"forged\"\u{1b}[31m\u{2028}\"}{";
        let sign_up = json!({"email": "ann@example.com", "password": "correct horse", "name": "Ann"});
        program.post("/auth/jwt/register", &sign_up).await.status(201);
        let agent = "agent\t\u{2028} event=\"forged\"";
        for email in [forged, "ann@example.com"] {
            let body = json!({"email": email, "password": forged, "name": forged});
            program.post("/auth/jwt/login", &body).header("user-agent", agent).await;
            program.post("/auth/jwt/register", &body).header("x-tenant-id", agent).await;
        }
        program.ask("GET", "/%0D%0Aevent=%22forged%22").await.status(404);
        let log = program.stop();
        assert!(log.contains("sign_in_refused"), "{log}");
        assert!(!log.contains("forged") && !log.contains('\u{1b}'), "{log}");
        if format == "json" {
            for line in log.lines() {
                let event: Value =
                    serde_json::from_str(line).unwrap_or_else(|fault| panic!("{fault}: {line}"));
                assert!(event["timestamp"].as_str().is_some_and(|time| time.ends_with('Z')), "{line}");
            }
        }
    }
}

// ASVS-map: OP5
#[tokio::test]
async fn metrics_are_for_this_machine_and_name_no_made_up_path() {
    let program = ServerProcess::start(&[]);
    let ask = || program.ask("GET", "/metrics");
    program.ask("GET", "/made-up-by-a-client").await.status(404);
    program.ask("BREW", "/auth/jwt/login").await.status(405);
    let numbers = ask().await.status(200);
    assert!(numbers.header("content-type").unwrap().starts_with("text/plain"), "{numbers:?}");
    let numbers = ask().await.body;
    for name in ["portcullis_http_requests_total", "portcullis_password_hashes", "route=\"unmatched\""] {
        assert!(numbers.contains(name), "{name}: {numbers}");
    }
    assert!(!numbers.contains("made-up"), "{numbers}");
    assert!(!numbers.contains("BREW"), "a made-up method: {numbers}");
    for header in ["forwarded", "x-forwarded-for", "x-real-ip", "via"] {
        let text = r#"{"message":"Cannot GET /metrics","error":"Not Found","statusCode":404}"#;
        ask().header(header, "127.0.0.1").await.says(404, text);
    }
    program.stop();
}

#[tokio::test]
async fn the_program_listens_says_where_and_stops_on_a_signal() {
    let program = ServerProcess::start(&[]);
    program.ask("GET", "/healthz").await.status(200);
    let ann = TestUser::ANN;
    let sign_up = json!({"email": ann.email, "password": ann.password, "name": ann.name});
    program.post("/auth/session/register", &sign_up).await.status(201);
    let log = program.stop();
    assert!(log.contains("stopped"), "{log}");
}

/// How a file may hold a secret that is not hashed: as it is sent, as the bytes that it stands for, and those in
/// hexadecimal or in the other alphabet of base64.
fn spellings(secret: &str) -> Vec<Vec<u8>> {
    let mut spellings = vec![secret.as_bytes().to_owned()];
    for part in secret.split(['.', '~']) {
        if let Ok(bytes) = BASE64_URL_SAFE_NO_PAD.decode(part)
            && bytes.len() >= 16
        {
            let hexadecimal = bytes.iter().fold(String::new(), |text, byte| format!("{text}{byte:02x}"));
            spellings.extend(
                [hexadecimal.to_uppercase(), hexadecimal, BASE64_STANDARD_NO_PAD.encode(&bytes)]
                    .map(String::into_bytes),
            );
            spellings.push(bytes);
        }
    }
    spellings
}

// ASVS-map: SE1, RC1
#[tokio::test]
async fn the_files_of_the_database_hold_nothing_that_opens_a_session() {
    let home = DataDirectory::new();
    let server = home.sqlite_server().await;
    let ann = TestUser::ANN.with_password("CANARY-password-of-ann").registered(&server).await;
    let mut watch = SecretWatch::default();
    watch.over(ann.password);
    for strategy in STRATEGIES {
        let held = ann.signs_in_natively(&server, strategy).await;
        watch.over_credentials(&held);
        if held.refresh.is_some() {
            watch.over_credentials(&held.renewed(&held.refreshes(&server).await.status(201)));
        }
    }
    let client = DeviceClient::curl(&server);
    let of_device = ann.signs_in_natively_on(&client).await;
    client.asks(PublicOperation::ForgotPassword, json!({"email": ann.email}), None).await;
    let link = server.mailbox.link(ann.email, "reset").await;
    for secret in [of_device.access, of_device.refresh, of_device.secret.unwrap(), link] {
        watch.over(secret);
    }
    let mut seen = 0;
    for entry in std::fs::read_dir(home.path()).unwrap() {
        let bytes = std::fs::read(entry.unwrap().path()).unwrap();
        seen += bytes.len();
        for secret in watch.secrets.iter().filter(|secret| secret.len() >= 8) {
            for spelling in spellings(secret) {
                let is_there = bytes.windows(spelling.len()).any(|window| window == spelling);
                assert!(!is_there, "a file holds {secret} as {spelling:?}");
            }
        }
    }
    assert!(seen > 10_000, "{seen} bytes");
    server.stop().await;
}
