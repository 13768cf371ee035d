//! A tenant's settings as text.

use std::collections::BTreeMap;

use portcullis_core::password::PasswordPolicy;

use super::*;
use crate::config::{Config, Flags};

fn decided(texts: &[&str]) -> TenantSettings {
    texts
        .iter()
        .fold(TenantSettings::default(), |settings, text| Assignment::parse(text).unwrap().over(settings))
}

const ALL: [&str; 31] = [
    "strategies=jwt,device",
    "otp=forced",
    "lockout.after=7",
    "lockout.for=1h",
    "password.shortest=16",
    "session_cap=5",
    "client_id=acme web",
    "hide_existence=true",
    "mail.from=Acme <hello@acme.example>",
    "mail.language=pt-br",
    "reset_url=https://acme.example/choose?x=1",
    "tenant.name=Acme & Söhne",
    "tenant.logo_url=https://cdn.acme.example/logo.svg",
    "tenant.home_url=https://acme.example",
    "jwt.access=61s",
    "session.idle=2h",
    "session.max=3d",
    "hybrid.access=4m",
    "refresh.access=5m",
    "refresh.refresh=6h",
    "refresh.max=7d",
    "refresh.grace=8s",
    "denylist.access=9m",
    "denylist.refresh=10h",
    "denylist.max=11d",
    "denylist.grace=12s",
    "session-jwt.access=13h",
    "device.access=14m",
    "device.refresh=15h",
    "device.max=16d",
    "device.grace=0s",
];

#[test]
fn every_key_is_shown_as_it_was_stated_and_can_be_taken_back() {
    let settings = decided(&ALL);
    let shown: Vec<String> =
        TENANT_SETTINGS.iter().map(|key| format!("{}={}", key.name, key.shown(&settings).unwrap())).collect();
    assert_eq!(shown, ALL);
    let back: Vec<String> = TENANT_SETTINGS.iter().map(|key| format!("{}=", key.name)).collect();
    let back = back.iter().fold(settings, |settings, text| Assignment::parse(text).unwrap().over(settings));
    assert_eq!(back, TenantSettings::default());
}

#[test]
fn one_decision_leaves_the_others_alone() {
    let settings = decided(&["device.access=5m", "device.grace=1s", "otp=off", "device.access="]);
    let shown: Vec<_> =
        TENANT_SETTINGS.iter().filter_map(|key| Some((key.name.as_str(), key.shown(&settings)?))).collect();
    assert_eq!(shown, [("otp", "off".to_owned()), ("device.grace", "1s".to_owned())]);
}

#[test]
fn what_makes_no_sense_is_refused_with_its_key() {
    for (text, told) in [
        ("otp", "\"otp\" is not KEY=VALUE; KEY= unsets a setting"),
        ("opt=on", "\"opt\" is not a setting of a tenant; did you mean otp?"),
        ("sessions.cap=5", "\"sessions.cap\" is not a setting of a tenant; did you mean session_cap?"),
        ("jwt.grace=5s", "\"jwt.grace\" is not a setting of a tenant"),
        ("otp=maybe", "otp: \"maybe\" is not one of on, new_devices, off, forced"),
        ("lockout.after=0", "lockout.after: \"0\" is not a whole number from 1 to 100"),
        ("lockout.for=15", "lockout.for: \"15\" is not a duration: write 500ms, 15m, 7d or 1h30m"),
        ("device.grace=11m", "device.grace: \"11m\" is not between 0s and 10m"),
        ("strategies=jtw", "did you mean jwt?"),
        ("hide_existence=yes", "hide_existence: \"yes\" is not one of true, false"),
        ("client_id= ", "client_id: \" \": a client_id is 1 to 64 printable ASCII"),
        ("client_id=söhne", "client_id: \"söhne\": a client_id is 1 to 64 printable ASCII"),
        ("mail.from=acme", "mail.from: \"acme\" is not a mailbox: write"),
        ("reset_url=http://acme.example", "must be https"),
        ("reset_url=https://me:hunter2@acme.example", "reset_url: holds a user name or password"),
        ("reset_url=javascript:alert(1)", "reset_url: is not a URL"),
        ("tenant.home_url=javascript:alert(1)", "tenant.home_url: is not a URL"),
        ("tenant.home_url=http://acme.example", "must be https"),
        ("tenant.logo_url=data:image/png;base64,AAAA", "tenant.logo_url: is not a URL"),
        ("tenant.logo_url=ftp://acme.example/logo.png", "must be https"),
        ("tenant.name=Acme\u{202e}", "tenant.name: holds invisible characters"),
        ("tenant.name= ", "tenant.name: is empty"),
    ] {
        let fault = Assignment::parse(text).unwrap_err();
        assert!(fault.contains(told) && !fault.contains("hunter2"), "{text}: {fault}");
    }
    assert!(Assignment::parse("reset_url=http://localhost:5173/choose").is_ok());
}

#[test]
fn what_holds_is_shown_for_every_key_that_a_tenant_has() {
    let policy = TenantPolicy::with_passwords(PasswordPolicy::DEVELOPMENT);
    let config = Config::read(&Flags::default(), &BTreeMap::new(), &|_| Ok(String::new()));
    let own = decided(&["otp=forced"]);
    let all = effective(&own.applied_to(&policy).unwrap(), &own, &config.unwrap());
    let unset: Vec<&str> =
        TENANT_SETTINGS.iter().filter(|key| key.shown(&all).is_none()).map(|key| key.name.as_str()).collect();
    assert_eq!(unset, ["mail.from", "reset_url", "tenant.logo_url", "tenant.home_url"]);
    let shown =
        |name: &str| TENANT_SETTINGS.iter().find(|key| key.name == name).unwrap().shown(&all).unwrap();
    assert_eq!((shown("strategies"), shown("jwt.access")), ("device".to_owned(), "1h".to_owned()));
}
