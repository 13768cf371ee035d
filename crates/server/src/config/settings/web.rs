//! Settings of what browsers and people meet: cookies, origins, tenants, passwords.

use std::ops::RangeInclusive;
use std::time::Duration;

use portcullis_axum::SameSite;
use portcullis_core::tenant::SecondStep;

use super::super::parse::{self, Parsed, PublicUrl};
use super::{DefaultValue, Setting, ValueType, put};

const SAME_SITE: [(&str, SameSite); 3] =
    [("lax", SameSite::Lax), ("strict", SameSite::Strict), ("none", SameSite::None)];

/// How many wrong passwords may lock an account.
pub(in super::super) const LOCKOUT: RangeInclusive<u32> = 1..=100;

/// How many sessions a user may be allowed.
pub(in super::super) const CAP: RangeInclusive<u32> = 0..=10_000;

/// Whether there is a second step.
pub(in super::super) fn second_step(text: &str) -> Parsed<SecondStep> {
    parse::choice(text, &SecondStep::ALL.map(|step| (step.as_str(), step)))
}

/// How long an account is locked.
pub(in super::super) fn locked_for(text: &str) -> Parsed<Duration> {
    parse::duration(text, "1s", "24h")
}

/// The least characters of a password.
pub(in super::super) fn shortest_password(text: &str) -> Parsed<usize> {
    parse::number(text, 8..=64)
}

pub(super) const BROWSERS: &[Setting] = &[
    Setting::new(
        "cookie.name",
        "NAME",
        DefaultValue::Derived("`__Host-connect.sid` on an https public URL, else `connect.sid`", |builder| {
            if builder.config.is_https() { "__Host-connect.sid".to_owned() } else { "connect.sid".to_owned() }
        }),
        "The name of the session cookie",
        |builder, text| put(&mut builder.config.cookie.name, parse::cookie_name(text)),
    ),
    Setting::new(
        "cookie.same_site",
        "lax|strict|none",
        DefaultValue::Fixed("lax"),
        "When browsers send the session cookie with requests that come from other sites; `none` needs https",
        |builder, text| put(&mut builder.config.cookie.same_site, parse::choice(text, &SAME_SITE)),
    ),
    Setting::new(
        "cookie.domain",
        "DOMAIN",
        DefaultValue::Unset("none: the host alone"),
        "Sends the session cookie to every host of a domain. A name that begins with `__Host-` forbids it",
        |builder, text| put(&mut builder.config.cookie.domain, parse::cookie_domain(text).map(Some)),
    ),
    Setting::new(
        "cors.origins",
        "ORIGINS",
        DefaultValue::Unset("none; in development mode every port of localhost, too"),
        "The origins whose pages may call the server with credentials, each exactly",
        |builder, text| put(&mut builder.config.cors.origins, parse::list(text, parse::web_origin)),
    )
    .kind(ValueType::List),
];

pub(super) const PEOPLE: &[Setting] = &[
    Setting::new(
        "tenants.require_header",
        "BOOLEAN",
        DefaultValue::Fixed("false"),
        "Whether every request must name its tenant in `x-tenant-id`; else one that does not means `default`",
        |builder, text| put(&mut builder.config.tenants.require_header, parse::boolean(text)),
    )
    .kind(ValueType::Boolean),
    Setting::new(
        "tenant.name",
        "NAME",
        DefaultValue::Derived("the host of `public_url`; `Portcullis` in development mode", |builder| {
            let host = builder.config.public_url.as_ref().map_or("Portcullis", PublicUrl::host);
            host.chars().take(parse::LONGEST_NAME).collect()
        }),
        "The name that mails and pages show, where the tenant sets none",
        |builder, text| put(&mut builder.config.branding.name, parse::display_name(text)),
    ),
    Setting::new(
        "tenant.logo_url",
        "URL",
        DefaultValue::Unset("none: the name"),
        "The logo that pages show, where the tenant sets none: https, or http on a loopback host",
        |builder, text| put(&mut builder.config.branding.logo_url, parse::web_page(text).map(Some)),
    ),
    Setting::new(
        "tenant.home_url",
        "URL",
        DefaultValue::Unset("none: no link"),
        "Where the pages behind links in mails link to, where the tenant sets nothing else: https, or http on a loopback \
         host",
        |builder, text| put(&mut builder.config.branding.home_url, parse::web_page(text).map(Some)),
    ),
    Setting::new(
        "otp",
        "on|off|forced",
        DefaultValue::Fixed("on"),
        "Whether a sign-in under `device` has a second step, a code by mail; with `forced`, no strategy without one is offered",
        |builder, text| put(&mut builder.config.sign_in.otp, second_step(text)),
    ),
    Setting::new(
        "lockout.after",
        "NUMBER",
        DefaultValue::Fixed("5"),
        "How many wrong passwords in a row lock an account, up to 100",
        |builder, text| put(&mut builder.config.sign_in.lockout.after, parse::number(text, LOCKOUT)),
    )
    .kind(ValueType::Integer),
    Setting::new(
        "lockout.for",
        "DURATION",
        DefaultValue::Fixed("15m"),
        "How long an account is locked, from 1s to 24h",
        |builder, text| put(&mut builder.config.sign_in.lockout.lasts, locked_for(text)),
    ),
    Setting::new(
        "session_cap",
        "NUMBER",
        DefaultValue::Fixed("0"),
        "The most sessions that a user may have, up to 10000: the oldest end. 0 is any number",
        |builder, text| put(&mut builder.config.sign_in.session_cap, parse::number(text, CAP)),
    )
    .kind(ValueType::Integer),
    Setting::new(
        "hide_existence",
        "BOOLEAN",
        DefaultValue::Fixed("false"),
        "Whether a sign-up does not tell that an address has an account; its owner is mailed instead",
        |builder, text| put(&mut builder.config.sign_in.hide_existence, parse::boolean(text)),
    )
    .kind(ValueType::Boolean),
    Setting::new(
        "password.shortest",
        "NUMBER",
        DefaultValue::Derived("8 in development mode and with `otp` `forced`, else 15", |builder| {
            let is_short = builder.config.is_development() || builder.config.sign_in.otp == SecondStep::Forced;
            if is_short { "8".to_owned() } else { "15".to_owned() }
        }),
        "The least characters of a new password, up to 64; where a tenant forces the second step, 8 are enough",
        |builder, text| put(&mut builder.config.password.shortest, shortest_password(text)),
    )
    .kind(ValueType::Integer),
    Setting::new(
        "hashing.threads",
        "NUMBER",
        DefaultValue::Unset("one for each processor"),
        "How many passwords are hashed at a time",
        |builder, text| put(&mut builder.config.hashing.threads, parse::number(text, 1..=256).map(Some)),
    )
    .kind(ValueType::Integer),
    Setting::new(
        "hashing.queue",
        "NUMBER",
        DefaultValue::Unset("6 for each thread"),
        "How many passwords may wait to be hashed; further ones are 503",
        |builder, text| put(&mut builder.config.hashing.queue, parse::number(text, 1..=100_000).map(Some)),
    )
    .kind(ValueType::Integer),
];
