//! The public URL, origins, and the cookie's name and domain.

use std::fmt;
use std::net::IpAddr;

use portcullis_core::invisible::is_invisible;
use url::{Host, Url};

use super::{Parsed, address};

/// The most characters of a name that users see.
pub const LONGEST_NAME: usize = 64;

/// The URL under which users reach the server: scheme, host and port alone. It is the issuer (`iss`) of tokens.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PublicUrl {
    origin: String,
    host: String,
    https: bool,
}

impl PublicUrl {
    /// The URL in its normal form, without a slash at its end.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.origin
    }

    /// The host, without the port.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.host
    }

    /// Whether users come over TLS, so that cookies are `Secure`.
    #[must_use]
    pub const fn is_https(&self) -> bool {
        self.https
    }
}

impl fmt::Display for PublicUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.origin)
    }
}

/// Parses the public URL: https, or http on a loopback host.
pub fn public_url(text: &str) -> Parsed<PublicUrl> {
    let url = bare(text).map_err(|what| format!("{what}: write https://auth.example.com"))?;
    let https = url.scheme() == "https";
    match url.host() {
        Some(host) if https || (url.scheme() == "http" && is_loopback_host(&host)) => {
            Ok(PublicUrl { origin: url.origin().ascii_serialization(), host: host.to_string(), https })
        }
        Some(_) => Err(format!("{text:?} must be https; http is for a loopback host such as localhost only")),
        None => Err(format!("{text:?} names no host: write https://auth.example.com")),
    }
}

/// Parses a URL. A message does not repeat a text with a password.
fn url(text: &str) -> Parsed<Url> {
    // The parser accepts what a browser accepts (`https:\\host`, blanks, line ends); a configuration need not.
    let url = Url::parse(text).ok().filter(|_| text.contains("://") && !text.contains(char::is_whitespace));
    let url = url.ok_or_else(|| "is not a URL".to_owned())?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err("holds a user name or password, which must not be in this URL".to_owned());
    }
    Ok(url)
}

/// Parses a URL of scheme, host and port.
fn bare(text: &str) -> Parsed<Url> {
    let url = url(text)?;
    let extra = [
        (!matches!(url.path(), "" | "/"), "path"),
        (url.query().is_some(), "query"),
        (url.fragment().is_some(), "fragment"),
    ];
    match extra.iter().find(|(present, _)| *present) {
        Some((_, what)) => Err(format!("{text:?} has a {what}; write scheme, host and port alone")),
        None => Ok(url),
    }
}

fn is_loopback_host(host: &Host<&str>) -> bool {
    match host {
        Host::Domain(name) => *name == "localhost" || name.ends_with(".localhost"),
        Host::Ipv4(ip) => address::is_loopback(IpAddr::V4(*ip)),
        Host::Ipv6(ip) => address::is_loopback(IpAddr::V6(*ip)),
    }
}

/// The address of a page or picture on the web: https, or http on a loopback host.
pub fn web_page(text: &str) -> Parsed<String> {
    let url = url(text).map_err(|what| format!("{what}: write https://app.example.com/page"))?;
    match url.host() {
        Some(host) if url.scheme() == "https" || (url.scheme() == "http" && is_loopback_host(&host)) => {
            Ok(text.to_owned())
        }
        _ => Err(format!("{text:?} must be https; http is for a loopback host such as localhost only")),
    }
}

/// Parses the address of a page where users sign in.
pub fn login_page(text: &str) -> Parsed<Url> {
    web_page(text).and_then(|text| url(&text))
}

/// The host of a URL, with its port where that is not the scheme's own.
#[must_use]
pub fn authority_of(url: &Url) -> Option<String> {
    let host = url.host_str()?;
    Some(url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}")))
}

/// Parses a host, with its port where that is not the scheme's own.
pub fn web_host(text: &str) -> Parsed<String> {
    let is_bare = !text.contains(['/', '\\', '@', '?', '#', '*']);
    let url = is_bare.then(|| url(&format!("https://{text}")).ok()).flatten();
    url.as_ref()
        .and_then(authority_of)
        .ok_or_else(|| format!("{text:?} is not a host: write app.example.com, or app.example.com:8443"))
}

/// A name that users see: one line without invisible characters.
pub fn display_name(text: &str) -> Parsed<String> {
    let length = text.chars().count();
    if text.trim().is_empty() || length > LONGEST_NAME {
        return Err(format!("is empty or has {length} characters; write 1 to {LONGEST_NAME}"));
    }
    if text.contains(is_invisible) {
        return Err(format!("holds invisible characters: {text:?}; remove them"));
    }
    Ok(text.trim().to_owned())
}

/// The origin of web pages, exactly as browsers send it (RFC 6454, section 6.2).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct WebOrigin(String);

impl WebOrigin {
    /// The value of the `Origin` header.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Parses one exact origin. Apps in a web view have schemes of their own (`capacitor://localhost`).
pub fn web_origin(text: &str) -> Parsed<WebOrigin> {
    if text.contains('*') || text == "null" {
        return Err(format!(
            "{text:?} would let any page act as the user who is signed in: write each origin exactly"
        ));
    }
    let url = bare(text).map_err(|what| format!("{what}: write https://app.example.com"))?;
    let origin = url.origin();
    match (origin.is_tuple(), url.host_str()) {
        (true, _) => Ok(WebOrigin(origin.ascii_serialization())),
        (false, Some(host)) if !host.is_empty() && url.port().is_none() => {
            Ok(WebOrigin(format!("{}://{host}", url.scheme())))
        }
        _ => Err(format!("{text:?} is not an origin: write https://app.example.com")),
    }
}

/// Parses a cookie's name: a token of RFC 9110, section 5.6.2.
pub fn cookie_name(text: &str) -> Parsed<String> {
    let allowed = |c: u8| c.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&c);
    if text.is_empty() || text.len() > 64 || !text.bytes().all(allowed) {
        return Err(format!("{text:?} is not a cookie's name: write up to 64 letters, digits, -, . and _"));
    }
    Ok(text.to_owned())
}

/// Parses a cookie's domain: a lower-case host name of at least two labels. Browsers ignore a leading dot.
pub fn cookie_domain(text: &str) -> Parsed<String> {
    let name = text.strip_prefix('.').unwrap_or(text);
    let labels = if name.split('.').any(str::is_empty) { 0 } else { name.split('.').count() };
    match Host::parse(name) {
        Ok(Host::Domain(domain)) if domain == name && labels >= 2 => Ok(domain),
        _ => Err(format!("{text:?} is not a domain: write example.com")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_written_alone_and_compared_in_its_normal_form() {
        for (text, host) in [
            ("app.example.com", "app.example.com"),
            ("APP.example.com:8443", "app.example.com:8443"),
            ("app.example.com:443", "app.example.com"),
            ("bücher.example", "xn--bcher-kva.example"),
            ("[::1]:8080", "[::1]:8080"),
        ] {
            assert_eq!(web_host(text).as_deref(), Ok(host), "{text}");
        }
        for text in [
            "",
            "https://app.example.com",
            "app.example.com/x",
            "a@app.example.com",
            "*.example.com",
            "app.example.com?x",
            "app.example.com#x",
            "app .example.com",
            "app.example.com:x",
            "app.example.com\\@evil.example",
        ] {
            assert!(web_host(text).unwrap_err().contains("is not a host"), "{text}");
        }
    }

    #[test]
    fn a_public_url_is_https_or_http_on_a_loopback_host() {
        for (text, normal) in [
            ("https://auth.example.com", "https://auth.example.com"),
            ("HTTPS://Auth.Example.com:443/", "https://auth.example.com"),
            ("https://auth.example.com:8443", "https://auth.example.com:8443"),
            ("http://localhost:3000", "http://localhost:3000"),
            ("http://app.localhost", "http://app.localhost"),
            ("http://127.0.0.1:3000/", "http://127.0.0.1:3000"),
            ("http://[::1]:3000", "http://[::1]:3000"),
        ] {
            let url = public_url(text).unwrap();
            assert_eq!((url.as_str(), url.is_https()), (normal, normal.starts_with("https")), "{text}");
        }
        for (bad, why) in [
            ("", "not a URL"),
            ("auth.example.com", "not a URL"),
            ("https:auth.example.com", "not a URL"),
            (" https://auth.example.com", "not a URL"),
            ("https://", "not a URL"),
            ("http://auth.example.com", "must be https"),
            ("http://localhost.example.com", "must be https"),
            ("http://10.0.0.1", "must be https"),
            ("ftp://localhost", "must be https"),
            ("https://a.example/auth", "has a path"),
            ("https://a.example/?x", "has a query"),
            ("https://a.example/#x", "has a fragment"),
            ("https://me@a.example", "user name or password"),
        ] {
            let message = public_url(bad).unwrap_err();
            assert!(message.contains(why), "{bad}: {message}");
        }
    }

    #[test]
    fn a_password_in_a_url_is_not_repeated() {
        assert!(!public_url("https://me:hunter2@a.example/x").unwrap_err().contains("hunter2"));
    }

    // ASVS-map: CS4
    #[test]
    fn an_origin_is_exact_and_never_any_or_null() {
        for (text, normal) in [
            ("https://app.example.com", "https://app.example.com"),
            ("https://app.example.com:443/", "https://app.example.com"),
            ("http://localhost:5173", "http://localhost:5173"),
            ("capacitor://localhost", "capacitor://localhost"),
        ] {
            assert_eq!(web_origin(text).unwrap().as_str(), normal);
        }
        for bad in
            ["*", "null", "https://*.example.com", "app.example.com", "https://a.example/x", "file:///", ""]
        {
            assert!(web_origin(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn cookie_names_and_domains_are_what_a_browser_takes() {
        assert!(cookie_name("__Host-connect.sid").is_ok());
        for bad in ["", "a b", "a=b", "a;b", "é", &"x".repeat(65)] {
            assert!(cookie_name(bad).is_err(), "{bad}");
        }
        assert_eq!(cookie_domain(".example.com"), Ok("example.com".to_owned()));
        for bad in ["", "com", "https://example.com", "Example.com", "127.0.0.1", "example.com/x", "a..b"] {
            assert!(cookie_domain(bad).is_err(), "{bad}");
        }
    }
}
