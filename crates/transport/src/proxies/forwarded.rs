//! The steps that a request came through, as one header line lists them.
//!
//! Lines are parsed from their end. What a proxy appended stands behind what a client wrote, so no quotation mark of a
//! client, closed or not, can hide it.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::ProxyHeader;

/// The sender's address at each step of a line, the last step first; `None` if a step names no address.
pub(super) fn steps(header: ProxyHeader, line: &str) -> Vec<Option<IpAddr>> {
    let (steps, address): (_, fn(&str) -> _) = match header {
        ProxyHeader::XForwardedFor => (line.rsplit(',').collect(), |step| node(step.trim())),
        ProxyHeader::Forwarded => (parts(line, b','), forwarded_for),
    };
    // An empty element does not count (RFC 9110, section 5.6.1).
    steps.into_iter().filter(|step| !step.trim().is_empty()).map(address).collect()
}

/// The scheme by which the last proxy of a line was reached; `None` if it does not say it.
pub(super) fn scheme(header: ProxyHeader, line: &str) -> Option<&str> {
    match header {
        ProxyHeader::XForwardedFor => line.rsplit(',').next().map(str::trim),
        ProxyHeader::Forwarded => {
            let last = parts(line, b',').into_iter().find(|element| !element.trim().is_empty())?;
            parameter(last, "proto")
        }
    }
}

fn forwarded_for(element: &str) -> Option<IpAddr> {
    node(parameter(element, "for")?)
}

/// A parameter of one element of `Forwarded`, which may occur once (RFC 7239, section 4).
fn parameter<'e>(element: &'e str, wanted: &str) -> Option<&'e str> {
    let pairs = parts(element, b';').into_iter().filter_map(|pair| pair.split_once('='));
    let mut values = pairs.filter(|(name, _)| name.trim().eq_ignore_ascii_case(wanted));
    match (values.next(), values.next()) {
        (Some((_, value)), None) => unquoted(value.trim()),
        _ => None,
    }
}

/// A value without its quotation marks; `None` if they do not match. No address needs a backslash.
fn unquoted(value: &str) -> Option<&str> {
    let inner = match value.strip_prefix('"') {
        Some(rest) => rest.strip_suffix('"')?,
        None => value,
    };
    (!inner.contains(['"', '\\'])).then_some(inner)
}

/// Parses an address with or without a port (RFC 7239, section 6); `None` for `unknown` and obfuscated names such as
/// `_hidden`. An IPv6 address may have no brackets, as many proxies write it.
fn node(text: &str) -> Option<IpAddr> {
    let address = if let Some(bracketed) = text.strip_prefix('[') {
        let (address, port) = bracketed.split_once(']')?;
        is_port(port).then_some(IpAddr::V6(address.parse::<Ipv6Addr>().ok()?))
    } else if let Ok(address) = text.parse() {
        Some(address)
    } else {
        let (address, port) = text.split_at_checked(text.find(':')?)?;
        is_port(port).then_some(IpAddr::V4(address.parse::<Ipv4Addr>().ok()?))
    };
    address.map(|address| address.to_canonical())
}

/// Whether this is empty, or a colon and a port, which may be an obfuscated name.
fn is_port(text: &str) -> bool {
    let Some(port) = text.strip_prefix(':') else { return text.is_empty() };
    let is_name = |name: &str| {
        !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-'))
    };
    let is_number = || port.bytes().all(|b| b.is_ascii_digit()) && port.parse::<u16>().is_ok();
    port.strip_prefix('_').map_or_else(is_number, is_name)
}

/// The parts of a text between unquoted separators, the last one first.
fn parts(text: &str, separator: u8) -> Vec<&str> {
    let (mut parts, mut end, mut quoted) = (Vec::new(), text.len(), false);
    for (at, byte) in text.bytes().enumerate().rev() {
        if byte == b'"' && !is_escaped(text, at) {
            quoted = !quoted;
        } else if byte == separator && !quoted {
            parts.extend(text.get(at + 1..end));
            end = at;
        }
    }
    parts.extend(text.get(..end));
    parts
}

/// Whether the byte at `at` is escaped by a backslash.
fn is_escaped(text: &str, at: usize) -> bool {
    text.bytes().take(at).rev().take_while(|byte| *byte == b'\\').count() % 2 == 1
}
