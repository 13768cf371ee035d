//! Which web pages may call, and how a request shows that it comes from a page of another site.

use http::header::{HOST, HeaderMap, HeaderName, ORIGIN, UPGRADE};
use http::request::Parts;

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// The origins whose pages may call and read.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Origins {
    /// Exactly these.
    pub listed: Vec<String>,
    /// Every port of `localhost` and `127.0.0.1` over http, for development.
    pub any_local_port: bool,
}

impl Origins {
    /// Whether pages of this origin may call. Never those without one (`null`): every site can make such a page.
    #[must_use]
    pub fn allow(&self, origin: &str) -> bool {
        if origin == "null" {
            return false;
        }
        self.listed.iter().any(|listed| listed == origin) || (self.any_local_port && is_local(origin))
    }

    /// Whether a request that changes something does not come from a page of another site (OWASP, Cross-Site Request
    /// Forgery Prevention: Fetch Metadata). A client that is not a browser sends neither header and is allowed.
    #[must_use]
    pub fn are_behind(&self, headers: &HeaderMap) -> bool {
        self.are_behind_at(headers, text(headers, &HOST))
    }

    /// Whether a credential counts that a browser sends by itself, whichever page asks for the request: it does if the
    /// request changes nothing, or is not made by a page of another site.
    #[must_use]
    pub fn let_cookies_count(&self, request: &Parts) -> bool {
        // HTTP/2 has no header for the host.
        let host = || text(&request.headers, &HOST).or_else(|| Some(request.uri.authority()?.as_str()));
        !can_change(request) || self.are_behind_at(&request.headers, host())
    }

    /// The same of a request for another host than its header names.
    #[must_use]
    pub fn are_behind_at(&self, headers: &HeaderMap, host: Option<&str>) -> bool {
        let origin = text(headers, &ORIGIN);
        if origin.is_some_and(|origin| self.allow(origin)) {
            return true;
        }
        match (text(headers, &SEC_FETCH_SITE), origin) {
            (Some(site), _) => matches!(site, "same-origin" | "none"),
            (None, Some(origin)) => host.is_some_and(|host| is_of_host(origin, host)),
            (None, None) => true,
        }
    }
}

/// Exactly these.
impl<O: Into<String>, const N: usize> From<[O; N]> for Origins {
    fn from(listed: [O; N]) -> Self {
        Self { listed: listed.map(Into::into).into(), any_local_port: false }
    }
}

/// Whether a request can do more than read: by its method, or because it opens a WebSocket, to which browsers let pages
/// of every site connect.
fn can_change(request: &Parts) -> bool {
    !request.method.is_safe() || request.headers.contains_key(UPGRADE)
}

/// A header as text; empty if it is not text.
fn text<'h>(headers: &'h HeaderMap, name: &HeaderName) -> Option<&'h str> {
    headers.get(name).map(|value| value.to_str().unwrap_or_default())
}

/// `http://localhost:PORT` or `http://127.0.0.1:PORT`, and nothing that only begins like it.
fn is_local(origin: &str) -> bool {
    let host = origin.strip_prefix("http://").unwrap_or_default();
    let (host, port) = host.split_once(':').unwrap_or((host, "80"));
    let is_port = port.parse::<u16>().is_ok() && port.bytes().all(|byte| byte.is_ascii_digit());
    matches!(host, "localhost" | "127.0.0.1") && is_port
}

fn is_of_host(origin: &str, host: &str) -> bool {
    ["http://", "https://"].iter().any(|scheme| origin.strip_prefix(scheme) == Some(host))
}

#[cfg(test)]
mod tests {
    use super::*;

    // ASVS-map: CS4
    #[test]
    fn an_origin_is_allowed_exactly_or_not_at_all() {
        let listed = ["https://app.example", "null"].map(str::to_owned);
        let origins = Origins { listed: listed.into(), any_local_port: true };
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
}
