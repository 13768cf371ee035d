//! The address of a client behind trusted proxies.
//!
//! A header lists the addresses that a request came through, and any client can send such a header. So it is read from
//! its end, where the nearest proxy wrote, as long as each address is a trusted proxy. The first one that is not is the
//! client's; the client may have made up what stands before it. Without trusted proxies the peer is the client.
//!
//! ```
//! use http::HeaderMap;
//! use portcullis_transport::proxies::{ProxyHeader, TrustedProxies, client_address};
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

/// The trusted proxies, and the header that they write.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct TrustedProxies {
    /// Their networks.
    pub networks: Vec<IpNet>,
    /// Their header.
    pub header: ProxyHeader,
}

/// The header in which proxies name the client. The other one is ignored, because the client may have written it.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub enum ProxyHeader {
    /// `X-Forwarded-For`: addresses.
    #[default]
    XForwardedFor,
    /// `Forwarded` (RFC 7239).
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
    /// Whether the other end of a connection is one of them. A socket without addresses has none.
    #[must_use]
    pub fn include(&self, peer: Option<IpAddr>) -> bool {
        peer.is_some_and(|peer| self.covers(peer.to_canonical()))
    }

    /// Whether the client came over https, as the proxy at the other end of the connection says: in `Forwarded` where
    /// that is its header, and else in `X-Forwarded-Proto`.
    #[must_use]
    pub fn were_reached_by_https(&self, peer: IpAddr, headers: &HeaderMap) -> bool {
        let name = match self.header {
            ProxyHeader::XForwardedFor => "x-forwarded-proto",
            ProxyHeader::Forwarded => self.header.as_str(),
        };
        let line = headers.get_all(name).iter().next_back().and_then(|line| line.to_str().ok());
        let scheme = line.and_then(|line| forwarded::scheme(self.header, line));
        self.include(Some(peer)) && scheme.is_some_and(|scheme| scheme.eq_ignore_ascii_case("https"))
    }

    fn covers(&self, address: IpAddr) -> bool {
        self.networks.iter().any(|network| network.contains(&address))
    }

    /// The sender's address at each step, the last step first; `None` if a step names no address.
    fn steps(&self, headers: &HeaderMap) -> impl Iterator<Item = Option<IpAddr>> {
        // Several lines are one list (RFC 9110, section 5.3). A client may send bytes that are not text; they spoil
        // their own step, not those that a proxy appended.
        let lines = headers.get_all(self.header.as_str()).iter().rev();
        lines.flat_map(|line| forwarded::steps(self.header, &String::from_utf8_lossy(line.as_bytes())))
    }
}

/// The address of the client whose request came from `peer` with these headers. An IPv4-mapped IPv6 address becomes
/// IPv4.
#[must_use]
pub fn client_address(peer: IpAddr, headers: &HeaderMap, trusted: &TrustedProxies) -> IpAddr {
    let mut client = peer.to_canonical();
    let mut steps = trusted.steps(headers);
    while trusted.covers(client) {
        // A proxy that names no address stands for its clients.
        let Some(Some(before)) = steps.next() else { break };
        client = before;
    }
    client
}

#[cfg(test)]
mod tests;
