//! Starts the example on a free port, and walks through it.

#![cfg(test)]

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

struct Example {
    process: Child,
    url: String,
    _directory: TempDir,
}

impl Example {
    fn start() -> Self {
        let directory = TempDir::new().unwrap();
        let mut process = Command::new(env!("CARGO_BIN_EXE_quickstart-axum"))
            .arg("127.0.0.1:0")
            .current_dir(directory.path())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let url = line.trim().strip_prefix("listening on ").expect("the line that names the address");
        Self { url: url.to_owned(), process, _directory: directory }
    }

    fn post(&self, path: &str, body: &str) -> (u16, String) {
        let request = ureq::post(format!("{}{path}", self.url))
            .config()
            .http_status_as_error(false)
            .build()
            .header("content-type", "application/json");
        let mut answer = request.send(body).unwrap();
        (answer.status().as_u16(), answer.body_mut().read_to_string().unwrap())
    }

    fn with_token(&self, method: &str, path: &str, token: &str) -> (u16, String) {
        let request = ureq::http::Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.url))
            .header("authorization", format!("Bearer {token}"))
            .body(())
            .unwrap();
        let agent: ureq::Agent = ureq::Agent::config_builder().http_status_as_error(false).build().into();
        let mut answer = agent.run(request).unwrap();
        (answer.status().as_u16(), answer.body_mut().read_to_string().unwrap())
    }
}

impl Drop for Example {
    fn drop(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }
}

#[test]
fn a_user_signs_up_and_in_is_let_in_and_after_the_sign_out_no_more() {
    let example = Example::start();
    let ann = r#"{"email":"ann@example.com","password":"a fairly long phrase"}"#;
    assert_eq!(example.post("/sign-up", ann).0, 201);
    assert_eq!(example.post("/sign-up", ann).0, 409);
    let wrong = r#"{"login":"ann@example.com","password":"another long phrase"}"#;
    assert_eq!(example.post("/sign-in", wrong).0, 401);
    let right = r#"{"login":"Ann@Example.com","password":"a fairly long phrase"}"#;
    let (status, token) = example.post("/sign-in", right);
    assert_eq!(status, 200);
    assert_eq!(example.with_token("GET", "/me", &token), (200, "Hello ann@example.com".to_owned()));
    assert_eq!(example.with_token("POST", "/sign-out", &token).0, 204);
    let (status, body) = example.with_token("GET", "/me", &token);
    assert_eq!(status, 401);
    assert!(body.contains("Unauthorized"), "{body}");
}

#[test]
fn a_body_that_cannot_be_read_is_refused_with_the_reason() {
    let example = Example::start();
    let (status, body) = example.post("/sign-up", r#"{"email":"ann","password":"a fairly long phrase"}"#);
    assert_eq!(status, 422);
    assert!(body.contains("email"), "{body}");
    let (status, body) = example.post("/sign-up", r#"{"email":"ann@example.com","password":"short"}"#);
    assert_eq!(status, 400);
    assert!(body.contains("15 characters"), "{body}");
}
