//! The URL of this server for a browser on the same machine.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// Where a browser on this machine finds a server that listens on these addresses.
///
/// Of a loopback address it is `localhost`: to a browser, a page on `localhost` and a server at `127.0.0.1` are two
/// sites.
pub(crate) fn local_url(addresses: &[SocketAddr]) -> Option<String> {
    let loopback = [IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST)];
    let first = addresses.first()?;
    match addresses.iter().find(|address| loopback.contains(&address.ip())) {
        Some(address) => Some(format!("http://localhost:{}", address.port())),
        None => Some(format!("http://{first}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_loopback_address_is_shown_as_localhost_and_another_one_as_it_is() {
        for (addresses, url) in [
            (&["127.0.0.1:3000", "[::1]:3000"][..], "http://localhost:3000"),
            (&["[::1]:80"], "http://localhost:80"),
            (&["127.0.0.2:3000"], "http://127.0.0.2:3000"),
        ] {
            let addresses: Vec<SocketAddr> = addresses.iter().map(|text| text.parse().unwrap()).collect();
            assert_eq!(local_url(&addresses).as_deref(), Some(url));
        }
        assert_eq!(local_url(&[]), None);
    }
}
