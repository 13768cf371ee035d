//! The strategies that are offered, and the lifetimes of their tokens and sessions.
//!
//! Services that move here already set `jwt_expires_in` and `jwt_refresh_expires_in`. They are the defaults of every
//! strategy's own lifetimes.

use std::time::Duration;

use portcullis_core::strategy::StrategyName;

use super::super::builder::ConfigBuilder;
use super::super::parse::{self, Parsed};
use super::super::strategies::LifetimeKind;
use super::{DefaultValue, Setting, ValueType, put};

const WEEK: Duration = Duration::from_hours(7 * 24);
const MONTH: Duration = Duration::from_hours(30 * 24);
const QUARTER_HOUR: Duration = Duration::from_mins(15);

/// Parses the name of a strategy.
pub(in super::super) fn name(text: &str) -> Parsed<StrategyName> {
    parse::choice(text, &StrategyName::ALL.map(|name| (name.as_str(), name)))
}

fn set(
    builder: &mut ConfigBuilder,
    name: StrategyName,
    lifetime: LifetimeKind,
    span: Parsed<Duration>,
) -> Parsed<()> {
    builder.config.strategies.set(name, lifetime, span?)
}

/// Parses a lifetime, of the installation or of a tenant.
pub(in super::super) fn lifetime(text: &str) -> Parsed<Duration> {
    parse::duration(text, "1s", "3650d")
}

/// Parses a grace window.
pub(in super::super) fn grace(text: &str) -> Parsed<Duration> {
    parse::duration(text, "0s", "10m")
}

/// The lifetime of an access token that nothing renews.
fn fixed_access(builder: &ConfigBuilder, otherwise: &str) -> String {
    builder.jwt_expires_in.map_or_else(|| otherwise.to_owned(), written)
}

// The defaults of a rotating strategy nest, whatever one of the common lifetimes is. A rule checks that the two common
// ones do not contradict each other.

fn rotating_access(builder: &ConfigBuilder) -> String {
    let shorter = |refresh: Duration| refresh.min(QUARTER_HOUR);
    written(builder.jwt_expires_in.unwrap_or(builder.jwt_refresh_expires_in.map_or(QUARTER_HOUR, shorter)))
}

fn refresh_life(builder: &ConfigBuilder) -> Duration {
    let longer = |access: Duration| access.max(WEEK);
    builder.jwt_refresh_expires_in.unwrap_or(builder.jwt_expires_in.map_or(WEEK, longer))
}

fn refresh(builder: &ConfigBuilder) -> String {
    written(refresh_life(builder))
}

fn rotating_max(builder: &ConfigBuilder) -> String {
    written(refresh_life(builder).max(MONTH))
}

/// Writes a duration in the largest unit that divides it: `15m`, `7d`.
pub(in super::super) fn written(span: Duration) -> String {
    let millis = span.as_millis();
    if millis == 0 {
        return "0s".to_owned();
    }
    let units = [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000)];
    let unit = units.iter().find(|(_, unit)| millis.is_multiple_of(*unit));
    unit.map_or_else(|| format!("{millis}ms"), |(name, unit)| format!("{}{name}", millis / unit))
}

/// One setting: the strategy and the lifetime as the file and as types name them, the default, the meaning.
macro_rules! row {
    ($strategy:literal, $name:ident, $key:literal, $lifetime:ident, $default:expr, $doc:expr, $read:expr) => {
        Setting::new(
            concat!("strategies.", $strategy, ".", $key),
            "DURATION",
            $default,
            $doc,
            |builder, text| set(builder, StrategyName::$name, LifetimeKind::$lifetime, $read(text)),
        )
    };
}

/// The lifetime of an access token that nothing renews.
macro_rules! access {
    ($strategy:literal, $name:ident, $default:literal) => {
        row!(
            $strategy,
            $name,
            "access",
            Access,
            DefaultValue::Derived(concat!("`jwt_expires_in`, otherwise ", $default), |builder| fixed_access(
                builder, $default
            )),
            concat!("Lifetime of an access token under `", $strategy, "`"),
            lifetime
        )
    };
}

// The settings of a rotating strategy.

macro_rules! rotating_access {
    ($strategy:literal, $name:ident) => {
        row!(
            $strategy,
            $name,
            "access",
            Access,
            DefaultValue::Derived(
                "`jwt_expires_in`, otherwise 15m, or `jwt_refresh_expires_in` if that is shorter",
                rotating_access
            ),
            concat!("Lifetime of an access token under `", $strategy, "`"),
            lifetime
        )
    };
}

macro_rules! refresh {
    ($strategy:literal, $name:ident) => {
        row!(
            $strategy,
            $name,
            "refresh",
            Refresh,
            DefaultValue::Derived(
                "`jwt_refresh_expires_in`, otherwise 7d, or `jwt_expires_in` if that is longer",
                refresh
            ),
            concat!("Lifetime of a refresh token under `", $strategy, "`, from its own issue"),
            lifetime
        )
    };
}

macro_rules! rotating_max {
    ($strategy:literal, $name:ident) => {
        row!(
            $strategy,
            $name,
            "max",
            Max,
            DefaultValue::Derived(
                "30d, or the longer of `jwt_expires_in` and `jwt_refresh_expires_in` if that is longer",
                rotating_max
            ),
            concat!("Absolute timeout of a session under `", $strategy, "`, from sign-in"),
            lifetime
        )
    };
}

macro_rules! grace {
    ($strategy:literal, $name:ident) => {
        row!(
            $strategy,
            $name,
            "grace",
            Grace,
            DefaultValue::Fixed("60s"),
            concat!(
                "Grace window of `",
                $strategy,
                "`: time for which a used refresh token is answered again, to a client with its device proof, up to 10m"
            ),
            grace
        )
    };
}

pub(super) const STRATEGIES: &[Setting] = &[
    Setting::new(
        "strategies.enabled",
        "NAMES",
        DefaultValue::Fixed("jwt, session, hybrid, refresh, denylist, session-jwt, device"),
        "Strategies that are offered: `device` under `/auth`, each other one under `/auth/{strategy}`; a tenant may offer \
         fewer",
        |builder, text| {
            put(&mut builder.config.strategies.enabled, parse::list(text, name))
        },
    )
    .kind(ValueType::List),
    Setting::new(
        "jwt_expires_in",
        "DURATION",
        DefaultValue::Unset("each strategy's own"),
        "Lifetime of access tokens of every strategy that has them. As in Node: `15m`, `2 days`, a number of seconds",
        |builder, text| put(&mut builder.jwt_expires_in, parse::node_duration(text).map(Some)),
    )
    .kind(ValueType::Quantity)
    .also("JWT_EXPIRES_IN"),
    Setting::new(
        "jwt_refresh_expires_in",
        "DURATION",
        DefaultValue::Unset("each strategy's own"),
        "Lifetime of refresh tokens of every strategy that has them. Written as `jwt_expires_in`",
        |builder, text| put(&mut builder.jwt_refresh_expires_in, parse::node_duration(text).map(Some)),
    )
    .kind(ValueType::Quantity)
    .also("JWT_REFRESH_EXPIRES_IN"),
    access!("jwt", Jwt, "1h"),
    row!(
        "session",
        Session,
        "idle",
        Idle,
        DefaultValue::Fixed("24h"),
        "Idle timeout of a session under `session`",
        lifetime
    ),
    row!(
        "session",
        Session,
        "max",
        Max,
        DefaultValue::Fixed("30d"),
        "Absolute timeout of a session under `session`, from sign-in",
        lifetime
    ),
    access!("hybrid", Hybrid, "1h"),
    rotating_access!("refresh", Refresh),
    refresh!("refresh", Refresh),
    rotating_max!("refresh", Refresh),
    grace!("refresh", Refresh),
    rotating_access!("denylist", Denylist),
    refresh!("denylist", Denylist),
    rotating_max!("denylist", Denylist),
    grace!("denylist", Denylist),
    access!("session-jwt", SessionJwt, "24h"),
    rotating_access!("device", Device),
    refresh!("device", Device),
    rotating_max!("device", Device),
    grace!("device", Device),
];
