//! The URL of this server for a browser on the same machine.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use crate::config::Listen;

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

/// The loopback address in place of an unspecified one, which cannot be connected to on every system.
pub(crate) fn reachable(address: SocketAddr) -> SocketAddr {
    let ip = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, address.port())
}

/// Where a program on this machine finds a server that listens on these addresses: the first loopback address,
/// otherwise the first that is every address of the machine, otherwise the first.
pub(crate) fn address_on_this_machine(listens: &[Listen]) -> Option<SocketAddr> {
    let loopback = listens.iter().find(|listen| listen.is_loopback());
    let every = || listens.iter().find(|listen| listen.address.ip().is_unspecified());
    let found = loopback.or_else(every).or_else(|| listens.first())?;
    Some(reachable(found.address))
}

#[cfg(test)]
mod tests {
    use portcullis_config::parse::listen;

    use super::*;

    #[test]
    fn every_address_is_asked_at_this_machine() {
        assert_eq!(reachable("0.0.0.0:1".parse().unwrap()), "127.0.0.1:1".parse().unwrap());
        assert_eq!(reachable("[::]:1".parse().unwrap()), "[::1]:1".parse().unwrap());
        assert_eq!(reachable("192.0.2.1:1".parse().unwrap()), "192.0.2.1:1".parse().unwrap());
    }

    #[test]
    fn of_several_addresses_the_surest_is_asked() {
        for (listens, asked) in [
            ("localhost:3000", "127.0.0.1:3000"),
            ("10.0.0.7:80, 0.0.0.0:81, [::1]:82, 127.0.0.1:83", "[::1]:82"),
            ("10.0.0.7:80, [::]:81, 0.0.0.0:82", "[::1]:81"),
            ("10.0.0.7:80, 10.0.0.8:81", "10.0.0.7:80"),
        ] {
            let asked = asked.parse().ok();
            assert_eq!(address_on_this_machine(&listen(listens).unwrap()), asked, "{listens}");
        }
    }

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
