//! Our cookies: found in a request, and taken away before an upstream sees it.

use http::header::{COOKIE, HeaderMap, HeaderValue};

/// The names of the session cookie and the device cookie.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct OurCookies {
    /// Names of the session cookie.
    pub session: Vec<String>,
    /// Names of the device cookie.
    pub device: Vec<String>,
}

impl Default for OurCookies {
    /// The names that the server gives them over https and on a loopback address.
    fn default() -> Self {
        let both = |name: &str| vec![format!("__Host-{name}"), name.to_owned()];
        Self { session: both("connect.sid"), device: both("portcullis.device") }
    }
}

impl OurCookies {
    /// The pairs of the session cookie, as one header; `None` if there is none.
    #[must_use]
    pub fn session_pairs(&self, headers: &HeaderMap) -> Option<String> {
        let is_session = |name: &[u8]| self.session.iter().any(|ours| ours.as_bytes() == name);
        let found = pairs(headers).filter(|pair| is_session(name_of(pair)));
        let texts: Vec<_> = found.map(String::from_utf8_lossy).collect();
        (!texts.is_empty()).then(|| texts.join("; "))
    }

    /// Takes our cookies away. What others hold passes byte for byte.
    pub fn take(&self, headers: &mut HeaderMap) {
        if !pairs(headers).any(|pair| self.is_ours(pair)) {
            return;
        }
        let kept: Vec<&[u8]> = pairs(headers).filter(|pair| !self.is_ours(pair)).collect();
        let line = HeaderValue::from_bytes(&kept.join(&b"; "[..])).ok();
        headers.remove(COOKIE);
        if let Some(line) = line.filter(|line| !line.is_empty()) {
            headers.insert(COOKIE, line);
        }
    }

    /// Whether a server could take this pair for our cookie: some do not look at the case of a name.
    fn is_ours(&self, pair: &[u8]) -> bool {
        let name = name_of(pair);
        self.session.iter().chain(&self.device).any(|ours| ours.as_bytes().eq_ignore_ascii_case(name))
    }
}

/// The pairs of all `Cookie` lines.
fn pairs(headers: &HeaderMap) -> impl Iterator<Item = &[u8]> {
    let lines = headers.get_all(COOKIE).iter();
    let pairs = lines.flat_map(|line| line.as_bytes().split(|byte| *byte == b';')).map(<[u8]>::trim_ascii);
    pairs.filter(|pair| !pair.is_empty())
}

fn name_of(pair: &[u8]) -> &[u8] {
    pair.split(|byte| *byte == b'=').next().unwrap_or(pair).trim_ascii()
}
