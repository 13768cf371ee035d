//! The master key: a copy of the database is useless without it; it can be added later, and must not be lost.

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::scripts::sql;
use crate::server_process::{Credential, ServerDirectory, fault};

const MASTER_KEY: &str = "8f3b1c5d7e9a0246bdf13579ace02468fedcba98765432100123456789abcdef";
const ANOTHER: &str = "0f1e2d3c4b5a69788796a5b4c3d2e1f00112233445566778899aabbccddeeff1";

/// Every key in the database: whether it is sealed, and its bytes.
fn keys(home: &ServerDirectory) -> Vec<(bool, Vec<u8>)> {
    let rows = sql(&home.database(), "SELECT sealed, material FROM keys");
    rows.iter().map(|row| (row[0] == 1, bytes(&row[1]))).collect()
}

fn bytes(hexadecimal: &Value) -> Vec<u8> {
    let digits = hexadecimal.as_str().unwrap().as_bytes().chunks(2);
    digits.map(|pair| u8::from_str_radix(str::from_utf8(pair).unwrap(), 16).unwrap()).collect()
}

/// Whether any eight bytes of the secret are in the database's files, free pages included.
fn is_left_in(directory: &Path, secret: &[u8]) -> bool {
    let files = fs::read_dir(directory).unwrap().map(|entry| fs::read(entry.unwrap().path()).unwrap());
    let holds = |file: &[u8], part: &[u8]| file.windows(part.len()).any(|window| window == part);
    files.into_iter().any(|file| secret.chunks_exact(8).any(|part| holds(&file, part)))
}

// ASVS-map: OP4
#[test]
fn a_master_key_that_comes_late_seals_the_keys_that_are_there() {
    let home = ServerDirectory::new();
    let server = home.serve();
    server.register();
    let (token, cookie) = (server.credential("session-jwt"), server.credential("session"));
    // While the server runs, the write-ahead log exists as well.
    server.kill();
    let plain = keys(&home);
    assert!(!plain.is_empty() && plain.iter().all(|(sealed, _)| !sealed));
    assert!(plain.iter().all(|(_, secret)| is_left_in(&home.data(), secret)), "they are not found at all");

    let home = home.with("PORTCULLIS_MASTER_KEY", MASTER_KEY);
    let server = home.serve();
    assert!(keys(&home).iter().all(|(sealed, _)| *sealed));
    for (_, secret) in &plain {
        assert!(!is_left_in(&home.data(), secret), "a key is left in plain while the server runs");
    }
    let is_let_in = |strategy, credential: &Credential| server.profile(strategy, credential).status == 200;
    assert!(is_let_in("session-jwt", &token) && is_let_in("session", &cookie));
    assert!(server.stop().success());
    for (_, secret) in &plain {
        assert!(!is_left_in(&home.data(), secret), "a key is left in plain in the file");
    }
}

#[test]
fn without_the_right_master_key_nothing_starts_and_nothing_is_lost() {
    let home = ServerDirectory::new().with("PORTCULLIS_MASTER_KEY", MASTER_KEY);
    let server = home.serve();
    server.register();
    let token = server.credential("session-jwt");
    assert!(server.stop().success());
    let before = keys(&home);
    assert!(!before.is_empty() && before.iter().all(|(sealed, _)| *sealed));

    let home = home.without("PORTCULLIS_MASTER_KEY");
    let (code, line) = fault(&home.run(["serve"]));
    assert_eq!(code, 2, "another try would fail as well");
    assert!(line.contains("no master key is configured"), "{line}");

    let home = home.with("PORTCULLIS_MASTER_KEY", ANOTHER);
    let (code, line) = fault(&home.run(["serve"]));
    assert_eq!(code, 2);
    assert!(line.contains("another master key"), "{line}");
    assert!(!line.contains(&ANOTHER[..16]), "{line}");
    assert_eq!(keys(&home), before);

    let server = home.with("PORTCULLIS_MASTER_KEY", MASTER_KEY).serve();
    assert_eq!(server.profile("session-jwt", &token).status, 200);
}
