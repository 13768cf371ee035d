//! The session cookie: its name, its attributes, and how it is found and written (RFC 6265).

use http::header::{COOKIE, HeaderMap, HeaderValue};
use portcullis_api::refusal::{Code, Refusal};
use portcullis_core::clock::Timestamp;

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
}

/// The name that Express gives its session cookie.
const EXPRESS_NAME: &str = "connect.sid";

impl SessionCookie {
    /// The cookie of a service that is reached over https, or over http on the machine itself.
    #[must_use]
    pub fn over(https: bool) -> Self {
        // The prefix binds the cookie to this host: no sibling domain can plant it.
        let name = if https { format!("__Host-{EXPRESS_NAME}") } else { EXPRESS_NAME.to_owned() };
        Self { name, secure: https, same_site: SameSite::Lax, domain: None }
    }

    /// The values of all cookies of this name. If there are several, another site of the domain may have planted one.
    pub fn values<'h>(&self, headers: &'h HeaderMap) -> Vec<&'h str> {
        let texts = headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok());
        let pairs = texts.flat_map(|text| text.split(';')).filter_map(|pair| pair.trim().split_once('='));
        pairs.filter(|(name, _)| *name == self.name).map(|(_, value)| value).collect()
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
}

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
    fn only_cookies_of_exactly_this_name_count_and_all_of_them_do() {
        let cookie = SessionCookie::over(true);
        let tricks =
            ["__HOST-connect.sid=a; =__Host-connect.sid=b", "x=1; __host-connect.sid=c; __Host-connect.sid"];
        assert!(cookie.values(&headers(&tricks)).is_empty());
        let twice = ["__Host-connect.sid=a; y=2", "__Host-connect.sid=b"];
        assert_eq!(cookie.values(&headers(&twice)), ["a", "b"]);
    }
}
