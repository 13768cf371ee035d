//! Rules about the addresses to listen on: what must be stated before other machines may reach one, and which cannot
//! be had together.

use std::net::{IpAddr, SocketAddr};

use super::builder::ConfigBuilder;
use super::parse::{Listen, TcpListen};
use portcullis_config::ConfigFault;

/// What must be stated before other machines may reach the server.
struct Requirement {
    /// Its setting, and another one that does as well.
    keys: &'static [&'static str],
    /// The settings as they are stated, with an example.
    shown: &'static str,
}

const REQUIREMENTS: [Requirement; 3] = [
    Requirement {
        keys: &["public_url"],
        shown: "public_url (PORTCULLIS_PUBLIC_URL=https://auth.example.com)",
    },
    Requirement {
        keys: &["mail.transport"],
        shown: "mail.transport (PORTCULLIS_MAIL_TRANSPORT=smtp://mail.example.com:587) with mail.from \
                (PORTCULLIS_MAIL_FROM=no-reply@example.com)",
    },
    // A file: the output of a command in a variable would be another key at every start.
    Requirement {
        keys: &["master_key", "master_key_file"],
        shown: "master_key_file (PORTCULLIS_MASTER_KEY_FILE=master.key; `portcullis config init` makes it once)",
    },
];

/// A non-loopback address or a public URL needs everything that production needs.
pub(super) fn exposure(builder: &ConfigBuilder, faults: &mut Vec<ConfigFault>) {
    let is_missing = |row: &&Requirement| !row.keys.iter().any(|key| builder.is_stated(key));
    let missing: Vec<&str> = REQUIREMENTS.iter().filter(is_missing).map(|row| row.shown).collect();
    if missing.is_empty() {
        return;
    }
    let missing = missing.join(", ");
    let exposed = all(builder).into_iter().find(|(_, address)| !address.ip().to_canonical().is_loopback());
    if let Some((key, _)) = exposed {
        let address = builder.text(key);
        let message =
            format!("{address} can be reached from other machines; these settings are missing: {missing}");
        faults.push(builder.fault(key, message));
    } else if builder.is_stated("public_url") {
        faults.push(
            builder.fault("public_url", format!("a public URL needs more settings; missing: {missing}")),
        );
    }
}

/// Two sockets of one process cannot have one address, nor every address of the machine beside one of them.
pub(super) fn addresses_apart(builder: &ConfigBuilder, faults: &mut Vec<ConfigFault>) {
    let all = all(builder);
    for (at, (key, address)) in all.iter().enumerate() {
        let taken = all.iter().take(at).find(|(_, other)| cannot_both_be_had(*address, *other));
        if let Some((other_key, other)) = taken {
            let how = if other == address { "is already" } else { "cannot be had beside" };
            let which =
                if other == address { "an address".to_owned() } else { format!("{other}, an address") };
            faults.push(builder.fault(key, format!("{address} {how} {which} of {other_key}")));
            return;
        }
    }
}

fn cannot_both_be_had(one: SocketAddr, other: SocketAddr) -> bool {
    let [a, b] = [one, other].map(|address| address.ip().to_canonical());
    let is_same_port = one.port() == other.port() && one.port() != 0;
    is_same_port && (a == b || covers(a, b) || covers(b, a))
}

/// `0.0.0.0` is every IPv4 address, and `[::]` every address.
fn covers(any: IpAddr, one: IpAddr) -> bool {
    any.is_unspecified() && (any.is_ipv6() || one.is_ipv4())
}

/// Every address with the setting that names it.
fn all(builder: &ConfigBuilder) -> Vec<(&'static str, SocketAddr)> {
    let named =
        |key, listens: &[Listen]| -> Vec<_> { listens.iter().map(|listen| (key, listen.address)).collect() };
    let metrics = builder.config.metrics.listen.map(|address| ("metrics.listen", address));
    let mut all = named("listen", &builder.config.listen);
    all.extend(metrics);
    all.extend(named("tcp.listen", tcp_addresses(builder)));
    all
}

/// The TCP addresses of the transport for microservices.
pub(super) fn tcp_addresses(builder: &ConfigBuilder) -> &[Listen] {
    builder.config.tcp.listen.as_ref().map_or(&[], TcpListen::addresses)
}
