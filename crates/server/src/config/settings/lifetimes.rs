//! The strategies that are offered, and how long what they hand out lives.
//!
//! `jwt_expires_in` and `jwt_refresh_expires_in` are what services that move here already set; they are the defaults of
//! every strategy's own lifetimes, and a lifetime that is stated for a strategy goes before them.

use std::time::Duration;

use super::super::draft::Draft;
use super::super::parse::{self, Parsed};
use super::{Kind, Preset, Setting, put};

/// The strategies of `/auth/{strategy}`.
const NAMES: [&str; 6] = ["jwt", "session", "hybrid", "refresh", "denylist", "session-jwt"];

fn name(text: &str) -> Parsed<&'static str> {
    parse::choice(text, &NAMES.map(|name| (name, name)))
}

fn lifetime(text: &str) -> Parsed<Duration> {
    parse::duration(text, "1s", "3650d")
}

fn grace(text: &str) -> Parsed<Duration> {
    parse::duration(text, "0s", "10m")
}

/// What the draft says of an access token's life, or else this.
fn access_or(draft: &Draft, otherwise: &str) -> String {
    written(draft.jwt_expires_in).unwrap_or_else(|| otherwise.to_owned())
}

fn refresh_or(draft: &Draft, otherwise: &str) -> String {
    written(draft.jwt_refresh_expires_in).unwrap_or_else(|| otherwise.to_owned())
}

/// The most that a session lives: 30 days, unless its first refresh token was made to live longer.
fn max(draft: &Draft) -> String {
    let longer = draft.jwt_refresh_expires_in.filter(|span| *span > Duration::from_hours(30 * 24));
    written(longer).unwrap_or_else(|| "30d".to_owned())
}

/// A length of time in our own form, in the largest unit that it fills.
fn written(span: Option<Duration>) -> Option<String> {
    let millis = span?.as_millis();
    let units = [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000)];
    let unit = units.iter().find(|(_, unit)| millis % unit == 0);
    Some(unit.map_or_else(|| format!("{millis}ms"), |(name, unit)| format!("{}{name}", millis / unit)))
}

/// The row of an access token's life.
macro_rules! access {
    ($name:literal, $field:ident, $default:literal) => {
        Setting::new(
            concat!("strategies.", $name, ".access"),
            "DURATION",
            Preset::Derived(concat!("`jwt_expires_in`, else ", $default), |draft| access_or(draft, $default)),
            concat!("How long an access token of `", $name, "` lives"),
            |draft, text| put(&mut draft.config.strategies.$field.access, lifetime(text)),
        )
    };
}

/// The rows of a rotating strategy beside its access token's.
macro_rules! refresh {
    ($name:literal, $field:ident) => {
        Setting::new(
            concat!("strategies.", $name, ".refresh"),
            "DURATION",
            Preset::Derived("`jwt_refresh_expires_in`, else 7d", |draft| refresh_or(draft, "7d")),
            concat!("How long a refresh token of `", $name, "` lives, from its own issue"),
            |draft, text| put(&mut draft.config.strategies.$field.refresh, lifetime(text)),
        )
    };
}

macro_rules! rotating_max {
    ($name:literal, $field:ident) => {
        Setting::new(
            concat!("strategies.", $name, ".max"),
            "DURATION",
            Preset::Derived("30d, or `jwt_refresh_expires_in` where that is longer", max),
            concat!("How long a session of `", $name, "` lives at most, from login"),
            |draft, text| put(&mut draft.config.strategies.$field.max, lifetime(text)),
        )
    };
}

macro_rules! grace {
    ($name:literal, $field:ident) => {
        Setting::new(
            concat!("strategies.", $name, ".grace"),
            "DURATION",
            Preset::Is("60s"),
            concat!(
                "How long a spent refresh token of `",
                $name,
                "` is answered again, to a client with its device \
                     proof, up to 10m"
            ),
            |draft, text| put(&mut draft.config.strategies.$field.grace, grace(text)),
        )
    };
}

pub(super) const STRATEGIES: &[Setting] = &[
    Setting::new(
        "strategies.enabled",
        "NAMES",
        Preset::Is("jwt, session, hybrid, refresh, denylist, session-jwt"),
        "The strategies that are offered under `/auth/{strategy}`; a tenant may offer fewer",
        |draft, text| {
            put(&mut draft.config.strategies.enabled, parse::list(text, name))
        },
    )
    .kind(Kind::List),
    Setting::new(
        "jwt_expires_in",
        "DURATION",
        Preset::Unset("each strategy's own"),
        "How long access tokens live, of every strategy that has them. As in Node: `15m`, `2 days`, a number of seconds",
        |draft, text| put(&mut draft.jwt_expires_in, parse::node_duration(text).map(Some)),
    )
    .kind(Kind::Quantity)
    .also("JWT_EXPIRES_IN"),
    Setting::new(
        "jwt_refresh_expires_in",
        "DURATION",
        Preset::Unset("each strategy's own"),
        "How long refresh tokens live, of every strategy that has them. Written as `jwt_expires_in`",
        |draft, text| put(&mut draft.jwt_refresh_expires_in, parse::node_duration(text).map(Some)),
    )
    .kind(Kind::Quantity)
    .also("JWT_REFRESH_EXPIRES_IN"),
    access!("jwt", jwt, "1h"),
    Setting::new(
        "strategies.session.idle",
        "DURATION",
        Preset::Is("24h"),
        "How long a session of `session` lives without being used",
        |draft, text| put(&mut draft.config.strategies.session.idle, lifetime(text)),
    ),
    Setting::new(
        "strategies.session.max",
        "DURATION",
        Preset::Is("30d"),
        "How long a session of `session` lives at most, from login",
        |draft, text| put(&mut draft.config.strategies.session.max, lifetime(text)),
    ),
    access!("hybrid", hybrid, "1h"),
    access!("refresh", refresh, "15m"),
    refresh!("refresh", refresh),
    rotating_max!("refresh", refresh),
    grace!("refresh", refresh),
    access!("denylist", denylist, "15m"),
    refresh!("denylist", denylist),
    rotating_max!("denylist", denylist),
    grace!("denylist", denylist),
    access!("session-jwt", session_jwt, "24h"),
    access!("device", device, "15m"),
    refresh!("device", device),
    rotating_max!("device", device),
    grace!("device", device),
];
