//! The defaults, and the settings that change them.

use super::*;
use portcullis_axum::SameSite;

#[test]
fn without_settings_the_server_is_for_this_machine_alone() {
    let config = operator().config();
    let addresses: Vec<String> = config.listen.iter().map(|listen| listen.address.to_string()).collect();
    assert!(config.is_development());
    assert_eq!(addresses, ["127.0.0.1:3000", "[::1]:3000"]);
    assert_eq!(config.data_dir, PathBuf::from("./portcullis-data"));
    assert_eq!(config.database, DatabaseUrl::preset(Path::new("./portcullis-data")));
    assert_eq!(config.sessions, Sessions::InDatabase);
    assert!(config.master_key.is_none());
    assert_eq!((config.hashing.threads, config.hashing.max_wait), (None, Duration::from_secs(5)));
    assert_eq!((config.cookie.name.as_str(), config.cookie.same_site), ("connect.sid", SameSite::Lax));
    assert_eq!((config.password.shortest, config.leeway), (8, Duration::from_mins(1)));
    assert_eq!((config.limits.body, config.limits.headers), (64 << 10, 16 << 10));
    assert_eq!((config.liveness.max_staleness, config.liveness.capacity), (Duration::from_secs(1), 100_000));
    assert_eq!(config.log.format, LogFormat::Text);
}

#[test]
fn lifetimes_are_those_of_the_contract() {
    let strategies = operator().config().strategies;
    let minutes = Duration::from_mins;
    let rotating =
        Renewal::Rotating { access: minutes(15), refresh: 7 * DAY, max: 30 * DAY, grace: minutes(1) };
    let expected = [
        ("jwt", Renewal::Fixed { lifetime: HOUR }),
        ("session", Renewal::Sliding { idle: DAY, max: 30 * DAY }),
        ("hybrid", Renewal::Fixed { lifetime: HOUR }),
        ("refresh", rotating),
        ("denylist", rotating),
        ("session-jwt", Renewal::Fixed { lifetime: DAY }),
        ("device", rotating),
    ];
    assert_eq!(strategies.enabled, StrategyName::ALL);
    assert_eq!(StrategyName::ALL.map(|name| (name.as_str(), strategies.renewal(name))), expected);
}

#[test]
fn every_lifetime_has_its_own_setting() {
    let spans = [
        ("jwt.access", "1h"),
        ("session.idle", "2h"),
        ("session.max", "3h"),
        ("hybrid.access", "4h"),
        ("refresh.access", "5h"),
        ("refresh.refresh", "6h"),
        ("refresh.max", "7h"),
        ("refresh.grace", "8s"),
        ("denylist.access", "9h"),
        ("denylist.refresh", "10h"),
        ("denylist.max", "11h"),
        ("denylist.grace", "12s"),
        ("session-jwt.access", "13h"),
        ("device.access", "14h"),
        ("device.refresh", "15h"),
        ("device.max", "16h"),
        ("device.grace", "17s"),
    ];
    let lines: Vec<String> = spans.iter().map(|(key, span)| format!("{key} = \"{span}\"")).collect();
    let strategies = operator().file(&format!("[strategies]\n{}", lines.join("\n"))).config().strategies;
    let rotating = |access: u32, refresh: u32, max: u32, grace| Renewal::Rotating {
        access: access * HOUR,
        refresh: refresh * HOUR,
        max: max * HOUR,
        grace: Duration::from_secs(grace),
    };
    let expected = [
        Renewal::Fixed { lifetime: HOUR },
        Renewal::Sliding { idle: 2 * HOUR, max: 3 * HOUR },
        Renewal::Fixed { lifetime: 4 * HOUR },
        rotating(5, 6, 7, 8),
        rotating(9, 10, 11, 12),
        Renewal::Fixed { lifetime: 13 * HOUR },
        rotating(14, 15, 16, 17),
    ];
    assert_eq!(StrategyName::ALL.map(|name| strategies.renewal(name)), expected);
}

#[test]
fn whatever_is_accepted_suits_the_strategies() {
    let spans = [None, Some("5m"), Some("1h"), Some("8d"), Some("40d")];
    let cases = spans.iter().flat_map(|access| spans.iter().map(move |refresh| (access, refresh)));
    let mut accepted = 0;
    for (access, refresh) in cases {
        let stated = [("JWT_EXPIRES_IN", access), ("JWT_REFRESH_EXPIRES_IN", refresh)];
        let stating = stated.into_iter().fold(operator(), |operator, (name, span)| match span {
            Some(span) => operator.variable(name, span),
            None => operator,
        });
        let Ok(config) = stating.read() else { continue };
        accepted += 1;
        for name in StrategyName::ALL {
            let renewed = name.strategy().with_renewal(config.strategies.renewal(name));
            assert!(renewed.is_ok(), "{name}, {access:?}, {refresh:?}: {renewed:?}");
        }
    }
    assert_eq!(accepted, 25 - 6);
}

#[test]
fn every_default_is_a_value_that_an_operator_could_have_stated() {
    for operator in [operator(), operator().in_production()] {
        let report = operator.config().report().clone();
        for row in report.rows().iter().filter(|row| row.key != "config") {
            let Some(value) = row.value.as_deref().filter(|value| *value != "(set)") else { continue };
            let variable = settings::find(row.key).unwrap().variable();
            let stated = self::operator().in_production().variable(&variable, value);
            let expected = !(row.key == "password.shortest" && value == "8");
            assert_eq!(stated.read().is_ok(), expected, "{variable}={value}");
        }
    }
}

#[test]
fn production_has_its_own_defaults() {
    let config = operator().in_production().config();
    assert!(!config.is_development() && config.is_https());
    assert_eq!(config.cookie.name, "__Host-connect.sid");
    assert_eq!(config.password.shortest, 15);
    assert_eq!(config.log.format, LogFormat::Json);
    assert!(config.master_key.is_some());
    assert!(config.listen.iter().all(|listen| listen.is_loopback()));
}

#[test]
fn what_a_tenant_does_not_decide_is_as_configured() {
    let default = operator().config().sign_in;
    assert_eq!((default.otp, default.session_cap, default.hide_existence), (SecondStep::On, 0, false));
    assert_eq!((default.lockout.after, default.lockout.lasts), (5, Duration::from_mins(15)));
    let file = "otp = \"off\"\nsession_cap = 3\nhide_existence = true\n[lockout]\nafter = 9\nfor = \"1h\"";
    let policy = crate::open::policy(&operator().file(file).config()).unwrap();
    assert_eq!((policy.second_step, policy.session_cap), (SecondStep::Off, 3));
    assert_eq!((policy.lockout.max_failures, policy.lockout.lock_duration), (9, HOUR));
    assert!(policy.hides_existence && policy.strategies.contains_key(&StrategyName::Device));
}

#[test]
fn the_database_lies_in_the_data_directory_unless_it_is_stated() {
    let config = operator().flag("data-dir", "/var/lib/portcullis").config();
    assert_eq!(config.database, DatabaseUrl::preset(Path::new("/var/lib/portcullis")));
}

#[test]
fn the_variables_of_services_that_move_here_mean_what_they_meant() {
    let moving = operator()
        .variable("JWT_SECRET", SECRET)
        .variable("SESSION_SECRET", OTHER_SECRET)
        .variable("JWT_EXPIRES_IN", "3600")
        .variable("JWT_REFRESH_EXPIRES_IN", "2 days");
    let config = moving.config();
    let secrets = SharedSecrets::new(Some(SECRET), Some(OTHER_SECRET)).unwrap();
    assert_eq!(fingerprint(&config.shared_secrets), fingerprint(&secrets));
    let another = SharedSecrets::new(Some(&SECRET.replace('6', "7")), Some(OTHER_SECRET)).unwrap();
    assert_ne!(fingerprint(&another).0, fingerprint(&secrets).0);
    let fixed = Renewal::Fixed { lifetime: HOUR };
    let rotating =
        Renewal::Rotating { access: HOUR, refresh: 2 * DAY, max: 30 * DAY, grace: Duration::from_mins(1) };
    let sliding = Renewal::Sliding { idle: DAY, max: 30 * DAY };
    assert_eq!(
        StrategyName::ALL.map(|name| config.strategies.renewal(name)),
        [fixed, sliding, fixed, rotating, rotating, fixed, rotating]
    );
}

#[test]
fn a_strategys_own_lifetime_goes_before_the_common_one() {
    let config = operator().variable("JWT_EXPIRES_IN", "2h").file("strategies.jwt.access = \"5m\"").config();
    let renewal = |name| config.strategies.renewal(name);
    assert_eq!(renewal(StrategyName::Jwt), Renewal::Fixed { lifetime: Duration::from_mins(5) });
    assert_eq!(renewal(StrategyName::Hybrid), Renewal::Fixed { lifetime: 2 * HOUR });
}

#[test]
fn a_common_lifetime_moves_the_defaults_around_it() {
    let rotating = |variables: &[(&str, &str)]| {
        let stating = variables.iter().fold(operator(), |all, (name, span)| all.variable(name, span));
        let strategies = stating.config().strategies;
        let Renewal::Rotating { access, refresh, max, .. } = strategies.renewal(StrategyName::Refresh) else {
            panic!("refresh rotates")
        };
        (access, refresh, max)
    };
    let (access, refresh) = ("JWT_EXPIRES_IN", "JWT_REFRESH_EXPIRES_IN");
    assert_eq!(rotating(&[(access, "30d"), (refresh, "90d")]), (30 * DAY, 90 * DAY, 90 * DAY));
    assert_eq!(rotating(&[(access, "8d")]), (8 * DAY, 8 * DAY, 30 * DAY));
    assert_eq!(rotating(&[(access, "31d")]), (31 * DAY, 31 * DAY, 31 * DAY));
    let minutes = Duration::from_mins;
    assert_eq!(rotating(&[(refresh, "10m")]), (minutes(10), minutes(10), 30 * DAY));
}
