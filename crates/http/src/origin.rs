//! Warnings of allowed origins that browsers treat as another site.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use http::header::{HeaderMap, HeaderName, ORIGIN};
use portcullis_axum::Origins;
use tracing::warn;

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// The most origins that are warned of: a client can make up any number.
const MOST_WARNINGS: usize = 64;

/// The allowed origins whose pages are on another site than this server, as far as the operator has been warned of
/// them.
#[derive(Clone, Default)]
pub(crate) struct CrossSiteWarnings(Arc<Mutex<BTreeSet<String>>>);

impl CrossSiteWarnings {
    /// Warns once of each allowed origin whose page is on another site: browsers then withhold this server's cookies.
    pub(crate) fn note(&self, origins: &Origins, headers: &HeaderMap) {
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

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

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
