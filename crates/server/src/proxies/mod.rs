//! The address of a client behind proxies that are trusted.
//!
//! A header says which way a request came, and whoever sends a request can write one. So it is read from its end, where
//! the proxy next to us wrote, and only as far as each address on the way is one of a configured list: the first that is
//! not is the client's, and what stands before it is its own word. Without such a list the peer is the client.
//!
//! ```
//! use http::HeaderMap;
//! use portcullis_server::proxies::{ProxyHeader, TrustedProxies, client_address};
//!
//! let trusted = TrustedProxies { networks: vec!["10.0.0.0/8".parse()?], header: ProxyHeader::XForwardedFor };
//! let mut headers = HeaderMap::new();
//! headers.insert("x-forwarded-for", "6.6.6.6, 192.0.2.7, 10.0.0.9".parse()?);
//! assert_eq!(client_address("10.0.0.1".parse()?, &headers, &trusted).to_string(), "192.0.2.7");
//! assert_eq!(client_address("192.0.2.1".parse()?, &headers, &trusted).to_string(), "192.0.2.1");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod forwarded;

use std::net::IpAddr;

use http::HeaderMap;
use ipnet::IpNet;

/// Which proxies are believed, and where they write.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct TrustedProxies {
    /// Their addresses.
    pub networks: Vec<IpNet>,
    /// Their header.
    pub header: ProxyHeader,
}

/// Where proxies write whom a request came from. The other header is then the client's own word.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub enum ProxyHeader {
    /// `X-Forwarded-For`: addresses.
    #[default]
    XForwardedFor,
    /// `Forwarded`, as RFC 7239 has it.
    Forwarded,
}

impl ProxyHeader {
    /// Its name in lower case.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::XForwardedFor => "x-forwarded-for",
            Self::Forwarded => "forwarded",
        }
    }
}

impl TrustedProxies {
    fn covers(&self, address: IpAddr) -> bool {
        self.networks.iter().any(|network| network.contains(&address))
    }

    /// Whom the request came from at each step, the last one first; nothing where a step names nobody.
    fn steps(&self, headers: &HeaderMap) -> impl Iterator<Item = Option<IpAddr>> {
        // Several lines are one list (RFC 9110, section 5.3). A client may write bytes before the words of a proxy that
        // are no text: they spoil what they stand in and nothing behind it.
        let lines = headers.get_all(self.header.as_str()).iter().rev();
        lines.flat_map(|line| forwarded::steps(self.header, &String::from_utf8_lossy(line.as_bytes())))
    }
}

/// The address of the client whose request came from `peer` with these headers. An IPv4 address in an IPv6 one is the
/// IPv4 address.
#[must_use]
pub fn client_address(peer: IpAddr, headers: &HeaderMap, trusted: &TrustedProxies) -> IpAddr {
    let mut client = peer.to_canonical();
    let mut steps = trusted.steps(headers);
    while trusted.covers(client) {
        // Whoever is not named is not found: the last one who is answers for it.
        let Some(Some(before)) = steps.next() else { break };
        client = before;
    }
    client
}

#[cfg(test)]
mod tests;
