//! The strategies that are offered, and the lifetimes of their tokens and sessions.
//!
//! Services that move here already set `jwt_expires_in` and `jwt_refresh_expires_in`. They are the defaults of every
//! strategy's own lifetimes.

use std::time::Duration;

use portcullis_core::strategy::StrategyName;

use super::super::builder::ConfigBuilder;
use super::super::parse::{self, Parsed, node_duration};
use super::super::strategies::LifetimeKind;
use super::DefaultValue::{Derived, Fixed, Unset};
use super::{DefaultValue, Setting};

const WEEK: Duration = Duration::from_hours(7 * 24);
const MONTH: Duration = Duration::from_hours(30 * 24);
const QUARTER_HOUR: Duration = Duration::from_mins(15);

/// Parses the name of a strategy.
pub(in super::super) fn name(text: &str) -> Parsed<StrategyName> {
    parse::choice(text, &StrategyName::ALL.map(|name| (name.as_str(), name)))
}

/// Parses the strategies that are offered, at least one.
fn names(text: &str) -> Parsed<Vec<StrategyName>> {
    let names = parse::list(text, name)?;
    if names.is_empty() {
        Err("names no strategy, so that no user could sign in".to_owned())
    } else {
        Ok(names)
    }
}

/// With a public URL, no password alone signs a user in unless the operator says so.
fn preset_names(builder: &ConfigBuilder) -> String {
    let preset: &[StrategyName] =
        if builder.config.is_development() { &StrategyName::ALL } else { &[StrategyName::Device] };
    let names: Vec<&str> = preset.iter().map(|name| name.as_str()).collect();
    names.join(", ")
}

/// Parses a lifetime, of the installation or of a tenant.
pub(in super::super) fn lifetime(text: &str) -> Parsed<Duration> {
    parse::duration(text, "1s", "3650d")
}

/// Parses a grace window.
pub(in super::super) fn grace(text: &str) -> Parsed<Duration> {
    parse::duration(text, "0s", "10m")
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

const ROTATING_ACCESS: DefaultValue = Derived(
    "`jwt_expires_in`, otherwise 15m, or `jwt_refresh_expires_in` if that is shorter",
    rotating_access,
);
const REFRESH: DefaultValue =
    Derived("`jwt_refresh_expires_in`, otherwise 7d, or `jwt_expires_in` if that is longer", refresh);
const ROTATING_MAX: DefaultValue = Derived(
    "30d, or the longer of `jwt_expires_in` and `jwt_refresh_expires_in` if that is longer",
    rotating_max,
);
const GRACE: DefaultValue = Fixed("60s");

/// The default of the lifetime of an access token that nothing renews.
macro_rules! fixed_access {
    ($span:literal) => {
        Derived(concat!("`jwt_expires_in`, otherwise ", $span), |builder| {
            builder.jwt_expires_in.map_or_else(|| $span.to_owned(), written)
        })
    };
}

/// One setting: the strategy as the file and as types name it, the lifetime, the default.
macro_rules! lifetime {
    ($strategy:literal $name:ident access, $default:expr) => {
        lifetime!(@row $strategy $name "access" Access lifetime, $default, "Lifetime of an access token under", "")
    };
    ($strategy:literal $name:ident idle, $default:expr) => {
        lifetime!(@row $strategy $name "idle" Idle lifetime, $default, "Idle timeout of a session under", "")
    };
    ($strategy:literal $name:ident refresh, $default:expr) => {
        lifetime!(@row $strategy $name "refresh" Refresh lifetime, $default, "Lifetime of a refresh token under",
            ", from its own issue")
    };
    ($strategy:literal $name:ident max, $default:expr) => {
        lifetime!(@row $strategy $name "max" Max lifetime, $default, "Absolute timeout of a session under",
            ", from sign-in")
    };
    ($strategy:literal $name:ident grace, $default:expr) => {
        lifetime!(@row $strategy $name "grace" Grace grace, $default, "Grace window of",
            ": after it, repeats of a refresh are counted, and the third generation in a row raises an alarm; up to 10m")
    };
    (@row $strategy:literal $name:ident $key:literal $kind:ident $read:ident, $default:expr, $before:literal,
        $after:literal) => {
        setting!(@row concat!("strategies.", $strategy, ".", $key), [], Text("DURATION"), $default,
            concat!($before, " `", $strategy, "`", $after),
            |builder, text| builder.config.strategies.set(StrategyName::$name, LifetimeKind::$kind, $read(text)?))
    };
}

pub(super) const STRATEGIES: &[Setting] = &[
    setting!("strategies.enabled": List("NAMES"),
        Derived("all in development mode, otherwise `device`", preset_names), config.strategies.enabled = names,
        "Strategies that are offered: `device` under `/auth`, each other one (`jwt`, `session`, `hybrid`, `refresh`, \
         `denylist`, `session-jwt`) under `/auth/{strategy}`; a tenant may offer fewer"),
    setting!("jwt_expires_in" [also("JWT_EXPIRES_IN"), example("15m")]: Quantity("DURATION"), Unset("each strategy's own"),
        jwt_expires_in = Some(node_duration),
        "Lifetime of access tokens of every strategy that has them. As in Node: `15m`, `2 days`, a number of seconds"),
    setting!("jwt_refresh_expires_in" [also("JWT_REFRESH_EXPIRES_IN"), example("7d")]: Quantity("DURATION"),
        Unset("each strategy's own"), jwt_refresh_expires_in = Some(node_duration),
        "Lifetime of refresh tokens of every strategy that has them. Written as `jwt_expires_in`"),
    lifetime!("jwt" Jwt access, fixed_access!("1h")),
    lifetime!("session" Session idle, Fixed("24h")),
    lifetime!("session" Session max, Fixed("30d")),
    lifetime!("hybrid" Hybrid access, fixed_access!("1h")),
    lifetime!("refresh" Refresh access, ROTATING_ACCESS),
    lifetime!("refresh" Refresh refresh, REFRESH),
    lifetime!("refresh" Refresh max, ROTATING_MAX),
    lifetime!("refresh" Refresh grace, GRACE),
    lifetime!("denylist" Denylist access, ROTATING_ACCESS),
    lifetime!("denylist" Denylist refresh, REFRESH),
    lifetime!("denylist" Denylist max, ROTATING_MAX),
    lifetime!("denylist" Denylist grace, GRACE),
    lifetime!("session-jwt" SessionJwt access, fixed_access!("24h")),
    lifetime!("device" Device access, ROTATING_ACCESS),
    lifetime!("device" Device refresh, REFRESH),
    lifetime!("device" Device max, ROTATING_MAX),
    lifetime!("device" Device grace, GRACE),
];
