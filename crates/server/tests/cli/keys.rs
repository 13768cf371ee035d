//! `portcullis key`: keys are listed, and rotated while the server runs.

use serde_json::{Value, json};

use crate::fixture::{RunningServer, Workdir, text, token_part, wait_until};

fn kid(token: &str) -> String {
    text(&token_part(token, 0)["kid"]).to_owned()
}

fn published(server: &RunningServer) -> Vec<String> {
    let jwks = server.get("/.well-known/jwks.json", None).body;
    jwks["keys"].as_array().unwrap().iter().map(|key| text(&key["kid"]).to_owned()).collect()
}

/// The keys of the other uses.
const OTHERS: [(&str, &str); 3] = [("refresh", "signing"), ("cookie", "signing"), ("code", "signing")];

fn standings(keys: &Value) -> Vec<(&str, &str)> {
    keys.as_array().unwrap().iter().map(|key| (text(&key["use"]), text(&key["standing"]))).collect()
}

// ASVS-map: JW11
#[test]
fn a_key_that_takes_over_at_once_refuses_nothing_that_the_one_before_signed() {
    let home = Workdir::new();
    let server = home.serve();
    home.user("ann@example.com").done();
    let before = server.password_sign_in("jwt", "ann@example.com");
    let before = text(&before["access_token"]);

    let said = home.run("key rotate --use access --now").done().out;
    assert!(said.contains("(access, ES256) signs from now on."), "{said}");
    wait_until("both keys are published", || published(&server).len() == 2);
    assert!(published(&server).contains(&kid(before)));

    let after = server.password_sign_in("jwt", "ann@example.com");
    let after = text(&after["access_token"]);
    assert_ne!(kid(after), kid(before));
    assert!(said.contains(&kid(after)), "{said}");
    assert_eq!([before, after].map(|token| server.profile("jwt", token)), [200, 200]);

    let keys = home.json("key list --json");
    let access = [("access", "verifying"), ("access", "signing")];
    assert_eq!(standings(&keys), [&access[..], &OTHERS].concat());
    assert!(text(&keys[0]["retires"]) > text(&keys[1]["signsFrom"]));
}

// ASVS-map: JW11
#[test]
fn a_key_is_published_before_it_signs() {
    let home = Workdir::new();
    let server = home.serve();
    home.user("ann@example.com").done();
    let first = published(&server);
    let said = home.run("key rotate").done().out;
    for usage in ["access, ES256", "refresh, HS256", "cookie, HS256", "code, HS256"] {
        assert!(said.contains(&format!("({usage}) is published now and signs from 20")), "{said}");
    }
    wait_until("the next key is published", || published(&server).len() == 2);
    let signed_in = server.password_sign_in("jwt", "ann@example.com");
    assert_eq!(kid(text(&signed_in["access_token"])), first[0]);
    let keys = home.json("key list --json");
    assert_eq!(standings(&keys).iter().filter(|(_, standing)| *standing == "published").count(), 4);
}

// ASVS-map: JW11
#[test]
fn what_a_compromised_key_signed_is_worth_nothing_at_once() {
    let home = Workdir::new();
    let server = home.serve();
    home.user("ann@example.com").done();
    let jwt = server.password_sign_in("jwt", "ann@example.com");
    let (old, denylist) =
        (text(&jwt["access_token"]), server.password_sign_in("denylist", "ann@example.com"));
    let refresh = text(&denylist["tokens"]["refreshToken"]);
    assert_eq!(server.profile("jwt", old), 200);

    let said = home.run("key rotate --compromised").done().out;
    assert!(said.contains("What the old keys signed is worth nothing from now on."), "{said}");
    wait_until("the token is refused", || server.profile("jwt", old) == 401);
    assert!(!published(&server).contains(&kid(old)));
    assert_eq!(server.post("/auth/denylist/refresh", Some(refresh), &json!({})).status, 401);
    let new = server.password_sign_in("jwt", "ann@example.com");
    assert_eq!(published(&server), [kid(text(&new["access_token"]))]);
    assert_eq!(server.profile("jwt", text(&new["access_token"])), 200);
    assert_eq!(standings(&home.json("key list --json")), [&[("access", "signing")], &OTHERS[..]].concat());
}

// ASVS-map: JW11
#[test]
fn a_refresh_token_outlives_the_key_that_signed_it() {
    let home = Workdir::new();
    let server = home.serve();
    home.user("ann@example.com").done();
    let signed_in = server.password_sign_in("refresh", "ann@example.com");
    let before = text(&signed_in["refresh_token"]);
    home.run("key rotate --use refresh --now").done();
    let server_knows = || {
        let other = server.password_sign_in("refresh", "ann@example.com");
        kid(text(&other["refresh_token"])) != kid(before)
    };
    wait_until("the new key signs", server_knows);
    let renewed = server.post("/auth/refresh/refresh", Some(before), &json!({}));
    assert_eq!(renewed.status, 201, "{renewed:?}");
    assert_ne!(kid(text(&renewed.body["refresh_token"])), kid(before));
}

// ASVS-map: OP6
#[test]
fn keys_are_listed_without_their_secrets() {
    let home = Workdir::in_production();
    home.run("migrate").done();
    let keys = home.json("key list --json");
    let members: Vec<&String> = keys[0].as_object().unwrap().keys().collect();
    assert_eq!(members, ["algorithm", "created", "kid", "retires", "signsFrom", "standing", "use"]);
    let table = home.run("key list").done().out;
    assert_eq!(table.lines().count(), 5, "{table}");
    assert!(table.starts_with("KID ") && table.contains(text(&keys[0]["kid"])), "{table}");
}

#[test]
fn a_configured_secret_that_signs_instead_is_named() {
    let home = Workdir::new().variable("JWT_SECRET", "kC7x2vQ9wL4mB8nT1zR6yP3sD5fG0hJa");
    home.run("migrate").done();
    let said = home.run("key rotate --now").done().out;
    assert!(said.contains("While a secret is configured for access, it signs instead"), "{said}");
    assert!(!said.contains("configured for cookie"), "{said}");
}

#[test]
fn another_master_key_opens_nothing_and_changes_nothing() {
    let home = Workdir::in_production();
    home.run("migrate").done();
    let before = home.json("key list --json");
    let other = "0011223344556677889900aabbccddeeff0a1b2c3d4e5f60718293a4b5c6d7e8";
    let home = home.variable("PORTCULLIS_MASTER_KEY", other);
    let said = home.run("key rotate").refused(2);
    assert!(said.contains("cannot be decrypted"), "{said}");
    let right = "8f1c3a5e7092b4d6f8e1c3a5b7d9f0021426384a5c6e708192a4b6c8daecfe10";
    let home = home.variable("PORTCULLIS_MASTER_KEY", right);
    assert_eq!(home.json("key list --json"), before);
}
