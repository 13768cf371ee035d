//! The steps that a request came through, as one header line lists them.
//!
//! Lines are parsed from their end. What a proxy appended stands behind what a client wrote, so no quotation mark of a
//! client, closed or not, can hide it.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::ProxyHeader;

/// The sender's address at each step of a line, the last step first; `None` if a step names no address.
pub(super) fn steps(header: ProxyHeader, line: &str) -> Vec<Option<IpAddr>> {
    let steps = match header {
        ProxyHeader::XForwardedFor => line.rsplit(',').map(|step| (step, node(step.trim()))).collect(),
        ProxyHeader::Forwarded => {
            FromTheEnd::of(line, b',').map(|step| (step, forwarded_for(step))).collect()
        }
    };
    let steps: Vec<(&str, Option<IpAddr>)> = steps;
    // An empty element does not count (RFC 9110, section 5.6.1).
    steps.into_iter().filter(|(step, _)| !step.trim().is_empty()).map(|(_, address)| address).collect()
}

/// The `for` of one element of `Forwarded`, which may occur once (RFC 7239, section 4).
fn forwarded_for(element: &str) -> Option<IpAddr> {
    let pairs = FromTheEnd::of(element, b';').filter_map(|pair| pair.split_once('='));
    let mut values = pairs.filter(|(name, _)| name.trim().eq_ignore_ascii_case("for"));
    match (values.next(), values.next()) {
        (Some((_, value)), None) => node(unquoted(value.trim())?),
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
struct FromTheEnd<'a> {
    rest: Option<&'a str>,
    separator: u8,
}

impl<'a> FromTheEnd<'a> {
    const fn of(text: &'a str, separator: u8) -> Self {
        Self { rest: Some(text), separator }
    }
}

impl<'a> Iterator for FromTheEnd<'a> {
    type Item = &'a str;

    fn next(&mut self) -> Option<&'a str> {
        let rest = self.rest.take()?;
        let mut quoted = false;
        for (at, byte) in rest.bytes().enumerate().rev() {
            if byte == b'"' && !is_escaped(rest, at) {
                quoted = !quoted;
            } else if byte == self.separator && !quoted {
                let (before, part) = rest.split_at_checked(at)?;
                self.rest = Some(before);
                return part.get(1..);
            }
        }
        Some(rest)
    }
}

/// Whether the byte at `at` is escaped by a backslash.
fn is_escaped(text: &str, at: usize) -> bool {
    text.bytes().take(at).rev().take_while(|byte| *byte == b'\\').count() % 2 == 1
}
