//! Settings of cookies, origins, tenants, sign-in and passwords.

use std::ops::RangeInclusive;
use std::time::Duration;

use http::HeaderName;
use portcullis_axum::SameSite;
use portcullis_core::tenant::SecondStep;

use super::super::builder::ConfigBuilder;
use super::super::parse::{
    LONGEST_NAME, Parsed, PublicUrl, boolean, choice, cookie_domain, cookie_name, display_name, duration,
    list, number, web_origin, web_page,
};
use super::DefaultValue::{Derived, Fixed, Unset};
use super::Setting;

const SAME_SITE: [(&str, SameSite); 3] =
    [("lax", SameSite::Lax), ("strict", SameSite::Strict), ("none", SameSite::None)];

/// Allowed values of `lockout.after`.
pub(in super::super) const LOCKOUT: RangeInclusive<u32> = 1..=100;

/// Allowed values of `session_cap`.
pub(in super::super) const CAP: RangeInclusive<u32> = 0..=10_000;

/// Parses `otp`.
pub(in super::super) fn second_step(text: &str) -> Parsed<SecondStep> {
    choice(text, &SecondStep::ALL.map(|step| (step.as_str(), step)))
}

/// Parses `lockout.for`.
pub(in super::super) fn locked_for(text: &str) -> Parsed<Duration> {
    duration(text, "1s", "24h")
}

/// Parses `password.shortest`.
pub(in super::super) fn shortest_password(text: &str) -> Parsed<usize> {
    number(text, 8..=64)
}

fn name_of_cookie(builder: &ConfigBuilder) -> String {
    if builder.config.is_https() { "__Host-connect.sid".to_owned() } else { "connect.sid".to_owned() }
}

/// Parses the name of a request header.
fn header_name(text: &str) -> Parsed<HeaderName> {
    text.parse().map_err(|_| format!("{text:?} is not the name of a header"))
}

pub(super) const BROWSERS: &[Setting] = &[
    setting!("cookie.name": Text("NAME"),
        Derived("`__Host-connect.sid` on an https public URL, otherwise `connect.sid`", name_of_cookie),
        config.cookie.name = cookie_name,
        "Name of the session cookie"),
    setting!("cookie.same_site": Text("lax|strict|none"), Fixed("lax"),
        config.cookie.same_site = choice(&SAME_SITE),
        "`SameSite` attribute of the session cookie; `none` needs https"),
    setting!("cookie.domain" [example("example.com")]: Text("DOMAIN"), Unset("none: this host alone"),
        config.cookie.domain = Some(cookie_domain),
        "`Domain` attribute of the session cookie. A cookie whose name begins with `__Host-` cannot have one"),
    setting!("cors.origins" [example("https://app.example.com")]: List("ORIGINS"), Unset("none; in development mode also every port of localhost"),
        config.cors.origins = list(web_origin),
        "Origins whose pages may call the server with credentials, each exactly as browsers send it"),
    setting!("cors.headers" [example("x-example")]: List("NAMES"), Unset("none"),
        config.cors.headers = list(header_name),
        "Further request headers that pages of these origins may send. Always allowed are `authorization`, \
         `content-type`, `x-tenant-id`, `traceparent`, `tracestate`, `baggage` and `sentry-trace`"),
];

fn name_of_host(builder: &ConfigBuilder) -> String {
    let host = builder.config.public_url.as_ref().map_or("Portcullis", PublicUrl::host);
    host.chars().take(LONGEST_NAME).collect()
}

fn least_password(builder: &ConfigBuilder) -> String {
    let is_short = builder.config.is_development() || builder.config.sign_in.otp == SecondStep::Forced;
    if is_short { "8".to_owned() } else { "15".to_owned() }
}

pub(super) const PEOPLE: &[Setting] = &[
    setting!("tenants.require_header": Boolean("BOOLEAN"), Fixed("false"),
        config.tenants.require_header = boolean,
        "Whether every request must name its tenant in `x-tenant-id`; otherwise the tenant `default` is meant"),
    setting!("tenant.name": Text("NAME"),
        Derived("the host of `public_url`; `Portcullis` in development mode", name_of_host),
        config.branding.name = display_name,
        "The name that mails and pages show, where the tenant sets none"),
    setting!("tenant.logo_url" [example("https://app.example.com/logo.png")]: Text("URL"), Unset("none: the name"),
        config.branding.logo_url = Some(web_page),
        "The logo that pages show, where the tenant sets none: https, or http on a loopback host"),
    setting!("tenant.home_url" [example("https://app.example.com")]: Text("URL"), Unset("none: no link"),
        config.branding.home_url = Some(web_page),
        "Where the pages behind links in mails link to, where the tenant sets nothing else: https, or http on a \
         loopback host"),
    setting!("otp": Text("on|new_devices|off|forced"), Fixed("on"), config.sign_in.otp = second_step,
        "Whether a sign-in under `device` needs a code by mail as its second step; with `new_devices` a known device \
         skips it; `forced` offers no strategy \
         without one"),
    setting!("lockout.after": Integer("NUMBER"), Fixed("5"), config.sign_in.lockout.after = number(LOCKOUT),
        "Wrong passwords in a row that lock an account, from 1 to 100"),
    setting!("lockout.for": Text("DURATION"), Fixed("15m"), config.sign_in.lockout.lasts = locked_for,
        "Time for which an account stays locked, from 1s to 24h"),
    setting!("session_cap": Integer("NUMBER"), Fixed("0"), config.sign_in.session_cap = number(CAP),
        "Most sessions of a user, up to 10000: a further sign-in ends the oldest. 0 is no limit"),
    setting!("hide_existence": Boolean("BOOLEAN"), Fixed("false"), config.sign_in.hide_existence = boolean,
        "Whether a sign-up hides that an address already has an account; its owner gets a mail instead"),
    setting!("password.shortest": Integer("NUMBER"),
        Derived("8 in development mode and with `otp` `forced`, otherwise 15", least_password),
        config.password.shortest = shortest_password,
        "Minimum length of a new password in characters, from 8 to 64; 8 is enough where a tenant forces the second \
         step"),
    setting!("hashing.threads" [example("2")]: Integer("NUMBER"), Unset("one per processor"),
        config.hashing.threads = Some(number(1..=256)),
        "Threads that hash passwords"),
    setting!("hashing.max_wait": Text("DURATION"), Fixed("5s"), config.hashing.max_wait = duration("10ms", "10s"),
        "Longest time that a password may wait to be hashed, from 10ms to 10s, as estimated when it arrives; a \
         request that would wait longer is answered 503. Client addresses (IPv6: the /64) take turns"),
];
