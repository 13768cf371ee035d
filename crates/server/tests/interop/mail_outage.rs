//! Device sessions while the mail server is down and after it is back: two tenants, one user in both, requests as curl
//! sends them.

use std::collections::{BTreeMap, BTreeSet};

use portcullis_server::mail::ParsedMessage;
use serde_json::{Value, json};

use crate::mail_server::MailServer;
use crate::outbox::{code, kept, token};
use crate::server_process::{RawAnswer, ReservedPort, ServerDirectory, ServerProcess};

const EMAIL: &str = "ann@example.com";
const PASSWORD: &str = "a lighthouse in the fog of 1911";
const OTHER: &str = "a lantern in the fog of 1912";
const LAPTOP: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0";
const PHONE: &str = "curl/8.7.1";

/// Creates a tenant while the server does not run.
fn make_tenant(home: &ServerDirectory, name: &str) {
    let made = home.run(["tenant", "create", name]);
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
}

/// A client of one tenant, with its device cookie and its tokens.
struct CurlClient<'s> {
    server: &'s ServerProcess,
    tenant: &'static str,
    agent: &'static str,
    cookie: Option<String>,
    access: String,
    refresh: String,
    session: String,
}

impl<'s> CurlClient<'s> {
    fn new(server: &'s ServerProcess, tenant: &'static str, agent: &'static str) -> Self {
        let nothing = String::new;
        Self {
            server,
            tenant,
            agent,
            cookie: None,
            access: nothing(),
            refresh: nothing(),
            session: nothing(),
        }
    }

    fn asks(&self, what: &str, body: &Value) -> RawAnswer {
        let bearer = format!("Bearer {}", self.access);
        let mut headers = vec![("x-tenant-id", self.tenant), ("User-Agent", self.agent)];
        if !self.access.is_empty() {
            headers.push(("Authorization", &bearer));
        }
        if let Some(cookie) = &self.cookie {
            headers.push(("Cookie", cookie));
        }
        self.server.send(what, &headers, body)
    }

    /// Sends a request; the answer must have this status and code.
    fn gets(&self, what: &str, body: &Value, expected: (u16, &str)) -> RawAnswer {
        let answer = self.asks(what, body);
        assert_eq!((answer.status, answer.code()), expected, "{what}: {answer:?}\n{}", self.server.log());
        answer
    }

    fn signs_up(&self) {
        let body = json!({"email": EMAIL, "password": PASSWORD, "name": "Ann"});
        self.gets("POST /auth/signup", &body, (201, "SIGNUP_SUCCESS"));
    }

    /// The first step of a sign-in: returns the login id and keeps the device cookie.
    fn begins(&mut self, password: &str) -> String {
        let body = json!({"usernameOrEmailOrMobile": EMAIL, "password": password});
        let answer = self.gets("POST /auth/login", &body, (201, "OTP_SENT"));
        let (name, value) = answer.cookie();
        assert_eq!(name, "portcullis.device");
        self.cookie = Some(format!("{name}={value}"));
        answer.datum("loginId").to_owned()
    }

    /// The second step of a sign-in: the code from the mail.
    fn finishes(&mut self, login: &str, code: &str) {
        let body = json!({"loginId": login, "otp": code});
        let answer = self.gets("POST /auth/login/verify", &body, (201, "LOGIN_SUCCESS"));
        answer.datum("accessToken").clone_into(&mut self.access);
        answer.datum("refreshToken").clone_into(&mut self.refresh);
        answer.datum("sessionId").clone_into(&mut self.session);
    }

    /// Asks for another code for a sign-in.
    fn asks_again(&self, login: &str) {
        self.gets("POST /auth/login/resend", &json!({"loginId": login}), (201, "OTP_SENT"));
    }

    fn refreshes(&mut self) {
        let body = json!({"refreshToken": self.refresh});
        let answer = self.gets("POST /auth/refresh", &body, (201, "TOKENS_REFRESHED"));
        answer.datum("accessToken").clone_into(&mut self.access);
        answer.datum("refreshToken").clone_into(&mut self.refresh);
    }
}

/// The mails that arrived, oldest first.
#[derive(Default)]
struct ReceivedMail(Vec<ParsedMessage>);

impl ReceivedMail {
    /// Takes mails as they arrive, until one has this subject.
    fn until(&mut self, subject: &str, server: &MailServer) -> &ParsedMessage {
        let seen = self.0.len();
        loop {
            self.0.push(kept(&server.next()));
            if self.0.iter().skip(seen).any(|message| message.subject == subject) {
                return self.0.last().unwrap();
            }
        }
    }

    /// Takes so many mails; returns them by subject.
    fn next(&mut self, count: usize, server: &MailServer) -> BTreeMap<String, ParsedMessage> {
        let new: Vec<ParsedMessage> = (0..count).map(|_| kept(&server.next())).collect();
        self.0.extend(new.iter().cloned());
        new.into_iter().map(|message| (message.subject.clone(), message)).collect()
    }

    fn subjects(&self) -> BTreeMap<&str, usize> {
        self.0.iter().fold(BTreeMap::new(), |mut counts, message| {
            *counts.entry(message.subject.as_str()).or_default() += 1;
            counts
        })
    }
}

/// The requests of a user who has just signed in.
fn uses_the_session(ann: &CurlClient<'_>) {
    let me = ann.gets("GET /auth/me", &Value::Null, (200, "PROFILE_RETRIEVED"));
    assert_eq!(me.body["data"]["user"]["email"], EMAIL);
    let rename = format!("PATCH /auth/sessions/{}", ann.session);
    ann.gets(&rename, &json!({"deviceName": "my laptop"}), (200, "SESSION_RENAMED"));
    let list = ann.gets("GET /auth/sessions", &Value::Null, (200, "SESSIONS_RETRIEVED"));
    let names = |list: &RawAnswer| list.body["data"][0]["deviceName"].clone();
    assert_eq!((names(&list), &list.body["data"][0]["current"]), (json!("my laptop"), &json!(true)));
}

#[test]
fn everything_works_while_the_mail_server_is_down_and_every_mail_arrives_once() {
    let port = ReservedPort::new();
    let mail = MailServer::at(&port);
    let home = ServerDirectory::new();
    make_tenant(&home, "acme");
    let home = home
        .with("PORTCULLIS_MAIL_TRANSPORT", &format!("smtp://127.0.0.1:{}?tls=none", port.number()))
        .with("PORTCULLIS_MAIL_FROM", "Example <no-reply@example.com>");
    let server = home.serve();
    let mut received = ReceivedMail::default();

    // The same address in two tenants.
    let mut here = CurlClient::new(&server, "default", LAPTOP);
    let mut there = CurlClient::new(&server, "acme", LAPTOP);
    for ann in [&mut here, &mut there] {
        ann.signs_up();
        let login = ann.begins(PASSWORD);
        let code = code(received.until("Your sign-in code for Portcullis", &mail));
        ann.finishes(&login, &code);
        uses_the_session(ann);
        ann.refreshes();
    }
    let stranger =
        CurlClient { tenant: "acme", access: here.access.clone(), ..CurlClient::new(&server, "", PHONE) };
    stranger.gets("GET /auth/me", &Value::Null, (401, "TENANT_MISMATCH"));

    // The mail server goes down. No request fails because of that.
    received.0.extend(mail.stop().iter().map(kept));
    let mut phone = CurlClient::new(&server, "default", PHONE);
    let login = phone.begins(PASSWORD);
    phone.asks_again(&login);
    let wrong = json!({"usernameOrEmailOrMobile": EMAIL, "password": "wrong"});
    for _ in 0..5 {
        CurlClient::new(&server, "default", PHONE).gets(
            "POST /auth/login",
            &wrong,
            (401, "INVALID_CREDENTIALS"),
        );
    }
    let right = json!({"usernameOrEmailOrMobile": EMAIL, "password": PASSWORD});
    CurlClient::new(&server, "default", PHONE).gets("POST /auth/login", &right, (423, "ACCOUNT_LOCKED"));
    let forgot = json!({"email": EMAIL});
    there.gets("POST /auth/password/forgot", &forgot, (201, "PASSWORD_RESET_REQUESTED"));
    let spent = there.refresh.clone();
    there.refreshes();
    let thief = CurlClient::new(&server, "acme", PHONE);
    thief.gets("POST /auth/refresh", &json!({"refreshToken": spent}), (401, "INVALID_REFRESH_HASH"));
    there.gets("GET /auth/me", &Value::Null, (401, "UNAUTHORIZED"));
    here.refreshes();

    // It is back, and the mails arrive: the newer code alone, lockout, reset, reuse.
    let mail = MailServer::at(&port);
    let late = received.next(4, &mail);
    phone.finishes(&login, &code(&late["Your sign-in code for Portcullis"]));
    assert!(late.contains_key("A session at Portcullis was ended for your safety"), "{:?}", late.keys());
    let opened = json!({"token": token(&late["Your account at Portcullis is locked"])});
    phone.gets("POST /auth/unlock", &opened, (201, "ACCOUNT_UNLOCKED"));
    received.until("A new device signed in to Portcullis", &mail);

    let reset = json!({"token": token(&late["Choose a new password for Portcullis"]), "newPassword": OTHER});
    there.gets("POST /auth/password/reset", &reset, (201, "PASSWORD_RESET"));
    received.until("Your password for Portcullis was changed", &mail);
    there.access.clear();
    there.gets("POST /auth/login", &right, (401, "INVALID_CREDENTIALS"));
    let login = there.begins(OTHER);
    let old = code(received.until("Your sign-in code for Portcullis", &mail));
    there.asks_again(&login);
    let new = code(received.until("Your sign-in code for Portcullis", &mail));
    if old != new {
        let spent = json!({"loginId": login, "otp": old});
        there.gets("POST /auth/login/verify", &spent, (401, "INVALID_OTP"));
    }
    there.finishes(&login, &new);

    let change = json!({"currentPassword": PASSWORD, "newPassword": OTHER});
    here.gets("POST /auth/password", &change, (201, "PASSWORD_CHANGED"));
    received.until("Your password for Portcullis was changed", &mail);
    phone.gets("GET /auth/me", &Value::Null, (401, "UNAUTHORIZED"));
    here.gets("POST /auth/logout/all", &Value::Null, (201, "ALL_SESSIONS_REVOKED"));
    here.gets("GET /auth/me", &Value::Null, (401, "UNAUTHORIZED"));
    there.gets("GET /auth/me", &Value::Null, (200, "PROFILE_RETRIEVED"));

    assert!(server.stop().success());
    received.0.extend(mail.stop().iter().map(kept));
    let expected = BTreeMap::from([
        ("A session at Portcullis was ended for your safety", 1),
        ("A new device signed in to Portcullis", 1),
        ("Choose a new password for Portcullis", 1),
        ("Your account at Portcullis is locked", 1),
        ("Your password for Portcullis was changed", 2),
        ("Your sign-in code for Portcullis", 5),
    ]);
    assert_eq!(received.subjects(), expected);
    let ids: BTreeSet<&str> = received.0.iter().map(|message| message.message_id.as_str()).collect();
    assert_eq!(ids.len(), received.0.len(), "a message came twice");
}
