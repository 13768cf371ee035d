//! Settings of cookies, origins, tenants, sign-in and passwords.

use std::ops::RangeInclusive;
use std::time::Duration;

use portcullis_axum::SameSite;
use portcullis_core::tenant::SecondStep;

use super::super::parse::{self, Parsed, PublicUrl};
use super::{DefaultValue, Setting, ValueType, put};

const SAME_SITE: [(&str, SameSite); 3] =
    [("lax", SameSite::Lax), ("strict", SameSite::Strict), ("none", SameSite::None)];

/// Allowed values of `lockout.after`.
pub(in super::super) const LOCKOUT: RangeInclusive<u32> = 1..=100;

/// Allowed values of `session_cap`.
pub(in super::super) const CAP: RangeInclusive<u32> = 0..=10_000;

/// Parses `otp`.
pub(in super::super) fn second_step(text: &str) -> Parsed<SecondStep> {
    parse::choice(text, &SecondStep::ALL.map(|step| (step.as_str(), step)))
}

/// Parses `lockout.for`.
pub(in super::super) fn locked_for(text: &str) -> Parsed<Duration> {
    parse::duration(text, "1s", "24h")
}

/// Parses `password.shortest`.
pub(in super::super) fn shortest_password(text: &str) -> Parsed<usize> {
    parse::number(text, 8..=64)
}

pub(super) const BROWSERS: &[Setting] = &[
    Setting::new(
        "cookie.name",
        "NAME",
        DefaultValue::Derived(
            "`__Host-connect.sid` on an https public URL, otherwise `connect.sid`",
            |builder| {
                if builder.config.is_https() {
                    "__Host-connect.sid".to_owned()
                } else {
                    "connect.sid".to_owned()
                }
            },
        ),
        "Name of the session cookie",
        |builder, text| put(&mut builder.config.cookie.name, parse::cookie_name(text)),
    ),
    Setting::new(
        "cookie.same_site",
        "lax|strict|none",
        DefaultValue::Fixed("lax"),
        "`SameSite` attribute of the session cookie; `none` needs https",
        |builder, text| put(&mut builder.config.cookie.same_site, parse::choice(text, &SAME_SITE)),
    ),
    Setting::new(
        "cookie.domain",
        "DOMAIN",
        DefaultValue::Unset("none: this host alone"),
        "`Domain` attribute of the session cookie. A cookie whose name begins with `__Host-` cannot have one",
        |builder, text| put(&mut builder.config.cookie.domain, parse::cookie_domain(text).map(Some)),
    ),
    Setting::new(
        "cors.origins",
        "ORIGINS",
        DefaultValue::Unset("none; in development mode also every port of localhost"),
        "Origins whose pages may call the server with credentials, each exactly as browsers send it",
        |builder, text| put(&mut builder.config.cors.origins, parse::list(text, parse::web_origin)),
    )
    .kind(ValueType::List),
];

pub(super) const PEOPLE: &[Setting] = &[
    Setting::new(
        "tenants.require_header",
        "BOOLEAN",
        DefaultValue::Fixed("false"),
        "Whether every request must name its tenant in `x-tenant-id`; otherwise the tenant `default` is meant",
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
        "Whether a sign-in under `device` needs a code by mail as its second step; `forced` offers no strategy without one",
        |builder, text| put(&mut builder.config.sign_in.otp, second_step(text)),
    ),
    Setting::new(
        "lockout.after",
        "NUMBER",
        DefaultValue::Fixed("5"),
        "Wrong passwords in a row that lock an account, from 1 to 100",
        |builder, text| put(&mut builder.config.sign_in.lockout.after, parse::number(text, LOCKOUT)),
    )
    .kind(ValueType::Integer),
    Setting::new(
        "lockout.for",
        "DURATION",
        DefaultValue::Fixed("15m"),
        "Time for which an account stays locked, from 1s to 24h",
        |builder, text| put(&mut builder.config.sign_in.lockout.lasts, locked_for(text)),
    ),
    Setting::new(
        "session_cap",
        "NUMBER",
        DefaultValue::Fixed("0"),
        "Most sessions of a user, up to 10000: a further sign-in ends the oldest. 0 is no limit",
        |builder, text| put(&mut builder.config.sign_in.session_cap, parse::number(text, CAP)),
    )
    .kind(ValueType::Integer),
    Setting::new(
        "hide_existence",
        "BOOLEAN",
        DefaultValue::Fixed("false"),
        "Whether a sign-up hides that an address already has an account; its owner gets a mail instead",
        |builder, text| put(&mut builder.config.sign_in.hide_existence, parse::boolean(text)),
    )
    .kind(ValueType::Boolean),
    Setting::new(
        "password.shortest",
        "NUMBER",
        DefaultValue::Derived("8 in development mode and with `otp` `forced`, otherwise 15", |builder| {
            let is_short = builder.config.is_development() || builder.config.sign_in.otp == SecondStep::Forced;
            if is_short { "8".to_owned() } else { "15".to_owned() }
        }),
        "Minimum length of a new password in characters, from 8 to 64; 8 is enough where a tenant forces the second step",
        |builder, text| put(&mut builder.config.password.shortest, shortest_password(text)),
    )
    .kind(ValueType::Integer),
    Setting::new(
        "hashing.threads",
        "NUMBER",
        DefaultValue::Unset("one per processor"),
        "Threads that hash passwords",
        |builder, text| put(&mut builder.config.hashing.threads, parse::number(text, 1..=256).map(Some)),
    )
    .kind(ValueType::Integer),
    Setting::new(
        "hashing.queue",
        "NUMBER",
        DefaultValue::Unset("6 per thread"),
        "Passwords that may wait to be hashed; more are answered 503",
        |builder, text| put(&mut builder.config.hashing.queue, parse::number(text, 1..=100_000).map(Some)),
    )
    .kind(ValueType::Integer),
];
