//! `portcullis tenant`: tenants are created, changed, suspended and resumed while a server runs.

use serde_json::{Value, json};

use crate::fixture::{JsonAnswer, PASSWORD, RunningServer, Workdir, text, wait_until};

const ANN: &str = "ann@example.com";

fn user_of(home: &Workdir, tenant: &str) {
    let line = format!("user create --tenant {tenant} --email {ANN} --name Ann --password-stdin");
    home.run_with(&line, PASSWORD).done();
}

fn device_sign_in(server: &RunningServer, tenant: &str) -> JsonAnswer {
    let body = json!({ "usernameOrEmailOrMobile": ANN, "password": PASSWORD });
    server.post_in(tenant, "/auth/login", None, &body)
}

/// The six-digit code of the newest mail to Ann.
fn code(home: &Workdir) -> String {
    let mail = home.json(&format!("mail last --json --to {ANN}"));
    let mut words = text(&mail["text"]).split_whitespace();
    let is_code = |word: &&str| word.len() == 6 && word.bytes().all(|byte| byte.is_ascii_digit());
    words.find(is_code).expect("it has a code").to_owned()
}

fn members(value: &Value) -> Vec<&str> {
    value.as_object().unwrap().keys().map(String::as_str).collect()
}

// ASVS-map: TN7
#[test]
fn two_tenants_have_users_keys_and_ways_to_sign_in_of_their_own() {
    let home = Workdir::new();
    let said = home.run("tenant create acme otp=off session_cap=2").done().out;
    assert_eq!(said, "Created tenant acme, with its own keys.\n");
    let server = home.serve();
    home.run("tenant create globex").done();
    for tenant in ["acme", "globex"] {
        user_of(&home, tenant);
        assert_eq!(home.json(&format!("user list --tenant {tenant} --json"))[0]["tenant"], tenant);
    }
    assert_eq!(home.json("user list --json"), json!([]));

    let at_acme = device_sign_in(&server, "acme");
    assert_eq!((at_acme.status, &at_acme.body["meta"]["code"]), (201, &json!("LOGIN_SUCCESS")));
    let token = text(&at_acme.body["data"]["accessToken"]);
    let at_globex = device_sign_in(&server, "globex");
    assert_eq!(at_globex.body["meta"]["code"], "OTP_SENT");
    wait_until("the code has been mailed", || home.run("mail last").code == 0);
    let proof = json!({ "loginId": at_globex.body["data"]["loginId"], "otp": code(&home) });
    let verified = server.post_in("globex", "/auth/login/verify", None, &proof);
    assert_eq!(verified.body["meta"]["code"], "LOGIN_SUCCESS", "{verified:?}");

    assert_eq!(server.get_in("acme", "/auth/me", Some(token)).status, 200);
    let astray = server.get_in("globex", "/auth/me", Some(token));
    assert_eq!((astray.status, &astray.body["meta"]["code"]), (401, &json!("TENANT_MISMATCH")));
    let sessions = home.json("session list --tenant globex --json");
    assert_eq!((&sessions[0]["strategy"], &sessions[0]["device"]), (&json!("device"), &json!("story/1")));
    assert_eq!(sessions[0]["refreshTokens"].as_array().unwrap().len(), 1);
    let kids = |tenant: &str| home.json(&format!("key list --tenant {tenant} --json"))[0]["kid"].clone();
    assert_ne!(kids("acme"), kids("globex"));
}

#[test]
fn what_a_tenant_decides_is_listed_shown_changed_and_taken_back() {
    let home = Workdir::new();
    home.run("tenant create acme otp=forced lockout.after=3 jwt.access=5m").done();
    let words = [
        "tenant",
        "set",
        "acme",
        "mail.from=Acme <hello@acme.example>",
        "lockout.after=",
        "device.grace=30s",
    ];
    let said = home.run_words(&words, "").done().out;
    assert_eq!(
        said,
        "Tenant acme has mail.from=Acme <hello@acme.example> now.\nTenant acme has the installation's lockout.after \
         now.\nTenant acme has device.grace=30s now.\n"
    );
    let own = json!({
        "device.grace": "30s", "jwt.access": "5m", "mail.from": "Acme <hello@acme.example>", "otp": "forced"
    });
    let tenants = home.json("tenant list --json");
    assert_eq!([&tenants[0]["id"], &tenants[1]["id"]], ["acme", "default"]);
    assert_eq!(members(&tenants[0]), ["created", "database", "id", "settings", "suspended"]);
    assert_eq!((&tenants[0]["settings"], &tenants[1]["settings"]), (&own, &json!({})));

    let shown = home.json("tenant show acme --json");
    assert_eq!(shown["settings"], own);
    let effective = &shown["effective"];
    assert_eq!((&effective["lockout.after"], &effective["device.grace"]), (&json!("5"), &json!("30s")));
    assert_eq!((&effective["device.access"], &effective["strategies"]), (&json!("15m"), &json!("device")));

    let table = home.run("tenant show acme").done().out;
    let rows: Vec<Vec<&str>> = table.lines().map(|line| line.split_whitespace().collect()).collect();
    for row in [
        vec!["otp", "forced", "tenant"],
        vec!["lockout.after", "5", "installation"],
        vec!["device.grace", "30s", "tenant"],
        vec!["password.shortest", "8", "installation"],
    ] {
        assert!(rows.contains(&row), "{row:?}: {table}");
    }
    let list = home.run("tenant list").done().out;
    assert!(list.starts_with("NAME ") && list.contains("otp=forced"), "{list}");
}

#[test]
fn what_makes_no_sense_is_refused_with_its_key_and_changes_nothing() {
    let home = Workdir::new();
    home.run("tenant create acme otp=off").done();
    let before = home.json("tenant show acme --json");
    for (decisions, cause) in [
        ("otp=maybe", "otp: \"maybe\" is not one of on, new_devices, off, forced"),
        ("opt=on", "\"opt\" is not a setting of a tenant; did you mean otp?"),
        ("sessions.cap=4", "did you mean session_cap?"),
        ("lockout.for=15", "lockout.for: \"15\" is not a duration"),
        ("reset_url=http://acme.example/reset", "must be https"),
        ("otp", "is not KEY=VALUE"),
        ("otp=on session.idle=31d", "strategy session: lifetimes must be over zero and nest"),
        (
            "database_url=sqlite:acme.db",
            "database_url: a tenant's database cannot be changed after the tenant is created",
        ),
    ] {
        let said = home.run(&format!("tenant set acme {decisions}")).refused(2);
        assert!(said.contains(cause), "{decisions}: {said}");
        let said = home.run(&format!("tenant create other {decisions}"));
        assert_eq!(said.code, if decisions.starts_with("database_url") { 0 } else { 2 }, "{said:?}");
    }
    let narrow = home.variable("PORTCULLIS_STRATEGIES_ENABLED", "jwt, device");
    let said = narrow.run("tenant set acme strategies=jwt,session").refused(2);
    assert!(said.contains("strategies: session is not offered by the installation"), "{said}");
    assert_eq!(narrow.json("tenant show acme --json")["settings"], before["settings"]);
}

// ASVS-map: PW1
#[test]
fn a_tenants_passwords_are_short_only_where_a_second_step_is_forced() {
    let home = Workdir::in_production();
    home.run("migrate").done();
    home.run("tenant create acme").done();
    let said = home.run("tenant set acme password.shortest=8").refused(2);
    assert!(said.contains("passwords need at least 15 characters"), "{said}");
    home.run("tenant set acme otp=forced password.shortest=9").done();
    let create = format!("user create --tenant acme --email {ANN} --name Ann --password-stdin");
    assert!(home.run_with(&create, "vexed 8c").refused(1).contains("9 characters"));
    home.run_with(&create, "vexed 9ch").done();
    assert!(home.run("tenant set acme otp=off").refused(2).contains("at least 15"));
}

// ASVS-map: SE5
#[test]
fn a_suspended_tenant_is_refused_at_once_and_is_still_the_operators() {
    let home = Workdir::new();
    home.run("tenant create acme otp=off").done();
    let server = home.serve();
    user_of(&home, "acme");
    home.user(ANN).done();
    let elsewhere = server.password_sign_in("session-jwt", ANN);
    let before = device_sign_in(&server, "acme");
    let token = text(&before.body["data"]["accessToken"]);
    let me = || server.get_in("acme", "/auth/me", Some(token)).status;
    assert_eq!(me(), 200);

    let said = home.run("tenant suspend acme").done().out;
    assert_eq!(
        said,
        "Tenant acme is suspended: its users cannot sign in, and all of their sessions have ended.\n"
    );
    wait_until("the session is refused", || me() != 200);
    wait_until("sign-in is refused", || device_sign_in(&server, "acme").status != 201);
    assert_eq!(server.profile("session-jwt", text(&elsewhere["access_token"])), 200);

    let ended = home.json("session list --tenant acme --ended --json");
    assert_eq!((&ended[0]["state"], &ended[0]["reason"]), (&json!("ended"), &json!("tenant")));
    assert!(text(&home.json("tenant list --json")[0]["suspended"]).ends_with('Z'));
    for line in ["user list", "key list", "key rotate", "session list", "user role ann@example.com admin"] {
        home.run(&format!("{line} --tenant acme")).done();
    }
    home.run_with(&format!("user password {ANN} --tenant acme --password-stdin"), PASSWORD).done();

    home.run("tenant resume acme").done();
    wait_until("its users may sign in", || device_sign_in(&server, "acme").status == 201);
    assert_eq!(me(), 401, "what was ended stays ended");
    assert_eq!(home.json("tenant show acme --json")["suspended"], Value::Null);
}

#[test]
fn the_tenant_that_everybody_has_is_not_suspended_and_unknown_ones_are_named() {
    let home = Workdir::new();
    let said = home.run("tenant list").refused(1);
    assert!(said.contains("there is no database"), "{said}");
    home.run("tenant create acme").done();
    let said = home.run("tenant suspend default").refused(1);
    assert!(said.starts_with("tenant default cannot be suspended"), "{said}");
    for line in ["show acne", "set acne otp=on", "suspend acne", "resume acne"] {
        let said = home.run(&format!("tenant {line}")).refused(1);
        assert_eq!(said, "there is no tenant acne; there is acme, default");
    }
    let said = home.run("tenant create acme").refused(1);
    assert!(said.contains("tenant acme already exists; `portcullis tenant set acme"), "{said}");
    assert!(home.run("tenant create Acme").refused(2).contains("1 to 63 of a-z"));
}

#[test]
fn a_tenant_lives_in_a_database_of_its_own_where_it_was_made_to() {
    let home = Workdir::new();
    let said = home.run("tenant create acme database_url=sqlite:acme.db otp=off").done().out;
    assert!(said.ends_with("Its users and sessions live in sqlite:acme.db.\n"), "{said}");
    let own = home.database().with_file_name("acme.db");
    assert!(own.exists());
    let server = home.serve();
    user_of(&home, "acme");
    assert_eq!(device_sign_in(&server, "acme").status, 201);
    let sessions = home.json("session list --tenant acme --json");
    assert_eq!(sessions[0]["user"]["email"], ANN);
    assert!(std::fs::read(home.database()).unwrap().windows(ANN.len()).all(|bytes| bytes != ANN.as_bytes()));
    assert_eq!(home.json("tenant list --json")[0]["database"], "sqlite:acme.db");

    for (address, cause) in [
        ("mongodb://u:hunter2@h/d", "database_url: this build has no MongoDB store"),
        ("acme.db", "database_url: is not the address of a database: write sqlite:PATH"),
        ("sqlite:portcullis.db", "database_url: that is the database of the installation"),
    ] {
        let said = home.run(&format!("tenant create other database_url={address}")).refused(2);
        let told = said.rsplit_once("'[KEY=VALUE]...'").map_or(said.as_str(), |(_, told)| told);
        assert!(told.contains(cause) && !told.contains("hunter2"), "{address}: {said}");
    }
    let nowhere = "postgres://u:hunter2@127.0.0.1:9/d";
    let said = home.run(&format!("tenant create other database_url={nowhere}")).refused(1);
    assert!(
        said.contains("no server answers at postgres://u@127.0.0.1:9/d") && !said.contains("hunter2"),
        "{said}"
    );
    let said = home.run("tenant create other --database sqlite:other.db").refused(1);
    assert!(said.contains("write database_url=sqlite:PATH"), "{said}");
}
