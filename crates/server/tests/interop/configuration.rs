//! Configuration errors: exit code 2, and every error in one message.

use std::fs;
use std::process::Output;

use serde_json::Value;

use crate::server_process::{ServerDirectory, fault};

const USAGE: i32 = 2;
const MASTER_KEY: &str = "8f3b1c5d7e9a0246bdf13579ace02468fedcba98765432100123456789abcdef";
const JWT_SECRET: &str = "Zk3vY8nQp1Lr6TwXc9MbHs4DfGj7UaEe";
const SESSION_SECRET: &str = "wLq0mZ3cN8vT1xYr5sKd7uHgBfJePaQo";
const PUBLIC_URL: &str = "https://auth.example.com";

fn served(home: &ServerDirectory) -> Output {
    home.run(["serve"])
}

fn with_secrets() -> ServerDirectory {
    ServerDirectory::new()
        .with("PORTCULLIS_PUBLIC_URL", PUBLIC_URL)
        .with("PORTCULLIS_MAIL_TRANSPORT", "outbox")
        .with("PORTCULLIS_MASTER_KEY", MASTER_KEY)
        .with("JWT_SECRET", JWT_SECRET)
        .with("SESSION_SECRET", SESSION_SECRET)
}

fn repeats_a_secret(text: &str) -> bool {
    [MASTER_KEY, JWT_SECRET, SESSION_SECRET].iter().any(|secret| text.contains(&secret[4..28]))
}

#[test]
fn an_address_that_others_reach_is_refused_until_everything_is_stated_that_it_needs() {
    let home = || ServerDirectory::new().with("PORTCULLIS_LISTEN", "0.0.0.0:0");
    let (code, line) = fault(&served(&home()));
    assert_eq!(code, USAGE);
    let needed = [
        "PORTCULLIS_PUBLIC_URL",
        "PORTCULLIS_MAIL_TRANSPORT",
        "PORTCULLIS_MAIL_FROM",
        "PORTCULLIS_MASTER_KEY_FILE",
    ];
    for missing in needed {
        assert!(line.contains(missing), "{missing} is not asked for: {line}");
    }
    assert!(!home().data().exists(), "something was made before it was refused");

    let (code, line) = fault(&served(&home().with("PORTCULLIS_PUBLIC_URL", PUBLIC_URL)));
    assert_eq!(code, USAGE);
    assert!(line.contains("PORTCULLIS_MASTER_KEY") && !line.contains("PORTCULLIS_PUBLIC_URL"), "{line}");

    let complete = home()
        .with("PORTCULLIS_PUBLIC_URL", PUBLIC_URL)
        .with("PORTCULLIS_MAIL_TRANSPORT", "outbox")
        .with("PORTCULLIS_MASTER_KEY", MASTER_KEY)
        .with("PORTCULLIS_STRATEGIES_ENABLED", "session, jwt");
    let server = complete.serve();
    assert_eq!(server.get("/healthz").status, 200);
    server.register();
    let login = server.login("session");
    assert_eq!(login.cookie().0, "__Host-connect.sid");
}

// ASVS-map: AU3
// ASVS-map: JW10
#[test]
fn a_known_or_short_secret_is_refused() {
    let short = ["secret", "changeme", "0123456789abcdef"].map(|bad| (ServerDirectory::new(), bad));
    let known = ["your-secret-your-secret-your-secret-your", "your-256-bit-secret-your-256-bit-secret"]
        .map(|bad| (with_secrets(), bad));
    for variable in ["JWT_SECRET", "SESSION_SECRET", "PORTCULLIS_MASTER_KEY"] {
        for (home, secret) in short.iter().chain(&known) {
            let (code, line) = fault(&served(&home.clone().with(variable, secret)));
            assert_eq!(code, USAGE, "{variable}={secret}: {line}");
            assert!(line.contains(variable), "{line}");
            assert!(line.contains("openssl rand"), "no cure is named: {line}");
        }
    }
}

// ASVS-map: JW2
#[test]
fn one_secret_for_two_uses_is_refused() {
    let home = ServerDirectory::new().with("JWT_SECRET", JWT_SECRET).with("SESSION_SECRET", JWT_SECRET);
    let (code, line) = fault(&served(&home));
    assert_eq!(code, USAGE);
    assert!(line.contains("JWT_SECRET and SESSION_SECRET are the same"), "{line}");
    assert!(!repeats_a_secret(&line), "{line}");
}

#[test]
fn a_variable_that_is_no_setting_is_refused_and_the_right_one_named() {
    let (code, line) = fault(&served(&ServerDirectory::new().with("PORTCULLIS_LISTN", "127.0.0.1:0")));
    assert_eq!(code, USAGE);
    assert!(line.contains("PORTCULLIS_LISTN") && line.contains("did you mean PORTCULLIS_LISTEN?"), "{line}");
}

#[test]
fn a_command_line_that_makes_no_sense_is_the_callers_fault() {
    for words in [&["dance"][..], &["serve", "--dance"], &[]] {
        assert_eq!(ServerDirectory::new().run(words).status.code(), Some(USAGE), "{words:?}");
    }
}

#[test]
fn every_error_is_reported_at_once_with_its_place() {
    let home = ServerDirectory::new().without("PORTCULLIS_LISTEN").with("PORTCULLIS_LIMITS_BODY", "much");
    let file = home.path().join("portcullis.toml");
    fs::write(&file, "listen = \"nowhere\"\n\n[timeouts]\nbody = \"30\"\n").unwrap();
    let output = home.run(["config", "check", "--config", &file.to_string_lossy()]);
    assert_eq!(output.status.code(), Some(USAGE));
    assert!(output.stdout.is_empty());
    let faults = String::from_utf8(output.stderr).unwrap();
    assert_eq!(faults.lines().count(), 3, "{faults}");
    for place in ["portcullis.toml:1: listen", "portcullis.toml:4: timeouts.body", "PORTCULLIS_LIMITS_BODY"] {
        assert!(faults.contains(place), "{place} is not told: {faults}");
    }
}

// ASVS-map: OP6
#[test]
fn a_checked_configuration_is_shown_without_its_secrets() {
    let home = with_secrets();
    let [table, json] = [&["config", "check"][..], &["config", "check", "--json"]].map(|words| {
        let output = home.run(words);
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).unwrap()
    });
    for text in [&table, &json] {
        assert!(!repeats_a_secret(text), "{text}");
        assert!(text.contains(PUBLIC_URL), "{text}");
    }
    let rows: Vec<Value> = serde_json::from_str(&json).unwrap();
    for key in ["master_key", "jwt_secret", "session_secret"] {
        let row = rows.iter().find(|row| row["key"] == key).unwrap();
        assert_eq!(row["value"], "(set)", "{row}");
    }
    assert!(!home.data().exists(), "looking at a configuration made something");
}
