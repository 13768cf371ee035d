//! An operator runs SQL on the database while the server runs.

use crate::scripts::sql;
use crate::server_process::{ServerDirectory, wait_until};

/// The strategies whose checks need the record of a session.
const LIVING: [&str; 4] = ["session-jwt", "session", "hybrid", "denylist"];

// ASVS-map: SE4
#[test]
fn deleting_all_records_of_sessions_signs_everyone_out_of_a_running_server() {
    let home = ServerDirectory::new();
    let server = home.serve();
    server.register();
    let credentials = LIVING.map(|strategy| (strategy, server.credential(strategy)));
    for (strategy, credential) in &credentials {
        // Twice: the second answer comes from the session view.
        assert_eq!(server.profile(strategy, credential).status, 200, "{strategy}");
        assert_eq!(server.profile(strategy, credential).status, 200, "{strategy}");
    }
    let refresh_token = server.login("refresh").text("refresh_token").to_owned();

    sql(&home.database(), "DELETE FROM sessions");

    for (strategy, credential) in &credentials {
        let refused = wait_until(|| server.profile(strategy, credential).status == 401);
        assert!(refused, "{strategy} is still let in");
    }
    let body = serde_json::json!({"refresh_token": refresh_token});
    assert_eq!(server.post("/auth/refresh/refresh", &body).status, 401);
    let again = server.credential("session-jwt");
    assert_eq!(server.profile("session-jwt", &again).status, 200, "no user can sign in any more");
}

#[test]
fn ending_one_record_by_hand_ends_that_session_alone() {
    let home = ServerDirectory::new();
    let server = home.serve();
    server.register();
    let (one, other) = (server.credential("session-jwt"), server.credential("session"));
    assert_eq!(server.profile("session-jwt", &one).status, 200);
    assert_eq!(server.profile("session", &other).status, 200);

    sql(&home.database(), "DELETE FROM sessions WHERE strategy = 'session-jwt'");

    assert!(wait_until(|| server.profile("session-jwt", &one).status == 401), "still let in");
    assert_eq!(server.profile("session", &other).status, 200);
}
