//! Starts that fail: one line on standard error, and an exit code that tells a wrong use from a fault of the machine.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::Path;
use std::process::{Command, Output};

use crate::server_process::{BINARY, ServerDirectory, fault};

const CANNOT: i32 = 1;

fn served(home: &ServerDirectory) -> Output {
    home.run(["serve"])
}

#[test]
fn a_port_that_is_taken_is_named() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let (code, line) = fault(&served(&ServerDirectory::new().with("PORTCULLIS_LISTEN", &address)));
    assert_eq!(code, CANNOT);
    assert!(line.contains(&address) && line.contains("in use"), "{line}");
}

#[test]
fn a_file_that_is_no_database_is_named_and_left_as_it_is() {
    let home = ServerDirectory::new();
    fs::create_dir(home.data()).unwrap();
    let text = "Dear diary, today I was opened as a database. ".repeat(100);
    fs::write(home.database(), &text).unwrap();
    let (code, line) = fault(&served(&home));
    assert_eq!(code, CANNOT);
    assert!(line.contains("portcullis.db is no SQLite database"), "{line}");
    assert_eq!(fs::read_to_string(home.database()).unwrap(), text);
}

#[test]
fn a_directory_that_must_not_be_written_to_is_named() {
    let home = ServerDirectory::new();
    let forbidden = home.path().join("forbidden");
    fs::create_dir(&forbidden).unwrap();
    fs::set_permissions(&forbidden, fs::Permissions::from_mode(0o555)).unwrap();
    fs::set_permissions(home.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let copy = home.path().join("portcullis");
    fs::copy(BINARY, &copy).unwrap();
    for data in [forbidden.clone(), forbidden.join("deeper")] {
        let home = ServerDirectory::new().with("PORTCULLIS_DATA_DIR", &data.to_string_lossy());
        let (code, line) = fault(&home.run_as(as_nobody(&copy), ["serve"]));
        assert_eq!(code, CANNOT);
        assert!(line.contains("forbidden") && line.contains("ermission denied"), "{line}");
    }
}

#[test]
fn an_allowed_origin_on_another_site_is_logged_once_with_the_cure() {
    let server = ServerDirectory::new().serve();
    for _ in 0..2 {
        let mut stream = TcpStream::connect(server.address()).unwrap();
        let head = "GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n";
        let page = "Origin: http://localhost:5173\r\nSec-Fetch-Site: cross-site\r\n\r\n";
        stream.write_all(format!("{head}{page}").as_bytes()).unwrap();
        stream.read_to_end(&mut Vec::new()).unwrap();
    }
    let log = server.log();
    let warnings: Vec<&str> = log.lines().filter(|line| line.contains("http://localhost:5173")).collect();
    assert!(warnings.len() == 1 && warnings[0].contains("open both as localhost"), "{log}");
}

/// The program as a user without privileges: root may write anywhere.
fn as_nobody(program: &Path) -> Command {
    if fs::metadata("/proc/self").unwrap().uid() != 0 {
        return Command::new(program);
    }
    let mut command = Command::new("setpriv");
    command.args(["--reuid=65534", "--regid=65534", "--clear-groups"]).arg(program);
    command
}
