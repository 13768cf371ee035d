//! The table of a tenant's settings.

use std::sync::LazyLock;
use std::time::Duration;

use portcullis_core::strategy::{Renewal, StrategyName};
use portcullis_core::tenant::StrategyLifetimes;

use super::super::parse;
use super::super::settings::lifetimes::{self, written};
use super::super::settings::web;
use super::super::strategies::LifetimeKind;
use super::TenantSetting;

/// Settings: key and name of the value, field, how its text is parsed, how its value is written, meaning.
macro_rules! settings {
    ($($name:literal: $value:literal, $field:ident, $read:expr, $show:expr, $help:literal;)+) => {
        vec![$(TenantSetting {
            name: $name.to_owned(),
            value: $value,
            help: $help.to_owned(),
            read: Box::new(|settings, text| {
                settings.$field = Some($read(text)?);
                Ok(())
            }),
            copy: Box::new(|from, to| to.$field.clone_from(&from.$field)),
            show: Box::new(|settings| settings.$field.as_ref().map($show)),
        }),+]
    };
}

/// All settings, in the order in which they are shown.
pub(crate) static TENANT_SETTINGS: LazyLock<Vec<TenantSetting>> = LazyLock::new(|| {
    let mut settings = own_settings();
    let names = StrategyName::ALL.into_iter();
    settings.extend(
        names.flat_map(|name| LifetimeKind::ALL.into_iter().filter_map(move |life| lifetime(name, life))),
    );
    settings
});

/// The settings that belong to no strategy.
fn own_settings() -> Vec<TenantSetting> {
    settings! {
        "strategies": "NAMES", strategies, |text| parse::list(text, lifetimes::name), |names| listed(names),
            "Strategies that the tenant offers, out of those of the installation";
        "otp": "on|new_devices|off|forced", otp, web::second_step, |step| step.as_str().to_owned(),
            "Second step of device, a code by mail; new_devices: a known device skips it; forced: no strategy without it";
        "lockout.after": "NUMBER", lock_after, |text| parse::number(text, web::LOCKOUT), u32::to_string,
            "Wrong passwords in a row that lock an account, from 1 to 100";
        "lockout.for": "DURATION", lock_for, web::locked_for, |span| written(*span),
            "Time for which an account stays locked, from 1s to 24h";
        "password.shortest": "NUMBER", shortest_password, web::shortest_password, usize::to_string,
            "Minimum length of a new password; 8 is enough if otp is forced";
        "session_cap": "NUMBER", session_cap, |text| parse::number(text, web::CAP), u32::to_string,
            "Most sessions of a user, a further one ends the oldest; 0 is no limit";
        "client_id": "NAME", client_id, parse::client_id, String::clone,
            "The claim client_id of access tokens";
        "hide_existence": "BOOLEAN", hide_existence, parse::boolean, bool::to_string,
            "Whether a sign-up hides that an address already has an account";
        "mail.from": "MAILBOX", sender, |text| parse::sender(text).map(|_| text.to_owned()), String::clone,
            "The sender of mails: Example <no-reply@example.com>";
        "mail.language": "LANGUAGE", language, parse::language, String::clone,
            "The language of mails and pages; English if there are no texts in it";
        "reset_url": "URL", reset_url, parse::web_page, String::clone,
            "Page for a new password: https, or http on a loopback host";
        "tenant.name": "NAME", name, parse::display_name, String::clone,
            "The name that mails and pages show";
        "tenant.logo_url": "URL", logo_url, parse::web_page, String::clone,
            "The logo that pages show: https, or http on a loopback host";
        "tenant.home_url": "URL", home_url, parse::web_page, String::clone,
            "Where pages link to: https, or http on a loopback host";
    }
}

fn listed(names: &[StrategyName]) -> String {
    names.iter().map(|name| name.as_str()).collect::<Vec<_>>().join(",")
}

/// The setting of a lifetime; `None` if the strategy has no such lifetime.
fn lifetime(name: StrategyName, life: LifetimeKind) -> Option<TenantSetting> {
    place(life, name, &mut StrategyLifetimes::default())?;
    let read = if life == LifetimeKind::Grace { lifetimes::grace } else { lifetimes::lifetime };
    Some(TenantSetting {
        name: format!("{name}.{}", life.as_str()),
        value: "DURATION",
        help: life.meaning(name),
        read: Box::new(move |settings, text| {
            let span = read(text)?;
            if let Some(place) = place(life, name, settings.lifetimes.entry(name).or_default()) {
                *place = Some(span);
            }
            Ok(())
        }),
        copy: Box::new(move |from, to| {
            let mut stated = from.lifetimes.get(&name).copied().unwrap_or_default();
            let span = place(life, name, &mut stated).and_then(|span| *span);
            let of_strategy = to.lifetimes.entry(name).or_default();
            if let Some(place) = place(life, name, of_strategy) {
                *place = span;
            }
            to.lifetimes.retain(|_, lifetimes| *lifetimes != StrategyLifetimes::default());
        }),
        show: Box::new(move |settings| {
            let mut of_strategy = *settings.lifetimes.get(&name)?;
            place(life, name, &mut of_strategy).and_then(|span| *span).map(written)
        }),
    })
}

/// The field of a lifetime; `None` if the strategy has no such lifetime.
fn place(
    life: LifetimeKind,
    name: StrategyName,
    lifetimes: &mut StrategyLifetimes,
) -> Option<&mut Option<Duration>> {
    match (life, name.strategy().renewal()) {
        (LifetimeKind::Access, Renewal::Fixed { .. }) => Some(&mut lifetimes.lifetime),
        (LifetimeKind::Access, Renewal::Rotating { .. }) => Some(&mut lifetimes.access),
        (LifetimeKind::Idle, Renewal::Sliding { .. }) => Some(&mut lifetimes.idle),
        (LifetimeKind::Refresh, Renewal::Rotating { .. }) => Some(&mut lifetimes.refresh),
        (LifetimeKind::Max, Renewal::Sliding { .. } | Renewal::Rotating { .. }) => Some(&mut lifetimes.max),
        (LifetimeKind::Grace, Renewal::Rotating { .. }) => Some(&mut lifetimes.grace),
        _ => None,
    }
}
