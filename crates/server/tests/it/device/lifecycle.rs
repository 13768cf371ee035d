//! Device sessions from sign-up to the last sign-out, byte for byte.

use portcullis_api::answer::Success;
use portcullis_api::operation::{OwnOperation, PublicOperation};
use serde_json::{Value, json};

use crate::fixture::{DeviceClient, DeviceSession, Envelope, TestServer, TestUser, ask_over_tcp};

const UNAUTHORIZED: (u16, &str, &str) = (401, "UNAUTHORIZED", "Unauthorized");

/// The names of an object's members, in the order of the text.
fn members(written: &str) -> Vec<String> {
    let mut names = Vec::new();
    let (mut depth, mut rest) = (0, written);
    while let Some(at) = rest.find(['{', '}', '[', ']', '"']) {
        let (found, after) = rest[at..].split_at(1);
        rest = after;
        match found {
            "{" | "[" => depth += 1,
            "}" | "]" => depth -= 1,
            _ => {
                let (text, after) = after.split_once('"').unwrap();
                if depth == 1 && after.starts_with(':') {
                    names.push(text.to_owned());
                }
                rest = after;
            }
        }
    }
    names
}

const USER: [&str; 8] = ["id", "username", "email", "mobile", "name", "role", "createdAt", "updatedAt"];
const SESSION: [&str; 7] = ["sessionId", "deviceName", "ip", "ua", "createdAt", "lastSeen", "current"];

async fn ann_signs_up(client: &DeviceClient<'_>) -> String {
    let body = json!({"username": "ann", "email": TestUser::ANN.email, "mobile": "+49 170 1234567",
        "password": TestUser::ANN.password, "name": "Ann Droid", "role": "admin", "tenantId": "default"});
    let said = client.asks(PublicOperation::Signup, body, None).await;
    let data = said.succeeded(201, Success::SIGNED_UP);
    assert_eq!(members(&data), USER);
    let user: Value = serde_json::from_str(&data).unwrap();
    assert_eq!(user["mobile"], "+491701234567");
    assert_eq!(
        (&user["username"], &user["role"]),
        (&json!("ann"), &json!("user")),
        "a user gives itself no role"
    );
    user["id"].as_str().unwrap().to_owned()
}

fn logged_in<'s>(client: &DeviceClient<'s>, said: &Envelope, user: &str) -> DeviceSession<'s> {
    let data = said.succeeded(201, Success::LOGGED_IN);
    assert_eq!(members(&data), ["accessToken", "refreshToken", "sessionId", "user"]);
    let member = DeviceSession::from(client, said);
    assert_eq!(member.user, user);
    member
}

async fn sessions(member: &DeviceSession<'_>) -> Vec<Value> {
    let data = member.asks(OwnOperation::Sessions, json!({})).await.listed(Success::SESSIONS);
    let sessions: Vec<Value> = serde_json::from_str(&data).unwrap();
    sessions
}

async fn signs_up_in_and_out(client: DeviceClient<'_>) {
    let ann = TestUser::ANN;
    let user = ann_signs_up(&client).await;
    ann.signs_up(&client).await.refused(409, "USER_EXISTS", "User already exists");

    let asked = client.device_sign_in("ann", ann.password).await;
    let data = asked.succeeded(201, Success::OTP_SENT);
    assert_eq!(members(&data), ["loginId", "channel", "expiresAt"]);
    assert_eq!(asked.at("/data/channel"), "email");
    let login = asked.at("/data/loginId");
    let code = client.code_for(&ann).await;
    let wrong = if code == "000000" { "000001" } else { "000000" };
    let said = client.verify(&login, wrong).await;
    said.refused(401, "INVALID_OTP", "Invalid OTP. Please try again.");
    let here = logged_in(&client, &client.verify(&login, &code).await, &user);
    let said = client.verify(&login, &code).await;
    said.refused(401, "INVALID_OTP", "Invalid OTP. Please try again.");

    let there = ann.signs_in_on(&client).await;
    let listed = sessions(&here).await;
    let ids: Vec<&str> = listed.iter().map(|one| one["sessionId"].as_str().unwrap()).collect();
    assert_eq!(ids, [&here.session, &there.session], "the oldest first");
    assert_eq!((&listed[0]["current"], &listed[1]["current"]), (&json!(true), &json!(false)));
    let said = here.asks(OwnOperation::Sessions, json!({})).await;
    assert_eq!(members(said.listed(Success::SESSIONS).strip_prefix('[').unwrap())[..7], SESSION);

    let one = json!({"sessionId": there.session});
    let said = here.asks(OwnOperation::LogoutSession, one.clone()).await;
    let data = said.succeeded(201, Success::SESSION_REVOKED);
    assert_eq!(data, format!(r#"{{"sessionId":"{}"}}"#, there.session));
    let gone = "Session not found or already logged out.";
    let more = format!(r#","sessionId":"{}""#, there.session);
    here.asks(OwnOperation::LogoutSession, one).await.refused_about(404, "SESSION_NOT_FOUND", gone, &more);
    let (status, code, text) = UNAUTHORIZED;
    there.asks(OwnOperation::Sessions, json!({})).await.refused(status, code, text);
    let over = "Session not found or expired. Please log in again.";
    there.refreshes().await.refused_about(401, "SESSION_NOT_FOUND", over, &more);

    let said = here.refreshes().await;
    assert_eq!(members(&said.succeeded(201, Success::TOKENS_REFRESHED)), ["accessToken", "refreshToken"]);
    let here = here.renewed(&said);
    let said = here.asks(OwnOperation::LogoutAll, json!({})).await;
    assert_eq!(said.succeeded(201, Success::ALL_SESSIONS_REVOKED), r#"{"revokedCount":1}"#);
    here.asks(OwnOperation::Sessions, json!({})).await.refused(status, code, text);
    client.asks(OwnOperation::Sessions, json!({}), None).await.refused(status, code, text);

    for body in [json!({}), json!({"sessionId": "7"}), json!({"sessionId": 7})] {
        let member = ann.signs_in_on(&client).await;
        let said = member.asks(OwnOperation::LogoutSession, body).await;
        let faults = r#","details":["sessionId must be a UUID"]"#;
        said.refused_about(400, "VALIDATION_FAILED", "sessionId must be a UUID", faults);
    }
}

// ASVS-map: TN5, SE6, OT1
#[tokio::test]
async fn a_user_signs_up_in_and_out_over_http_and_tcp_byte_for_byte() {
    for over_tcp in [false, true] {
        let server = TestServer::start().await;
        let client = if over_tcp { DeviceClient::service(&server) } else { DeviceClient::curl(&server) };
        assert_eq!(client.is_over_tcp(), over_tcp);
        signs_up_in_and_out(client).await;
    }
}

#[tokio::test]
async fn a_user_signs_up_in_and_out_at_a_service_that_embeds_the_routes() {
    let server = TestServer::embedding(&[]).await;
    signs_up_in_and_out(DeviceClient::curl(&server)).await;
    let server = TestServer::embedding(&[]).await;
    signs_up_in_and_out(DeviceClient::browser(&server)).await;
}

#[tokio::test]
async fn health_is_bare_and_names_the_transport() {
    let server = TestServer::start().await;
    let plain = server.get("/auth/health").await;
    plain.says(200, r#"{"ok":true,"service":"auth-service","mode":"HTTP"}"#);
    let said = ask_over_tcp(server.tcp, "auth.health", &json!({})).await.unwrap();
    assert_eq!(said, r#"{"ok":true,"service":"auth-service","mode":"TCP"}"#);
    let err = ask_over_tcp(server.tcp, "auth.health", &Value::Null).await;
    assert_eq!(err.unwrap(), said, "a health check has nothing to say");
    ask_over_tcp(server.tcp, "auth.sessions", &json!("x")).await.unwrap_err();
}

#[tokio::test]
async fn a_user_reads_the_own_profile_and_names_a_device() {
    let server = TestServer::start().await;
    let browser = DeviceClient::browser(&server);
    TestUser::ANN.signs_up(&browser).await;
    let ann = TestUser::ANN.signs_in_on(&browser).await;
    let said = ann.asks(OwnOperation::Me, json!({})).await;
    let data = said.succeeded(200, Success::PROFILE);
    assert_eq!(members(&data), ["user", "session"]);
    assert_eq!(said.at("/data/session/deviceName"), "Firefox on Linux");
    assert_eq!(said.at("/data/session/ip"), "127.0.0.1");
    assert_eq!(said.data()["session"]["current"], true);
    let curl = TestUser::ANN.signs_in_on(&DeviceClient::curl(&server)).await;
    assert_eq!(curl.asks(OwnOperation::Me, json!({})).await.at("/data/session/deviceName"), "curl/8.7.1");
    let service = TestUser::ANN.signs_in_on(&DeviceClient::service(&server)).await;
    let listed = sessions(&service).await;
    assert_eq!((&listed[2]["ip"], &listed[2]["ua"]), (&json!("0.0.0.0"), &json!("nest/1")));

    let named = json!({"sessionId": ann.session, "deviceName": "Ann's laptop"});
    let said = curl.asks(OwnOperation::RenameSession, named).await;
    let data = said.succeeded(200, Success::SESSION_RENAMED);
    assert_eq!(data, format!(r#"{{"sessionId":"{}","deviceName":"Ann's laptop"}}"#, ann.session));
    assert_eq!(ann.asks(OwnOperation::Me, json!({})).await.at("/data/session/deviceName"), "Ann's laptop");
    let said =
        curl.asks(OwnOperation::RenameSession, json!({"sessionId": ann.session, "deviceName": " "})).await;
    let text = "deviceName should not be empty";
    said.refused_about(400, "VALIDATION_FAILED", text, &format!(r#","details":["{text}"]"#));
}

// ASVS-map: PW8, AU7
#[tokio::test]
async fn another_password_ends_every_other_session_and_none_of_the_last_five_is_taken() {
    let server = TestServer::start().await;
    let client = DeviceClient::curl(&server);
    TestUser::ANN.signs_up(&client).await;
    let (here, there) = (TestUser::ANN.signs_in_on(&client).await, TestUser::ANN.signs_in_on(&client).await);
    let change = |current: &str, new: &str| json!({"currentPassword": current, "newPassword": new});
    let said = here.asks(OwnOperation::Password, change("not this one", "another battery")).await;
    said.refused(403, "WRONG_PASSWORD", "Current password is wrong");
    let same = change(TestUser::ANN.password, TestUser::ANN.password);
    let said = here.asks(OwnOperation::Password, same).await;
    said.refused(400, "PASSWORD_REUSED", "Cannot reuse previous password");
    let said = here.asks(OwnOperation::Password, change(TestUser::ANN.password, "another battery")).await;
    assert_eq!(said.succeeded(201, Success::PASSWORD_CHANGED), "null");
    assert_eq!(
        (here.session_code().await, there.session_code().await),
        ("SESSIONS_RETRIEVED".into(), "UNAUTHORIZED".into())
    );
    there.refreshes().await.at("/meta/sessionId");
    assert_eq!(here.refreshes().await.code(), "TOKENS_REFRESHED");
    let said = here.asks(OwnOperation::Sessions, json!({"ended": "true"})).await;
    let ended = said.listed(Success::ENDED_SESSIONS);
    assert!(ended.contains(r#""reason":"password_change""#) && ended.contains(&there.session), "{ended}");
    server.mailbox.mail(TestUser::ANN.email, "password_changed").await;
}

#[tokio::test]
async fn a_user_signs_in_by_name_number_or_address() {
    let server = TestServer::start().await;
    let client = DeviceClient::curl(&server);
    ann_signs_up(&client).await;
    for name in ["ann", "ANN", "ann@example.com", "Ann@Example.com", "+491701234567", "+49 170 123-4567"] {
        let said = client.device_sign_in(name, TestUser::ANN.password).await;
        said.succeeded(201, Success::OTP_SENT);
        let said = client.verify(&said.at("/data/loginId"), &client.code_for(&TestUser::ANN).await).await;
        assert_eq!(said.code(), "LOGIN_SUCCESS", "{name}");
    }
    for name in ["unknown", "ann@example.org", "+491701234568"] {
        client.device_sign_in(name, TestUser::ANN.password).await.refused(
            401,
            "INVALID_CREDENTIALS",
            "Invalid credentials",
        );
    }
    let taken = json!({"username": "ANN", "email": "other@example.com", "password": "correct horse battery"});
    client.asks(PublicOperation::Signup, taken, None).await.refused(
        409,
        "USER_EXISTS",
        "User already exists",
    );
}

#[tokio::test]
async fn what_cannot_be_read_is_refused_with_the_faults_of_its_members() {
    let server = TestServer::start().await;
    for path in [
        "/auth/signup",
        "/auth/login",
        "/auth/login/verify",
        "/auth/login/resend",
        "/auth/refresh",
        "/auth/unlock",
    ] {
        let text = "Request body is not valid JSON";
        let said = Envelope::from(server.post(path).text("{").await);
        said.refused_about(400, "VALIDATION_FAILED", text, &format!(r#","details":["{text}"]"#));
        let problem = server.post(path).text("{").header("accept", "application/problem+json").await;
        let expected = format!(
            r#"{{"type":"about:blank","title":"Bad Request","status":400,"detail":"{text}","code":"VALIDATION_FAILED","instance":"{path}"}}"#
        );
        problem.says(400, &expected);
        assert_eq!(problem.header("content-type"), Some("application/problem+json"));
    }
    let client = DeviceClient::curl(&server);
    let said =
        client.asks(PublicOperation::Signup, json!({"email": 1, "password": "", "mobile": "x"}), None).await;
    let faults = r#","details":["email must be an email","mobile must be a valid phone number","password should not be empty"]"#;
    let text = "email must be an email; mobile must be a valid phone number; password should not be empty";
    said.refused_about(400, "VALIDATION_FAILED", text, faults);
    let signed_out = server.get("/auth/me").header("accept", "application/problem+json").await;
    signed_out.says(401, r#"{"type":"about:blank","title":"Unauthorized","status":401,"detail":"Unauthorized","code":"UNAUTHORIZED","instance":"/auth/me"}"#);
    assert_eq!(signed_out.header("www-authenticate"), Some("Bearer"));
    let bad = server.get("/auth/me").bearer("nonsense").await;
    assert_eq!(bad.header("www-authenticate"), Some(r#"Bearer error="invalid_token""#));
}
