//! The upgrade of what a released version left behind, by `portcullis migrate` or by a start.

use std::fs;
use std::path::Path;

use rusqlite::Connection;

use crate::fixture::{PASSWORD, Workdir, text};

/// What the first released version left behind: `tests/released` says how it was made.
fn of_the_first_release() -> Workdir {
    let home = Workdir::in_production()
        .variable("PORTCULLIS_MASTER_KEY", "030a11181f262d343b424950575e656c737a81888f969da4abb2b9c0c7ced5dc")
        .variable("PORTCULLIS_PUBLIC_URL", "https://auth.example.com")
        .variable("PORTCULLIS_STRATEGIES_ENABLED", "session-jwt,device");
    fs::create_dir(home.database().parent().unwrap()).unwrap();
    let released = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/released/0.1.0");
    for name in ["portcullis", "globex"] {
        let sql = fs::read_to_string(released.join(format!("{name}.sql"))).unwrap();
        let db = Connection::open(home.database().with_file_name(format!("{name}.db"))).unwrap();
        db.execute_batch(&sql).unwrap();
    }
    home
}

/// The state of each migration of each database.
fn states(home: &Workdir, line: &str) -> Vec<(String, String)> {
    let all = home.json(line);
    let state = |one: &serde_json::Value| {
        (one["tenant"].as_str().unwrap_or_default().to_owned(), text(&one["state"]).to_owned())
    };
    all.as_array().unwrap().iter().map(state).collect()
}

#[test]
fn migrate_brings_the_databases_of_the_first_release_up_to_date() {
    let home = of_the_first_release();
    assert!(home.run("user list").refused(1).contains("`portcullis migrate` brings"));
    let pending = states(&home, "migrate --dry-run --json");
    let (released, later) = pending.split_at(3);
    assert!(released.iter().all(|(_, state)| state == "applied"), "{released:?}");
    assert!(!later.is_empty() && later.iter().all(|(_, state)| state == "pending"), "{later:?}");

    let migrated = states(&home, "migrate --json");
    for tenant in ["", "globex"] {
        let applied = migrated.iter().filter(|(of, state)| of == tenant && state == "applied now").count();
        assert_eq!(applied, later.len(), "{migrated:?}");
    }
    assert!(states(&home, "migrate --dry-run --json").iter().all(|(_, state)| state == "applied"));

    let users = home.json("user list --json");
    let mut emails: Vec<_> = users.as_array().unwrap().iter().map(|user| text(&user["email"])).collect();
    emails.sort_unstable();
    assert_eq!(emails, ["ann", "bob", "carl", "dora", "eve"].map(|name| format!("{name}@example.com")));
    assert!(home.run("user list --tenant globex").done().out.contains("ann@example.com"));
    assert!(home.run("tenant show acme").done().out.contains("2h"));
    home.run("key list").done();
    home.run("doctor").done();
}

#[test]
fn a_start_brings_the_databases_of_the_first_release_up_to_date_by_itself() {
    let home = of_the_first_release();
    let server = home.serve();
    let signed_in = server.try_sign_in("session-jwt", "bob@example.com", PASSWORD);
    assert_eq!(signed_in.status, 201, "{signed_in:?}");
    assert_eq!(server.profile("session-jwt", text(&signed_in.body["access_token"])), 200);
    assert_eq!(server.try_sign_in("session-jwt", "dora@example.com", "correct horse battery").status, 401);
    server.stop();
    assert!(states(&home, "migrate --dry-run --json").iter().all(|(_, state)| state == "applied"));
}
