//! What several settings must satisfy together.
//!
//! A rule is asked only where everything that it reads is right by itself; else it would complain of what nobody meant.

use std::time::Duration;

use portcullis_core::strategy::StrategyName;
use portcullis_core::tenant::SecondStep;

use super::draft::Draft;
use super::fault::Fault;
use super::parse::{Listen, MailTransport, PublicUrl, SameSite, SmtpSecurity, TcpListen};
use super::settings;
use super::strategies::Lifetime;

struct Rule {
    /// The settings it looks at.
    reads: &'static [&'static str],
    /// What it objects to.
    check: fn(&Draft, &mut Vec<Fault>),
}

const RULES: [Rule; 16] = [
    Rule {
        reads: &["listen", "tcp.listen", "metrics.listen", "public_url", "mail.transport"],
        check: exposure,
    },
    Rule { reads: &["master_key", "master_key_file"], check: one_master_key },
    Rule { reads: &["listen", "metrics.listen"], check: metrics_of_their_own },
    Rule { reads: &["listen", "metrics.listen", "tcp.listen"], check: tcp_of_its_own },
    Rule { reads: &["tcp.tls.certificate", "tcp.tls.key", "tcp.tls.client_ca"], check: tls_whole },
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
];

/// Adds what the rules object to.
pub(super) fn check(draft: &Draft, faults: &mut Vec<Fault>) {
    for rule in &RULES {
        if !rule.reads.iter().any(|key| draft.is_broken(key)) {
            (rule.check)(draft, faults);
        }
    }
}

/// What a server must have before other machines may reach it. One row each.
struct Requirement {
    key: &'static str,
    /// A file or another setting that is as good.
    or: Option<&'static str>,
    example: &'static str,
}

const REQUIREMENTS: [Requirement; 3] = [
    Requirement { key: "public_url", or: None, example: "https://auth.example.com" },
    Requirement { key: "mail.transport", or: None, example: "smtp://mail.example.com:587" },
    Requirement { key: "master_key", or: Some("master_key_file"), example: "$(openssl rand -hex 32)" },
];

impl Requirement {
    fn is_missing(&self, draft: &Draft) -> bool {
        !draft.is_stated(self.key) && !self.or.is_some_and(|key| draft.is_stated(key))
    }

    fn line(&self) -> String {
        let variable = settings::find(self.key).map(settings::Setting::variable).unwrap_or_default();
        format!("{} ({variable}={})", self.key, self.example)
    }
}

/// An address that other machines reach, or a public URL, needs all that production needs.
fn exposure(draft: &Draft, faults: &mut Vec<Fault>) {
    let missing: Vec<String> =
        REQUIREMENTS.iter().filter(|row| row.is_missing(draft)).map(Requirement::line).collect();
    if missing.is_empty() {
        return;
    }
    let missing = missing.join(", ");
    let config = &draft.config;
    let metrics_exposed =
        config.metrics.listen.is_some_and(|address| !address.ip().to_canonical().is_loopback());
    let exposed = if config.listen.iter().any(|listen| !listen.is_loopback()) {
        Some("listen")
    } else if tcp_addresses(draft).iter().any(|listen| !listen.is_loopback()) {
        Some("tcp.listen")
    } else {
        metrics_exposed.then_some("metrics.listen")
    };
    if let Some(key) = exposed {
        let address = draft.text(key);
        let message =
            format!("{address} can be reached from other machines; state first what is missing: {missing}");
        faults.push(draft.fault(key, message));
    } else if draft.is_stated("public_url") {
        faults
            .push(draft.fault("public_url", format!("with a public URL more is needed; missing: {missing}")));
    }
}

fn one_master_key(draft: &Draft, faults: &mut Vec<Fault>) {
    one_of(draft, "master_key", "master_key_file", faults);
}

fn one_mail_password(draft: &Draft, faults: &mut Vec<Fault>) {
    one_of(draft, "mail.password", "mail.password_file", faults);
}

/// A secret comes from one place.
fn one_of(draft: &Draft, secret: &'static str, file: &'static str, faults: &mut Vec<Fault>) {
    if draft.is_stated(secret) && draft.is_stated(file) {
        let other = draft.fault(secret, "").origin().to_string();
        faults.push(draft.fault(file, format!("{secret} is stated as well ({other}); keep one of them")));
    }
}

fn mail_login(draft: &Draft, faults: &mut Vec<Fault>) {
    let password = ["mail.password", "mail.password_file"].into_iter().find(|key| draft.is_stated(key));
    match (draft.is_stated("mail.username"), password) {
        (true, None) => faults.push(draft.fault("mail.username", "needs mail.password")),
        (false, Some(password)) => faults.push(draft.fault(password, "needs mail.username")),
        _ => {}
    }
}

fn mail_sender(draft: &Draft, faults: &mut Vec<Fault>) {
    let mail = &draft.config.mail;
    if matches!(mail.transport, MailTransport::Smtp(_)) && mail.from.is_none() {
        let message = "needs mail.from, the mailbox that letters are from: Example <no-reply@example.com>";
        faults.push(draft.fault("mail.transport", message));
    }
}

/// Whoever listens on the way would have the password, and could send in our name.
fn mail_in_the_open(draft: &Draft, faults: &mut Vec<Fault>) {
    let MailTransport::Smtp(server) = &draft.config.mail.transport else { return };
    let has_password = draft.is_stated("mail.password") || draft.is_stated("mail.password_file");
    if server.security == SmtpSecurity::None && has_password && !server.is_loopback() {
        let message = format!(
            "sends mail.password to {} for everybody on the way to read: leave tls=none out",
            server.host
        );
        faults.push(draft.fault("mail.transport", message));
    }
}

fn metrics_of_their_own(draft: &Draft, faults: &mut Vec<Fault>) {
    let Some(metrics) = draft.config.metrics.listen.filter(|address| address.port() != 0) else { return };
    if draft.config.listen.iter().any(|listen| listen.address == metrics) {
        faults.push(draft.fault("metrics.listen", format!("{metrics} is an address of listen already")));
    }
}

/// Where microservices connect, over the network.
fn tcp_addresses(draft: &Draft) -> &[Listen] {
    draft.config.tcp.listen.as_ref().map_or(&[], TcpListen::addresses)
}

fn tcp_of_its_own(draft: &Draft, faults: &mut Vec<Fault>) {
    let main = draft.config.listen.iter().map(|listen| ("listen", listen.address));
    let metrics = draft.config.metrics.listen.map(|address| ("metrics.listen", address));
    let taken = main.chain(metrics).find(|(_, address)| {
        address.port() != 0 && tcp_addresses(draft).iter().any(|listen| listen.address == *address)
    });
    if let Some((key, address)) = taken {
        faults.push(draft.fault("tcp.listen", format!("{address} is an address of {key} already")));
    }
}

fn tls_whole(draft: &Draft, faults: &mut Vec<Fault>) {
    let [certificate, key, client_ca] =
        ["tcp.tls.certificate", "tcp.tls.key", "tcp.tls.client_ca"].map(|key| draft.is_stated(key));
    let missing = match (certificate, key) {
        (true, false) => Some(("tcp.tls.certificate", "tcp.tls.key")),
        (false, true) => Some(("tcp.tls.key", "tcp.tls.certificate")),
        (false, false) if client_ca => Some(("tcp.tls.client_ca", "tcp.tls.certificate and tcp.tls.key")),
        _ => None,
    };
    if let Some((stated, missing)) = missing {
        faults.push(draft.fault(stated, format!("needs {missing}")));
    }
}

/// Whoever reaches the listener could be any user.
fn trusted_gateway(draft: &Draft, faults: &mut Vec<Fault>) {
    let is_reached = tcp_addresses(draft).iter().any(|listen| !listen.is_loopback());
    if draft.config.tcp.trust_gateway && is_reached && !draft.is_stated("tcp.tls.client_ca") {
        let message = format!(
            "true needs tcp.tls.client_ca, or a tcp.listen that other machines do not reach: a loopback address or unix:/PATH, \
             not {}",
            draft.text("tcp.listen")
        );
        faults.push(draft.fault("tcp.trust_gateway", message));
    }
}

fn same_site_none(draft: &Draft, faults: &mut Vec<Fault>) {
    if draft.config.cookie.same_site == SameSite::None && !draft.config.is_https() {
        faults.push(
            draft.fault(
                "cookie.same_site",
                "none needs an https public_url: browsers drop such a cookie else",
            ),
        );
    }
}

fn cookie_prefix(draft: &Draft, faults: &mut Vec<Fault>) {
    let name = draft.config.cookie.name.to_ascii_lowercase();
    let prefix = ["__host-", "__secure-"].iter().find(|prefix| name.starts_with(**prefix));
    if prefix.is_some() && !draft.config.is_https() {
        let message = format!(
            "{} needs an https public_url: browsers drop such a cookie else",
            draft.config.cookie.name
        );
        faults.push(draft.fault("cookie.name", message));
    }
}

fn cookie_domain(draft: &Draft, faults: &mut Vec<Fault>) {
    let Some(domain) = &draft.config.cookie.domain else { return };
    let name = &draft.config.cookie.name;
    if name.to_ascii_lowercase().starts_with("__host-") {
        let message = format!(
            "contradicts the cookie's name {name}, which ties it to one host; state cookie.name as well"
        );
        faults.push(draft.fault("cookie.domain", message));
    }
    let host = draft.config.public_url.as_ref().map(PublicUrl::host);
    if let Some(host) = host.filter(|host| *host != domain && !host.ends_with(&format!(".{domain}"))) {
        let message =
            format!("{domain} does not hold {host}, the host of public_url: browsers drop such a cookie");
        faults.push(draft.fault("cookie.domain", message));
    }
}

/// Fifteen characters where the password is the only step (NIST SP 800-63B-4, section 3.1.1.2).
fn shortest_password(draft: &Draft, faults: &mut Vec<Fault>) {
    let config = &draft.config;
    let is_alone = !config.is_development() && config.sign_in.otp != SecondStep::Forced;
    if is_alone && config.password.shortest < 15 {
        let message = "must be 15 or more with a public URL, unless otp is forced; tenants that force it have 8 already";
        faults.push(draft.fault("password.shortest", message));
    }
}

/// Where only what has a second step is offered, something that has one must be.
fn second_step(draft: &Draft, faults: &mut Vec<Fault>) {
    let config = &draft.config;
    let has_one = config.strategies.enabled.iter().any(|name| name.has_second_step());
    if config.sign_in.otp == SecondStep::Forced && !has_one {
        let message = "forced needs device in strategies.enabled: no other strategy has a second step";
        faults.push(draft.fault("otp", message));
    }
}

/// Lifetimes of one strategy, the first of which is not longer than the second.
const NESTED: [(Lifetime, Lifetime); 3] = [
    (Lifetime::Idle, Lifetime::Max),
    (Lifetime::Access, Lifetime::Refresh),
    (Lifetime::Refresh, Lifetime::Max),
];

/// A lifetime, and the setting that states it.
type Stating = (&'static str, Duration);

fn lifetimes(draft: &Draft, faults: &mut Vec<Fault>) {
    if let Some((access, refresh)) = draft.jwt_expires_in.zip(draft.jwt_refresh_expires_in) {
        nests(draft, ("jwt_expires_in", access), ("jwt_refresh_expires_in", refresh), faults);
    }
    for name in StrategyName::ALL {
        for (within, around) in NESTED {
            if let Some((within, around)) = stating(draft, name, within).zip(stating(draft, name, around)) {
                nests(draft, within, around, faults);
            }
        }
    }
}

fn stating(draft: &Draft, name: StrategyName, lifetime: Lifetime) -> Option<Stating> {
    let setting = settings::find(&format!("strategies.{name}.{}", lifetime.as_str()))?;
    Some((setting.key, draft.config.strategies.lifetime(name, lifetime)?))
}

fn nests(draft: &Draft, (within, least): Stating, (around, most): Stating, faults: &mut Vec<Fault>) {
    // Defaults contradict each other only where the common lifetimes do, which is told of those.
    let is_stated = draft.is_stated(within) || draft.is_stated(around);
    let is_broken = draft.is_broken(within) || draft.is_broken(around);
    if least > most && is_stated && !is_broken {
        let key = if draft.is_stated(within) { within } else { around };
        let (least, most) = (draft.text(within), draft.text(around));
        faults.push(draft.fault(key, format!("{within} ({least}) is longer than {around} ({most})")));
    }
}
