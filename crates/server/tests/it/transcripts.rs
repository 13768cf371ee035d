//! Requests and answers of each strategy from sign-up to sign-out, with placeholders for what differs from run to run.
//!
//! The snapshots are for reading; the other tests check what they show.

use std::fmt::Write as _;

use portcullis_api::operation::STRATEGY_OPERATIONS;
use portcullis_core::strategy::StrategyName;
use serde_json::json;

use crate::fixture::{Credentials, HttpAnswer, TestServer, TestUser};

/// The headers that differ from answer to answer.
const TOLD: [&str; 4] = ["content-type", "cache-control", "www-authenticate", "set-cookie"];

/// Requests and answers as text.
#[derive(Default)]
struct Transcript {
    text: String,
    operations: Vec<String>,
}

impl Transcript {
    fn note(&mut self, request: &str, answer: &HttpAnswer) {
        self.operations.extend(request.rsplit('/').next().map(str::to_owned));
        writeln!(self.text, "{request}\n{}", answer.status).unwrap();
        for (name, value) in &answer.headers {
            if TOLD.contains(&name.as_str()) {
                writeln!(self.text, "{name}: {}", blotted(value)).unwrap();
            }
        }
        writeln!(self.text, "\n{}\n", blotted(&answer.body)).unwrap();
    }
}

/// The text with a placeholder for each id, token and time.
fn blotted(text: &str) -> String {
    if let Some((pair, attributes)) = text.split_once("; Path=/; Expires=") {
        let (name, value) = pair.split_once('=').unwrap();
        let value = if value.is_empty() { "" } else { "[cookie]" };
        let (moment, rest) = attributes.split_once(';').unwrap();
        let moment = if moment.contains("1970") { moment } else { "[time]" };
        return format!("{name}={value}; Path=/; Expires={moment};{rest}");
    }
    text.split('"').map(blot).collect::<Vec<_>>().join("\"")
}

fn blot(text: &str) -> &str {
    let is = |lengths: &[usize], also: fn(char) -> bool| {
        lengths.contains(&text.len())
            && text.chars().all(|letter| letter.is_ascii_alphanumeric() || also(letter))
    };
    if text.starts_with("eyJ") {
        "[token]"
    } else if is(&[36], |letter| letter == '-') && text.matches('-').count() == 4 {
        "[id]"
    } else if is(&[24], |letter| matches!(letter, '-' | ':' | '.')) && text.ends_with('Z') {
        "[time]"
    } else if is(&[43, 87], |letter| matches!(letter, '-' | '_' | '.' | '+' | '/')) {
        "[secret]"
    } else {
        text
    }
}

async fn life_under(strategy: StrategyName, server: &TestServer) -> Transcript {
    let mut transcript = Transcript::default();
    let ann = TestUser::ANN;
    let path = |operation: &str| format!("POST /auth/{strategy}/{operation}");
    transcript.note(&path("register"), &ann.registers(server, strategy).await);
    transcript.note(&path("register"), &ann.registers(server, strategy).await);
    transcript.note(&path("login"), &ann.with_password("not this one").logs_in(server, strategy).await);
    let answer = ann.logs_in(server, strategy).await;
    transcript.note(&path("login"), &answer);
    let mut held = Credentials::from(strategy, &answer);
    if held.refresh.is_some() {
        let mut body = ann.credentials();
        body["native"] = json!(true);
        let native = server.post(&format!("/auth/{strategy}/login")).json(&body).await;
        transcript.note(&path("login"), &native);
        let answer = held.refreshes(server).await;
        transcript.note(&path("refresh"), &answer);
        held = held.renewed(&answer);
        transcript.note(&path("refresh"), &server.post(&format!("/auth/{strategy}/refresh")).await);
    }
    let profile = format!("GET /auth/{strategy}/profile");
    transcript.note(&profile, &held.profile(server).await);
    transcript.note(&profile, &server.get(&format!("/auth/{strategy}/profile")).await);
    let change = |current: &'static str, new: &'static str| held.changes_password(server, current, new);
    transcript.note(&path("password"), &change("not this one", "another one").await);
    transcript.note(&path("password"), &change(ann.password, ann.password).await);
    transcript.note(&path("password"), &change(ann.password, "another one").await);
    transcript.note(&path("logout"), &held.logs_out(server).await);
    transcript.note(&profile, &held.profile(server).await);
    transcript
}

#[tokio::test]
async fn a_life_under_each_strategy() {
    for strategy in StrategyName::ROUTED {
        let transcript = life_under(strategy, &*TestServer::start().await).await;
        let embedded = life_under(strategy, &*TestServer::embedding(&[]).await).await;
        assert_eq!(embedded.text, transcript.text, "a service that embeds the routes answers the same");
        for operation in STRATEGY_OPERATIONS {
            let is_told = transcript.operations.iter().any(|told| told == operation.route);
            assert_eq!(is_told, operation.path(strategy).is_some(), "{strategy}: {}", operation.route);
        }
        assert!(
            !transcript.text.contains("eyJ") && !transcript.text.contains("argon2"),
            "{}",
            transcript.text
        );
        insta::assert_snapshot!(format!("life_under_{strategy}"), transcript.text);
    }
}
