//! The session cookie: its name, its attributes, and how it is found and written (RFC 6265).

use std::collections::BTreeSet;

use http::header::{COOKIE, HOST, HeaderMap, HeaderValue};
use portcullis_api::refusal::{Code, Refusal};
use portcullis_core::clock::Timestamp;
use smallvec::SmallVec;

/// When a browser sends the cookie along from another site.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SameSite {
    /// Only when the user follows a link.
    Lax,
    /// Never.
    Strict,
    /// Always; browsers want `Secure` for it.
    None,
}

impl SameSite {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Lax => "Lax",
            Self::Strict => "Strict",
            Self::None => "None",
        }
    }
}

/// The session cookie.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SessionCookie {
    /// Its name.
    pub name: String,
    /// Whether it travels over https only.
    pub secure: bool,
    /// Whether it travels from other sites.
    pub same_site: SameSite,
    /// The domain whose hosts all get it; without one only the host that set it does.
    pub domain: Option<String>,
    /// The host under which browsers know the service; `None` for the one that a request names.
    pub host: Option<String>,
}

/// The name that Express gives its session cookie.
const EXPRESS_NAME: &str = "connect.sid";

impl SessionCookie {
    /// The cookie of a service that is reached over https, or over http on the machine itself.
    #[must_use]
    pub fn over(https: bool) -> Self {
        // The prefix binds the cookie to this host: no sibling domain can plant it.
        let name = if https { format!("__Host-{EXPRESS_NAME}") } else { EXPRESS_NAME.to_owned() };
        Self { name, secure: https, same_site: SameSite::Lax, domain: None, host: None }
    }

    /// The values of all cookies of this name. If there are several, another site of the domain may have planted one.
    ///
    /// The other cookies of the host belong to others, and may hold any bytes. One of this name that is not text has an
    /// empty value, which is never valid.
    #[must_use]
    pub fn values<'h>(&self, headers: &'h HeaderMap) -> SmallVec<[&'h str; 1]> {
        values_named(&self.name, headers)
    }

    /// The `Set-Cookie` that hands out `value` until `expires`.
    ///
    /// # Errors
    /// An internal error: the value, or the configured name, cannot stand in a header.
    pub fn set(&self, value: &str, expires: Timestamp) -> Result<HeaderValue, Refusal> {
        let Self { name, same_site, .. } = self;
        let secure = if self.secure { "; Secure" } else { "" };
        let domain = self.domain.as_ref().map(|domain| format!("; Domain={domain}")).unwrap_or_default();
        let (expires, same_site) = (http_date(expires), same_site.as_str());
        let text = format!(
            "{name}={value}{domain}; Path=/; Expires={expires}; HttpOnly{secure}; SameSite={same_site}"
        );
        let mut header = HeaderValue::try_from(text).map_err(|_| Refusal::plain(Code::InternalError))?;
        header.set_sensitive(true);
        Ok(header)
    }

    /// The `Set-Cookie` that takes the cookie away: the same attributes, long past.
    ///
    /// # Errors
    /// An internal error: the configured name cannot stand in a header.
    pub fn clear(&self) -> Result<HeaderValue, Refusal> {
        self.set("", Timestamp::from_millis(0))
    }

    /// The `Set-Cookie`s that take every cookie of the name away: that of this host alone, that of the configured
    /// domain, and those that the host and each of its parent domains may have been given.
    ///
    /// # Errors
    /// An internal error: the configured name cannot stand in a header.
    pub fn clear_everywhere(&self, headers: &HeaderMap) -> Result<Vec<HeaderValue>, Refusal> {
        let asked = headers.get(HOST).and_then(|host| host.to_str().ok());
        let host = self.host.as_deref().or(asked).unwrap_or_default();
        let mut domains: Vec<Option<String>> = vec![None, self.domain.clone()];
        // Browsers keep a cookie with this prefix for one host alone.
        if !self.name.to_ascii_lowercase().starts_with("__host-") {
            domains.extend(domains_of(host).map(Some));
        }
        let mut seen = BTreeSet::new();
        domains.retain(|domain| seen.insert(domain.clone()));
        domains.into_iter().map(|domain| Self { domain, ..self.clone() }.clear()).collect()
    }
}

/// The values of all cookies of a name.
pub(crate) fn values_named<'h>(name: &str, headers: &'h HeaderMap) -> SmallVec<[&'h str; 1]> {
    let lines = headers.get_all(COOKIE).iter().map(HeaderValue::as_bytes);
    let pairs = lines.flat_map(|line| line.split(|byte| *byte == b';')).filter_map(name_and_value);
    let ours = pairs.filter(|(of, _)| *of == name.as_bytes());
    ours.map(|(_, value)| std::str::from_utf8(value).unwrap_or_default()).collect()
}

/// A pair of a `Cookie` header.
fn name_and_value(pair: &[u8]) -> Option<(&[u8], &[u8])> {
    let pair = pair.trim_ascii();
    let end = pair.iter().position(|byte| *byte == b'=')?;
    Some((pair.get(..end)?, pair.get(end + 1..)?))
}

/// The most domains above a host that a cookie may be of: no host has more in practice.
const MOST_DOMAINS: usize = 8;

/// The domains of whose cookies a host gets a copy: its own and its parents', but no top-level domain. An address has
/// none.
fn domains_of(host: &str) -> impl Iterator<Item = String> {
    let name = host.rsplit_once(':').map_or(host, |(name, _)| name).to_ascii_lowercase();
    let is_name = |label: &str| {
        !label.is_empty() && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    let labels: Vec<&str> = name.split('.').collect();
    let is_address = labels.last().is_some_and(|last| last.bytes().all(|byte| byte.is_ascii_digit()));
    let can_have = labels.iter().all(|label| is_name(label)) && !is_address && name.len() <= LONGEST_HOST;
    let most = if can_have { labels.len().saturating_sub(1) } else { 0 };
    let domains: Vec<String> = (0..most)
        .rev()
        .take(MOST_DOMAINS)
        .map(|from| labels.iter().skip(from).copied().collect::<Vec<_>>().join("."))
        .collect();
    domains.into_iter()
}

/// The most bytes of the name of a host (RFC 1035, section 2.3.4).
const LONGEST_HOST: usize = 253;

/// `Wed, 28 Jan 2026 22:12:56 GMT` (RFC 9110, section 5.6.7).
fn http_date(moment: Timestamp) -> String {
    let moment = jiff::Timestamp::from_second(moment.as_seconds()).unwrap_or(jiff::Timestamp::MAX);
    moment.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(cookies: &[&str]) -> HeaderMap {
        cookies.iter().map(|cookie| (COOKIE, HeaderValue::from_str(cookie).unwrap())).collect()
    }

    // ASVS-map: CK1
    #[test]
    fn over_https_the_cookie_is_bound_to_the_host() {
        let set =
            SessionCookie::over(true).set("s%3Aid.sig", Timestamp::from_millis(1_769_638_376_311)).unwrap();
        let expected = "__Host-connect.sid=s%3Aid.sig; Path=/; Expires=Wed, 28 Jan 2026 22:12:56 GMT; HttpOnly; Secure; SameSite=Lax";
        assert_eq!(set.to_str().unwrap(), expected);
    }

    // ASVS-map: CK5
    #[test]
    fn a_cookie_is_cleared_with_the_attributes_it_was_set_with() {
        let cookie = SessionCookie::over(false);
        let clear = cookie.clear().unwrap();
        assert_eq!(
            clear.to_str().unwrap(),
            "connect.sid=; Path=/; Expires=Thu, 01 Jan 1970 00:00:00 GMT; HttpOnly; SameSite=Lax"
        );
    }

    // ASVS-map: CK4
    #[test]
    fn what_other_cookies_hold_hides_no_cookie_of_ours() {
        let cookie = SessionCookie::over(false);
        let values = |line: &[u8]| {
            let headers = HeaderMap::from_iter([(COOKIE, HeaderValue::from_bytes(line).unwrap())]);
            cookie.values(&headers).into_iter().map(str::to_owned).collect::<Vec<_>>()
        };
        assert_eq!(values("city=Zürich; connect.sid=a; x=\"q".as_bytes()), ["a"]);
        assert_eq!(values(b"\xff\xfe=\x80; ; =;connect.sid=a=b\t; \xc3"), ["a=b"]);
        assert_eq!(values(b"connect.sid=\xff; connect.sid=a"), ["", "a"], "ours must be text");
        assert!(values(b"connect.sid\xc2\xa0=a; \xc2\xa0connect.sid=b").is_empty());
    }

    #[test]
    fn a_cookie_is_cleared_for_every_domain_that_may_have_set_it() {
        let domains = |cookie: &SessionCookie, host: &'static str| {
            let headers = HeaderMap::from_iter([(HOST, HeaderValue::from_static(host))]);
            let cleared = cookie.clear_everywhere(&headers).unwrap();
            let domain = |set: HeaderValue| {
                let set = set.to_str().unwrap().to_owned();
                let parts: Vec<&str> = set.split("; ").collect();
                assert!(
                    parts[0].ends_with('=') && set.contains("Expires=Thu, 01 Jan 1970 00:00:00 GMT"),
                    "{set}"
                );
                parts.iter().find_map(|part| part.strip_prefix("Domain=")).unwrap_or("-").to_owned()
            };
            cleared.into_iter().map(domain).collect::<Vec<_>>().join(" ")
        };
        let plain = SessionCookie::over(false);
        assert_eq!(
            domains(&plain, "Auth.eu.example.com:8443"),
            "- example.com eu.example.com auth.eu.example.com"
        );
        for address in ["localhost:3000", "127.0.0.1:3000", "[::1]:3000", "a..b", "x y.com", "com", ""] {
            assert_eq!(domains(&plain, address), "-", "{address}");
        }
        let wide = SessionCookie { domain: Some("example.com".to_owned()), ..plain };
        assert_eq!(domains(&wide, "auth.example.com"), "- example.com auth.example.com");
        let told = SessionCookie { host: Some("login.example.org".to_owned()), ..wide };
        assert_eq!(domains(&told, "10.0.0.7"), "- example.com example.org login.example.org");
        assert_eq!(domains(&SessionCookie::over(true), "auth.example.com"), "-");
    }

    // ASVS-map: CK4
    #[test]
    fn only_cookies_of_exactly_this_name_count_and_all_of_them_do() {
        let cookie = SessionCookie::over(true);
        let tricks =
            ["__HOST-connect.sid=a; =__Host-connect.sid=b", "x=1; __host-connect.sid=c; __Host-connect.sid"];
        assert!(cookie.values(&headers(&tricks)).is_empty());
        let twice = ["__Host-connect.sid=a; y=2", "__Host-connect.sid=b"];
        assert_eq!(cookie.values(&headers(&twice)).as_slice(), ["a", "b"]);
    }
}
