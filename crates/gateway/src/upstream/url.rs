//! The URL of an upstream.

use std::fmt;

use http::uri::{Authority, PathAndQuery, Scheme};
use http::{HeaderValue, Uri};

/// Scheme, host and port of an upstream. The path of a request is that of its client, so there is none here.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct UpstreamUrl {
    scheme: Scheme,
    authority: Authority,
}

impl UpstreamUrl {
    /// Parses `http://127.0.0.1:8000`.
    ///
    /// # Errors
    ///
    /// A sentence that says what is wrong.
    pub fn parse(text: &str) -> Result<Self, String> {
        let wrong = || format!("{text:?} is not the URL of an upstream: write http://127.0.0.1:8000");
        let parts = text.parse::<Uri>().map_err(|_| wrong())?.into_parts();
        if parts.path_and_query.is_some_and(|path| path != "/") || text.contains(['?', '#', '@']) {
            return Err(format!("{text:?} has a path, a query or a user: write scheme, host and port alone"));
        }
        let (scheme, authority) = parts.scheme.zip(parts.authority).ok_or_else(wrong)?;
        if (scheme != Scheme::HTTP && scheme != Scheme::HTTPS) || !names_a_place(&authority) {
            return Err(wrong());
        }
        Ok(Self { scheme, authority })
    }

    /// Whether it is reached over TLS.
    #[must_use]
    pub fn is_https(&self) -> bool {
        self.scheme == Scheme::HTTPS
    }

    /// The URL.
    #[must_use]
    pub fn to_uri(&self) -> Uri {
        let url = Uri::builder().scheme(self.scheme.clone()).authority(self.authority.clone());
        // With a scheme, a host and a path it is one.
        url.path_and_query(PathAndQuery::from_static("/")).build().unwrap_or_default()
    }

    /// The value of `Host` for requests that have none.
    #[must_use]
    pub fn host(&self) -> HeaderValue {
        HeaderValue::from_str(self.authority.as_str()).unwrap_or(HeaderValue::from_static(""))
    }
}

/// Whether there is a host, and a port between 1 and 65535 if one is written. Another would be ignored, and the request
/// sent to port 80.
fn names_a_place(authority: &Authority) -> bool {
    let port = authority.as_str().strip_prefix(authority.host()).and_then(|rest| rest.strip_prefix(':'));
    !authority.host().is_empty() && port.is_none_or(|port| port.parse().is_ok_and(|port: u16| port > 0))
}

impl fmt::Display for UpstreamUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", self.scheme, self.authority)
    }
}
