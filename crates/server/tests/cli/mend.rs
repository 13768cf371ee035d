//! `portcullis mend`: the whole way from a spoiled row to a user who signs in.

use rusqlite::Connection;

use crate::fixture::{PASSWORD, Workdir, text};

const DOCTOR: &str = "doctor --json --listen 127.0.0.1:1";

/// What an operator types into the database's own shell.
fn by_hand(home: &Workdir, statement: &str) {
    Connection::open(home.database()).unwrap().execute_batch(statement).unwrap();
}

#[test]
fn what_is_only_spelled_otherwise_is_mended_at_once_and_the_rest_is_named_with_its_cure() {
    let home = Workdir::new();
    for name in ["ann", "bob", "cem"] {
        home.user(&format!("{name}@example.com")).done();
    }
    by_hand(
        &home,
        "UPDATE users SET id = upper(id), email_canonical = upper(email_canonical) WHERE email LIKE 'ann%'; \
         UPDATE users SET id = '42', role = 'superadmin' WHERE email LIKE 'bob%'; \
         UPDATE users SET email = 'cem', email_canonical = 'CEM' WHERE email LIKE 'cem%'",
    );
    let refused = home.run("user role ann@example.com admin").refused(1);
    assert!(refused.contains("there is no user"), "{refused}");
    let said = home.run("mend");
    assert_eq!(said.code, 1);
    assert!(said.err.starts_with("portcullis: 2 records cannot be read as before\n"), "{}", said.err);
    let lines: Vec<&str> = said.out.lines().collect();
    assert_eq!(lines.len(), 3, "{}", said.out);
    assert!(said.out.contains(": mended, ann@example.com (id "), "{}", said.out);
    assert!(said.out.contains("user 42: cannot be read: id, role; `portcullis mend '42'`"), "{}", said.out);
    let cem = lines.iter().find(|line| line.contains("--email ADDRESS")).unwrap();
    let cem = cem.split([' ', ':']).nth(1).unwrap();
    home.run("user role ann@example.com admin").done();

    let mended = home.run("mend 42").done().out;
    assert!(mended.contains("mended, bob@example.com (id ") && mended.ends_with("given up: id, role\n"));
    home.run(&format!("mend {cem} --email cem@example.org")).done();
    assert_eq!(home.run("mend").done().out, "Every user and session of tenant default can be read.\n");
    let doctor = home.run(DOCTOR);
    assert_eq!(doctor.code, 0, "{}", doctor.out);
    let users = home.json("user list --json");
    let shown = users.as_array().unwrap().iter().map(|user| (text(&user["email"]), text(&user["role"])));
    let expected = [("ann@example.com", "admin"), ("bob@example.com", "user"), ("cem@example.org", "user")];
    let mut shown: Vec<_> = shown.collect();
    shown.sort_unstable();
    assert_eq!(shown, expected);
    home.run_with("user password cem@example.org --password-stdin", PASSWORD).done();
}

#[test]
fn a_record_that_can_be_read_and_one_that_is_not_there_are_left_alone() {
    let home = Workdir::new();
    home.user("ann@example.com").done();
    let users = home.json("user list --json");
    for id in [text(&users[0]["id"]), "42"] {
        let refused = home.run(&format!("mend {id} --email eve@example.com")).refused(1);
        assert!(refused.contains("has no record") && refused.contains("portcullis doctor"), "{refused}");
    }
    assert_eq!(home.json("user list --json"), users);
    home.run("mend --email eve@example.com").refused(2);
}
