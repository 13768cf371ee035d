//! `portcullis user`: users are created, listed, disabled and enabled, and get roles and passwords.

use std::io::{Read as _, Write as _};
use std::process::Stdio;

use serde_json::json;

use crate::fixture::{PASSWORD, Workdir, text, wait_until};

#[test]
fn the_first_user_of_a_new_installation_is_made_before_its_server_and_signs_in() {
    let home = Workdir::new();
    let line = "user create --email Ann@Example.com --name Ann --role admin --password-stdin --json";
    let said = home.run_with(line, &format!("{PASSWORD}\n")).done();
    let user: serde_json::Value = serde_json::from_str(&said.out).unwrap();
    assert_eq!(user["email"], "Ann@Example.com");
    assert_eq!((&user["name"], &user["role"]), (&json!("Ann"), &json!("admin")));

    let server = home.serve();
    let signed_in = server.password_sign_in("jwt", "ann@example.com");
    assert_eq!(signed_in["user"]["id"], user["id"]);
}

#[test]
fn users_are_listed_as_a_table_and_as_json() {
    let home = Workdir::new();
    assert!(home.user("ann@example.com").done().out.starts_with("Created ann@example.com (user, id 0"));
    home.user("bob@example.com").done();
    home.run("user disable bob@example.com").done();

    let table = home.run("user list").done().out;
    let rows: Vec<Vec<&str>> = table.lines().map(|line| line.split_whitespace().collect()).collect();
    assert_eq!(
        rows[0],
        ["ID", "EMAIL", "USERNAME", "MOBILE", "NAME", "ROLE", "CREATED", "DISABLED", "LOCKED", "UNTIL"]
    );
    assert_eq!((rows.len(), rows[1][1], rows[2][1]), (3, "ann@example.com", "bob@example.com"));
    assert_eq!(rows[1].last(), Some(&"-"));

    let users = home.json("user list --json");
    let members: Vec<&String> = users[0].as_object().unwrap().keys().collect();
    assert_eq!(
        members,
        [
            "created", "disabled", "email", "id", "locked", "mobile", "name", "role", "tenant", "updated",
            "username"
        ]
    );
    assert_eq!(users[0]["disabled"], json!(null));
    assert!(text(&users[1]["disabled"]).ends_with('Z'));
    assert!(!users.to_string().contains("argon2"));
}

#[test]
fn an_address_is_one_user_whatever_its_case() {
    let home = Workdir::new();
    home.user("ann@example.com").done();
    let said = home.user("ANN@example.COM").refused(1);
    assert!(said.contains("already has a user ANN@example.COM; `portcullis user password` sets"), "{said}");
    let said = home.run("user role bob@example.com admin").refused(1);
    assert!(
        said.contains("there is no user bob@example.com in tenant default; `portcullis user list"),
        "{said}"
    );
}

// ASVS-map: PW1, PW4
#[test]
fn the_rules_for_passwords_hold_for_operators_too() {
    let home = Workdir::new();
    let production = Workdir::in_production();
    production.run("migrate").done();
    let create = "user create --email ann@example.com --name Ann --password-stdin";
    for (home, short, long) in
        [(&home, "7 chars", "8 chars!"), (&production, "vexed quilts 1", "vexed quilts 12")]
    {
        let least = long.chars().count();
        let too_short = format!("password must be longer than or equal to {least} characters");
        assert_eq!(home.run_with(create, short).refused(1), too_short);
        home.run_with(create, long).done();
        let change = "user password ann@example.com --password-stdin";
        assert_eq!(home.run_with(change, short).refused(1), too_short);
        home.run_with(change, long).done();
    }
    let common = production.run_with("user password ann@example.com --password-stdin", "passwordpassword");
    assert_eq!(common.refused(1), "password must not be a commonly used one");
}

// ASVS-map: OP6
#[test]
fn a_password_comes_from_standard_input_or_a_terminal_and_from_nowhere_else() {
    let home = Workdir::new();
    let create = "user create --email ann@example.com --name Ann";
    let said = home.run_with(create, PASSWORD).refused(2);
    assert_eq!(said, "there is no terminal to ask for the password on; pipe it in with --password-stdin");
    assert!(!home.database().exists());
    let said = home.run_with(&format!("{create} --password {PASSWORD}"), "").refused(2);
    assert!(said.contains("unexpected argument '--password'"), "{said}");
    let said = home.run_with(&format!("{create} --password-stdin"), "two lines\nof text\n").refused(2);
    assert!(said.contains("more than one line"), "{said}");
}

/// Whether the terminal of `typed` shows what is typed.
fn echoes(home: &Workdir) -> bool {
    let settings = home.command("sh").args(["-c", "stty --all --file \"$(cat terminal)\""]).output().unwrap();
    let settings = String::from_utf8(settings.stdout).unwrap();
    settings.split_whitespace().any(|setting| setting == "echo")
}

/// Types each answer when its prompt is on the screen: returns exit code and screen. `script` gives the
/// command a terminal of its own.
fn typed(home: &Workdir, line: &str, answers: [(&str, &str); 2]) -> (Option<i32>, String) {
    // The terminal names itself first, so that its settings can be read from outside.
    let command = format!("tty >terminal; exec {} {line}", env!("CARGO_BIN_EXE_portcullis"));
    let mut script = home.command("script");
    script.args(["--quiet", "--return", "--command", &command, "/dev/null"]).env("SHELL", "/bin/sh");
    let mut child = script.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let (mut keyboard, mut output) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
    let mut screen = Vec::new();
    for (prompt, answer) in answers {
        while !screen.ends_with(prompt.as_bytes()) {
            let mut byte = [0];
            output.read_exact(&mut byte).expect("it asks");
            screen.push(byte[0]);
        }
        wait_until("the terminal does not echo", || !echoes(home));
        writeln!(keyboard, "{answer}").unwrap();
    }
    output.read_to_end(&mut screen).unwrap();
    (child.wait().unwrap().code(), String::from_utf8(screen).unwrap())
}

#[test]
fn a_password_that_is_typed_is_asked_for_twice_and_not_echoed() {
    let home = Workdir::new();
    let create = "user create --email ann@example.com --name Ann";
    let twice = |one, other| typed(&home, create, [("Password: ", one), ("Repeat the password: ", other)]);
    let (code, screen) = twice("correct horse", "correct house");
    assert_eq!(code, Some(1), "{screen}");
    assert!(screen.contains("the two passwords differ; nothing was changed"), "{screen}");
    let (code, screen) = twice("correct horse", "correct horse");
    assert_eq!(code, Some(0), "{screen}");
    assert!(screen.contains("Created ann@example.com") && !screen.contains("horse"), "{screen}");
    assert_eq!(home.json("user list --json").as_array().unwrap().len(), 1);
}

// ASVS-map: SE5
#[test]
fn a_disabled_user_has_no_session_and_no_refresh_token_and_gets_none_back_when_enabled() {
    let home = Workdir::new();
    let server = home.serve();
    home.user("ann@example.com").done();
    let signed_in = server.password_sign_in("session-jwt", "ann@example.com");
    let token = text(&signed_in["access_token"]);
    assert_eq!(server.profile("session-jwt", token), 200);
    let renewable = server.password_sign_in("refresh", "ann@example.com");
    let refresh = json!({ "refresh_token": renewable["refresh_token"] });

    home.run("user disable ann@example.com").done();
    server.wait_until_refused("session-jwt", token);
    assert_eq!(server.post("/auth/refresh/refresh", None, &refresh).status, 401);
    assert_eq!(server.try_sign_in("jwt", "ann@example.com", PASSWORD).status, 401);

    let id = text(&signed_in["user"]["id"]);
    home.run(&format!("user enable {id}")).done();
    wait_until("she may sign in", || server.try_sign_in("jwt", "ann@example.com", PASSWORD).status == 201);
    assert_eq!(server.profile("session-jwt", token), 401, "an ended session came back");
    assert_eq!(
        server.post("/auth/refresh/refresh", None, &refresh).status,
        401,
        "an ended session came back"
    );
}

// ASVS-map: PW8
#[test]
fn a_password_that_an_operator_sets_ends_all_sessions_and_is_the_one_from_then_on() {
    let home = Workdir::new();
    let server = home.serve();
    home.user("ann@example.com").done();
    let signed_in = server.password_sign_in("hybrid", "ann@example.com");
    let token = text(&signed_in["access_token"]);
    assert_eq!(server.profile("hybrid", token), 200);

    let other = "a quite different one";
    home.run_with("user password ann@example.com --password-stdin", other).done();
    server.wait_until_refused("hybrid", token);
    assert_eq!(server.try_sign_in("jwt", "ann@example.com", PASSWORD).status, 401);
    assert_eq!(server.try_sign_in("jwt", "ann@example.com", other).status, 201);
}

#[test]
fn a_role_is_given_and_shown() {
    let home = Workdir::new();
    home.user("ann@example.com").done();
    assert_eq!(
        home.run("user role ann@example.com manager").done().out,
        "ann@example.com has the role manager.\n"
    );
    assert_eq!(home.json("user list --json")[0]["role"], "manager");
}

// ASVS-map: LG1
#[test]
fn what_an_operator_changes_about_access_is_logged_with_the_operator() {
    let home = Workdir::in_production();
    home.run("migrate").done();
    let made = home.user("ann@example.com").done();
    let line: serde_json::Value = serde_json::from_str(&made.err).expect("one line of the log");
    assert_eq!((&line["target"], &line["event"]), (&json!("portcullis::audit"), &json!("signed_up")));
    assert!(line["span"]["uid"].is_number(), "{line}");
    assert_eq!(line["user"], home.json("user list --json")[0]["id"]);
    assert!(!made.err.contains(PASSWORD) && !made.err.contains("ann@"), "{}", made.err);
    for (command, event) in [("disable", "user_disabled"), ("enable", "user_enabled"), ("unlock", "unlocked")]
    {
        let done = home.run(&format!("user {command} ann@example.com")).done();
        let lines: Vec<serde_json::Value> =
            done.err.lines().map(|line| serde_json::from_str(line).expect("a line of the log")).collect();
        let line = lines.iter().find(|line| line["event"] == event).expect(event);
        assert!(line["span"]["uid"].is_number(), "{command}: {line}");
    }
    assert_eq!(home.run("user list").done().err, "", "looking is nothing to log");
    let quiet = Workdir::new().variable("PORTCULLIS_LOG_LEVEL", "error");
    assert_eq!(quiet.user("ann@example.com").done().err, "");
}

#[test]
fn a_user_is_named_by_address_user_name_mobile_number_or_id() {
    let home = Workdir::new();
    let words = [
        "user",
        "create",
        "--email",
        "ann@example.com",
        "--name",
        "Ann",
        "--username",
        "Ann_B",
        "--mobile",
        "+49 170 1234567",
        "--password-stdin",
        "--json",
    ];
    let said = home.run_words(&words, PASSWORD).done();
    let ann: serde_json::Value = serde_json::from_str(&said.out).unwrap();
    assert_eq!((&ann["username"], &ann["mobile"]), (&json!("Ann_B"), &json!("+491701234567")));
    for name in ["ANN@example.com", "ann_b", "+49(170)1234567", text(&ann["id"])] {
        let said = home.run(&format!("user role {name} admin")).done().out;
        assert_eq!(said, "ann@example.com has the role admin.\n");
        home.run(&format!("session list --user {name}")).done();
    }
    let said = home.run("user role bob admin").refused(1);
    assert!(said.starts_with("there is no user bob in tenant default"), "{said}");
    let other = "user create --email b@example.com --name B --password-stdin";
    for (taken, shown) in [("--username ann_B", "ann_B"), ("--mobile +491701234567", "+491701234567")] {
        let said = home.run_with(&format!("{other} {taken}"), PASSWORD).refused(1);
        assert!(said.starts_with(&format!("tenant default already has a user {shown}")), "{said}");
    }
    assert!(
        home.run(&format!("{other} --mobile 12")).refused(2).contains("mobile must be a valid phone number")
    );
}

#[test]
fn a_list_is_searched_by_whatever_names_a_user() {
    let home = Workdir::new();
    for email in ["ann@example.com", "bob@example.com", "hannah@example.org"] {
        home.user(email).done();
    }
    let found = |search: &str| {
        let users = home.json(&format!("user list --json --search {search}"));
        users.as_array().unwrap().iter().map(|user| text(&user["name"]).to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(
        (found("ANN"), found("example.org")),
        (vec!["ann".to_owned(), "hannah".to_owned()], vec!["hannah".to_owned()])
    );
    assert!(found("100%").is_empty());
    for user in home.json("user list --json").as_array().unwrap() {
        assert_eq!(found(&text(&user["id"]).to_uppercase()), [text(&user["name"])]);
    }
    let said = home.run("user list --search nobody").done().out;
    assert_eq!(said, "No user of tenant default matches \"nobody\".\n");
}

#[test]
fn an_account_that_wrong_passwords_have_locked_is_shown_and_opened() {
    let home = Workdir::new().variable("PORTCULLIS_LOCKOUT_AFTER", "2");
    let server = home.serve();
    home.user("ann@example.com").done();
    for _ in 0..2 {
        assert_eq!(server.try_sign_in("jwt", "ann@example.com", "wrong horse").status, 401);
    }
    assert_eq!(server.try_sign_in("jwt", "ann@example.com", PASSWORD).status, 423);
    assert!(text(&home.json("user list --json")[0]["locked"]).ends_with('Z'));
    let said = home.run("user unlock ann@example.com").done().out;
    assert_eq!(said, "ann@example.com is unlocked.\n");
    assert_eq!(home.json("user list --json")[0]["locked"], json!(null));
    server.password_sign_in("jwt", "ann@example.com");
}
