//! What cannot hold together.

use portcullis_core::machine::SystemRandom;
use portcullis_core::password::PasswordPolicy;

use super::*;

#[test]
fn a_lifetime_within_another_is_not_longer_than_it() {
    for (file, told) in [
        (
            "session.idle = \"31d\"",
            "strategies.session.idle (31d) is longer than strategies.session.max (30d)",
        ),
        ("session.max = \"1h\"", "strategies.session.idle (24h) is longer than strategies.session.max (1h)"),
        (
            "refresh.access = \"8d\"",
            "strategies.refresh.access (8d) is longer than strategies.refresh.refresh (7d)",
        ),
        (
            "denylist.refresh = \"31d\"",
            "strategies.denylist.refresh (31d) is longer than strategies.denylist.max (30d)",
        ),
        (
            "denylist.max = \"1d\"",
            "strategies.denylist.refresh (7d) is longer than strategies.denylist.max (1d)",
        ),
        (
            "device.access = \"8d\"",
            "strategies.device.access (8d) is longer than strategies.device.refresh (7d)",
        ),
    ] {
        let faults = operator().file(&format!("[strategies]\n{file}")).faults();
        assert!(
            faults.len() == 1 && faults[0].starts_with("p.toml:2: ") && faults[0].ends_with(told),
            "{faults:?}"
        );
    }
}

#[test]
fn the_common_lifetimes_nest_and_are_told_once() {
    let faults =
        operator().variable("JWT_EXPIRES_IN", "8d").variable("JWT_REFRESH_EXPIRES_IN", "7 days").faults();
    assert_eq!(
        faults,
        ["variable JWT_EXPIRES_IN: jwt_expires_in (8d) is longer than jwt_refresh_expires_in (7 days)"]
    );
}

#[test]
fn one_secret_does_not_sign_tokens_and_cookies() {
    let faults = operator()
        .variable("JWT_SECRET", SECRET)
        .file(&format!("leeway = \"1s\"\nsession_secret = \"{SECRET}\""))
        .faults();
    assert!(
        faults.len() == 1
            && faults[0].starts_with("p.toml:2: session_secret: ")
            && faults[0].contains("the same"),
        "{faults:?}"
    );
}

// ASVS-map: JW10, AU3
#[test]
fn a_secret_that_can_be_guessed_is_told_where_it_is_stated_and_once() {
    let short = operator().variable("SESSION_SECRET", "secret").variable("JWT_SECRET", "secret").faults();
    assert!(
        short.len() == 2
            && short[0].starts_with("variable JWT_SECRET: JWT_SECRET has 6 bytes")
            && short[1].ends_with("from any one cookie. Make a new one with `openssl rand -base64 48` and give it to every service that shares it")
            && short[1].starts_with("variable SESSION_SECRET: SESSION_SECRET has 6 bytes"),
        "{short:?}"
    );
    for known in ["change-me-change-me-change-me-change-me", "your-256-bit-secret-your-256-bit-secret"] {
        let stating = || operator().file(&format!("session_secret = \"{known}\""));
        let faults = stating().in_production().faults();
        assert!(faults.len() == 1 && faults[0].starts_with("p.toml:1: session_secret: "), "{faults:?}");
        let warnings: Vec<String> = stating().config().report().warnings().collect();
        assert_eq!(warnings, faults, "in development mode it is a warning");
    }
    let overridden =
        operator().file("jwt_secret = \"secret\"").variable("PORTCULLIS_JWT_SECRET", SECRET).faults();
    assert!(overridden.len() == 1 && overridden[0].starts_with("p.toml:1: jwt_secret: "), "{overridden:?}");
}

#[test]
fn clocks_differ_by_a_minute_at_most() {
    let leeway = |text: &str| operator().variable("PORTCULLIS_LEEWAY", text);
    assert_eq!(leeway("60s").config().leeway, Duration::from_mins(1));
    assert_eq!(leeway("61s").faults(), ["variable PORTCULLIS_LEEWAY: \"61s\" is not between 0s and 60s"]);
}

#[test]
fn an_address_that_others_reach_is_refused_until_everything_is_stated_and_one_line_says_what() {
    let url = "public_url (PORTCULLIS_PUBLIC_URL=https://auth.example.com)";
    let mail = "mail.transport (PORTCULLIS_MAIL_TRANSPORT=smtp://mail.example.com:587) with mail.from \
                (PORTCULLIS_MAIL_FROM=no-reply@example.com)";
    let key =
        "master_key_file (PORTCULLIS_MASTER_KEY_FILE=master.key; `portcullis config init` makes it once)";
    let reached = "can be reached from other machines; these settings are missing";
    for address in ["0.0.0.0:3000", "[::]:3000", "192.168.0.1:3000", "localhost:3000, 10.0.0.1:1"] {
        let open = operator().flag("listen", address);
        assert_eq!(open.faults(), [format!("flag --listen: {address} {reached}: {url}, {mail}, {key}")]);
        let without_key = open
            .variable("PORTCULLIS_PUBLIC_URL", "https://auth.example.com")
            .variable("PORTCULLIS_MAIL_TRANSPORT", "outbox");
        assert_eq!(without_key.faults(), [format!("flag --listen: {address} {reached}: {key}")]);
        assert!(without_key.variable("PORTCULLIS_MASTER_KEY_FILE", "key").read().is_ok(), "{address}");
    }
    let keyed =
        operator().variable("PORTCULLIS_MASTER_KEY", KEY).variable("PORTCULLIS_METRICS_LISTEN", "0.0.0.0:9");
    assert_eq!(
        keyed.faults(),
        [format!("variable PORTCULLIS_METRICS_LISTEN: 0.0.0.0:9 {reached}: {url}, {mail}")]
    );
}

#[test]
fn a_public_url_needs_a_way_for_mail_and_a_master_key() {
    for url in ["https://auth.example.com", "http://localhost:3000"] {
        let public = operator().variable("PORTCULLIS_PUBLIC_URL", url);
        let expected = "variable PORTCULLIS_PUBLIC_URL: a public URL needs more settings; missing: mail.transport \
                        (PORTCULLIS_MAIL_TRANSPORT=smtp://mail.example.com:587) with mail.from \
                        (PORTCULLIS_MAIL_FROM=no-reply@example.com), master_key_file \
                        (PORTCULLIS_MASTER_KEY_FILE=master.key; `portcullis config init` makes it once)";
        assert_eq!(public.faults(), [expected]);
        let public = public.variable("PORTCULLIS_MAIL_TRANSPORT", "outbox");
        assert!(public.variable("PORTCULLIS_MASTER_KEY", KEY).read().is_ok());
    }
}

#[test]
fn a_public_url_that_is_wrong_is_the_only_fault_that_follows_from_it() {
    let faults =
        operator().flag("listen", "0.0.0.0:1").variable("PORTCULLIS_PUBLIC_URL", "http://a.example").faults();
    assert!(faults.len() == 1 && faults[0].contains("must be https"), "{faults:?}");
}

#[test]
fn a_master_key_comes_from_one_place() {
    let file = |path| operator().variable("PORTCULLIS_MASTER_KEY_FILE", path);
    let sealed = file("key").config().master_key.unwrap().seal(&[b"here"], b"x", &SystemRandom).unwrap();
    let stated = operator().in_production().config().master_key.unwrap();
    assert_eq!(stated.open(&[b"here"], &sealed).unwrap().as_slice(), b"x");
    let variable = "variable PORTCULLIS_MASTER_KEY_FILE:";
    assert_eq!(file("none").faults(), [format!("{variable} cannot read \"none\": no such file")]);
    let short = file("short").faults();
    assert!(
        short.len() == 1
            && short[0].starts_with(&format!("{variable} \"short\": a master key is 32 random bytes")),
        "{short:?}"
    );
    assert_eq!(
        file("key").variable("PORTCULLIS_MASTER_KEY", KEY).faults(),
        [format!("{variable} master_key is stated, too (variable PORTCULLIS_MASTER_KEY); keep one of them")]
    );
}

// ASVS-map: CK1
#[test]
fn a_cookie_that_browsers_would_drop_is_refused() {
    for (in_production, file, told) in [
        (false, "same_site = \"none\"", "none needs an https public_url"),
        (false, "name = \"__Host-sid\"", "__Host-sid needs an https public_url"),
        (false, "name = \"__secure-sid\"", "__secure-sid needs an https public_url"),
        (false, "name = \"a b\"", "is not a cookie's name"),
        (true, "domain = \"example.com\"", "contradicts the cookie's name __Host-connect.sid"),
        (true, "domain = \"example.org\"\nname = \"sid\"", "does not cover auth.example.com"),
        (true, "domain = \"th.example.com\"\nname = \"sid\"", "does not cover auth.example.com"),
    ] {
        let operator = operator().file(&format!("[cookie]\n{file}"));
        let operator = if in_production { operator.in_production() } else { operator };
        let faults = operator.faults();
        assert!(faults.len() == 1 && faults[0].contains(told), "{file}: {faults:?}");
    }
    let config = operator()
        .in_production()
        .file("[cookie]\nname = \"__Secure-sid\"\ndomain = \"example.com\"\nsame_site = \"none\"")
        .config();
    assert_eq!(config.cookie.domain.as_deref(), Some("example.com"));
}

// ASVS-map: PW1
#[test]
fn in_production_the_shortest_password_has_15_characters() {
    let shortest = |n: &str| operator().variable("PORTCULLIS_PASSWORD_SHORTEST", n);
    assert!(shortest("8").read().is_ok() && shortest("15").in_production().read().is_ok());
    assert!(shortest("7").faults()[0].contains("from 8 to 64"));
    assert!(shortest("14").in_production().faults()[0].contains("must be 15 or more"));
}

// ASVS-map: PW1
#[test]
fn where_a_second_step_is_forced_8_characters_are_enough() {
    let forced = operator().in_production().variable("PORTCULLIS_OTP", "forced");
    let policy = crate::open::policy(&forced.config()).unwrap();
    assert_eq!(policy.password, PasswordPolicy::WITH_SECOND_STEP);
    assert!(forced.variable("PORTCULLIS_PASSWORD_SHORTEST", "12").read().is_ok());
}

#[test]
fn a_forced_second_step_needs_a_strategy_that_has_one() {
    let faults = operator().file("otp = \"forced\"\n[strategies]\nenabled = [\"jwt\"]").faults();
    assert_eq!(
        faults,
        ["p.toml:1: otp: forced needs device in strategies.enabled: no other strategy has a second step"]
    );
}

// ASVS-map: AU4
#[test]
fn a_password_alone_beside_a_second_step_is_a_warning_and_in_production_not_the_default() {
    let preset = operator().in_production().config();
    assert_eq!(preset.offered(), [StrategyName::Device]);
    assert_eq!(preset.report().warnings().count(), 0);
    let stating = |file: &str| operator().in_production().file(file).config();
    let both = stating("[strategies]\nenabled = [\"session\", \"device\", \"jwt\"]");
    let warnings: Vec<String> = both.report().warnings().collect();
    let start = "p.toml:2: strategies.enabled: session, jwt beside device: a password alone signs in there";
    assert!(warnings.len() == 1 && warnings[0].starts_with(start), "{warnings:?}");
    for without in ["otp = \"off\"\n", "otp = \"forced\"\n"] {
        let config = stating(&format!("{without}[strategies]\nenabled = [\"jwt\", \"device\"]"));
        assert_eq!(config.report().warnings().count(), 0, "{without}");
    }
    let forced = stating("otp = \"forced\"\n[strategies]\nenabled = [\"jwt\", \"device\"]");
    assert_eq!(forced.offered(), [StrategyName::Device]);
    assert_eq!(operator().config().offered(), StrategyName::ALL);
    assert_eq!(operator().config().report().warnings().count(), 0);
}

#[test]
fn an_address_and_every_address_are_not_had_together() {
    for listen in ["127.0.0.1:1, 0.0.0.0:1", "[::]:1, 127.0.0.1:1", "[::1]:1, [::]:1", "0.0.0.0:1, [::]:1"] {
        let faults = operator().in_production().flag("listen", listen).faults();
        assert!(faults.len() == 1 && faults[0].contains("cannot be had beside"), "{listen}: {faults:?}");
    }
    let mapped = operator().flag("listen", "127.0.0.1:1, [::ffff:127.0.0.1]:1").faults();
    assert_eq!(mapped.len(), 1, "{mapped:?}");
    for listen in ["127.0.0.1:1, 0.0.0.0:2", "[::1]:1, 0.0.0.0:1", "0.0.0.0:0, [::]:0"] {
        assert!(operator().in_production().flag("listen", listen).read().is_ok(), "{listen}");
    }
}

#[test]
fn metrics_have_an_address_of_their_own() {
    let metrics =
        operator().flag("listen", "127.0.0.1:1").variable("PORTCULLIS_METRICS_LISTEN", "127.0.0.1:1");
    assert_eq!(
        metrics.faults(),
        ["variable PORTCULLIS_METRICS_LISTEN: 127.0.0.1:1 is already an address of listen"]
    );
    let any = operator().flag("listen", "127.0.0.1:0").variable("PORTCULLIS_METRICS_LISTEN", "127.0.0.1:0");
    assert!(any.read().is_ok());
}
