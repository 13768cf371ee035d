//! Starts the example on a free port, and walks through it.

#![cfg(test)]

mod service;

use std::path::Path;
use std::process::Command;
use std::thread;

use serde_json::json;
use service::stores::{PostgresProcess, RedisProcess};
use service::{HttpAnswer, ServiceProcess, files, sqlite, text};
use tempfile::TempDir;

const PROGRAM: &str = env!("CARGO_BIN_EXE_session-over-jwt");
const DATABASE: &str = "session-over-jwt.db";
const UNAUTHORIZED: (u16, &str) = (401, r#"{"statusCode":401,"message":"Unauthorized"}"#);

fn service(folder: &TempDir) -> ServiceProcess {
    ServiceProcess::start(PROGRAM, folder.path(), &[])
}

fn login(service: &ServiceProcess, username: &str, password: &str) -> HttpAnswer {
    service.ask("POST", "/login", "", Some(&json!({ "username": username, "password": password })))
}

/// A token of root's.
fn token(service: &ServiceProcess) -> String {
    let answer = login(service, "root", "password");
    assert_eq!(answer.status, 201, "{answer:?}");
    text(&answer.json(), "access_token")
}

fn member(service: &ServiceProcess, token: &str) -> HttpAnswer {
    service.ask("GET", "/member", token, None)
}

fn is_let_in(service: &ServiceProcess, token: &str) -> bool {
    let answer = member(service, token);
    assert!(answer.status == 200 || answer.said() == UNAUTHORIZED, "{answer:?}");
    answer.status == 200
}

#[test]
fn the_published_walk_holds() {
    let folder = TempDir::new().unwrap();
    let service = service(&folder);
    service.walk(&Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md"));
}

#[test]
fn a_member_is_greeted_until_the_sign_out_and_each_answer_is_as_published() {
    let folder = TempDir::new().unwrap();
    let service = service(&folder);
    assert_eq!(member(&service, "").said(), UNAUTHORIZED);
    let answer = login(&service, "Root", "password");
    let token = text(&answer.json(), "access_token");
    assert_eq!(answer.said(), (201, format!(r#"{{"access_token":"{token}"}}"#).as_str()));
    assert_eq!((&*answer.media, &*answer.cache), ("application/json; charset=utf-8", "no-store"));
    let other = self::token(&service);

    let greeting = member(&service, &token);
    assert_eq!((greeting.said(), &*greeting.media), ((200, "Hello World!"), "text/html; charset=utf-8"));
    let end = service.ask("POST", "/logout", &token, None);
    assert_eq!((end.said(), &*end.media), ((201, "success logout"), "text/html; charset=utf-8"));
    assert_eq!(member(&service, &token).said(), UNAUTHORIZED);
    assert_eq!(service.ask("POST", "/logout", &token, None).said(), UNAUTHORIZED);
    assert!(is_let_in(&service, &other), "another session of the user is over");
}

#[test]
fn what_is_wrong_is_said_with_the_status_in_front() {
    let folder = TempDir::new().unwrap();
    let service = service(&folder);
    let invalid = r#"{"statusCode":401,"message":"Invalid credentials","error":"Unauthorized"}"#;
    assert_eq!(login(&service, "root", "passwort").said(), (401, invalid));
    assert_eq!(login(&service, "toor", "password").said(), (401, invalid));
    let faults = r#"["username should not be empty","password must be a string"]"#;
    let expected = format!(r#"{{"statusCode":400,"message":{faults},"error":"Bad Request"}}"#);
    let body = json!({ "password": 7 });
    assert_eq!(service.ask("POST", "/login", "", Some(&body)).said(), (400, expected.as_str()));
    for (method, path, status, said) in [
        ("GET", "/nowhere", 404, "Cannot GET /nowhere"),
        ("GET", "/login", 405, "Method Not Allowed"),
        ("POST", "/logout", 401, "Unauthorized"),
    ] {
        let answer = service.ask(method, path, "", None);
        assert_eq!((answer.status, text(&answer.json(), "message")), (status, said.to_owned()), "{path}");
    }
    let unread = service.send("POST", "/login", "", Some("application/json"), "{");
    let expected = r#"{"statusCode":400,"message":"Request body is not valid JSON","error":"Bad Request"}"#;
    assert_eq!(unread.said(), (400, expected));
    assert_eq!(member(&service, "a.b.c").said(), UNAUTHORIZED);
}

#[test]
fn records_deleted_in_the_shell_sign_everyone_out_while_the_service_runs() {
    let folder = TempDir::new().unwrap();
    let service = service(&folder);
    let tokens = [token(&service), token(&service)];
    assert!(tokens.iter().all(|token| is_let_in(&service, token)));
    sqlite(&folder.path().join(DATABASE), "DELETE FROM sessions;");
    for token in &tokens {
        service.wait_until_refused("/member", token);
        assert_eq!(member(&service, token).said(), UNAUTHORIZED);
    }
    assert!(is_let_in(&service, &token(&service)), "a new sign-in is a new session");
}

#[test]
fn sessions_outlive_the_process_but_not_their_records() {
    let folder = TempDir::new().unwrap();
    let first = service(&folder);
    let token = token(&first);
    first.stop();
    assert_eq!(files(folder.path()), [Path::new(DATABASE)], "a clean end leaves one file");

    let second = service(&folder);
    assert!(is_let_in(&second, &token), "a restart is no sign-out");
    second.stop();
    sqlite(&folder.path().join(DATABASE), "DELETE FROM sessions;");
    assert!(!is_let_in(&service(&folder), &token));
}

#[test]
fn sign_outs_at_once_end_the_session_once_and_a_dead_token_stays_dead() {
    let folder = TempDir::new().unwrap();
    let service = service(&folder);
    let token = token(&service);
    let logout = || service.ask("POST", "/logout", &token, None);
    let answers: Vec<HttpAnswer> = thread::scope(|scope| {
        let threads: Vec<_> = (0..8).map(|_| scope.spawn(logout)).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert!(answers.iter().any(|answer| answer.said() == (201, "success logout")), "{answers:?}");
    for answer in &answers {
        assert!(answer.status == 201 || answer.said() == UNAUTHORIZED, "{answer:?}");
    }
    assert!(!is_let_in(&service, &token));
}

#[test]
fn on_postgresql_a_delete_in_its_shell_signs_everyone_out() {
    let (folder, postgres) = (TempDir::new().unwrap(), PostgresProcess::start());
    let arguments = ["--database", &postgres.url()];
    let service = ServiceProcess::start(PROGRAM, folder.path(), &arguments);
    let token = token(&service);
    assert!(is_let_in(&service, &token));
    postgres.by_hand("DELETE FROM sessions");
    service.wait_until_refused("/member", &token);

    let token = self::token(&service);
    service.stop();
    postgres.by_hand("DELETE FROM sessions");
    let service = ServiceProcess::start(PROGRAM, folder.path(), &arguments);
    assert!(!is_let_in(&service, &token));
    assert!(files(folder.path()).is_empty(), "everything is in the database");
}

#[test]
fn with_sessions_in_redis_a_flush_signs_everyone_out() {
    let (folder, redis) = (TempDir::new().unwrap(), RedisProcess::start());
    let service = ServiceProcess::start(PROGRAM, folder.path(), &["--sessions", &redis.url()]);
    let token = token(&service);
    assert!(is_let_in(&service, &token));
    assert_eq!(service.ask("POST", "/logout", &token, None).status, 201);
    assert!(!is_let_in(&service, &token));
    let token = self::token(&service);
    redis.by_hand("FLUSHDB");
    service.wait_until_refused("/member", &token);
}

#[test]
fn a_database_that_cannot_be_had_is_named_without_its_password() {
    for (arguments, said) in [
        (["--database", "mongodb://u:hunter2@h/d"], "no MongoDB store"),
        (["--sessions", "redis-cluster://u:hunter2@h"], "redis://USER"),
    ] {
        let folder = TempDir::new().unwrap();
        let ended = Command::new(PROGRAM).args(arguments).current_dir(folder.path()).output().unwrap();
        let error = String::from_utf8(ended.stderr).unwrap();
        assert!(!ended.status.success() && error.contains(said), "{error}");
        assert!(!error.contains("hunter2"), "{error}");
    }
}
