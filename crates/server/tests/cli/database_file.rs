//! The database as a file: what a stop leaves, `portcullis backup`, and files that belong to another user.

use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown};
use std::os::unix::process::CommandExt as _;
use std::path::Path;

use rusqlite::Connection;

use crate::fixture::{CommandOutput, PASSWORD, Workdir};

/// The number of the user `nobody`.
const OTHER_USER: u32 = 65534;

#[test]
fn a_stopped_server_and_every_command_leave_the_database_in_one_file() {
    let home = Workdir::new();
    let server = home.serve();
    home.user("ann@example.com").done();
    server.password_sign_in("session-jwt", "ann@example.com");
    server.stop();
    assert_eq!(home.data_files(), ["portcullis.db"]);
    for line in ["doctor --listen 127.0.0.1:1", "migrate --dry-run", "user list", "key rotate"] {
        home.run(line).done();
        assert_eq!(home.data_files(), ["portcullis.db"], "{line}");
    }
}

#[test]
fn a_backup_of_a_running_server_is_restored_as_the_page_for_operators_says() {
    let home = Workdir::new();
    let server = home.serve();
    home.user("ann@example.com").done();
    let said = home.run("backup copy.db").done().out;
    assert!(said.starts_with("copy.db: a verified copy of ./portcullis-data/portcullis.db, "), "{said}");
    home.user("late@example.com").done();
    let refused = home.run("backup copy.db").refused(1);
    assert!(refused.contains("copy.db exists, and is not overwritten"), "{refused}");
    server.stop();

    fs::rename(home.database().with_file_name("../copy.db"), home.database()).unwrap();
    let server = home.serve();
    server.password_sign_in("session-jwt", "ann@example.com");
    assert_eq!(server.try_sign_in("session-jwt", "late@example.com", PASSWORD).status, 401);
}

#[test]
fn a_backup_names_the_tenants_that_are_not_in_it_and_copies_theirs() {
    let home = Workdir::new();
    home.run("migrate").done();
    home.run("tenant create acme database_url=sqlite:acme.db").done();
    let said = home.run("backup copy.db").done().out;
    assert!(said.contains("not in it: tenant acme"), "{said}");
    let said = home.run("backup --tenant acme acme-copy.db").done().out;
    assert!(said.starts_with("acme-copy.db: a verified copy of ./portcullis-data/acme.db"), "{said}");
    let refused = home.run("backup --tenant default other.db").refused(1);
    assert!(refused.contains("tenant default has no database of its own"), "{refused}");
    assert!(home.run("backup --tenant none other.db").refused(1).contains("there is no tenant none"));
}

#[test]
fn a_file_copied_without_its_log_starts_no_new_installation() {
    let home = Workdir::new();
    fs::create_dir(home.database().parent().unwrap()).unwrap();
    // A header, and nothing else: everything was in the log.
    let in_use = Connection::open(home.database()).unwrap();
    in_use.pragma_update(None, "journal_mode", "WAL").unwrap();
    drop(in_use);
    assert_eq!(fs::metadata(home.database()).unwrap().len(), 4096);
    for line in ["serve --listen 127.0.0.1:0", "user list", "migrate", "backup copy.db"] {
        let refused = home.run(line).refused(1);
        assert!(refused.contains("was it copied without its `-wal` file?"), "{line}: {refused}");
    }
}

#[test]
fn a_side_file_of_another_user_is_named_with_its_owner_and_the_cure() {
    let home = Workdir::new();
    home.run("migrate").done();
    let log = home.database().with_extension("db-wal");
    fs::write(&log, "").unwrap();
    let refused = as_other_user(&home, &log, "user list").refused(1);
    let owner = fs::metadata(&log).unwrap().uid();
    assert!(refused.contains("portcullis.db-wal cannot be written to by user"), "{refused}");
    assert!(refused.contains(&format!("it belongs to user {owner}: `chown ")), "{refused}");
}

/// Runs a command as a user that owns everything but `file`. Where this test does not run as root it cannot change
/// owners: then the command may not write to the file for its mode.
fn as_other_user(home: &Workdir, file: &Path, line: &str) -> CommandOutput {
    if fs::metadata(file).unwrap().uid() != 0 {
        fs::set_permissions(file, Permissions::from_mode(0o400)).unwrap();
        return home.run(line);
    }
    for path in [home.database().parent().unwrap(), &home.database()] {
        chown(path, Some(OTHER_USER), Some(OTHER_USER)).unwrap();
    }
    run_by_other_user(home, line)
}

fn run_by_other_user(home: &Workdir, line: &str) -> CommandOutput {
    // The other user may not reach the directory that the binary was built in.
    let binary = home.path("portcullis");
    fs::copy(env!("CARGO_BIN_EXE_portcullis"), &binary).unwrap();
    for path in [binary.parent().unwrap(), &binary] {
        chown(path, Some(OTHER_USER), Some(OTHER_USER)).unwrap();
    }
    let mut command = home.command(binary.to_str().unwrap());
    CommandOutput::of(
        &command.args(line.split_whitespace()).uid(OTHER_USER).gid(OTHER_USER).output().unwrap(),
    )
}

/// Where this test does not run as root, everything is of the one user that runs it.
#[test]
fn what_root_makes_in_the_data_folder_of_another_user_is_that_users() {
    let home = Workdir::new();
    let data = home.database().parent().unwrap().to_owned();
    fs::create_dir(&data).unwrap();
    let is_root = fs::metadata(&data).unwrap().uid() == 0;
    if is_root {
        chown(&data, Some(OTHER_USER), Some(OTHER_USER)).unwrap();
    }
    for line in ["tenant create acme database_url=sqlite:tenants/acme.db", "mail test ann@example.com"] {
        home.run(line).done();
    }
    let owner = fs::metadata(&data).unwrap().uid();
    for made in ["portcullis.db", "tenants", "tenants/acme.db", "outbox"] {
        assert_eq!(fs::metadata(data.join(made)).unwrap().uid(), owner, "{made}");
    }
    for line in ["user list --tenant acme", "mail last"] {
        if is_root { run_by_other_user(&home, line) } else { home.run(line) }.done();
    }
}

#[test]
fn a_backup_of_a_tenant_does_not_migrate_the_database_that_names_it() {
    let home = Workdir::new();
    home.run("migrate").done();
    let older =
        "DELETE FROM portcullis_migrations WHERE version = (SELECT max(version) FROM portcullis_migrations)";
    Connection::open(home.database()).unwrap().execute_batch(older).unwrap();
    let refused = home.run("backup --tenant acme copy.db").refused(1);
    assert!(refused.contains("is not up to date (1 pending)"), "{refused}");
    home.run("backup copy.db").done();
}
