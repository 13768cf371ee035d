//! The session cookie and Node's `cookie-signature`, which Express sessions are signed with.

use serde_json::{Value, json};

use crate::scripts::node;
use crate::server_process::{Credential, ServerDirectory, ServerProcess};

const SECRET: &str = "wLq0mZ3cN8vT1xYr5sKd7uHgBfJePaQo";
const ANOTHER: &str = "t5Uj2RkVn9bXc4MzLw8QyGd6FsHhPpEe";

/// What Express reads from the cookie: the session's id, or `false`.
fn read_by_express(value: &str, secret: &str) -> Value {
    node("cookie.mjs", &["read", value, secret])
}

fn written_by_express(id: &str, secret: &str) -> Credential {
    let value = node("cookie.mjs", &["write", id, secret]);
    Credential::Cookie(format!("connect.sid={}", value.as_str().unwrap()))
}

/// Signs in; returns the cookie's value and the session id in it.
fn signed_in(server: &ServerProcess) -> (String, String) {
    let answer = server.login("session");
    let (name, value) = answer.cookie();
    assert_eq!(name, "connect.sid");
    let id = value.strip_prefix("s%3A").and_then(|signed| signed.split_once('.')).unwrap().0;
    (value.to_owned(), id.to_owned())
}

fn is_let_in(server: &ServerProcess, credential: &Credential) -> bool {
    let answer = server.profile("session", credential);
    assert!([200, 401].contains(&answer.status), "{answer:?}");
    answer.status == 200
}

#[test]
fn express_reads_our_cookie_with_the_secret_that_it_shares_and_no_other() {
    let server = ServerDirectory::new().with("SESSION_SECRET", SECRET).serve();
    server.register();
    let (value, id) = signed_in(&server);
    assert_eq!(read_by_express(&value, SECRET), json!(id));
    assert_eq!(read_by_express(&value, ANOTHER), json!(false));
    assert_eq!(read_by_express(&with_another_first_character(&value), SECRET), json!(false));
}

/// The value with the first character of its id changed.
fn with_another_first_character(value: &str) -> String {
    let (prefix, rest) = value.split_at("s%3A".len());
    let other = if rest.starts_with('a') { 'b' } else { 'a' };
    format!("{prefix}{other}{}", &rest[1..])
}

// ASVS-map: SE2
#[test]
fn we_read_a_cookie_that_express_signed_over_our_id_and_no_other() {
    let server = ServerDirectory::new().with("SESSION_SECRET", SECRET).serve();
    server.register();
    let (value, id) = signed_in(&server);
    assert!(is_let_in(&server, &written_by_express(&id, SECRET)));

    let tampered = Credential::Cookie(format!("connect.sid={}", with_another_first_character(&value)));
    assert!(!is_let_in(&server, &tampered), "the signature was not looked at");
    assert!(!is_let_in(&server, &written_by_express(&id, ANOTHER)), "another secret was as good");
    let made_up = id.chars().rev().collect::<String>();
    assert!(!is_let_in(&server, &written_by_express(&made_up, SECRET)), "an id was adopted that is not ours");
}

#[test]
fn no_user_is_signed_out_when_the_secret_becomes_a_shared_one() {
    let home = ServerDirectory::new();
    let server = home.serve();
    server.register();
    let before = server.credential("session");
    server.stop();

    let home = home.with("SESSION_SECRET", SECRET);
    let server = home.serve();
    assert!(is_let_in(&server, &before));
    let (value, id) = signed_in(&server);
    assert_eq!(read_by_express(&value, SECRET), json!(id));
}
