//! `config check`: what it shows beside the settings.

use serde_json::json;

use crate::fixture::{Workdir, wait_until};

#[test]
fn a_check_says_what_is_on_offer() {
    let said = Workdir::new().run("config check").done();
    assert!(
        said.out.ends_with("on offer: jwt, session, hybrid, refresh, denylist, session-jwt, device\n"),
        "{said:?}"
    );
    let production = Workdir::in_production();
    let said = production.run("config check").done();
    assert!(said.out.ends_with("Strategies on offer: device\n"), "{said:?}");
    let mixed = production.variable("PORTCULLIS_STRATEGIES_ENABLED", "refresh, device");
    let said = mixed.run("config check").done().out;
    let warning =
        "warning: variable PORTCULLIS_STRATEGIES_ENABLED: refresh beside device: a password alone signs in";
    assert!(said.lines().last().unwrap().starts_with(warning), "{said}");
    let row = mixed.json("config check --json");
    let row = row.as_array().unwrap().iter().find(|row| row["key"] == "strategies.enabled").unwrap();
    assert!(row["warnings"][0].as_str().unwrap().contains("a password alone"), "{row}");
}

#[test]
fn on_a_narrow_terminal_a_table_is_folded() {
    let home = Workdir::new();
    home.user("ann@example.com").done();
    let narrow = home.run_on_terminal("user list", 40);
    let lines: Vec<&str> = narrow.lines().map(str::trim_end).collect();
    assert!(
        lines.iter().any(|line| line.starts_with("EMAIL ") && line.ends_with("  ann@example.com")),
        "{narrow}"
    );
    assert!(!narrow.contains('\u{1b}'), "no colours without TERM: {narrow:?}");
    let wide = home.run_on_terminal("user list", 300);
    assert!(wide.lines().any(|line| line.starts_with("ID ") && line.contains("EMAIL ")), "{wide}");
    let home = home.variable("TERM", "xterm");
    assert!(home.run_on_terminal("user list", 300).starts_with("\u{1b}[1mID "));
    let home = home.variable("NO_COLOR", "1");
    assert!(home.run_on_terminal("user list", 300).starts_with("ID "));
}

#[test]
fn a_secret_that_every_user_may_read_is_a_warning() {
    let key = "8f1c3a5e7092b4d6f8e1c3a5b7d9f0021426384a5c6e708192a4b6c8daecfe10";
    // systemd gives a credential 0400, or 0440 where an access list names the service's user.
    for (mode, warned) in
        [(0o644, true), (0o604, true), (0o640, false), (0o600, false), (0o440, false), (0o400, false)]
    {
        let home = Workdir::new().variable("PORTCULLIS_MASTER_KEY_FILE", "key");
        home.file("key", key, mode);
        let said = home.run("config check").done().out;
        assert_eq!(said.contains("key holds a secret, and every user"), warned, "{mode:o}: {said}");
    }
    let home = Workdir::new();
    home.file("p.toml", &format!("master_key = \"{key}\"\n"), 0o644);
    let said = home.run("config check --config p.toml").done().out;
    assert!(said.contains("warning: flag --config: p.toml holds a secret"), "{said}");
}

#[test]
fn a_key_that_the_service_manager_hands_over_takes_precedence_over_that_of_the_file() {
    let home = Workdir::new();
    let text = home.run("config init --stdout --master-key-file no/such/master.key").done().out;
    home.file("p.toml", &text, 0o644);
    assert!(home.run("config check --config p.toml").refused(2).contains("no/such/master.key"));
    home.run("config init other.toml --master-key-file credentials/master.key").done();
    let home = home.variable("PORTCULLIS_MASTER_KEY_FILE", "credentials/master.key");
    let said = home.run("config check --config p.toml").done().out;
    assert!(said.contains("credentials/master.key") && !said.contains("warning"), "{said}");
}

#[test]
fn a_tenant_that_the_configuration_leaves_without_a_strategy_is_named_as_that() {
    let home = Workdir::new();
    home.run("migrate").done();
    home.run("tenant set default strategies=session").done();
    let narrowed = home.variable("PORTCULLIS_STRATEGIES_ENABLED", "device");
    let said = narrowed.run("serve --listen 127.0.0.1:0").refused(2);
    assert!(said.contains("tenant default do not suit the configuration: no strategy is on offer"), "{said}");
}

/// The others go on, and the users of such a tenant get what they get of any strategy that is not on offer.
#[test]
fn a_tenant_that_a_changed_configuration_contradicts_is_named_and_offers_what_is_left() {
    let home = Workdir::new();
    home.run("migrate").done();
    home.run("tenant create acme strategies=session").done();
    home.run("tenant create globex device.access=6d").done();
    let changed = home.variable("PORTCULLIS_STRATEGIES_ENABLED", "device, jwt");
    let changed = changed.variable("PORTCULLIS_STRATEGIES_DEVICE_REFRESH", "1d");
    let log = changed.file("log", "", 0o600);
    let server = changed.serve_logging_to(std::fs::File::options().append(true).open(&log).unwrap());
    let wrong = json!({ "email": "ann@example.com", "password": "wrong", "usernameOrEmailOrMobile": "ann" });
    for (tenant, path, status) in [
        ("acme", "/auth/session/login", 404),
        ("acme", "/auth/jwt/login", 404),
        ("acme", "/auth/login", 404),
        ("globex", "/auth/jwt/login", 401),
        ("globex", "/auth/login", 404),
        ("default", "/auth/login", 401),
    ] {
        let answer = server.post_in(tenant, path, None, &wrong);
        assert_eq!(answer.status, status, "{tenant} {path}: {answer:?}");
    }
    let logged = std::fs::read_to_string(&log).unwrap();
    for tenant in ["acme", "globex"] {
        let names = |line: &&str| line.contains(tenant) && line.contains("does not suit the configuration");
        assert_eq!(logged.lines().filter(names).count(), 1, "{tenant}: {logged}");
    }
    let doctor = changed.run("doctor --json --listen 127.0.0.1:1");
    assert_eq!(doctor.code, 1, "{}", doctor.out);
    for cause in ["no strategy is on offer", "strategy device: lifetimes", "`portcullis tenant set acme`"] {
        assert!(doctor.out.contains(cause), "{cause}: {}", doctor.out);
    }
    changed.run("tenant set acme strategies=jwt").done();
    wait_until("acme offers jwt", || server.post_in("acme", "/auth/jwt/login", None, &wrong).status == 401);
}

#[test]
fn templates_that_keep_a_server_from_starting_are_no_valid_configuration() {
    let home = Workdir::new().variable("PORTCULLIS_MAIL_TEMPLATES", ".");
    home.run("config check").done();
    home.file("page.html", "{{ nothing_of_this_name }}", 0o600);
    assert!(home.run("config check").refused(2).contains("page.html"));
}

#[test]
fn a_start_that_is_refused_leaves_no_folder_behind() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    for variable in ["PORTCULLIS_LISTEN", "PORTCULLIS_TCP_LISTEN", "PORTCULLIS_METRICS_LISTEN"] {
        let home = Workdir::new().variable("PORTCULLIS_LISTEN", "127.0.0.1:0");
        let home = home.variable(variable, address.to_string());
        assert!(home.run("serve").refused(1).contains("in use"), "{variable}");
        assert!(!home.database().parent().unwrap().exists(), "{variable}");
    }
}

#[test]
fn a_server_that_is_to_be_for_production_does_not_start_without_a_public_url() {
    let home = Workdir::new();
    let said = home.run("serve --production --listen 127.0.0.1:0").refused(2);
    assert!(said.contains("public_url is not set"), "{said}");
}
