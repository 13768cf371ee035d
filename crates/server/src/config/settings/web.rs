//! Settings of what browsers and people meet: cookies, origins, tenants, passwords.

use super::super::parse::{self, SameSite};
use super::{Kind, Preset, Setting, put};

const SAME_SITE: [(&str, SameSite); 3] =
    [("lax", SameSite::Lax), ("strict", SameSite::Strict), ("none", SameSite::None)];

pub(super) const BROWSERS: &[Setting] = &[
    Setting::new(
        "cookie.name",
        "NAME",
        Preset::Derived("`__Host-connect.sid` on an https public URL, else `connect.sid`", |draft| {
            if draft.config.is_https() { "__Host-connect.sid".to_owned() } else { "connect.sid".to_owned() }
        }),
        "The name of the session cookie",
        |draft, text| put(&mut draft.config.cookie.name, parse::cookie_name(text)),
    ),
    Setting::new(
        "cookie.same_site",
        "lax|strict|none",
        Preset::Is("lax"),
        "When browsers send the session cookie with requests that come from other sites; `none` needs https",
        |draft, text| put(&mut draft.config.cookie.same_site, parse::choice(text, &SAME_SITE)),
    ),
    Setting::new(
        "cookie.domain",
        "DOMAIN",
        Preset::Unset("none: the host alone"),
        "Sends the session cookie to every host of a domain. A name that begins with `__Host-` forbids it",
        |draft, text| put(&mut draft.config.cookie.domain, parse::cookie_domain(text).map(Some)),
    ),
    Setting::new(
        "cors.origins",
        "ORIGINS",
        Preset::Unset("none; in development mode every port of localhost, too"),
        "The origins whose pages may call the server with credentials, each exactly",
        |draft, text| put(&mut draft.config.cors.origins, parse::list(text, parse::web_origin)),
    )
    .kind(Kind::List),
];

pub(super) const PEOPLE: &[Setting] = &[
    Setting::new(
        "tenants.require_header",
        "BOOLEAN",
        Preset::Is("false"),
        "Whether every request must name its tenant in `x-tenant-id`; else one that does not means `default`",
        |draft, text| put(&mut draft.config.tenants.require_header, parse::boolean(text)),
    )
    .kind(Kind::Boolean),
    Setting::new(
        "password.shortest",
        "NUMBER",
        Preset::Derived("8 in development mode, else 15", |draft| {
            if draft.config.is_development() { "8".to_owned() } else { "15".to_owned() }
        }),
        "The least characters of a new password, up to 64; where a tenant forces the second step, 8 are enough",
        |draft, text| put(&mut draft.config.password.shortest, parse::number(text, 8..=64)),
    )
    .kind(Kind::Integer),
    Setting::new(
        "hashing.threads",
        "NUMBER",
        Preset::Unset("one for each processor"),
        "How many passwords are hashed at a time",
        |draft, text| put(&mut draft.config.hashing.threads, parse::number(text, 1..=256).map(Some)),
    )
    .kind(Kind::Integer),
    Setting::new(
        "hashing.queue",
        "NUMBER",
        Preset::Unset("6 for each thread"),
        "How many passwords may wait to be hashed; further ones are 503",
        |draft, text| put(&mut draft.config.hashing.queue, parse::number(text, 1..=100_000).map(Some)),
    )
    .kind(Kind::Integer),
];
