//! An HTTP client without state: one connection for each request.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};

use serde_json::{Value, json};

use super::ServerProcess;

const EMAIL: &str = "ann@example.com";
const PASSWORD: &str = "a lighthouse in the fog of 1911";

/// An answer: status, head and body.
#[derive(Debug)]
pub(crate) struct RawAnswer {
    pub(crate) status: u16,
    head: String,
    /// `Null` if the body is not JSON.
    pub(crate) body: Value,
}

impl RawAnswer {
    fn parse(text: &str) -> Self {
        let (head, body) = text.split_once("\r\n\r\n").expect("an answer without a body's beginning");
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok());
        Self {
            status: status.unwrap(),
            head: head.to_owned(),
            body: serde_json::from_str(body).unwrap_or_default(),
        }
    }

    /// The code of an envelope: `LOGIN_SUCCESS`, or the code of the error.
    pub(crate) fn code(&self) -> &str {
        self.body["meta"]["code"].as_str().unwrap_or_else(|| panic!("no code in {self:?}"))
    }

    /// A member of an envelope's data; it must be a string.
    pub(crate) fn datum(&self, member: &str) -> &str {
        self.body["data"][member].as_str().unwrap_or_else(|| panic!("no {member} in {self:?}"))
    }

    /// A member of the body; it must be a string.
    pub(crate) fn text(&self, member: &str) -> &str {
        self.body[member].as_str().unwrap_or_else(|| panic!("no {member} in {self:?}"))
    }

    /// The one header of this name, if there is one.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let lines = self.head.lines().filter_map(|line| line.split_once(": "));
        let mut found = lines.filter(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value);
        let first = found.next();
        assert!(found.next().is_none(), "{name} stands there twice: {self:?}");
        first
    }

    /// Name and value of the cookie that the answer sets, as they are on the wire.
    pub(crate) fn cookie(&self) -> (&str, &str) {
        let lines = self.head.lines().filter_map(|line| line.split_once(": "));
        let mut cookies = lines.filter(|(name, _)| name.eq_ignore_ascii_case("set-cookie"));
        let (_, cookie) = cookies.next().unwrap_or_else(|| panic!("no cookie in {self:?}"));
        cookie.split(';').next().and_then(|pair| pair.split_once('=')).unwrap()
    }
}

/// The credential of a request.
#[derive(Clone, Debug)]
pub(crate) enum Credential {
    Bearer(String),
    Cookie(String),
}

impl Credential {
    pub(crate) fn header(&self) -> String {
        match self {
            Self::Bearer(token) => format!("Authorization: Bearer {token}\r\n"),
            Self::Cookie(pair) => format!("Cookie: {pair}\r\n"),
        }
    }
}

impl ServerProcess {
    pub(crate) fn get(&self, path: &str) -> RawAnswer {
        self.ask(&format!("GET {path} HTTP/1.1\r\n"), "")
    }

    pub(crate) fn post(&self, path: &str, body: &Value) -> RawAnswer {
        let head = format!("POST {path} HTTP/1.1\r\nContent-Type: application/json\r\n");
        self.ask(&head, &body.to_string())
    }

    /// Sends `POST /path` or `GET /path` with these headers; a `Null` body is no body.
    pub(crate) fn send(&self, what: &str, headers: &[(&str, &str)], body: &Value) -> RawAnswer {
        let headers = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n"));
        let head = headers.fold(format!("{what} HTTP/1.1\r\n"), |head, line| head + &line);
        if body.is_null() {
            return self.ask(&head, "");
        }
        self.ask(&format!("{head}Content-Type: application/json\r\n"), &body.to_string())
    }

    /// Registers the user Ann.
    pub(crate) fn register(&self) {
        let body = json!({"email": EMAIL, "password": PASSWORD, "name": "Ann"});
        let answer = self.post("/auth/jwt/register", &body);
        assert_eq!(answer.status, 201, "{answer:?}\n{}", self.log());
    }

    /// Signs Ann in.
    pub(crate) fn login(&self, strategy: &str) -> RawAnswer {
        let body = json!({"email": EMAIL, "password": PASSWORD});
        let answer = self.post(&format!("/auth/{strategy}/login"), &body);
        assert_eq!(answer.status, 201, "{answer:?}\n{}", self.log());
        answer
    }

    /// Signs Ann in; returns the credential.
    pub(crate) fn credential(&self, strategy: &str) -> Credential {
        let answer = self.login(strategy);
        if strategy == "session" {
            let (name, value) = answer.cookie();
            return Credential::Cookie(format!("{name}={value}"));
        }
        let token = &answer.body["access_token"];
        let token = token.as_str().or_else(|| answer.body["tokens"]["accessToken"].as_str());
        Credential::Bearer(token.unwrap_or_else(|| panic!("no token in {answer:?}")).to_owned())
    }

    /// Signs Ann in; returns the access token.
    pub(crate) fn access_token(&self, strategy: &str) -> String {
        let Credential::Bearer(token) = self.credential(strategy) else { panic!("{strategy} has none") };
        token
    }

    pub(crate) fn profile(&self, strategy: &str, credential: &Credential) -> RawAnswer {
        self.ask(&format!("GET /auth/{strategy}/profile HTTP/1.1\r\n{}", credential.header()), "")
    }

    pub(crate) fn logout(&self, strategy: &str, credential: &Credential) -> RawAnswer {
        self.ask(&format!("POST /auth/{strategy}/logout HTTP/1.1\r\n{}", credential.header()), "")
    }

    fn ask(&self, head: &str, body: &str) -> RawAnswer {
        ask_at(self.address(), head, body)
    }
}

/// Sends a request line with headers and a body to this address.
pub(crate) fn ask_at(address: SocketAddr, head: &str, body: &str) -> RawAnswer {
    let mut stream = TcpStream::connect(address).unwrap();
    let host = if head.contains("\r\nHost: ") { String::new() } else { format!("Host: {address}\r\n") };
    let length = body.len();
    let request = format!("{head}{host}Content-Length: {length}\r\nConnection: close\r\n\r\n{body}");
    stream.write_all(request.as_bytes()).unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    RawAnswer::parse(&text)
}
