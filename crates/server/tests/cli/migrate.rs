//! `portcullis migrate`: schema migrations of the databases.

use std::path::Path;

use rusqlite::Connection;
use serde_json::{Value, json};

use crate::fixture::{PASSWORD, Workdir, text};

fn states(migrations: &Value) -> Vec<&str> {
    migrations.as_array().unwrap().iter().map(|migration| text(&migration["state"])).collect()
}

#[test]
fn migrations_are_listed_applied_once_and_then_done() {
    let home = Workdir::in_production();
    let said = home.run("migrate --dry-run").done().out;
    assert!(
        said.starts_with("VERSION ") && said.contains("migrations to apply to ./portcullis-data"),
        "{said}"
    );
    assert!(!home.database().exists(), "a look has made the database");
    let pending = home.json("migrate --dry-run --json");
    assert!(states(&pending).len() > 1 && states(&pending).iter().all(|state| *state == "pending"));

    let applied = home.json("migrate --json");
    assert!(states(&applied).iter().all(|state| *state == "applied now"), "{applied}");
    assert!(home.database().exists());
    let again = home.run("migrate").done().out;
    assert!(again.contains("is up to date") && !again.contains("now"), "{again}");
    assert_eq!(applied[0]["version"], json!(1));
}

#[test]
fn a_database_that_is_not_up_to_date_is_left_alone_by_everything_else() {
    let home = Workdir::new();
    std::fs::create_dir(home.database().parent().unwrap()).unwrap();
    std::fs::write(home.database(), "").unwrap();
    for line in ["user list", "session list", "key rotate"] {
        let said = home.run(line).refused(1);
        assert!(said.contains("is not up to date") && said.contains("`portcullis migrate` brings"), "{said}");
    }
    let said = home.user("ann@example.com").refused(1);
    assert!(said.contains("is not up to date"), "{said}");
    assert_eq!(std::fs::metadata(home.database()).unwrap().len(), 0);
}

#[test]
fn a_file_that_is_no_database_is_named() {
    let home = Workdir::new();
    std::fs::create_dir(home.database().parent().unwrap()).unwrap();
    std::fs::write(home.database(), "not a database. ".repeat(100)).unwrap();
    for line in ["migrate", "user list"] {
        let said = home.run(line).refused(1);
        assert!(said.contains("portcullis.db is no SQLite database"), "{said}");
    }
}

#[test]
fn with_a_public_url_a_user_does_not_bring_a_database_along() {
    let home = Workdir::in_production();
    let said = home.user("ann@example.com").refused(1);
    assert!(said.contains("there is no database"), "{said}");
    assert!(!home.database().exists());
}

#[test]
fn the_databases_of_tenants_are_brought_up_to_date_as_well() {
    let home = Workdir::new();
    home.run("tenant create acme database_url=sqlite:acme.db").done();
    let own = home.database().with_file_name("acme.db");
    std::fs::remove_file(&own).unwrap();
    of_the_first_version(&own);
    let of_acme = |line: &str| -> Vec<String> {
        let all = home.json(line);
        let all = all.as_array().unwrap().iter().filter(|migration| migration["tenant"] == "acme");
        all.map(|migration| text(&migration["state"]).to_owned()).collect()
    };
    let pending = of_acme("migrate --dry-run --json");
    let (first, others) = pending.split_first().unwrap();
    assert!(
        first == "applied" && !others.is_empty() && others.iter().all(|state| state == "pending"),
        "{pending:?}"
    );
    let said = home.run("migrate").done().out;
    assert!(
        said.contains("acme.db, of tenant acme.") && said.contains("portcullis.db is up to date"),
        "{said}"
    );
    assert!(of_acme("migrate --json").iter().all(|state| state == "applied"));
}

#[test]
fn an_unreachable_database_keeps_no_other_from_being_migrated() {
    let home = Workdir::new();
    for tenant in ["acme", "globex"] {
        home.run(&format!("tenant create {tenant} database_url=sqlite:{tenant}.db")).done();
    }
    for tenant in ["acme", "globex"] {
        std::fs::remove_file(home.database().with_file_name(format!("{tenant}.db"))).unwrap();
    }
    of_the_first_version(&home.database().with_file_name("globex.db"));
    let said = home.run("migrate");
    assert_eq!(said.code, 1, "{said:?}");
    assert!(said.err.contains("acme.db") && !said.err.contains("globex"), "{said:?}");
    assert!(said.out.contains("globex.db, of tenant globex."), "{said:?}");
    assert!(home.run("user list --tenant globex").code == 0 && home.run("user list --tenant acme").code == 1);
}

/// A database to which only the first migration was applied, as the version that wrote it noted that.
fn of_the_first_version(path: &Path) {
    const FIRST: [&str; 2] = [
        include_str!("../../../stores/src/sqlite/migrations/0001_records.sql"),
        "CREATE TABLE portcullis_migrations (version BIGINT PRIMARY KEY, description TEXT NOT NULL,
            installed_on TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP, success BOOLEAN NOT NULL,
            checksum BLOB NOT NULL, execution_time BIGINT NOT NULL);
        INSERT INTO portcullis_migrations (version, description, success, checksum, execution_time) VALUES
            (1, 'records', TRUE,
            x'526d2ead8f0841eb4b119daace9b2b27f9b13b6bdc54a70c9f7e0e90a0d9f4411eedd02e5d3c0a958533221687c4b8b9', 0)",
    ];
    let db = Connection::open(path).unwrap();
    for sql in FIRST {
        db.execute_batch(sql).unwrap();
    }
}

#[test]
fn the_database_of_a_tenant_is_not_made_a_second_time() {
    let home = Workdir::new();
    home.run("tenant create acme database_url=sqlite:volume/acme.db").done();
    home.run_with("user create --tenant acme --email ann@example.com --name Ann --password-stdin", PASSWORD)
        .done();
    let volume = home.database().with_file_name("volume");
    let elsewhere = volume.with_file_name("elsewhere");
    std::fs::rename(&volume, &elsewhere).unwrap();
    for line in ["migrate", "migrate --dry-run", "user list --tenant acme", "doctor"] {
        let said = home.run(line);
        assert_eq!(said.code, 1, "{line}: {said:?}");
        let told = format!("{}{}", said.out, said.err);
        for what in ["there is no database", "volume/acme.db", "tenant acme", "mount the volume"] {
            assert!(told.contains(what), "{line}: {told}");
        }
    }
    let said = home.run("tenant create acme database_url=sqlite:volume/acme.db").refused(1);
    assert!(said.contains("tenant acme already exists"), "{said}");
    let server = home.serve();
    let sign_up = json!({"email": "ann@example.com", "password": PASSWORD, "name": "Eve"});
    assert_eq!(server.post_in("acme", "/auth/signup", None, &sign_up).status, 503);
    assert!(!volume.exists(), "an empty one has taken its place");
    std::fs::rename(&elsewhere, &volume).unwrap();
    assert_eq!(
        server.post_in("acme", "/auth/signup", None, &sign_up).status,
        409,
        "it is back, with Ann in it"
    );
}

#[test]
fn where_live_sessions_are_is_noted_by_the_first_server_and_switched_on_request() {
    let home = Workdir::new();
    home.run("migrate").done();
    let noted = || {
        let db = Connection::open(home.database()).unwrap();
        db.query_row("SELECT kind FROM session_placement", [], |row| row.get::<_, String>(0)).ok()
    };
    home.user("ann@example.com").done();
    assert_eq!(noted(), None, "a command has noted it");
    home.serve().stop();
    assert_eq!(noted().as_deref(), Some("database"));

    let db = Connection::open(home.database()).unwrap();
    db.execute("UPDATE session_placement SET kind = 'redis', marker = 'm'", []).unwrap();
    drop(db);
    let said = home.run("user list").refused(1);
    assert!(said.contains("in Redis") && said.contains("--switch-sessions"), "{said}");
    let said = home.run("migrate --switch-sessions").done().out;
    assert!(said.starts_with("Live sessions are in ") && said.contains("portcullis.db"), "{said}");
    home.run("user list").done();
    assert_eq!(noted().as_deref(), Some("database"));
    home.run("migrate --switch-sessions --dry-run").refused(2);
}
