//! What several settings must satisfy together.
//!
//! A rule runs only if every setting that it reads is valid; otherwise it would report consequences, not causes.

use std::time::Duration;

use portcullis_axum::SameSite;
use portcullis_core::strategy::StrategyName;
use portcullis_core::tenant::SecondStep;

use super::addresses::{addresses_apart, exposure, tcp_addresses};
use super::builder::ConfigBuilder;
use super::parse::{MailTransport, PublicUrl, SmtpSecurity};
use super::settings;
use super::strategies::LifetimeKind;
use portcullis_config::{ConfigFault, Origin};

struct Rule {
    /// The settings that it reads.
    reads: &'static [&'static str],
    /// Adds a fault if they contradict each other.
    check: fn(&ConfigBuilder, &mut Vec<ConfigFault>),
}

const RULES: [Rule; 17] = [
    Rule {
        reads: &["listen", "tcp.listen", "metrics.listen", "public_url", "mail.transport", "mail.from"],
        check: exposure,
    },
    Rule { reads: &["master_key", "master_key_file"], check: one_master_key },
    Rule { reads: &["listen", "metrics.listen", "tcp.listen"], check: addresses_apart },
    Rule { reads: &["tcp.tls.certificate", "tcp.tls.key", "tcp.tls.client_ca"], check: tls_complete },
    Rule { reads: &["tcp.listen", "tcp.trust_gateway", "tcp.tls.client_ca"], check: trusted_gateway },
    Rule { reads: &["public_url", "cookie.same_site"], check: same_site_none },
    Rule { reads: &["public_url", "cookie.name"], check: cookie_prefix },
    Rule { reads: &["public_url", "cookie.name", "cookie.domain"], check: cookie_domain },
    Rule { reads: &["public_url", "otp", "password.shortest"], check: shortest_password },
    Rule { reads: &["otp", "strategies.enabled"], check: second_step },
    Rule { reads: &["mail.password", "mail.password_file"], check: one_mail_password },
    Rule { reads: &["mail.username", "mail.password", "mail.password_file"], check: mail_login },
    Rule { reads: &["mail.transport", "mail.from"], check: mail_sender },
    Rule { reads: &["mail.transport", "mail.password", "mail.password_file"], check: mail_in_the_open },
    Rule { reads: &["jwt_expires_in", "jwt_refresh_expires_in"], check: lifetimes },
    Rule { reads: &["forward_auth.policies"], check: policies },
    Rule { reads: &["gateway.config", "handover"], check: gateway_stays },
];

/// Runs every rule.
pub(super) fn check(builder: &ConfigBuilder, faults: &mut Vec<ConfigFault>) {
    for rule in &RULES {
        if !rule.reads.iter().any(|key| builder.is_broken(key)) {
            (rule.check)(builder, faults);
        }
    }
}

/// The next process could not have the addresses of the gateway before this one has given them up.
fn gateway_stays(builder: &ConfigBuilder, faults: &mut Vec<ConfigFault>) {
    if builder.is_stated("gateway.config") && builder.is_stated("handover") {
        let message =
            "cannot be had beside handover: run the gateway as a process of its own, `portcullis gateway`";
        faults.push(builder.fault("gateway.config", message));
    }
}

fn one_master_key(builder: &ConfigBuilder, faults: &mut Vec<ConfigFault>) {
    one_of(builder, "master_key", "master_key_file", faults);
}

fn one_mail_password(builder: &ConfigBuilder, faults: &mut Vec<ConfigFault>) {
    one_of(builder, "mail.password", "mail.password_file", faults);
}

/// A secret is stated once: directly, or in a file.
fn one_of(builder: &ConfigBuilder, secret: &'static str, file: &'static str, faults: &mut Vec<ConfigFault>) {
    if builder.is_stated(secret) && builder.is_stated(file) {
        let other = builder.fault(secret, "").origin().to_string();
        faults.push(builder.fault(file, format!("{secret} is stated, too ({other}); keep one of them")));
    }
}

fn mail_login(builder: &ConfigBuilder, faults: &mut Vec<ConfigFault>) {
    let password = ["mail.password", "mail.password_file"].into_iter().find(|key| builder.is_stated(key));
    match (builder.is_stated("mail.username"), password) {
        (true, None) => faults.push(builder.fault("mail.username", "needs mail.password")),
        (false, Some(password)) => faults.push(builder.fault(password, "needs mail.username")),
        _ => {}
    }
}

fn mail_sender(builder: &ConfigBuilder, faults: &mut Vec<ConfigFault>) {
    let mail = &builder.config.mail;
    if matches!(mail.transport, MailTransport::Smtp(_)) && mail.from.is_none() {
        let message = "needs mail.from, the sender of mails: Example <no-reply@example.com>";
        faults.push(builder.fault("mail.transport", message));
    }
}

/// A thief on the network could read the password, and send mail in our name.
fn mail_in_the_open(builder: &ConfigBuilder, faults: &mut Vec<ConfigFault>) {
    let MailTransport::Smtp(server) = &builder.config.mail.transport else { return };
    let has_password = builder.is_stated("mail.password") || builder.is_stated("mail.password_file");
    if server.security == SmtpSecurity::None && has_password && !server.is_loopback() {
        let message =
            format!("would send mail.password to {} without encryption: leave tls=none out", server.host);
        faults.push(builder.fault("mail.transport", message));
    }
}

fn tls_complete(builder: &ConfigBuilder, faults: &mut Vec<ConfigFault>) {
    let [certificate, key, client_ca] =
        ["tcp.tls.certificate", "tcp.tls.key", "tcp.tls.client_ca"].map(|key| builder.is_stated(key));
    let missing = match (certificate, key) {
        (true, false) => Some(("tcp.tls.certificate", "tcp.tls.key")),
        (false, true) => Some(("tcp.tls.key", "tcp.tls.certificate")),
        (false, false) if client_ca => Some(("tcp.tls.client_ca", "tcp.tls.certificate and tcp.tls.key")),
        _ => None,
    };
    if let Some((stated, missing)) = missing {
        faults.push(builder.fault(stated, format!("needs {missing}")));
    }
}

/// A client that reaches the listener could act as any user.
fn trusted_gateway(builder: &ConfigBuilder, faults: &mut Vec<ConfigFault>) {
    let is_reached = tcp_addresses(builder).iter().any(|listen| !listen.is_loopback());
    if builder.config.tcp.trust_gateway && is_reached && !builder.is_stated("tcp.tls.client_ca") {
        let message = format!(
            "true needs tcp.tls.client_ca, or a tcp.listen that other machines cannot reach (a loopback address or \
             unix:/PATH), not {}",
            builder.text("tcp.listen")
        );
        faults.push(builder.fault("tcp.trust_gateway", message));
    }
}

fn same_site_none(builder: &ConfigBuilder, faults: &mut Vec<ConfigFault>) {
    if builder.config.cookie.same_site == SameSite::None && !builder.config.is_https() {
        faults.push(builder.fault(
            "cookie.same_site",
            "none needs an https public_url: otherwise browsers drop such a cookie",
        ));
    }
}

fn cookie_prefix(builder: &ConfigBuilder, faults: &mut Vec<ConfigFault>) {
    let name = builder.config.cookie.name.to_ascii_lowercase();
    let prefix = ["__host-", "__secure-"].iter().find(|prefix| name.starts_with(**prefix));
    if prefix.is_some() && !builder.config.is_https() {
        let message = format!(
            "{} needs an https public_url: otherwise browsers drop such a cookie",
            builder.config.cookie.name
        );
        faults.push(builder.fault("cookie.name", message));
    }
}

fn cookie_domain(builder: &ConfigBuilder, faults: &mut Vec<ConfigFault>) {
    let Some(domain) = &builder.config.cookie.domain else { return };
    let name = &builder.config.cookie.name;
    if name.to_ascii_lowercase().starts_with("__host-") {
        let message = format!(
            "contradicts the cookie's name {name}, which ties it to one host; configure cookie.name, too"
        );
        faults.push(builder.fault("cookie.domain", message));
    }
    let host = builder.config.public_url.as_ref().map(PublicUrl::host);
    if let Some(host) = host.filter(|host| *host != domain && !host.ends_with(&format!(".{domain}"))) {
        let message =
            format!("{domain} does not cover {host}, the host of public_url: browsers drop such a cookie");
        faults.push(builder.fault("cookie.domain", message));
    }
}

/// Fifteen characters where the password is the only step (NIST SP 800-63B-4, section 3.1.1.2).
fn shortest_password(builder: &ConfigBuilder, faults: &mut Vec<ConfigFault>) {
    let config = &builder.config;
    let is_alone = !config.is_development() && config.sign_in.otp != SecondStep::Forced;
    if is_alone && config.password.shortest < 15 {
        let message = "must be 15 or more with a public URL, unless otp is forced; tenants that force it have 8 already";
        faults.push(builder.fault("password.shortest", message));
    }
}

/// If a second step is forced, a strategy with one must be offered.
fn second_step(builder: &ConfigBuilder, faults: &mut Vec<ConfigFault>) {
    let config = &builder.config;
    let has_one = config.strategies.enabled.iter().any(|name| name.has_second_step());
    if config.sign_in.otp == SecondStep::Forced && !has_one {
        let message = "forced needs device in strategies.enabled: no other strategy has a second step";
        faults.push(builder.fault("otp", message));
    }
}

/// A browser that is sent to sign in must be allowed to return.
fn policies(builder: &ConfigBuilder, faults: &mut Vec<ConfigFault>) {
    for (name, message) in builder.config.forward_auth.incomplete() {
        let origin = builder.policies.get(name).cloned().unwrap_or(Origin::Default);
        faults.push(ConfigFault::new(origin, message).about("forward_auth.policies"));
    }
}

/// Pairs of lifetimes of one strategy: the first must not be longer than the second.
const NESTED: [(LifetimeKind, LifetimeKind); 3] = [
    (LifetimeKind::Idle, LifetimeKind::Max),
    (LifetimeKind::Access, LifetimeKind::Refresh),
    (LifetimeKind::Refresh, LifetimeKind::Max),
];

/// A lifetime and its setting.
type StatedLifetime = (&'static str, Duration);

fn lifetimes(builder: &ConfigBuilder, faults: &mut Vec<ConfigFault>) {
    if let Some((access, refresh)) = builder.jwt_expires_in.zip(builder.jwt_refresh_expires_in) {
        nests(builder, ("jwt_expires_in", access), ("jwt_refresh_expires_in", refresh), faults);
    }
    for name in StrategyName::ALL {
        for (within, around) in NESTED {
            if let Some((within, around)) = stating(builder, name, within).zip(stating(builder, name, around))
            {
                nests(builder, within, around, faults);
            }
        }
    }
}

fn stating(builder: &ConfigBuilder, name: StrategyName, lifetime: LifetimeKind) -> Option<StatedLifetime> {
    let setting = settings::find(&format!("strategies.{name}.{}", lifetime.as_str()))?;
    Some((setting.key, builder.config.strategies.lifetime(name, lifetime)?))
}

fn nests(
    builder: &ConfigBuilder,
    (within, least): StatedLifetime,
    (around, most): StatedLifetime,
    faults: &mut Vec<ConfigFault>,
) {
    // Defaults contradict each other only if the common lifetimes do, which is reported for those.
    let is_stated = builder.is_stated(within) || builder.is_stated(around);
    let is_broken = builder.is_broken(within) || builder.is_broken(around);
    if least > most && is_stated && !is_broken {
        let key = if builder.is_stated(within) { within } else { around };
        let (least, most) = (builder.text(within), builder.text(around));
        faults.push(builder.fault(key, format!("{within} ({least}) is longer than {around} ({most})")));
    }
}
