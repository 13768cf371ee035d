//! What the server acknowledged is on the disk: checked by system calls, and after a kill.

mod trace;

use std::fs;
use std::process::Command;

use serde_json::json;

use crate::server_process::{Credential, ServerDirectory, wait_until};
use trace::{Trace, Verdict};

/// The last line of strace: the process is gone.
const KILLED: &str = "killed by SIGKILL";

// ASVS-map: RV4
#[test]
fn every_change_is_on_the_disk_before_its_answer_is_on_the_wire() {
    let home = ServerDirectory::new();
    let file = home.path().join("trace");
    let mut strace = Command::new("strace");
    // The server is the child and strace its grandchild: the process that is killed is the server.
    strace.args(["-D", "-f", "-y", "-s", "96", "-e", trace::CALLS, "-o"]).arg(&file).arg("--");
    let server = home.serve_under(&mut strace);
    server.register();
    let credentials =
        ["session", "session-jwt", "hybrid"].map(|strategy| (strategy, server.credential(strategy)));
    let mut login = server.login("refresh");
    let refresh = json!({"refresh_token": login.text("refresh_token")});
    login = server.post("/auth/refresh/refresh", &refresh);
    assert_eq!(login.status, 201);
    for (strategy, credential) in &credentials {
        assert_eq!(server.logout(strategy, credential).status, 201, "{strategy}");
    }
    let tokens = Credential::Bearer(login.text("access_token").to_owned());
    assert_eq!(server.logout("refresh", &tokens).status, 201);
    server.kill();
    let text = || fs::read_to_string(&file).unwrap();
    assert!(wait_until(|| text().contains(KILLED)), "strace did not finish");

    let trace = Trace::parse(&text());
    let answered = trace.answers();
    assert_eq!(answered.len(), 10, "a sign-up, four logins, a refresh, four logouts: {answered:?}");
    for (request, verdict) in answered {
        assert_eq!(verdict, Verdict::SyncedFirst, "{request}");
    }
}

// ASVS-map: RV4
#[test]
fn everything_acknowledged_is_there_after_the_server_was_killed() {
    let home = ServerDirectory::new();
    let server = home.serve();
    server.register();
    let strategies = ["session", "session-jwt", "hybrid", "denylist", "jwt"];
    let kept = strategies.map(|strategy| (strategy, server.credential(strategy)));
    let ended = ["session", "session-jwt", "hybrid", "denylist"]
        .map(|strategy| (strategy, server.credential(strategy)));
    let refresh = json!({"refresh_token": server.login("refresh").text("refresh_token")});
    for (strategy, credential) in &ended {
        if *strategy != "denylist" {
            assert_eq!(server.logout(strategy, credential).status, 201, "{strategy}");
        }
    }
    let keys = server.get("/.well-known/jwks.json").body;
    server.kill();

    let server = home.serve();
    assert_eq!(server.get("/.well-known/jwks.json").body, keys);
    for (strategy, credential) in &kept {
        assert_eq!(server.profile(strategy, credential).status, 200, "{strategy}");
    }
    for (strategy, credential) in ended.iter().filter(|(strategy, _)| *strategy != "denylist") {
        assert_eq!(server.profile(strategy, credential).status, 401, "{strategy} came back");
    }
    assert_eq!(server.post("/auth/refresh/refresh", &refresh).status, 201);
    server.login("jwt");
}
