//! Starts the example on a free port, and walks through it.

#![cfg(test)]

mod lists;
#[path = "../../session-over-jwt/tests/service/mod.rs"]
mod service;
mod tokens;

use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};
use service::stores::{PostgresProcess, RedisProcess};
use service::{HttpAnswer, ServiceProcess, files, sqlite, text};
use tempfile::TempDir;

const PROGRAM: &str = env!("CARGO_BIN_EXE_todo");
const DATABASE: &str = "todo.db";
const UNAUTHORIZED: (u16, &str) = (401, r#"{"message":"Unauthorized","statusCode":401}"#);
const NOT_FOUND: (u16, &str) = (404, r#"{"message":"Not Found","statusCode":404}"#);

fn service(folder: &TempDir) -> ServiceProcess {
    ServiceProcess::start(PROGRAM, folder.path(), &[])
}

/// A user who is signed in.
struct Member<'s> {
    service: &'s ServiceProcess,
    email: String,
    token: String,
    refresh: String,
}

const PASSWORD: &str = "correct horse";

impl<'s> Member<'s> {
    fn sign_up(service: &'s ServiceProcess, name: &str) -> Self {
        let email = format!("{name}@example.com");
        let body = json!({ "displayName": name, "email": email, "password": PASSWORD });
        Self::of(service, email, &service.ask("POST", "/auth/signup", "", Some(&body)))
    }

    /// The same user on another device.
    fn again(&self) -> Self {
        let body = json!({ "email": self.email, "password": PASSWORD });
        let answer = self.service.ask("POST", "/auth/login", "", Some(&body));
        Self::of(self.service, self.email.clone(), &answer)
    }

    fn of(service: &'s ServiceProcess, email: String, answer: &HttpAnswer) -> Self {
        assert_eq!(answer.status, 201, "{answer:?}");
        let body = answer.json();
        Self { service, email, token: text(&body, "token"), refresh: text(&body, "refreshToken") }
    }

    fn ask(&self, method: &str, path: &str, body: Option<&Value>) -> HttpAnswer {
        self.service.ask(method, path, &self.token, body)
    }

    fn get(&self, path: &str) -> HttpAnswer {
        self.ask("GET", path, None)
    }

    fn is_let_in(&self) -> bool {
        let answer = self.get("/users/current");
        assert!(answer.status == 200 || answer.said() == UNAUTHORIZED, "{answer:?}");
        answer.status == 200
    }

    /// Makes a list, and returns its id.
    fn list(&self, title: &str) -> String {
        let answer = self.ask("POST", "/lists", Some(&json!({ "title": title })));
        assert_eq!(answer.status, 201, "{answer:?}");
        text(&answer.json(), "_id")
    }
}

fn messages(answer: &HttpAnswer) -> Vec<String> {
    assert_eq!((answer.status, text(&answer.json(), "error")), (400, "Bad Request".to_owned()), "{answer:?}");
    serde_json::from_value(answer.json()["message"].clone()).unwrap()
}

#[test]
fn the_published_walk_holds() {
    let folder = TempDir::new().unwrap();
    service(&folder).walk(&Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md"));
}

#[test]
fn who_signs_up_is_signed_in_and_every_answer_has_its_members_in_order() {
    let folder = TempDir::new().unwrap();
    let service = service(&folder);
    let body = json!({ "displayName": "Ann Droid", "email": "Ann@Example.com", "password": "correct horse" });
    let answer = service.ask("POST", "/auth/signup", "", Some(&body));
    let (token, refresh) = (text(&answer.json(), "token"), text(&answer.json(), "refreshToken"));
    let id = text(&answer.json()["user"], "id");
    let user = format!(r#"{{"id":"{id}","email":"Ann@Example.com","displayName":"Ann Droid"}}"#);
    let expected = format!(r#"{{"token":"{token}","refreshToken":"{refresh}","user":{user}}}"#);
    assert_eq!(answer.said(), (201, expected.as_str()));
    assert_eq!((&*answer.media, &*answer.cache), ("application/json; charset=utf-8", "no-store"));
    assert_eq!(service.ask("GET", "/users/current", &token, None).said(), (200, user.as_str()));

    let again = service.ask("POST", "/auth/signup", "", Some(&body));
    let expected = r#"{"message":"Email already registered","error":"Conflict","statusCode":409}"#;
    assert_eq!(again.said(), (409, expected));
    let body = json!({ "email": "ann@example.com", "password": "correct horse" });
    let login = service.ask("POST", "/auth/login", "", Some(&body)).json();
    assert_eq!(login["user"].to_string().len(), user.len());
    let wrong = json!({ "email": "ann@example.com", "password": "wrong horse" });
    let expected = r#"{"message":"Invalid credentials","error":"Unauthorized","statusCode":401}"#;
    assert_eq!(service.ask("POST", "/auth/login", "", Some(&wrong)).said(), (401, expected));
}

#[test]
fn a_body_is_refused_with_a_sentence_for_each_fault() {
    let folder = TempDir::new().unwrap();
    let service = service(&folder);
    let refused = |path: &str, body: Value| messages(&service.ask("POST", path, "", Some(&body)));
    let sign_up = "/auth/signup";
    assert_eq!(
        refused(sign_up, json!({})),
        ["displayName must be a string", "email must be an email", "password should not be empty"]
    );
    assert_eq!(
        refused(sign_up, json!({ "displayName": "", "email": "ann", "password": "short" })),
        [
            "displayName should not be empty",
            "email must be an email",
            "password must be longer than or equal to 8 characters"
        ]
    );
    assert_eq!(
        refused("/auth/login", json!({ "email": 7 })),
        ["email must be an email", "password should not be empty"]
    );
    assert_eq!(refused("/auth/refresh", json!({ "refreshToken": true })), ["refreshToken must be a string"]);
    assert_eq!(service.send("POST", sign_up, "", Some("text/plain"), "{}").status, 415);
    let long = format!("\"{}\"", "x".repeat(70_000));
    assert_eq!(service.send("POST", sign_up, "", Some("application/json"), &long).status, 413);
}

#[test]
fn nothing_but_signing_in_is_answered_without_a_token() {
    let folder = TempDir::new().unwrap();
    let service = service(&folder);
    let (list, task) = ("/lists/0123456789abcdef01234567", "/lists/7/7");
    for (method, path) in [
        ("POST", "/auth/logout"),
        ("GET", "/users/current"),
        ("GET", "/users/current/tokens"),
        ("GET", "/lists"),
        ("POST", "/lists"),
        ("GET", list),
        ("POST", list),
        ("PUT", list),
        ("DELETE", list),
        ("PUT", task),
        ("DELETE", task),
    ] {
        for token in ["", "a.b.c"] {
            assert_eq!(service.ask(method, path, token, None).said(), UNAUTHORIZED, "{method} {path}");
        }
    }
    let unknown = r#"{"message":"Cannot GET /todo","error":"Not Found","statusCode":404}"#;
    assert_eq!(service.ask("GET", "/todo", "", None).said(), (404, unknown));
    assert_eq!(service.ask("GET", "/auth/login", "", None).status, 405);
}

#[test]
fn records_deleted_in_the_shell_sign_everyone_out_and_keep_the_lists() {
    let folder = TempDir::new().unwrap();
    let first = service(&folder);
    let ann = Member::sign_up(&first, "ann");
    let list = ann.list("Groceries");
    sqlite(&folder.path().join(DATABASE), "DELETE FROM sessions;");
    first.wait_until_refused("/lists", &ann.token);
    let refused = first.ask("POST", "/auth/refresh", "", Some(&json!({ "refreshToken": ann.refresh })));
    assert_eq!(refused.status, 401);

    let again = ann.again();
    let (token, email) = (again.token.clone(), again.email.clone());
    first.stop();
    assert_eq!(files(folder.path()), [Path::new(DATABASE)], "a clean end leaves one file");
    let second = service(&folder);
    let kept = second.ask("GET", "/lists", &token, None);
    assert_eq!(text(&kept.json()[0], "_id"), list, "a restart keeps sessions and lists");
    second.stop();
    sqlite(&folder.path().join(DATABASE), "DELETE FROM sessions;");
    let third = service(&folder);
    assert_eq!(third.ask("GET", "/lists", &token, None).said(), UNAUTHORIZED);
    let body = json!({ "email": email, "password": PASSWORD });
    assert_eq!(third.ask("POST", "/auth/login", "", Some(&body)).status, 201);
}

#[test]
fn on_postgresql_users_lists_and_tokens_are_as_on_sqlite() {
    let (folder, postgres) = (TempDir::new().unwrap(), PostgresProcess::start());
    let arguments = ["--database", &postgres.url()];
    let service = ServiceProcess::start(PROGRAM, folder.path(), &arguments);
    lists::lists_and_tasks_come_and_go(&service);
    lists::another_users_list_does_not_exist(&service);
    tokens::a_rotated_token_names_its_successor(&service);
    tokens::a_spent_token_ends_its_session(&service);
    tokens::a_sign_out_ends_one_session(&service);
    assert_eq!(postgres.by_hand("SELECT count(*) > 0 FROM todo_lists").trim(), "t");
    let ann = Member::sign_up(&service, "ann.at.the.end");
    postgres.by_hand("DELETE FROM sessions");
    service.wait_until_refused("/lists", &ann.token);
    service.stop();
    assert!(files(folder.path()).is_empty(), "everything is in the database");
    // Nothing is left to migrate, and nothing is lost.
    let service = ServiceProcess::start(PROGRAM, folder.path(), &arguments);
    let body = json!({ "email": "ann.at.the.end@example.com", "password": PASSWORD });
    assert_eq!(service.ask("POST", "/auth/login", "", Some(&body)).status, 201);
}

#[test]
fn with_sessions_in_redis_tokens_are_as_in_the_database() {
    let (folder, redis) = (TempDir::new().unwrap(), RedisProcess::start());
    let service = ServiceProcess::start(PROGRAM, folder.path(), &["--sessions", &redis.url()]);
    tokens::a_rotated_token_names_its_successor(&service);
    tokens::a_spent_token_ends_its_session(&service);
    tokens::a_sign_out_ends_one_session(&service);
    let ann = Member::sign_up(&service, "ann");
    let list = ann.list("Groceries");
    redis.by_hand("FLUSHDB");
    service.wait_until_refused("/lists", &ann.token);
    // Everyone's sessions end once the server has noticed, also one that has begun a moment before.
    let lists = service::eventually("a new session is let in", || {
        Some(ann.again().get("/lists")).filter(|answer| answer.status == 200)
    });
    assert_eq!(text(&lists.json()[0], "_id"), list, "lists are in the database");
}

#[test]
fn an_outage_is_503_with_a_time_to_wait_and_no_sign_out() {
    let (folder, postgres) = (TempDir::new().unwrap(), PostgresProcess::start());
    let service = ServiceProcess::start(PROGRAM, folder.path(), &["--database", &postgres.url()]);
    let ann = Member::sign_up(&service, "ann");
    drop(postgres);
    let body = json!({ "refreshToken": ann.refresh });
    for (method, path, body) in [
        ("GET", "/lists", None),
        ("POST", "/auth/refresh", Some(&body)),
        ("POST", "/auth/logout", Some(&body)),
    ] {
        let answer = ann.ask(method, path, body);
        assert_eq!((answer.status, answer.json()["statusCode"].as_u64()), (503, Some(503)), "{answer:?}");
    }
}

#[test]
fn a_database_that_cannot_be_had_is_named_without_its_password() {
    let folder = TempDir::new().unwrap();
    let arguments = ["--database", "mysql://u:hunter2@h/d"];
    let ended = Command::new(PROGRAM).args(arguments).current_dir(folder.path()).output().unwrap();
    let error = String::from_utf8(ended.stderr).unwrap();
    assert!(!ended.status.success() && error.contains("no MySQL store"), "{error}");
    assert!(!error.contains("hunter2"), "{error}");
}
