//! `X-Forwarded-*` and `Forwarded` (RFC 7239), made anew: a client may have written what it sent of them.

use std::net::IpAddr;

use http::header::{FORWARDED, HOST, HeaderMap, HeaderName, HeaderValue};
use portcullis_transport::proxies::{TrustedProxies, client_address};

const FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
const FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
const REAL_IP: HeaderName = HeaderName::from_static("x-real-ip");

/// Where a request came from, as upstreams are told.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ForwardedClient {
    /// The client's address.
    pub address: IpAddr,
    /// Whether the client came over https: as a trusted proxy says, for the gateway itself has no TLS.
    pub is_https: bool,
}

impl ForwardedClient {
    /// Reads where a request came from, before its headers are taken away.
    #[must_use]
    pub fn of(peer: IpAddr, headers: &HeaderMap, trusted: &TrustedProxies) -> Self {
        Self {
            address: client_address(peer, headers, trusted),
            is_https: trusted.were_reached_by_https(peer, headers),
        }
    }

    /// `http` or `https`.
    #[must_use]
    pub const fn scheme(&self) -> &'static str {
        if self.is_https { "https" } else { "http" }
    }

    /// Sets the headers.
    pub fn set(&self, headers: &mut HeaderMap) {
        let host = headers.get(HOST).cloned();
        let address = self.address.to_string();
        let forwarded = self.forwarded(&address, host.as_ref().and_then(|host| host.to_str().ok()));
        let value = |text: String| HeaderValue::try_from(text).ok();
        let address = value(address);
        let all = [
            (FOR, address.clone()),
            (REAL_IP, address),
            (PROTO, Some(HeaderValue::from_static(self.scheme()))),
            (FORWARDED_HOST, host),
            (FORWARDED, value(forwarded)),
        ];
        headers.extend(all.into_iter().filter_map(|(name, value)| Some((name, value?))));
    }

    /// The value of `Forwarded`.
    fn forwarded(&self, address: &str, host: Option<&str>) -> String {
        let (open, close) = if self.address.is_ipv6() { ("\"[", "]\"") } else { ("", "") };
        let mut value = ["for=", open, address, close, ";proto=", self.scheme()].concat();
        if let Some(host) = host.and_then(quotable) {
            value.extend([";host=\"", host, "\""]);
        }
        value
    }
}

fn quotable(host: &str) -> Option<&str> {
    (!host.contains(['"', '\\'])).then_some(host)
}
