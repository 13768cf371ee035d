use std::net::{Ipv4Addr, Ipv6Addr};

use http::{HeaderName, HeaderValue};
use proptest::prelude::*;

use super::*;

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

fn trusting(header: ProxyHeader) -> TrustedProxies {
    let networks = ["10.0.0.0/8", "fd00::/8", "203.0.113.7/32"].map(|network| network.parse().unwrap());
    TrustedProxies { networks: networks.to_vec(), header }
}

fn headers<B: AsRef<[u8]>>(header: ProxyHeader, lines: &[B]) -> HeaderMap {
    let name = HeaderName::from_static(header.as_str());
    let value = |line: &B| HeaderValue::from_bytes(line.as_ref()).unwrap();
    lines.iter().map(|line| (name.clone(), value(line))).collect()
}

/// The client of a request that a trusted proxy sends with these lines.
fn behind(header: ProxyHeader, lines: &[&str]) -> String {
    client_address(ip("10.0.0.1"), &headers(header, lines), &trusting(header)).to_string()
}

/// No header names another client.
const PROXY: &str = "10.0.0.1";

#[test]
fn how_a_client_came_is_read_from_the_header_of_the_proxy_alone() {
    use ProxyHeader::{Forwarded, XForwardedFor};
    let came = |header, peer: &str, name: &'static str, line: &str| {
        let sent = HeaderMap::from_iter([(HeaderName::from_static(name), line.parse().unwrap())]);
        trusting(header).were_reached_by_https(ip(peer), &sent)
    };
    for (header, peer, name, line, is_https) in [
        (XForwardedFor, PROXY, "x-forwarded-proto", "https", true),
        (XForwardedFor, PROXY, "x-forwarded-proto", "http, HTTPS", true),
        (XForwardedFor, PROXY, "x-forwarded-proto", "https, http", false),
        (XForwardedFor, "192.0.2.7", "x-forwarded-proto", "https", false),
        (XForwardedFor, PROXY, "forwarded", "proto=https", false),
        (Forwarded, PROXY, "forwarded", "for=192.0.2.7;proto=https", true),
        (Forwarded, PROXY, "forwarded", "proto=http, for=192.0.2.7;Proto=\"https\"", true),
        (Forwarded, PROXY, "forwarded", "for=\"x;proto=https\", proto=http", false),
        (Forwarded, PROXY, "forwarded", "proto=https, for=192.0.2.7", false),
        (Forwarded, PROXY, "x-forwarded-proto", "https", false),
        (Forwarded, "192.0.2.7", "forwarded", "proto=https", false),
    ] {
        assert_eq!(came(header, peer, name, line), is_https, "{header:?} {peer} {name}: {line}");
    }
}

#[test]
fn the_way_is_walked_from_its_end_as_long_as_each_step_is_trusted() {
    for (lines, client) in [
        (&[][..], PROXY),
        (&["192.0.2.7"], "192.0.2.7"),
        (&["6.6.6.6, 192.0.2.7"], "192.0.2.7"),
        (&["6.6.6.6,192.0.2.7 ,\t10.9.9.9"], "192.0.2.7"),
        (&["6.6.6.6, 192.0.2.7, 203.0.113.7, fd00::1, 10.9.9.9"], "192.0.2.7"),
        (&["6.6.6.6, 203.0.113.8, 10.9.9.9"], "203.0.113.8"),
        (&["10.1.1.1, 10.9.9.9"], "10.1.1.1"),
        (&["6.6.6.6", "192.0.2.7", "10.9.9.9"], "192.0.2.7"),
        (&["6.6.6.6, 192.0.2.7", "", " , ,10.9.9.9,"], "192.0.2.7"),
        (&["192.0.2.7, nonsense, 10.9.9.9"], "10.9.9.9"),
        (&["192.0.2.7, unknown"], PROXY),
    ] {
        assert_eq!(behind(ProxyHeader::XForwardedFor, lines), client, "{lines:?}");
    }
}

#[test]
fn an_address_may_have_a_port_and_brackets() {
    for (step, client) in [
        ("192.0.2.7:4711", "192.0.2.7"),
        ("2001:db8::7", "2001:db8::7"),
        ("[2001:db8::7]", "2001:db8::7"),
        ("[2001:db8::7]:4711", "2001:db8::7"),
        ("[2001:db8::7]:_hidden", "2001:db8::7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("[::ffff:192.0.2.7]:80", "192.0.2.7"),
    ] {
        assert_eq!(behind(ProxyHeader::XForwardedFor, &[step]), client, "{step}");
        assert_eq!(behind(ProxyHeader::Forwarded, &[&format!("for=\"{step}\"")]), client, "{step}");
    }
    for step in [
        "192.0.2",
        "192.0.2.7:",
        "192.0.2.7:65536",
        "192.0.2.7:+80",
        "192.0.2.7:80:80",
        "192.0.2.7 6.6.6.6",
        "192.0.02.7",
        "[2001:db8::7",
        "[2001:db8::7]4711",
        "[2001:db8::7]:_",
        "[192.0.2.7]",
        "fe80::1%eth0",
        "_hidden",
        "unknown",
        "localhost",
        "for=192.0.2.7",
        "١٩٢.0.2.7",
    ] {
        assert_eq!(behind(ProxyHeader::XForwardedFor, &[step]), PROXY, "{step}");
        assert_eq!(behind(ProxyHeader::Forwarded, &[&format!("for=\"{step}\"")]), PROXY, "{step}");
    }
}

#[test]
fn forwarded_is_read_as_rfc_7239_has_it() {
    for (lines, client) in [
        (&["for=192.0.2.7"][..], "192.0.2.7"),
        (&["For=192.0.2.7;proto=https;by=10.0.0.1"], "192.0.2.7"),
        (&["proto=https ; FOR=\"[2001:db8::7]:4711\""], "2001:db8::7"),
        (&["for=6.6.6.6, for=192.0.2.7, for=10.9.9.9"], "192.0.2.7"),
        (&["for=6.6.6.6", "for=192.0.2.7;by=\"a, b; c\"", "for=10.9.9.9"], "192.0.2.7"),
        (&["for=192.0.2.7;host=\"a\\\", for=6.6.6.6\""], "192.0.2.7"),
        (&["for=192.0.2.7, for=_hidden, for=10.9.9.9"], "10.9.9.9"),
        (&["for=192.0.2.7;for=6.6.6.6"], PROXY),
        (&["proto=https"], PROXY),
        (&["192.0.2.7"], PROXY),
        (&["for=\"192.0.2.7"], PROXY),
        (&["for=192.0.2.7\""], PROXY),
        (&["for=\"192.0.2\\.7\""], PROXY),
        (&["for=\""], PROXY),
        (&["for="], PROXY),
    ] {
        assert_eq!(behind(ProxyHeader::Forwarded, lines), client, "{lines:?}");
    }
}

#[test]
fn nothing_that_a_client_leaves_open_swallows_what_the_proxy_adds() {
    for mark in
        ["\"", "for=\"", "for=\"6.6.6.6", "\\", "for=6.6.6.6;by=\"\\", "for=\"\\\"", ";", "[", "=\"=\""]
    {
        for real in ["for=192.0.2.7", "for=\"192.0.2.7:80\"", "by=\"10.0.0.1\";for=192.0.2.7"] {
            assert_eq!(behind(ProxyHeader::Forwarded, &[&format!("{mark}, {real}")]), "192.0.2.7", "{mark}");
            assert_eq!(behind(ProxyHeader::Forwarded, &[&format!("{mark},{real}")]), "192.0.2.7", "{mark}");
            assert_eq!(behind(ProxyHeader::Forwarded, &[mark, real]), "192.0.2.7", "{mark}");
        }
    }
}

#[test]
fn only_the_configured_header_counts() {
    let mut both = headers(ProxyHeader::XForwardedFor, &["6.6.6.6"]);
    both.extend(headers(ProxyHeader::Forwarded, &["for=192.0.2.7"]));
    both.insert("x-real-ip", HeaderValue::from_static("6.6.6.7"));
    assert_eq!(client_address(ip(PROXY), &both, &trusting(ProxyHeader::Forwarded)), ip("192.0.2.7"));
    assert_eq!(client_address(ip(PROXY), &both, &trusting(ProxyHeader::XForwardedFor)), ip("6.6.6.6"));
}

#[test]
fn a_proxy_that_comes_over_a_socket_of_both_kinds_is_the_same_proxy() {
    let headers = headers(ProxyHeader::XForwardedFor, &["192.0.2.7"]);
    let trusted = trusting(ProxyHeader::XForwardedFor);
    assert_eq!(client_address(ip("::ffff:10.0.0.1"), &headers, &trusted), ip("192.0.2.7"));
    assert_eq!(client_address(ip("::ffff:192.0.2.1"), &headers, &trusted), ip("192.0.2.1"));
}

fn any_header() -> impl Strategy<Value = ProxyHeader> {
    prop_oneof![Just(ProxyHeader::XForwardedFor), Just(ProxyHeader::Forwarded)]
}

fn any_address() -> impl Strategy<Value = IpAddr> {
    prop_oneof![
        any::<u32>().prop_map(|bits| IpAddr::V4(Ipv4Addr::from_bits(bits))),
        any::<u128>().prop_map(|bits| IpAddr::V6(Ipv6Addr::from_bits(bits)).to_canonical()),
    ]
}

/// What may stand in a line of a header: any bytes, and often those that mean something.
fn any_line() -> impl Strategy<Value = Vec<u8>> {
    let meant = prop::sample::select(
        &["for=", "\"", "\\", ",", ";", "=", "[", "]", ":", "10.0.0.9", "6.6.6.6", "::1", "_x", " "][..],
    );
    let bytes = prop::collection::vec(prop_oneof![0x20_u8..0x7f, 0x80_u8..=0xff, Just(b'\t')], 0..20);
    let piece = prop_oneof![3 => meant.prop_map(|text| text.as_bytes().to_vec()), 1 => bytes];
    prop::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat())
}

/// An address as a proxy writes it.
fn written(header: ProxyHeader, address: IpAddr, port: Option<u16>) -> String {
    let text = match (address, port) {
        (IpAddr::V4(_), None) => address.to_string(),
        (IpAddr::V4(_), Some(port)) => format!("{address}:{port}"),
        (IpAddr::V6(_), None) => format!("[{address}]"),
        (IpAddr::V6(_), Some(port)) => format!("[{address}]:{port}"),
    };
    if header == ProxyHeader::Forwarded { format!("proto=https;for=\"{text}\"") } else { text }
}

proptest! {
    #[test]
    fn whatever_a_stranger_writes_it_is_where_it_is(
        header in any_header(), peer in any_address(), lines in prop::collection::vec(any_line(), 0..4)
    ) {
        let trusted = trusting(header);
        let client = client_address(peer, &headers(header, &lines), &trusted);
        prop_assert!(trusted.covers(peer) || client == peer);
        prop_assert_eq!(client, client.to_canonical());
    }

    #[test]
    fn whatever_a_client_writes_before_a_proxy_adds_its_address_it_is_found_there(
        header in any_header(),
        mut lines in prop::collection::vec(any_line(), 0..4),
        client in any_address(),
        port in any::<Option<u16>>(),
        joined in any::<bool>(),
        further in prop::collection::vec(any::<u16>(), 0..3),
    ) {
        let trusted = trusting(header);
        prop_assume!(!trusted.covers(client));
        let added = written(header, client, port).into_bytes();
        match lines.last_mut().filter(|_| joined) {
            Some(line) => { line.extend(b", "); line.extend(added); }
            None => lines.push(added),
        }
        // Further proxies, each of which adds the one before it.
        for proxy in further {
            let [a, b] = proxy.to_be_bytes();
            lines.push(written(header, IpAddr::from([10, 1, a, b]), None).into_bytes());
        }
        prop_assert_eq!(client_address(ip(PROXY), &headers(header, &lines), &trusted), client);
    }
}
