//! The server never writes codes, links, device proofs and tokens into its log, a refusal or a metric.

use std::path::Path;

use portcullis_core::strategy::StrategyName;
use portcullis_server::mail::{ParsedMessage, mail_files};
use serde_json::{Value, json};

use crate::fixture::{HttpAnswer, MASTER_KEY, ServerProcess, cookie_pair, eventually};
use crate::secret_leaks::SecretWatch;

const EMAIL: &str = "canary@example.com";

/// Waits for so many mails; returns the text of the newest that contains this.
async fn mail(home: &Path, count: usize) -> String {
    eventually(&format!("mail {count}"), || async {
        let found = mail_files(&home.join("outbox")).unwrap();
        let newest = found.first().filter(|_| found.len() == count)?;
        Some(ParsedMessage::parse(&std::fs::read(newest).unwrap()).unwrap().text)
    })
    .await
}

/// The one word of six digits in a text.
fn code_in(text: &str) -> String {
    let is_code = |word: &&str| word.len() == 6 && word.bytes().all(|byte| byte.is_ascii_digit());
    text.split(|c: char| !c.is_alphanumeric())
        .find(is_code)
        .unwrap_or_else(|| panic!("no code: {text}"))
        .to_owned()
}

fn token_in(text: &str) -> String {
    let after = text.split_once("?token=").unwrap_or_else(|| panic!("no link: {text}")).1;
    after.split_whitespace().next().unwrap().to_owned()
}

/// Whether a text contains the code as a word; as a part of a time or an id it means nothing.
fn holds_code(text: &str, code: &str) -> bool {
    text.match_indices(code).any(|(at, _)| {
        let is_apart = |c: Option<char>| c.is_none_or(|c| !c.is_alphanumeric() && c != '.' && c != '-');
        is_apart(text[..at].chars().next_back()) && is_apart(text[at + code.len()..].chars().next())
    })
}

fn keep(watch: &mut SecretWatch, answer: &HttpAnswer) {
    let body = answer.json();
    for place in ["/data/accessToken", "/data/refreshToken", "/data/deviceSecret"] {
        if let Some(secret) = body.pointer(place).and_then(Value::as_str) {
            watch.over(secret);
            for part in secret.split('.').filter(|part| part.len() > 40) {
                watch.over(part);
            }
        }
    }
    for set in answer.all("set-cookie") {
        let value = cookie_pair(set).split_once('=').unwrap().1;
        watch.over(value);
        watch.over(value.split('.').next().unwrap());
    }
}

// ASVS-map: LG1
#[tokio::test]
async fn no_code_link_proof_or_token_is_ever_logged_or_written_in_a_refusal() {
    let offered = StrategyName::ALL.map(StrategyName::as_str).join(",");
    let settings =
        [("LOG_LEVEL", "trace"), ("MASTER_KEY", MASTER_KEY), ("STRATEGIES_ENABLED", offered.as_str())];
    let program = ServerProcess::start(&settings);
    let home = program.home.path().to_owned();
    let (mut watch, mut codes) = (SecretWatch::default(), Vec::new());
    let (password, new) = ("CANARY-password-of-a-user", "CANARY-new-password");
    for secret in [password, new, "CANARY-wrong-guess"] {
        watch.over(secret);
    }
    let sign_up = json!({"email": EMAIL, "password": password});
    program.post("/auth/signup", &sign_up).await.status(201);
    watch.refused(program.post("/auth/signup", &sign_up)).await;
    let login = |password: &str| json!({"usernameOrEmailOrMobile": EMAIL, "password": password});
    let mut mails = 0;
    let mut held = Vec::new();
    for native in [false, true] {
        let asked = program.post("/auth/login", &login(password)).await.status(201);
        keep(&mut watch, &asked);
        mails += 1;
        let code = code_in(&mail(&home, mails).await);
        let cookie = cookie_pair(asked.header("set-cookie").unwrap()).to_owned();
        let wrong = if code == "000000" { "000001" } else { "000000" };
        let verify = |otp: &str| {
            let body = json!({"loginId": asked.at("/data/loginId"), "otp": otp, "native": native});
            let ask = program.post("/auth/login/verify", &body);
            if native { ask } else { ask.header("cookie", &cookie) }
        };
        watch.refused(verify(wrong)).await;
        let done = verify(&code).await.status(201);
        watch.refused(verify(&code)).await;
        codes.push(code);
        keep(&mut watch, &done);
        let secret = done.json()["data"]["deviceSecret"].clone();
        let refresh = json!({"refreshToken": done.at("/data/refreshToken"), "deviceSecret": secret});
        let renewed = program.post("/auth/refresh", &refresh).header("cookie", &cookie).await.status(201);
        keep(&mut watch, &renewed);
        let bare = json!({"refreshToken": renewed.at("/data/refreshToken")});
        held.push((renewed.at("/data/accessToken"), bare));
    }
    // A second device, then a token without its proof: the user gets a mail about each.
    mails += 1;
    mail(&home, mails).await;
    watch.refused(program.post("/auth/refresh", &held[0].1)).await;
    mails += 1;
    mail(&home, mails).await;
    watch.refused(program.ask("GET", "/auth/me").bearer(&held[0].0)).await;
    let change = json!({"currentPassword": "CANARY-wrong-guess", "newPassword": new});
    watch.refused(program.post("/auth/password", &change).bearer(&held[1].0)).await;

    program.post("/auth/password/forgot", &json!({"email": EMAIL})).await.status(201);
    mails += 1;
    let token = token_in(&mail(&home, mails).await);
    watch.over(&token);
    watch.over(token.rsplit('.').next().unwrap());
    program.ask("GET", &format!("/auth/password/reset?token={token}")).await.status(200);
    watch.refused(program.post("/auth/unlock", &json!({"token": token}))).await;
    watch
        .refused(program.post("/auth/password/reset", &json!({"token": token, "newPassword": password})))
        .await;
    program.post("/auth/password/reset", &json!({"token": token, "newPassword": new})).await.status(201);
    watch.refused(program.post("/auth/password/reset", &json!({"token": token, "newPassword": new}))).await;
    mails += 1;
    mail(&home, mails).await;
    for _ in 0..6 {
        watch.refused(program.post("/auth/login", &login("CANARY-wrong-guess"))).await;
    }
    mails += 1;
    let token = token_in(&mail(&home, mails).await);
    watch.over(&token);
    watch.refused(program.ask("GET", &format!("/auth/unlock?token={}", &token[..token.len() - 1]))).await;
    program.ask("GET", &format!("/auth/unlock?token={token}")).await.status(200);
    watch.refused(program.ask("GET", &format!("/auth/unlock?token={token}"))).await;

    let metrics = program.ask("GET", "/metrics").await.status(200);
    let log = program.stop();
    for event in ["signed_in", "refreshed", "refresh_reused", "password_reset", "locked", "unlocked"] {
        assert!(log.contains(&format!("\"{event}\"")), "{event}: {log}");
    }
    watch.assert_unseen("the log", &log);
    watch.assert_unseen("the metrics", &metrics.body);
    for code in &codes {
        assert!(!holds_code(&log, code) && !holds_code(&metrics.body, code), "{code}: {log}");
    }
    for refusal in &watch.refusals {
        let text = format!("{refusal:?}");
        watch.assert_unseen("a refusal", &text);
        assert!(codes.iter().all(|code| !holds_code(&text, code)), "{text}");
    }
    assert!(watch.refusals.len() >= 18, "{}", watch.refusals.len());
}
