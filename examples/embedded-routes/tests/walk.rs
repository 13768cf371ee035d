//! Starts the example on a free port, and walks through it.

#![cfg(test)]

use std::io::{BufRead, BufReader};
use std::process::{Child, ChildStdout, Command, Stdio};

use serde_json::{Value, json};
use tempfile::TempDir;

struct Example {
    process: Child,
    lines: BufReader<ChildStdout>,
    url: String,
    _directory: TempDir,
}

impl Example {
    fn start() -> Self {
        let directory = TempDir::new().unwrap();
        let mut process = Command::new(env!("CARGO_BIN_EXE_embedded-routes"))
            .arg("127.0.0.1:0")
            .current_dir(directory.path())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(process.stdout.take().unwrap());
        let line = line(&mut lines);
        let url = line.strip_prefix("listening on ").expect("the line that names the address");
        Self { url: url.to_owned(), process, lines, _directory: directory }
    }

    fn post(&self, path: &str, body: &Value) -> (u16, Value) {
        let request = ureq::post(format!("{}{path}", self.url))
            .config()
            .http_status_as_error(false)
            .build()
            .header("content-type", "application/json");
        let mut answer = request.send(body.to_string()).unwrap();
        let body = answer.body_mut().read_to_string().unwrap();
        (answer.status().as_u16(), serde_json::from_str(&body).unwrap())
    }

    fn get(&self, path: &str, token: &str) -> (u16, String) {
        let request = ureq::get(format!("{}{path}", self.url))
            .config()
            .http_status_as_error(false)
            .build()
            .header("authorization", format!("Bearer {token}"));
        let mut answer = request.call().unwrap();
        (answer.status().as_u16(), answer.body_mut().read_to_string().unwrap())
    }
}

impl Drop for Example {
    fn drop(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }
}

fn line(lines: &mut BufReader<ChildStdout>) -> String {
    let mut line = String::new();
    lines.read_line(&mut line).unwrap();
    line.trim().to_owned()
}

#[test]
fn a_user_signs_in_by_the_servers_routes_and_is_let_in_by_the_services_own_guard() {
    let mut example = Example::start();
    let password = "a fairly long phrase";
    let ann = json!({"email": "ann@example.com", "password": password, "name": "Ann"});
    assert_eq!(example.post("/auth/session-jwt/register", &ann).0, 201);
    let (status, refused) = example.post("/auth/signup", &ann);
    assert_eq!((status, refused["meta"]["code"].as_str()), (409, Some("USER_EXISTS")));

    let (status, signed_in) = example.post("/auth/session-jwt/login", &ann);
    assert_eq!(status, 201);
    let token = signed_in["access_token"].as_str().unwrap();
    assert_eq!(example.get("/auth/session-jwt/profile", token).0, 200);
    assert_eq!(example.get("/notes", token).0, 401, "the token is of another strategy");

    let login = json!({"usernameOrEmailOrMobile": "ann@example.com", "password": password});
    let (status, sent) = example.post("/auth/login", &login);
    assert_eq!(status, 201, "{sent}");
    let printed = line(&mut example.lines);
    let code = printed.strip_prefix("code for ann@example.com: ").unwrap();
    let verify = json!({"loginId": sent["data"]["loginId"], "otp": code});
    let (status, signed_in) = example.post("/auth/login/verify", &verify);
    assert_eq!(status, 201, "{signed_in}");
    let token = signed_in["data"]["accessToken"].as_str().unwrap();
    assert_eq!(example.get("/notes", token), (200, "Notes of ann@example.com".to_owned()));
}
