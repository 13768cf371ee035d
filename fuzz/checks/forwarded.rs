//! Properties of reading the headers of proxies.

use std::net::{IpAddr, Ipv4Addr};

use http::{HeaderMap, HeaderName, HeaderValue};
use portcullis_transport::proxies::{ProxyHeader, TrustedProxies, client_address};

const PROXY: IpAddr = IpAddr::V4(Ipv4Addr::new(10, 0, 0, 1));
const CLIENT: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 7));

/// Each line of the bytes is a header that the client sent. A client that is not a proxy is identified by its own
/// address. The address that a trusted proxy adds is the client's, in a header of its own or appended to the client's.
pub(super) fn check(bytes: &[u8]) {
    for (header, named) in
        [(ProxyHeader::XForwardedFor, "192.0.2.7"), (ProxyHeader::Forwarded, "for=192.0.2.7")]
    {
        let trusted = TrustedProxies { networks: vec!["10.0.0.0/8".parse().unwrap()], header };
        let written = written(header, bytes);
        assert_eq!(client_address(CLIENT, &written, &trusted), CLIENT);
        let found = client_address(PROXY, &written, &trusted);
        assert_eq!(found, found.to_canonical());
        for added in [line_added(&written, header, named), element_added(&written, header, named)] {
            assert_eq!(client_address(PROXY, &added, &trusted), CLIENT, "{added:?}");
        }
    }
}

fn written(header: ProxyHeader, bytes: &[u8]) -> HeaderMap {
    let lines = bytes.split(|byte| *byte == b'\n').filter_map(|line| HeaderValue::from_bytes(line).ok());
    headers(header, lines)
}

fn headers(header: ProxyHeader, lines: impl IntoIterator<Item = HeaderValue>) -> HeaderMap {
    let name = HeaderName::from_static(header.as_str());
    lines.into_iter().map(|line| (name.clone(), line)).collect()
}

fn line_added(written: &HeaderMap, header: ProxyHeader, named: &str) -> HeaderMap {
    let mut headers = written.clone();
    headers.append(header.as_str(), HeaderValue::from_str(named).unwrap());
    headers
}

fn element_added(written: &HeaderMap, header: ProxyHeader, named: &str) -> HeaderMap {
    let mut lines: Vec<HeaderValue> = written.get_all(header.as_str()).iter().cloned().collect();
    let last = lines.pop().unwrap_or_else(|| HeaderValue::from_static(""));
    let last = [last.as_bytes(), b", ", named.as_bytes()].concat();
    lines.push(HeaderValue::from_bytes(&last).unwrap());
    headers(header, lines)
}
