//! The log: where its lines go, and what happens if they cannot be written.

use std::fs::File;
use std::io::{Read as _, Write as _, pipe};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::process::Stdio;

use serde_json::{Value, json};

use crate::fixture::{PASSWORD, RunningServer, Workdir, text, wait_until};

/// The metric of the lines that could not be written.
fn lost(server: &RunningServer) -> u64 {
    let metrics = server.text("/metrics");
    let line = metrics.lines().find_map(|line| line.strip_prefix("portcullis_log_lines_lost_total "));
    line.unwrap_or_else(|| panic!("{metrics}")).parse().unwrap()
}

#[test]
fn a_log_that_cannot_be_written_costs_its_lines_and_no_request() {
    let home = Workdir::new();
    home.user("ann@example.com").done();
    let (reader, closed) = pipe().unwrap();
    drop(reader);
    let full = File::options().write(true).open("/dev/full").unwrap();
    for log in [Stdio::from(closed), full.into()] {
        let server = home.serve_logging_to(log);
        let before = lost(&server);
        assert_eq!(server.try_sign_in("session-jwt", "ann@example.com", "wrong").status, 401);
        assert_eq!(server.try_sign_in("session-jwt", "ann@example.com", PASSWORD).status, 201);
        assert_eq!(lost(&server), before + 2);
        let ready = server.get("/readyz", None);
        assert_eq!((ready.status, &ready.body["impaired"]), (200, &json!(["log"])), "{ready:?}");
    }
}

/// A server that logs as JSON to a file.
struct LoggingServer {
    server: RunningServer,
    log: std::path::PathBuf,
}

impl LoggingServer {
    fn start(home: &Workdir) -> Self {
        let log = home.file("log", "", 0o600);
        let file = File::options().append(true).open(&log).unwrap();
        Self { server: home.serve_logging_to(file), log }
    }

    /// The newest audit event of this kind.
    #[track_caller]
    fn event(&self, kind: &str) -> Value {
        let find = || -> Option<Value> {
            let lines = std::fs::read_to_string(&self.log).unwrap();
            let lines: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
            lines.into_iter().rfind(|line| line["event"] == kind)
        };
        wait_until(kind, || find().is_some());
        find().unwrap()
    }
}

// ASVS-map: LG1
#[test]
fn an_audit_event_says_who_from_where_by_which_request_and_repeats_nothing_that_was_typed() {
    let home = Workdir::new().variable("PORTCULLIS_LOG_FORMAT", "json").variable("PORTCULLIS_OTP", "off");
    home.user("ann@example.com").done();
    let logging = LoggingServer::start(&home);
    let server = &logging.server;

    let id = "0198f3a0-1111-7222-8333-444455556666";
    let firefox = "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0";
    let typed = [("user-agent", firefox), ("x-request-id", id)];
    let body = json!({ "email": "ann@example.com", "password": "wrong" });
    assert_eq!(server.post_with("/auth/jwt/login", &typed, &body).status, 401);
    let refused = logging.event("sign_in_refused");
    let expected = json!({
        "name": "request", "client": "127.0.0.1", "device": "Firefox on Linux", "request_id": id, "strategy": "jwt",
    });
    assert_eq!(refused["span"], expected);
    assert_eq!(refused["tenant"], "default");

    let hostile = [("user-agent", "hunter2-agent/1"), ("x-request-id", "hunter2-request")];
    assert_eq!(server.post_with("/auth/session/login", &hostile, &body).status, 401);
    let refused = logging.event("sign_in_refused");
    assert_eq!(
        (&refused["span"]["device"], &refused["span"]["strategy"]),
        (&json!("other"), &json!("session"))
    );
    assert_eq!(text(&refused["span"]["request_id"]).len(), 36);
    assert!(!refused.to_string().contains("hunter2"), "{refused}");
}

/// Sends a command of a microservice, and waits for the answer.
fn ask_over_tcp(port: u16, command: &str, data: &Value) -> String {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    let packet = json!({ "pattern": { "cmd": command }, "data": data, "id": "1" }).to_string();
    write!(stream, "{}#{packet}", packet.encode_utf16().count()).unwrap();
    stream.shutdown(Shutdown::Write).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

// ASVS-map: LG1
#[test]
fn an_audit_event_over_tcp_says_as_much_and_believes_a_trusted_gateway_alone() {
    let firefox = "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0";
    let named = json!({
        "usernameOrEmailOrMobile": "ann@example.com", "password": "hunter2", "ip": "192.0.2.7", "user-agent": firefox
    });
    let unnamed = json!({ "usernameOrEmailOrMobile": "ann@example.com", "password": "hunter2", "user-agent": "hunter2/1" });
    for (trusted, data, client, device) in [
        ("true", &named, json!("192.0.2.7"), "Firefox on Linux"),
        ("true", &unnamed, json!(null), "other"),
        ("false", &named, json!("127.0.0.1"), "Firefox on Linux"),
    ] {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let home = Workdir::new()
            .variable("PORTCULLIS_LOG_FORMAT", "json")
            .variable("PORTCULLIS_TCP_LISTEN", format!("127.0.0.1:{port}"))
            .variable("PORTCULLIS_TCP_TRUST_GATEWAY", trusted);
        home.user("ann@example.com").done();
        let logging = LoggingServer::start(&home);
        let answer = ask_over_tcp(port, "auth.login", data);
        assert!(answer.contains("INVALID_CREDENTIALS"), "{answer}");
        let mut refused = logging.event("sign_in_refused");
        let id = refused["span"]["request_id"].take();
        assert!(text(&id).parse::<uuid::Uuid>().is_ok(), "{id}");
        let mut expected =
            json!({ "name": "request", "device": device, "request_id": null, "strategy": "device" });
        if !client.is_null() {
            expected["client"] = client;
        }
        assert_eq!(refused["span"], expected);
        assert_eq!(refused["user"], home.json("user list --json")[0]["id"]);
        assert!(!refused.to_string().contains("hunter2"), "{refused}");
        logging.server.stop();
    }
}

// ASVS-map: LG1
#[test]
fn what_an_administrator_does_is_logged_with_the_administrator_and_the_new_role() {
    let home = Workdir::new().variable("PORTCULLIS_LOG_FORMAT", "json").variable("PORTCULLIS_OTP", "off");
    home.user("ann@example.com").done();
    home.user("root@example.com").done();
    home.run("user role root@example.com admin").done();
    let logging = LoggingServer::start(&home);
    let server = &logging.server;
    let signed_in = server.post(
        "/auth/login",
        None,
        &json!({ "usernameOrEmailOrMobile": "root@example.com", "password": PASSWORD }),
    );
    let bearer = text(&signed_in.body["data"]["accessToken"]);
    let root = text(&signed_in.body["data"]["user"]["id"]);
    let users = home.json("user list --json");
    let ann = users.as_array().unwrap().iter().find(|user| user["email"] == "ann@example.com").unwrap();
    let path = format!("/admin/users/{}/role", text(&ann["id"]));
    let changed = server.post(&path, Some(bearer), &json!({ "role": "manager" }));
    assert_eq!(changed.status, 201, "{changed:?}");
    let event = logging.event("role_changed");
    assert_eq!((&event["user"], &event["role"]), (&ann["id"], &json!("manager")), "{event}");
    assert_eq!(event["span"]["actor"], root, "{event}");
}

// ASVS-map: LG1
#[test]
fn a_flood_of_refusals_is_counted_and_sampled() {
    let home = Workdir::in_production()
        .variable("PORTCULLIS_LIMITS_RATE", "3")
        .variable("PORTCULLIS_METRICS_LISTEN", "127.0.0.1:0");
    let logging = LoggingServer::start(&home);
    let body = json!({ "usernameOrEmailOrMobile": "ann@example.com", "password": PASSWORD });
    let refused = (0..20).filter(|_| logging.server.post("/auth/login", None, &body).status == 429).count();
    assert!(refused > 10, "{refused}");
    let sample = logging.event("refused");
    assert_eq!((&sample["code"], &sample["count"]), (&json!("TOO_MANY_REQUESTS"), &json!(1)), "{sample}");
    assert_eq!(sample["span"]["client"], "127.0.0.1");
    let lines = std::fs::read_to_string(&logging.log).unwrap();
    assert_eq!(lines.matches("\"refused\"").count(), 1, "{lines}");
}

#[test]
fn the_start_is_one_line_of_the_log() {
    let home = Workdir::in_production().variable("PORTCULLIS_STRATEGIES_ENABLED", "device, jwt");
    let logging = LoggingServer::start(&home);
    let log = std::fs::read_to_string(&logging.log).unwrap();
    let lines: Vec<Value> = log.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let up = lines.iter().find(|line| line["message"] == "up").unwrap_or_else(|| panic!("{log}"));
    assert_eq!((&up["mode"], &up["strategies"]), (&json!("production"), &json!("device, jwt")));
    assert_eq!(up["version"], env!("CARGO_PKG_VERSION"));
    // The build script names it to these tests, too.
    assert_eq!(up["commit"], json!(option_env!("BUILD_COMMIT")));
    assert_eq!(up["listen"], logging.server.address().to_string());
    let warned = lines.iter().filter(|line| text(&line["message"]).contains("jwt beside device")).count();
    assert_eq!(warned, 1, "{log}");
}

#[test]
fn a_commands_answer_comes_before_its_audit_lines() {
    let home = Workdir::new();
    let said = home.run_as_one("user create --email ann@example.com --name Ann --password-stdin", PASSWORD);
    let (answer, audit) = (said.find("ann@example.com").unwrap(), said.find("signed_up").unwrap());
    assert!(answer < audit, "{said}");
}
