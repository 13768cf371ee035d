//! `portcullis doctor`: what it checks and what it reports.

use rusqlite::Connection;
use serde_json::Value;

use crate::fixture::{CommandOutput, PASSWORD, Workdir, text};

fn examine(home: &Workdir, line: &str) -> (i32, Value) {
    let CommandOutput { code, out, .. } = home.run(line);
    (code, serde_json::from_str(&out).unwrap())
}

fn status<'a>(report: &'a Value, check: &str) -> &'a str {
    let checks = report["checks"].as_array().unwrap();
    let found = checks.iter().find(|finding| text(&finding["check"]) == check);
    text(&found.unwrap_or_else(|| panic!("no {check}: {report}"))["status"])
}

#[test]
fn a_healthy_installation_is_found_healthy_with_latencies() {
    let home = Workdir::new();
    let server = home.serve();
    let address = server.address();
    let (code, report) = examine(&home, &format!("doctor --json --listen {address}"));
    assert_eq!((code, &report["ok"]), (0, &Value::Bool(true)), "{report}");
    let name = format!("server at {address}");
    for check in [
        "configuration",
        "database",
        "migrations",
        "keys of default",
        "mail queue",
        "clock",
        "password hashing",
        &name,
    ] {
        assert_eq!(status(&report, check), "ok", "{check}: {report}");
    }
    for finding in report["checks"].as_array().unwrap() {
        let is_timed = finding["milliseconds"].as_f64().is_some_and(|took| took >= 0.0);
        let untimed = ["configuration", "clock", "mail queue", "outbox"].contains(&text(&finding["check"]));
        assert!(is_timed != untimed, "{finding}");
    }
    let table = home.run(&format!("doctor --listen {address}")).done().out;
    assert!(table.starts_with("CHECK ") && table.contains(" ms "), "{table}");
    assert!(table.contains("is running and ready"), "{table}");
}

#[test]
fn the_server_of_another_installation_is_not_reported_as_this_one() {
    let (home, other) = (Workdir::new(), Workdir::new());
    let server = other.serve();
    let address = server.address();
    let name = format!("server at {address}");
    let (code, report) = examine(&home, &format!("doctor --json --listen {address}"));
    assert_eq!((code, status(&report, &name)), (1, "note"), "without a database: {report}");
    home.run("migrate").done();
    home.user("ann@example.com").done();
    let (code, report) = examine(&home, &format!("doctor --json --listen {address}"));
    assert_eq!((code, status(&report, &name)), (1, "broken"), "{report}");
    assert!(report.to_string().contains("of another installation"), "{report}");
}

#[test]
fn nothing_is_made_where_there_is_nothing() {
    let home = Workdir::new();
    let said = home.run("doctor --listen 127.0.0.1:1");
    assert_eq!((said.code, said.err.as_str()), (1, "portcullis: broken: database\n"));
    assert!(said.out.contains("`portcullis serve` or `portcullis migrate` makes it"), "{}", said.out);
    assert!(said.out.contains("is not running; `portcullis serve` starts it"), "{}", said.out);
    assert!(!home.database().parent().unwrap().exists(), "the doctor has made something");

    home.run("migrate").done();
    let (code, report) = examine(&home, "doctor --json --listen 127.0.0.1:1");
    assert_eq!((code, status(&report, "keys")), (0, "note"), "{report}");
}

#[test]
fn another_master_key_and_a_pending_migration_are_broken() {
    let home = Workdir::in_production();
    std::fs::create_dir(home.database().parent().unwrap()).unwrap();
    std::fs::write(home.database(), "").unwrap();
    let (code, report) = examine(&home, "doctor --json --listen 127.0.0.1:1");
    assert_eq!((code, status(&report, "migrations")), (1, "broken"), "{report}");

    home.run("migrate").done();
    home.run("key list").done();
    let other = "0011223344556677889900aabbccddeeff0a1b2c3d4e5f60718293a4b5c6d7e8";
    let home = home.variable("PORTCULLIS_MASTER_KEY", other);
    let (code, report) = examine(&home, "doctor --json --listen 127.0.0.1:1");
    assert_eq!((code, status(&report, "keys of default")), (1, "broken"), "{report}");
    assert!(report.to_string().contains("encrypted under another master key"), "{report}");
}

#[test]
fn a_stranger_on_the_address_is_broken() {
    let home = Workdir::new();
    home.run("migrate").done();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let stranger = std::thread::spawn(move || {
        use std::io::Write as _;
        listener.accept().unwrap().0.write_all(b"220 mail.example ESMTP\r\n").unwrap();
    });
    let (code, report) = examine(&home, &format!("doctor --json --listen {address}"));
    assert_eq!((code, status(&report, &format!("server at {address}"))), (1, "broken"), "{report}");
    stranger.join().unwrap();
}

#[test]
fn a_broken_configuration_is_reported_before_any_check() {
    let home = Workdir::new().variable("PORTCULLIS_LIMITS_BODY", "huge");
    assert!(home.run("doctor").refused(2).contains("PORTCULLIS_LIMITS_BODY"));
}

#[test]
fn a_tenants_own_database_and_its_mail_queue_are_checked() {
    let home = Workdir::new();
    home.run("tenant create acme database_url=sqlite:acme.db").done();
    let create = "user create --tenant acme --email ann@example.com --name Ann --password-stdin";
    home.run_with(create, PASSWORD).done();
    home.run_with("user password ann@example.com --tenant acme --password-stdin", PASSWORD).done();
    let (code, report) = examine(&home, "doctor --json --listen 127.0.0.1:1");
    assert_eq!(code, 0, "{report}");
    for check in ["database of acme", "migrations of acme", "mail queue"] {
        assert_eq!(status(&report, check), "ok", "{check}: {report}");
    }
    assert!(report.to_string().contains("1 mail waiting to be sent"), "{report}");

    std::fs::remove_file(home.database().with_file_name("acme.db")).unwrap();
    let (code, report) = examine(&home, "doctor --json --listen 127.0.0.1:1");
    assert_eq!((code, status(&report, "database of acme")), (1, "broken"), "{report}");
}

#[test]
fn a_mail_server_is_greeted_and_one_that_is_not_there_is_broken() {
    use std::io::{BufRead as _, BufReader, Write as _};
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let server = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut heard = Vec::new();
        stream.write_all(b"220 mail.example ESMTP\r\n").unwrap();
        for line in BufReader::new(stream.try_clone().unwrap()).lines().map_while(Result::ok) {
            stream.write_all(b"250 mail.example\r\n").unwrap();
            heard.push(line);
        }
        heard
    });
    let home = Workdir::new().variable("PORTCULLIS_MAIL_FROM", "no-reply@example.com");
    let home = home.variable("PORTCULLIS_MAIL_TRANSPORT", format!("smtp://{address}?tls=none"));
    home.run("migrate").done();
    let (_, report) = examine(&home, "doctor --json --listen 127.0.0.1:1");
    assert_eq!(status(&report, "mail server"), "ok", "{report}");
    let heard = server.join().unwrap();
    assert!(heard[0].starts_with("EHLO ") && heard[1] == "QUIT" && heard.len() == 2, "{heard:?}");
    let (code, report) = examine(&home, "doctor --json --listen 127.0.0.1:1");
    assert_eq!((code, status(&report, "mail server")), (1, "broken"), "{report}");
}

#[test]
fn templates_are_rendered_before_the_server_starts_with_them() {
    let home = Workdir::new();
    home.run("migrate").done();
    home.run("mail templates theirs").done();
    let home = home.variable("PORTCULLIS_MAIL_TEMPLATES", "theirs");
    let (code, report) = examine(&home, "doctor --json --listen 127.0.0.1:1");
    assert_eq!((code, status(&report, "templates")), (0, "ok"), "{report}");
    std::fs::write(home.database().with_file_name("../theirs/page.html"), "{{ nothing_of_this_name }}")
        .unwrap();
    let (code, report) = examine(&home, "doctor --json --listen 127.0.0.1:1");
    assert_eq!((code, status(&report, "templates")), (1, "broken"), "{report}");
    assert!(report.to_string().contains("page.html"), "{report}");
}

#[test]
fn a_record_that_cannot_be_read_is_named_and_mended() {
    let home = Workdir::new();
    for name in ["ann", "bob", "cem"] {
        home.user(&format!("{name}@example.com")).done();
    }
    let spoil = "UPDATE users SET id = '42' WHERE email LIKE 'ann%'; \
        UPDATE users SET role = 'superadmin', password = 'md5' WHERE email LIKE 'bob%'";
    Connection::open(home.database()).unwrap().execute_batch(spoil).unwrap();

    let (code, report) = examine(&home, "doctor --json --listen 127.0.0.1:1");
    assert_eq!((code, status(&report, "records of default")), (1, "broken"), "{report}");
    let detail = report.to_string();
    assert!(detail.contains("3 columns cannot be read: ") && detail.contains("id of user 42;"), "{detail}");
    let listed = home.run("user list").done().out;
    assert!(!listed.contains("ann@") && listed.contains("bob@") && listed.contains("cem@"), "{listed}");
    assert!(
        listed.ends_with("3 columns of users and sessions cannot be read; `portcullis doctor` names them.\n")
    );

    home.run("user role bob@example.com user").done();
    home.run_with("user password bob@example.com --password-stdin", PASSWORD).done();
    let (_, report) = examine(&home, "doctor --json --listen 127.0.0.1:1");
    assert!(report.to_string().contains("1 column cannot be read: id of user 42;"), "{report}");
    assert!(report.to_string().contains("`portcullis mend --tenant default RECORD`"), "{report}");
}
