//! Usage errors, and output that goes into a pipe.

use std::process::Stdio;

use crate::fixture::Workdir;

#[test]
fn a_slip_of_the_fingers_is_exit_code_2_and_one_line_with_its_cure() {
    let home = Workdir::new();
    for (line, cause) in [
        ("user lst", "unrecognized subcommand 'lst'; tip: a similar subcommand exists: 'list'"),
        ("user list --jsn", "unexpected argument '--jsn' found; tip: a similar argument exists: '--json'"),
        ("user role ann@example.com", "the following required arguments were not provided: <ROLE>"),
        ("user role ann@example.com boss", "a role is one of user, manager, admin"),
        ("user disable ann@", "not an email address, a user name, a mobile number or the id of a user"),
        ("user list --tenant Acme", "a tenant is named by 1 to 63 of a-z, 0-9, - and _"),
        ("session end 12", "invalid value '12' for '<SESSION>'"),
        ("key rotate --use signing", "not one of access, refresh, cookie, code, all"),
        ("key rotate --lead soon", "is not a duration: write 500ms, 15m, 7d or 1h30m"),
        ("key rotate --now --lead 5m", "the argument '--now' cannot be used with '--lead <DURATION>'"),
        ("session list --database redis://h", "holds live sessions alone: name it as `sessions`"),
        (
            "serve --port 3001",
            "unexpected argument '--port' found; --help lists what exists; address and port are --listen",
        ),
        ("serve -p 3001", "address and port are --listen ADDR:PORT, such as --listen localhost:3000"),
        ("config check --listen x", "flag --listen: \"x\" is not an address and port"),
    ] {
        let said = home.run(line).refused(2);
        assert!(said.contains(cause), "{line}: {said}");
    }
    assert!(!home.database().exists(), "a mistake has made a database");
}

#[test]
fn help_is_no_fault_and_no_command_is_one() {
    let home = Workdir::new();
    for line in ["--help", "user --help", "help user create", "--version"] {
        let said = home.run(line).done();
        assert!(said.out.contains("portcullis") && said.err.is_empty(), "{said:?}");
    }
    for line in ["", "user", "session"] {
        let said = home.run(line);
        assert_eq!((said.code, said.out.as_str()), (2, ""), "{line}");
        assert!(said.err.contains("Usage: portcullis"), "{}", said.err);
    }
}

// ASVS-map: LG2
#[test]
fn an_argument_cannot_forge_a_line_of_its_refusal() {
    let home = Workdir::new();
    for words in [
        ["user", "disable", "a\nportcullis: all is well\u{1b}[2J"],
        ["user", "list", "--\u{9b}2J\nportcullis: all is well"],
    ] {
        let said = home.run_words(&words, "").refused(2);
        assert!(!said.contains(char::is_control), "{said:?}");
    }
}

#[test]
fn a_database_that_is_not_there_is_named_with_its_cure_and_not_made() {
    let home = Workdir::new();
    for line in [
        "session list",
        "session end 01900000-0000-7000-8000-000000000000",
        "user list",
        "user disable ann@example.com",
        "key list",
        "key rotate",
    ] {
        let said = home.run(line).refused(1);
        assert!(said.contains("there is no database ./portcullis-data/portcullis.db"), "{said}");
        assert!(said.contains("`portcullis serve` or `portcullis migrate` makes it"), "{said}");
        assert!(!home.database().exists(), "{line}");
    }
}

#[test]
fn an_unknown_tenant_is_named_beside_those_that_there_are() {
    let home = Workdir::new();
    home.user("ann@example.com").done();
    for line in ["user list", "session list", "key rotate", "session end-all ann@example.com"] {
        let said = home.run(&format!("{line} --tenant acme")).refused(1);
        assert_eq!(said, "there is no tenant acme; there is default");
    }
    home.run("user --tenant default list").done();
}

#[test]
fn a_reader_that_closes_the_pipe_gets_no_error() {
    let home = Workdir::new();
    for name in ["ann", "bob", "cem"] {
        home.user(&format!("{name}@example.com")).done();
    }
    let mut command = home.command(env!("CARGO_BIN_EXE_portcullis"));
    let mut child =
        command.args(["user", "list"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!((output.status.code(), output.stderr.as_slice()), (Some(0), b"".as_slice()));
}
