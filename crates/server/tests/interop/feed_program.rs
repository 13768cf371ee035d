//! The program of `docs/revocation-feed`, which follows the feed in another language, as it stands there.

use std::cell::RefCell;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout};
use std::time::Duration;

use portcullis_core::clock::Clock as _;
use portcullis_core::machine::SystemClock;
use serde_json::{Value, json};

use crate::scripts::{python, python_process};
use crate::server_process::{Credential, ServerDirectory, ServerProcess};

/// How old the program's knowledge may be.
const BOUND: Duration = Duration::from_secs(1);

fn folder() -> String {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/revocation-feed").to_string_lossy().into_owned()
}

/// A service around the program.
struct FollowingService {
    child: Child,
    pipes: RefCell<(ChildStdin, BufReader<ChildStdout>)>,
}

impl Drop for FollowingService {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl FollowingService {
    fn of(server: &ServerProcess, feed_key: &str) -> Self {
        let mut command = python_process("feed_program.py");
        let mut child = command.args([&folder(), &server.url(""), feed_key]).spawn().unwrap();
        let pipes = (child.stdin.take().unwrap(), BufReader::new(child.stdout.take().unwrap()));
        Self { child, pipes: RefCell::new(pipes) }
    }

    /// What it answers to a request with this token: a status, and with 200 the user, with 503 the reason.
    fn answer(&self, token: &str) -> String {
        let (input, output) = &mut *self.pipes.borrow_mut();
        writeln!(input, "{token}").unwrap();
        let mut line = String::new();
        output.read_line(&mut line).unwrap();
        line.trim().to_owned()
    }

    fn wait_for(&self, token: &str, status: &str) -> String {
        loop {
            let answer = self.answer(token);
            if answer.starts_with(status) {
                return answer;
            }
        }
    }
}

/// A feed key of this tenant.
fn feed_key(home: &ServerDirectory, tenant: &str) -> String {
    let made = home.run(["feed", "key", "create", "--tenant", tenant, "--json"]);
    assert!(made.status.success(), "{made:?}");
    let made: Value = serde_json::from_slice(&made.stdout).unwrap();
    made["key"].as_str().unwrap().to_owned()
}

// ASVS-map: RV2
#[test]
fn the_program_does_what_the_test_vectors_say() {
    let done = python("feed_vectors.py", &[&folder()]);
    assert_eq!(done, json!({"texts": 15, "cases": 13}));
}

// ASVS-map: RV1, RV3
#[test]
fn the_program_refuses_a_user_within_a_second_of_the_sign_out_and_says_503_in_an_outage() {
    let home = ServerDirectory::new();
    let server = home.serve();
    server.register();
    let service = FollowingService::of(&server, &feed_key(&home, "default"));
    for strategy in ["session-jwt", "hybrid", "denylist"] {
        let token = server.access_token(strategy);
        let credential = Credential::Bearer(token.clone());
        let user = service.wait_for(&token, "200");
        assert_eq!(user.len(), "200 ".len() + 36, "{strategy}: {user}");
        assert_eq!(server.logout(strategy, &credential).status, 201, "{strategy}");
        let signed_out = SystemClock.ticks();
        loop {
            let sent = SystemClock.ticks();
            let answer = service.answer(&token);
            if answer == "401" {
                break;
            }
            assert!(sent.since(signed_out) <= BOUND, "{strategy}: accepted later than the bound: {answer}");
        }
    }
    let live = server.access_token("session-jwt");
    let (signed, _) = live.rsplit_once('.').unwrap();
    assert_eq!(service.answer(&format!("{signed}.{}", "A".repeat(86))), "401", "another signature");
    service.wait_for(&live, "200");
    drop(server);
    service.wait_for(&live, "503");
}

// ASVS-map: RV3
#[test]
fn the_program_accepts_nothing_with_a_feed_key_of_another_tenant() {
    let home = ServerDirectory::new();
    let server = home.serve();
    server.register();
    assert!(home.run(["tenant", "create", "acme"]).status.success());
    let service = FollowingService::of(&server, &feed_key(&home, "acme"));
    let token = server.access_token("session-jwt");
    let told = service.wait_for(&token, "503 the feed is not followed: ValueError");
    assert!(told.contains("the feed key is not of tenant default alone"), "{told}");
}
