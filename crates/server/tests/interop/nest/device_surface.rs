//! Device sessions as a `NestJS` service uses them, compared with the contract byte for byte, with clients of two
//! versions.

use serde_json::{Value, json};

use super::{NestService, VERSIONS};
use crate::outbox::{code, token};
use crate::server_process::{ReservedPort, ServerDirectory, ServerProcess};

const PASSWORD: &str = "a lighthouse in the fog of 1911";
const UNKNOWN_SESSION: &str = "01890a5d-ac96-774b-bcce-b302099a8057";
const REFUSED: &str =
    r#""data":null,"meta":{"status":"error","code":"UNAUTHORIZED"},"ts":"<time>","statusCode":401"#;
const USER: &str = r#"{"id":"<uuid>","username":"ann","email":"ann@example.com","mobile":null,"name":"Ann","role":"user","createdAt":"<time>","updatedAt":"<time>"}"#;

/// A server, and a NestJS service that is its client.
struct NestFixture {
    home: ServerDirectory,
    service: NestService,
    codes: usize,
    _server: ServerProcess,
    _port: ReservedPort,
}

impl NestFixture {
    fn set(version: &str, trusts: bool) -> Self {
        let reserved = ReservedPort::new();
        let port = reserved.number();
        let home = ServerDirectory::new()
            .with("PORTCULLIS_TCP_LISTEN", &format!("127.0.0.1:{port}"))
            .with("PORTCULLIS_TCP_TRUST_GATEWAY", if trusts { "true" } else { "false" });
        let server = home.serve();
        let service = NestService::start(version, &json!({"host": "127.0.0.1", "port": port}));
        Self { home, service, codes: 0, _server: server, _port: reserved }
    }

    /// The response that the service gets, as it is written in the packet.
    fn answer(&mut self, command: &str, data: &Value) -> String {
        let told = self.service.run_step(&json!({"send": {"cmd": command}, "data": data}));
        let answer = told.trim().strip_prefix(r#"{"answers":["#).and_then(|rest| rest.strip_suffix("]}"));
        answer.unwrap_or_else(|| panic!("{command} gave {told}")).to_owned()
    }

    /// Sends a command; the answer must be `expected`. Returns its data.
    fn says(&mut self, command: &str, data: &Value, expected: &str) -> Value {
        let answer = self.answer(command, data);
        assert_eq!(masked(&answer), expected, "{command}");
        let mut answer: Value = serde_json::from_str(&answer).unwrap();
        answer["data"].take()
    }

    /// The same for a success, by its message, code and data.
    fn succeeds(&mut self, command: &str, data: &Value, (message, code): (&str, &str), shown: &str) -> Value {
        let meta = format!(r#"{{"status":"success","code":"{code}"}}"#);
        let expected = format!(r#"{{"message":"{message}","data":{shown},"meta":{meta},"ts":"<time>"}}"#);
        self.says(command, data, &expected)
    }

    /// The same for a refusal other than 401 and 403.
    fn fails(&mut self, command: &str, data: &Value, (message, code): (&str, &str), more: &str) {
        let meta = format!(r#"{{"status":"error","code":"{code}"{more}}}"#);
        let expected = format!(r#"{{"message":"{message}","data":null,"meta":{meta},"ts":"<time>"}}"#);
        self.says(command, data, &expected);
    }

    /// The same for a 401.
    fn denies(&mut self, command: &str, data: &Value, (message, code): (&str, &str)) {
        let expected = format!(
            r#"{{"message":"{message}",{},"error":"Unauthorized"}}"#,
            REFUSED.replace("\"UNAUTHORIZED\"", &format!("\"{code}\""))
        );
        self.says(command, data, &expected);
    }

    fn signs_up(&mut self, more: &Value) -> Value {
        let body =
            json!({"username": "ann", "email": "Ann@Example.com", "password": PASSWORD, "name": "Ann"});
        let shown = USER.replace("ann@example.com", "Ann@Example.com");
        let said = ("Signup successful.", "SIGNUP_SUCCESS");
        self.succeeds("auth.signup", &with(&body, more), said, &shown)
    }

    /// Both steps of a sign-in, with the code from the mail.
    fn signs_in(&mut self, more: &Value, native: bool) -> Value {
        let body = json!({"usernameOrEmailOrMobile": "ann", "password": PASSWORD});
        let sent = r#"{"loginId":"<uuid>","channel":"email","expiresAt":"<time>"}"#;
        let login =
            self.succeeds("auth.login", &with(&body, more), ("OTP sent successfully.", "OTP_SENT"), sent);
        self.codes += 1;
        let right = code(&self.home.mail("Your sign-in code for Portcullis", self.codes));
        let verify = |otp: &str| json!({"loginId": login["loginId"], "otp": otp, "native": native});
        let wrong = if right == "000000" { "000001" } else { "000000" };
        let refused = self.answer("auth.verifyOtp", &with(&verify(wrong), more));
        assert!(refused.contains(r#""code":"INVALID_OTP""#), "{refused}");
        let user = USER.replace("ann@example.com", "Ann@Example.com");
        let secret = if native { r#","deviceSecret":"<secret>""# } else { "" };
        let shown = format!(
            r#"{{"accessToken":"<jwt>","refreshToken":"<jwt>","sessionId":"<uuid>","user":{user}{secret}}}"#
        );
        let said = ("Login successful.", "LOGIN_SUCCESS");
        self.succeeds("auth.verifyOtp", &with(&verify(&right), more), said, &shown)
    }

    fn sessions(&mut self, who: &Value, shown: &[String]) {
        let listed = format!("[{}]", shown.join(","));
        let expected = format!(
            r#"{{"message":"Active login sessions retrieved successfully.","data":{listed},"meta":{{"status":"success","code":"SESSIONS_RETRIEVED","next":null}},"ts":"<time>"}}"#
        );
        self.says("auth.sessions", who, &expected);
    }
}

/// One object with the members of both.
fn with(body: &Value, more: &Value) -> Value {
    let members = [body, more].into_iter().flat_map(|part| part.as_object().unwrap().clone());
    Value::Object(members.collect())
}

fn session(name: &str, ip: &str, ua: &str, current: bool) -> String {
    format!(
        r#"{{"sessionId":"<uuid>","deviceName":"{name}","ip":"{ip}","ua":"{ua}","createdAt":"<time>","lastSeen":"<time>","current":{current}}}"#
    )
}

/// The text with a placeholder for each value that differs from run to run.
fn masked(json: &str) -> String {
    let parts = json.split('"').map(|part| {
        let digits = part.bytes().filter(u8::is_ascii_digit).count();
        match part.len() {
            24 if part.ends_with('Z') && part.contains('T') && digits == 17 => "<time>",
            36 if part.parse::<uuid::Uuid>().is_ok() => "<uuid>",
            200.. if part.starts_with("ey") && part.split('.').count() == 3 => "<jwt>",
            40..100 if part.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.+/".contains(&b)) => "<secret>",
            _ => part,
        }
    });
    parts.collect::<Vec<_>>().join("\"")
}

#[test]
fn a_service_with_an_access_token_uses_every_command() {
    for version in VERSIONS {
        let mut stage = NestFixture::set(version, false);
        let health = stage.answer("auth.health", &json!({}));
        assert_eq!(health, r#"{"ok":true,"service":"auth-service","mode":"TCP"}"#, "{version}");
        let ann = stage.signs_up(&json!({}));
        let exists = ("User already exists", "USER_EXISTS");
        let again = json!({"email": "ann@example.com", "password": PASSWORD});
        stage.fails("auth.signup", &again, exists, "");
        let wrong = json!({"usernameOrEmailOrMobile": "ann@example.com", "password": "wrong"});
        stage.denies("auth.login", &wrong, ("Invalid credentials", "INVALID_CREDENTIALS"));

        let signed_in = stage.signs_in(&json!({}), true);
        let me = json!({"accessToken": signed_in["accessToken"]});
        stage.sessions(&me, &[session("tcp-client", "0.0.0.0", "tcp-client", true)]);
        stage.denies("auth.sessions", &json!({}), ("Unauthorized", "UNAUTHORIZED"));
        // Without `trust_gateway` only a token identifies the user.
        let claim = json!({"req": {"user": {"sub": ann["id"]}}});
        stage.denies("auth.sessions", &claim, ("Unauthorized", "UNAUTHORIZED"));
        let elsewhere = with(&me, &json!({"tenantId": "nowhere"}));
        let answer = stage.answer("auth.sessions", &elsewhere);
        assert!(answer.contains(r#""code":"TENANT_"#), "{answer}");

        refreshes(&mut stage, &signed_in);
        let unknown = with(&me, &json!({"sessionId": UNKNOWN_SESSION}));
        let gone = ("Session not found or already logged out.", "SESSION_NOT_FOUND");
        stage.fails("auth.logoutSession", &unknown, gone, r#","sessionId":"<uuid>""#);
        let own = with(&me, &json!({"sessionId": signed_in["sessionId"]}));
        let revoked = ("Session has been revoked successfully.", "SESSION_REVOKED");
        stage.succeeds("auth.logoutSession", &own, revoked, r#"{"sessionId":"<uuid>"}"#);
        stage.denies("auth.sessions", &me, ("Unauthorized", "UNAUTHORIZED"));

        let back = stage.signs_in(&json!({}), false);
        let me = json!({"accessToken": back["accessToken"]});
        let all = ("All sessions have been revoked successfully.", "ALL_SESSIONS_REVOKED");
        stage.succeeds("auth.logoutAll", &me, all, r#"{"revokedCount":1}"#);
        is_locked_and_opened(&mut stage);

        let no_handler = stage.service.send("auth.nothing", &json!({}));
        let words = "There is no matching message handler defined in the remote service.";
        assert_eq!(no_handler, json!({"error": words}), "{version}");
    }
}

/// A retry with the device proof returns the same refresh token.
fn refreshes(stage: &mut NestFixture, signed_in: &Value) {
    let body = json!({"refreshToken": signed_in["refreshToken"], "deviceSecret": signed_in["deviceSecret"]});
    let renewed = ("Access and refresh tokens have been renewed successfully.", "TOKENS_REFRESHED");
    let pair = r#"{"accessToken":"<jwt>","refreshToken":"<jwt>"}"#;
    let first = stage.succeeds("auth.refresh", &body, renewed, pair);
    let second = stage.succeeds("auth.refresh", &body, renewed, pair);
    assert_eq!(first["refreshToken"], second["refreshToken"]);
    let invalid = "The provided refresh token is invalid or has expired. Please log in again.";
    stage.denies("auth.refresh", &json!({"refreshToken": "x"}), (invalid, "INVALID_REFRESH_TOKEN"));
}

fn is_locked_and_opened(stage: &mut NestFixture) {
    let wrong = json!({"usernameOrEmailOrMobile": "ann", "password": "wrong"});
    for _ in 0..5 {
        stage.denies("auth.login", &wrong, ("Invalid credentials", "INVALID_CREDENTIALS"));
    }
    let right = json!({"usernameOrEmailOrMobile": "ann", "password": PASSWORD});
    let locked = "Account locked. Please follow the link in the mail we sent you, or try again later.";
    stage.fails("auth.login", &right, (locked, "ACCOUNT_LOCKED"), "");
    let no_link = ("The unlock link is invalid or has expired.", "INVALID_UNLOCK_TOKEN");
    stage.fails("auth.unlock", &json!({"token": "x"}), no_link, "");
    let link = json!({"token": token(&stage.home.mail("Your account at Portcullis is locked", 1))});
    let opened = ("Account unlocked successfully.", "ACCOUNT_UNLOCKED");
    stage.succeeds("auth.unlock", &link, opened, "null");
    stage.fails("auth.unlock", &link, no_link, "");
    stage.signs_in(&json!({}), false);
}

#[test]
fn a_trusted_gateway_uses_every_command_for_its_users() {
    let firefox = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0";
    for version in VERSIONS {
        let mut stage = NestFixture::set(version, true);
        let end_user = json!({"tenantId": "default", "ip": "203.0.113.9", "user-agent": firefox});
        let ann = stage.signs_up(&end_user);
        let signed_in = stage.signs_in(&end_user, false);
        // As an existing gateway passes on what its guard has read.
        let user = json!({"sub": ann["id"], "tenantId": "default", "role": "user"});
        let gateway = with(&end_user, &json!({"req": {"user": user}}));
        let shown = session("Firefox on Linux", "203.0.113.9", firefox, false);
        stage.sessions(&gateway, std::slice::from_ref(&shown));

        let pair = r#"{"accessToken":"<jwt>","refreshToken":"<jwt>"}"#;
        let renewed = ("Access and refresh tokens have been renewed successfully.", "TOKENS_REFRESHED");
        let token = with(&end_user, &json!({"refreshToken": signed_in["refreshToken"]}));
        stage.succeeds("auth.refresh", &token, renewed, pair);
        let spent = ("Invalid refresh token. Please log in again to continue.", "INVALID_REFRESH_HASH");
        stage.denies("auth.refresh", &token, spent);
        stage.sessions(&gateway, &[]);

        for (command, message) in [
            ("auth.sessions", "Session request failed: user identity missing in the request payload."),
            ("auth.logoutSession", "Logout request missing user identity."),
            ("auth.logoutAll", "Logout-all request missing user identity."),
        ] {
            let nameless = with(&end_user, &json!({"req": {"user": {}}, "sessionId": UNKNOWN_SESSION}));
            stage.fails(command, &nameless, (message, "USER_ID_MISSING"), "");
        }
        let stranger = with(&end_user, &json!({"req": {"user": {"sub": UNKNOWN_SESSION}}}));
        let gone = ("User not found for the current tenant.", "USER_NOT_FOUND");
        stage.denies("auth.sessions", &stranger, gone);

        let first = stage.signs_in(&end_user, false);
        stage.signs_in(&end_user, false);
        let one = with(&gateway, &json!({"sessionId": first["sessionId"]}));
        let revoked = ("Session has been revoked successfully.", "SESSION_REVOKED");
        stage.succeeds("auth.logoutSession", &one, revoked, r#"{"sessionId":"<uuid>"}"#);
        let all = ("All sessions have been revoked successfully.", "ALL_SESSIONS_REVOKED");
        stage.succeeds("auth.logoutAll", &gateway, all, r#"{"revokedCount":1}"#);
        stage.sessions(&gateway, &[]);
    }
}
