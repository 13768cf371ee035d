//! Which web pages may call, and the refusal of cross-site requests.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use http::header::{HOST, HeaderMap, HeaderName, ORIGIN};
use tracing::warn;

use super::App;

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");
const SEC_FETCH_MODE: HeaderName = HeaderName::from_static("sec-fetch-mode");

/// The origins whose pages may call and read.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Origins {
    /// Exactly these.
    pub listed: Vec<String>,
    /// Every port of `localhost` and `127.0.0.1` over http, for development.
    pub any_local_port: bool,
}

impl Origins {
    pub(super) fn allow(&self, origin: &str) -> bool {
        self.listed.iter().any(|listed| listed == origin) || (self.any_local_port && is_local(origin))
    }
}

/// `http://localhost:PORT` or `http://127.0.0.1:PORT`, and nothing that only begins like it.
fn is_local(origin: &str) -> bool {
    let host = origin.strip_prefix("http://").unwrap_or_default();
    let (host, port) = host.split_once(':').unwrap_or((host, "80"));
    let is_port = port.parse::<u16>().is_ok() && port.bytes().all(|byte| byte.is_ascii_digit());
    matches!(host, "localhost" | "127.0.0.1") && is_port
}

/// Whether a request that changes something does not come from a page of another site (OWASP, Cross-Site Request
/// Forgery Prevention: Fetch Metadata). A client that is not a browser sends neither header and is allowed.
pub(super) fn is_ours(app: &App, headers: &HeaderMap) -> bool {
    is_of(&app.origins, headers, text(headers, &HOST))
}

/// The same of a request for another host.
pub(super) fn is_of(origins: &Origins, headers: &HeaderMap, host: Option<&str>) -> bool {
    let origin = text(headers, &ORIGIN);
    if origin.is_some_and(|origin| origins.allow(origin)) {
        return true;
    }
    match (text(headers, &SEC_FETCH_SITE), origin) {
        (Some(site), _) => matches!(site, "same-origin" | "none"),
        (None, Some(origin)) => host.is_some_and(|host| is_of_host(origin, host)),
        (None, None) => true,
    }
}

/// What a browser says a request is for: `navigate` is a page of its own.
pub(super) fn fetch_mode(headers: &HeaderMap) -> Option<&str> {
    text(headers, &SEC_FETCH_MODE)
}

/// A header as text; empty if it is not text.
fn text<'h>(headers: &'h HeaderMap, name: &HeaderName) -> Option<&'h str> {
    headers.get(name).map(|value| value.to_str().unwrap_or_default())
}

/// The most origins that are warned of: a client can make up any number.
const MOST_WARNINGS: usize = 64;

/// The allowed origins whose pages are on another site than this server, as far as the operator has been warned of
/// them.
#[derive(Clone, Default)]
pub(super) struct CrossSiteWarnings(Arc<Mutex<BTreeSet<String>>>);

impl CrossSiteWarnings {
    /// Warns once of each allowed origin whose page is on another site: browsers then withhold this server's cookies.
    pub(super) fn note(&self, origins: &Origins, headers: &HeaderMap) {
        if let Some(origin) = self.new_origin(origins, headers) {
            warn!(
                origin,
                "this allowed origin is on another site than the server, so browsers send no cookie, and no device proof \
                 is in their requests: serve both under one site; in development mode open both as localhost, not 127.0.0.1"
            );
        }
    }

    fn new_origin(&self, origins: &Origins, headers: &HeaderMap) -> Option<String> {
        let origin = headers.get(ORIGIN)?;
        headers.get(SEC_FETCH_SITE).filter(|site| *site == "cross-site")?;
        let origin = origin.to_str().ok().filter(|origin| origins.allow(origin))?;
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        (known.len() < MOST_WARNINGS && known.insert(origin.to_owned())).then(|| origin.to_owned())
    }
}

fn is_of_host(origin: &str, host: &str) -> bool {
    ["http://", "https://"].iter().any(|scheme| origin.strip_prefix(scheme) == Some(host))
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    // ASVS-map: CS4
    #[test]
    fn an_origin_is_allowed_exactly_or_not_at_all() {
        let origins = Origins { listed: vec!["https://app.example".to_owned()], any_local_port: true };
        for allowed in
            ["https://app.example", "http://localhost:5173", "http://127.0.0.1:3001", "http://localhost"]
        {
            assert!(origins.allow(allowed), "{allowed}");
        }
        for refused in [
            "null",
            "",
            "https://app.example.",
            "https://app.example:443",
            "http://app.example",
            "https://app.example.evil.example",
            "https://evil-app.example",
            "https://APP.example",
            "https://app.example/",
            "https://app.example@evil.example",
            "http://localhost.evil.example",
            "http://localhost:5173.evil.example",
            "http://localhost:+1",
            "http://localhost:",
            "http://localhost:99999",
            "https://localhost:5173",
            "http://127.0.0.1.evil.example",
            "http://127.0.0.10",
            "http://localhostx:1",
            "file://",
            "http://[::1]:1",
        ] {
            assert!(!origins.allow(refused), "{refused}");
        }
    }

    #[test]
    fn each_allowed_origin_on_another_site_is_warned_of_once() {
        let origins = Origins { listed: vec!["https://app.example".to_owned()], any_local_port: true };
        let warnings = CrossSiteWarnings::default();
        let warned = |origin: &'static str, site: &'static str| {
            let headers = [(ORIGIN, origin), (SEC_FETCH_SITE, site)];
            let headers = headers.map(|(name, value)| (name, HeaderValue::from_static(value)));
            warnings.new_origin(&origins, &HeaderMap::from_iter(headers)).is_some()
        };
        assert!(!warned("http://localhost:5173", "same-site"));
        assert!(!warned("https://evil.example", "cross-site"));
        assert!(warned("http://localhost:5173", "cross-site"));
        assert!(!warned("http://localhost:5173", "cross-site"));
        assert!(warned("https://app.example", "cross-site"));
    }

    #[test]
    fn made_up_origins_are_warned_of_only_so_often() {
        let origins = Origins { any_local_port: true, ..Origins::default() };
        let warnings = CrossSiteWarnings::default();
        let warned = (1..=u16::MAX).filter(|port| {
            let mut headers = HeaderMap::new();
            headers.insert(SEC_FETCH_SITE, HeaderValue::from_static("cross-site"));
            headers.insert(ORIGIN, format!("http://localhost:{port}").parse().unwrap());
            warnings.new_origin(&origins, &headers).is_some()
        });
        assert_eq!(warned.count(), MOST_WARNINGS);
    }
}
