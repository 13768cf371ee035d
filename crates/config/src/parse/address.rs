//! Addresses to listen on.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use ipnet::IpNet;
use std::path::PathBuf;

use super::Parsed;

/// An address to listen on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Listen {
    /// Address and port; port 0 is any that is free.
    pub address: SocketAddr,
    /// Whether the server starts without it if the machine does not have the address and has another one that is
    /// named: true of the two of `localhost`.
    pub optional: bool,
}

impl Listen {
    /// Whether only this machine reaches the address.
    #[must_use]
    pub fn is_loopback(self) -> bool {
        is_loopback(self.address.ip())
    }
}

/// Where the TCP transport listens.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum TcpListen {
    /// Addresses, at least one.
    Network(Vec<Listen>),
    /// The path of a Unix socket.
    Unix(PathBuf),
}

impl TcpListen {
    /// The addresses; empty for a Unix socket.
    #[must_use]
    pub fn addresses(&self) -> &[Listen] {
        match self {
            Self::Network(addresses) => addresses,
            Self::Unix(_) => &[],
        }
    }
}

/// Whether only this machine reaches an address.
#[must_use]
pub fn is_loopback(ip: IpAddr) -> bool {
    ip.to_canonical().is_loopback()
}

/// Parses one text: `localhost` means two addresses.
fn addresses(text: &str) -> Parsed<Vec<Listen>> {
    let localhost_port = text.strip_prefix("localhost:").and_then(|port| port.parse::<u16>().ok());
    if let Some(port) = localhost_port {
        let loopback = [(Ipv4Addr::LOCALHOST, port).into(), (Ipv6Addr::LOCALHOST, port).into()];
        return Ok(loopback.map(|address| Listen { address, optional: true }).into());
    }
    Ok(vec![Listen { address: socket(text)?, optional: false }])
}

/// The default port of `localhost`.
const HTTP_PORT: u16 = 3000;

/// Parses one or more addresses, separated by commas.
pub fn listen(text: &str) -> Parsed<Vec<Listen>> {
    listens(text, |text| match text {
        "localhost" => addresses(&format!("localhost:{HTTP_PORT}")),
        _ => addresses(text),
    })
}

fn listens(text: &str, addresses: fn(&str) -> Parsed<Vec<Listen>>) -> Parsed<Vec<Listen>> {
    let mut listens: Vec<Listen> = Vec::new();
    for listen in super::list(text, addresses)?.into_iter().flatten() {
        // `localhost:3000, 127.0.0.1:3000` names one address twice.
        match listens.iter_mut().find(|known| known.address == listen.address && listen.address.port() != 0) {
            Some(known) => known.optional &= listen.optional,
            None => listens.push(listen),
        }
    }
    if listens.is_empty() {
        return Err("names no address".to_owned());
    }
    Ok(listens)
}

/// The default port for microservices.
const TCP_PORT: u16 = 4503;

/// Parses an address whose port may be left out.
fn tcp_addresses(text: &str) -> Parsed<Vec<Listen>> {
    if text == "localhost" {
        return addresses(&format!("localhost:{TCP_PORT}"));
    }
    // IPv6 needs brackets, as with a port: ::1:4503 is an address, but not the one that was meant.
    let bracketed = text.strip_prefix('[').and_then(|text| text.strip_suffix(']'));
    let ip = match bracketed {
        Some(ip) => ip.parse::<Ipv6Addr>().map(IpAddr::V6),
        None => text.parse::<Ipv4Addr>().map(IpAddr::V4),
    };
    match ip {
        Ok(ip) => Ok(vec![Listen { address: (ip, TCP_PORT).into(), optional: false }]),
        Err(_) => addresses(text).map_err(|_| {
            format!(
                "{text:?} cannot be listened on: write localhost, 127.0.0.1:{TCP_PORT}, [::1]:{TCP_PORT}, or \
                 unix:/run/portcullis.sock and nothing beside it"
            )
        }),
    }
}

/// The most bytes of a Unix socket's path, by `unix(7)`.
const LONGEST_SOCKET_PATH: usize = 107;

/// Parses the path of a Unix socket.
pub fn socket_path(text: &str) -> Parsed<PathBuf> {
    path_like("/run/portcullis/handover.sock", text)
}

fn path_like(example: &str, text: &str) -> Parsed<PathBuf> {
    if text.len() > LONGEST_SOCKET_PATH {
        return Err(format!("{text:?} is longer than a socket's path may be: {LONGEST_SOCKET_PATH} bytes"));
    }
    if !text.starts_with('/') {
        return Err(format!("{text:?} is not an absolute path of a socket: write {example}"));
    }
    super::plain(text).map(PathBuf::from)
}

/// Parses one or more addresses, or a Unix socket.
pub fn tcp_listen(text: &str) -> Parsed<TcpListen> {
    match text.strip_prefix("unix:") {
        Some(path) => path_like("unix:/run/portcullis.sock", path).map(TcpListen::Unix),
        None => listens(text, tcp_addresses).map(TcpListen::Network),
    }
}

/// Parses one address with its port.
pub fn socket(text: &str) -> Parsed<SocketAddr> {
    text.parse().map_err(|_| {
        format!("{text:?} is not an address and port: write 127.0.0.1:3000, [::1]:3000 or 0.0.0.0:3000")
    })
}

/// Parses a network, or one address. An IPv4 network that is written as IPv6 becomes IPv4.
pub fn network(text: &str) -> Parsed<IpNet> {
    let network = text.parse::<IpNet>().or_else(|_| text.parse::<IpAddr>().map(IpNet::from));
    let network = network.map_err(|_| {
        format!("{text:?} is not an address or a network: write 10.0.0.7, 10.0.0.0/8 or fd00::/8")
    })?;
    let network = canonical(network).trunc();
    if network.prefix_len() == 0 {
        return Err(format!("{text:?} trusts every address, so that every client could choose its own"));
    }
    Ok(network)
}

fn canonical(network: IpNet) -> IpNet {
    let within_ipv4 = network.prefix_len().checked_sub(96);
    match (network.addr().to_canonical(), within_ipv4) {
        (address @ IpAddr::V4(_), Some(prefix)) if matches!(network, IpNet::V6(_)) => {
            IpNet::new(address, prefix).unwrap_or(network)
        }
        _ => network,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn localhost_means_each_loopback_address_that_there_is() {
        let shown = |text| -> Vec<_> {
            listen(text).unwrap().iter().map(|l| (l.address.to_string(), l.optional)).collect()
        };
        let both = [("127.0.0.1:3000".to_owned(), true), ("[::1]:3000".to_owned(), true)];
        assert_eq!(shown("localhost:3000"), both);
        assert_eq!(shown("localhost"), both);
        let named = [("127.0.0.1:3000".to_owned(), false), ("[::1]:3000".to_owned(), true)];
        assert_eq!(shown("127.0.0.1:3000, localhost:3000, 127.0.0.1:3000"), named);
    }

    #[test]
    fn an_address_needs_its_port() {
        for bad in
            ["", "3000", ":3000", "127.0.0.1", "::1:3000x", "localhost:", "example.com:80", "1.2.3.4:65536"]
        {
            assert!(listen(bad).is_err(), "{bad}");
        }
        assert_eq!(listen("127.0.0.1:0, [::1]:80").unwrap().len(), 2);
    }

    #[test]
    fn a_network_is_an_address_or_many_but_never_all() {
        for (text, expected) in [
            ("10.0.0.0/8", "10.0.0.0/8"),
            ("10.1.2.3/8", "10.0.0.0/8"),
            ("10.0.0.7", "10.0.0.7/32"),
            ("fd00::/8", "fd00::/8"),
            ("::1", "::1/128"),
            ("::ffff:10.0.0.0/104", "10.0.0.0/8"),
            ("::ffff:10.0.0.7", "10.0.0.7/32"),
        ] {
            assert_eq!(network(text).map(|network| network.to_string()), Ok(expected.to_owned()), "{text}");
        }
        for text in
            ["", "10", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/8/8", "fd00::/129", "[::1]", "proxy.local"]
        {
            assert!(network(text).unwrap_err().contains("is not an address or a network"), "{text}");
        }
        for text in ["0.0.0.0/0", "::/0", "10.0.0.0/0", "::ffff:0.0.0.0/96"] {
            assert!(network(text).unwrap_err().contains("trusts every address"), "{text}");
        }
    }

    #[test]
    fn microservices_connect_to_addresses_or_a_path() {
        assert_eq!(tcp_listen("localhost:4503").unwrap().addresses().len(), 2);
        assert_eq!(tcp_listen("unix:/run/p.sock"), Ok(TcpListen::Unix("/run/p.sock".into())));
        for (short, written) in [
            ("localhost", "localhost:4503"),
            ("10.0.0.7", "10.0.0.7:4503"),
            ("[::1],[::1]:4504", "[::1]:4503,[::1]:4504"),
        ] {
            assert_eq!(tcp_listen(short), tcp_listen(written), "{short}");
        }
        for bad in [
            "",
            "4503",
            "127.0.0.1:4503,unix:/run/p.sock",
            "::1",
            "::1:4503",
            "[10.0.0.7]",
            "[::1",
            "[[::1]]",
            "unix:",
            "unix:p.sock",
            "unix:/p\n",
            &format!("unix:/{}", "p".repeat(107)),
            "tcp://127.0.0.1:4503",
        ] {
            assert!(tcp_listen(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn loopback_is_what_other_machines_cannot_reach() {
        for (text, loopback) in [
            ("127.0.0.1:1", true),
            ("127.9.9.9:1", true),
            ("[::1]:1", true),
            ("[::ffff:127.0.0.1]:1", true),
            ("0.0.0.0:1", false),
            ("[::]:1", false),
            ("192.168.0.1:1", false),
        ] {
            assert!(listen(text).unwrap().iter().all(|l| l.is_loopback() == loopback), "{text}");
        }
    }
}
