//! What holds where nobody says otherwise, and what moves it.

use super::*;

#[test]
fn who_states_nothing_gets_a_server_for_this_machine() {
    let config = operator().config();
    let addresses: Vec<String> = config.listen.iter().map(|listen| listen.address.to_string()).collect();
    assert!(config.is_development());
    assert_eq!(addresses, ["127.0.0.1:3000", "[::1]:3000"]);
    assert_eq!(config.data_dir, PathBuf::from("./portcullis-data"));
    assert_eq!(config.database, Database::Sqlite(PathBuf::from("./portcullis-data/portcullis.db")));
    assert_eq!(config.sessions, Sessions::InDatabase);
    assert!(config.master_key.is_none() && config.jwt_secret.is_none() && config.session_secret.is_none());
    assert_eq!((config.cookie.name.as_str(), config.cookie.same_site), ("connect.sid", SameSite::Lax));
    assert_eq!((config.password.shortest, config.leeway), (8, Duration::from_mins(1)));
    assert_eq!((config.limits.body, config.limits.headers), (64 << 10, 16 << 10));
    assert_eq!(config.liveness.max_staleness, Duration::from_secs(1));
    assert_eq!(config.log.format, LogFormat::Text);
}

#[test]
fn lifetimes_are_those_of_the_contract() {
    let strategies = operator().config().strategies;
    let minutes = Duration::from_mins;
    let rotating = Rotating { access: minutes(15), refresh: 7 * DAY, max: 30 * DAY, grace: minutes(1) };
    assert_eq!(strategies.enabled, ["jwt", "session", "hybrid", "refresh", "denylist", "session-jwt"]);
    assert_eq!(strategies.jwt, Fixed { access: HOUR });
    assert_eq!(strategies.session, Sliding { idle: DAY, max: 30 * DAY });
    assert_eq!(strategies.hybrid, Fixed { access: HOUR });
    assert_eq!([strategies.refresh, strategies.denylist, strategies.device], [rotating; 3]);
    assert_eq!(strategies.session_jwt, Fixed { access: DAY });
}

#[test]
fn every_default_is_a_value_that_somebody_could_have_stated() {
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
fn the_database_lies_in_the_data_directory_unless_it_is_stated() {
    let config = operator().flag("data-dir", "/var/lib/portcullis").config();
    assert_eq!(config.database, Database::Sqlite(PathBuf::from("/var/lib/portcullis/portcullis.db")));
}

#[test]
fn the_variables_of_services_that_move_here_mean_what_they_meant() {
    let moving = operator()
        .variable("JWT_SECRET", SECRET)
        .variable("SESSION_SECRET", SECRET)
        .variable("JWT_EXPIRES_IN", "3600")
        .variable("JWT_REFRESH_EXPIRES_IN", "2 days");
    let config = moving.config();
    assert_eq!(config.jwt_secret.unwrap().reveal(), SECRET);
    assert_eq!(config.session_secret.unwrap().reveal(), SECRET);
    let Strategies { jwt, session, hybrid, refresh, denylist, session_jwt, device, .. } = config.strategies;
    assert_eq!([jwt, hybrid, session_jwt], [Fixed { access: HOUR }; 3]);
    assert_eq!(session, Sliding { idle: DAY, max: 30 * DAY });
    for rotating in [refresh, denylist, device] {
        assert_eq!((rotating.access, rotating.refresh, rotating.max), (HOUR, 2 * DAY, 30 * DAY));
    }
}

#[test]
fn a_strategys_own_lifetime_goes_before_the_common_one() {
    let config = operator().variable("JWT_EXPIRES_IN", "2h").file("strategies.jwt.access = \"5m\"").config();
    assert_eq!(config.strategies.jwt.access, Duration::from_mins(5));
    assert_eq!(config.strategies.hybrid.access, 2 * HOUR);
}

#[test]
fn long_common_lifetimes_contradict_no_default() {
    let config = operator()
        .variable("JWT_EXPIRES_IN", "30d")
        .variable("JWT_REFRESH_EXPIRES_IN", "90d")
        .config()
        .strategies;
    assert_eq!(
        (config.refresh.access, config.refresh.refresh, config.refresh.max),
        (30 * DAY, 90 * DAY, 90 * DAY)
    );
    let alone = operator().variable("JWT_EXPIRES_IN", "30d").config().strategies;
    assert_eq!(alone.jwt.access, 30 * DAY);
}
