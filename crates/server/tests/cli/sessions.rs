//! `portcullis session`: sessions are listed and ended.

use serde_json::{Value, json};

use crate::fixture::{PASSWORD, RunningServer, Workdir, text, wait_until};

fn installation() -> (Workdir, RunningServer) {
    let home = Workdir::new();
    let server = home.serve();
    for email in ["ann@example.com", "bob@example.com"] {
        home.user(email).done();
    }
    (home, server)
}

fn ids(sessions: &Value) -> Vec<&str> {
    sessions.as_array().unwrap().iter().map(|session| text(&session["id"])).collect()
}

// ASVS-map: SE6
#[test]
fn one_session_is_ended_and_the_others_stay() {
    let (home, server) = installation();
    let [one, other] = [(); 2].map(|()| server.password_sign_in("session-jwt", "ann@example.com"));
    let [one, other] = [&one, &other].map(|signed_in| text(&signed_in["access_token"]));
    assert_eq!([one, other].map(|token| server.profile("session-jwt", token)), [200, 200]);

    let sessions = home.json("session list --json");
    let id = ids(&sessions)[0].to_owned();
    assert_eq!(home.run(&format!("session end {id}")).done().out, format!("Session {id} has ended.\n"));
    server.wait_until_refused("session-jwt", one);
    assert_eq!(server.profile("session-jwt", other), 200);

    let again = home.run(&format!("session end {id}")).done().out;
    assert!(again.contains("already ended at") && again.contains("(admin)"), "{again}");
    let unknown = home.run("session end 01900000-0000-7000-8000-000000000000").refused(1);
    assert!(
        unknown.contains("there is no session") && unknown.contains("`portcullis session list"),
        "{unknown}"
    );
}

// ASVS-map: SE6
#[test]
fn all_sessions_of_one_user_are_ended_and_of_no_other() {
    let (home, server) = installation();
    let tokens: Vec<(&str, Value)> = ["session-jwt", "hybrid", "denylist"]
        .into_iter()
        .map(|strategy| (strategy, server.password_sign_in(strategy, "ann@example.com")))
        .collect();
    let bob = server.password_sign_in("hybrid", "bob@example.com");

    let said = home.run("session end-all ann@example.com").done().out;
    assert_eq!(said, "ann@example.com had 3 live sessions; all are ended.\n");
    for (strategy, signed_in) in &tokens {
        let token = signed_in.get("access_token").unwrap_or(&signed_in["tokens"]["accessToken"]);
        server.wait_until_refused(strategy, text(token));
    }
    assert_eq!(server.profile("hybrid", text(&bob["access_token"])), 200);
    server.password_sign_in("jwt", "ann@example.com");
    let none = home.run("session end-all ann@example.com").done().out;
    assert_eq!(none, "ann@example.com had no live sessions; all are ended.\n");
}

// ASVS-map: SE6 RV5
#[test]
fn everyone_of_every_tenant_is_signed_out_at_once() {
    let (home, server) = installation();
    home.run("tenant create acme").done();
    home.run("tenant create initech database_url=sqlite:initech.db").done();
    let mut held = vec![("default", server.password_sign_in("hybrid", "ann@example.com"))];
    for tenant in ["acme", "initech"] {
        let body = json!({"email": "ann@example.com", "password": PASSWORD, "name": "Ann"});
        assert_eq!(server.post_in(tenant, "/auth/hybrid/register", None, &body).status, 201);
        held.push((tenant, server.post_in(tenant, "/auth/hybrid/login", None, &body).body));
    }
    let profile = |(tenant, signed_in): &(&str, Value)| {
        server.get_in(tenant, "/auth/hybrid/profile", Some(text(&signed_in["access_token"]))).status
    };
    assert!(held.iter().all(|held| profile(held) == 200));

    let said = home.run("session end-all --everyone").done().out;
    assert_eq!(said, "All sessions of all users of all tenants have ended.\n");
    for held in &held {
        wait_until("the token is refused", || profile(held) == 401);
    }
    server.password_sign_in("hybrid", "ann@example.com");
    for line in ["session end-all", "session end-all --everyone ann@example.com"] {
        home.run(line).refused(2);
    }
    let said = home.run("session end-all --everyone --tenant acme").refused(2);
    assert_eq!(said, "--everyone means all tenants; leave --tenant out");
}

#[test]
fn a_list_shows_the_live_ones_and_the_ended_ones_with_their_reason_where_asked() {
    let (home, server) = installation();
    assert_eq!(home.run("session list").done().out, "There are no live sessions.\n");
    assert_eq!(home.json("session list --json"), json!([]));
    server.password_sign_in("hybrid", "bob@example.com");
    let ann = server.password_sign_in("hybrid", "ann@example.com");
    server.post("/auth/hybrid/logout", Some(text(&ann["access_token"])), &json!({}));

    let live = home.json("session list --json");
    assert_eq!(live.as_array().unwrap().len(), 1);
    assert_eq!(live[0]["user"]["email"], "bob@example.com");
    let members: Vec<&String> = live[0].as_object().unwrap().keys().collect();
    assert_eq!(
        members,
        [
            "address",
            "created",
            "device",
            "ended",
            "expires",
            "id",
            "lastSeen",
            "reason",
            "refreshTokens",
            "state",
            "strategy",
            "tenant",
            "user",
            "userAgent"
        ]
    );
    assert_eq!((&live[0]["state"], &live[0]["reason"]), (&json!("live"), &json!(null)));
    assert_eq!((&live[0]["address"], &live[0]["userAgent"]), (&json!("127.0.0.1"), &json!("story/1")));

    let ended = home.json("session list --ended --user ann@example.com --json");
    assert_eq!((&ended[0]["state"], &ended[0]["reason"]), (&json!("ended"), &json!("logout")));
    let table = home.run("session list --ended").done().out;
    assert_eq!(table.lines().count(), 3, "{table}");
    assert!(
        table.starts_with("ID ") && table.contains("ended (logout)") && table.contains("live"),
        "{table}"
    );
}

// ASVS-map: OP6
#[test]
fn refresh_tokens_are_shown_by_id_with_what_replaced_them_and_never_themselves() {
    let (home, server) = installation();
    let first = server.password_sign_in("refresh", "ann@example.com");
    let renew = |token: &Value| server.post("/auth/refresh/refresh", Some(text(token)), &json!({}));
    let second = renew(&first["refresh_token"]);
    assert_eq!(second.status, 201, "{second:?}");

    let sessions = home.json("session list --json");
    let id = text(&sessions[0]["id"]);
    let tokens = &sessions[0]["refreshTokens"];
    assert_eq!(tokens.as_array().unwrap().len(), 2);
    let (current, spent) = (&tokens[1], &tokens[0]);
    let generation: u64 = text(&current["id"]).strip_prefix(&format!("{id}.")).unwrap().parse().unwrap();
    assert_eq!(spent["id"], format!("{id}.{}", generation - 1));
    assert_eq!((&spent["active"], &spent["replacedByToken"]), (&json!(false), &current["id"]));
    assert_eq!((&current["active"], &current["replacedByToken"]), (&json!(true), &json!(null)));
    assert!(text(&current["issued"]) < text(&current["expires"]));
    for token in [&first["refresh_token"], &second.body["refresh_token"]] {
        assert!(!sessions.to_string().contains(text(token)));
    }

    home.run(&format!("session end {id}")).done();
    wait_until("the newest is refused", || renew(&second.body["refresh_token"]).status == 401);
    let ended = home.json("session list --ended --json");
    assert_eq!(ended[0]["refreshTokens"][1]["active"], false);
}

// ASVS-map: LG2
#[test]
fn a_hostile_name_or_device_moves_nothing_on_the_operators_terminal() {
    let (home, server) = installation();
    let hostile = "Eve\u{202e}\u{200b}\u{2028}";
    let words = ["user", "create", "--email", "eve@example.com", "--name", hostile, "--password-stdin"];
    home.run_words(&words, crate::fixture::PASSWORD).done();
    server.password_sign_in("hybrid", "eve@example.com");
    for line in ["user list", "user list --json", "session list", "session list --json"] {
        let out = home.run(line).done().out;
        assert!(!out.contains(['\u{202e}', '\u{200b}', '\u{2028}']), "{line}: {out:?}");
    }
    let users = home.json("user list --json");
    assert_eq!(users[2]["name"], hostile, "the name itself is as it was");
    let table = home.run("user list").done().out;
    assert!(table.contains(r"Eve\u{202e}\u{200b}\u{2028}"), "{table}");
    let said = home
        .run_words(&["user", "create", "--email", "e@example.com", "--name", "E\u{1b}[2J"], "")
        .refused(2);
    assert!(said.contains("must not contain control characters"), "{said}");
}
