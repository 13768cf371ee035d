//! The request that a proxy asks about, as the headers of a trusted proxy describe it.

use http::header::{HOST, HeaderMap, HeaderName, SEC_WEBSOCKET_KEY};
use http::{HeaderValue, Method};
use url::Url;

use crate::browser::fetch_mode;

const FORWARDED_METHOD: HeaderName = HeaderName::from_static("x-forwarded-method");
const ORIGINAL_METHOD: HeaderName = HeaderName::from_static("x-original-method");
const FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
const FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
const FORWARDED_URI: HeaderName = HeaderName::from_static("x-forwarded-uri");

/// What ends a host in a URL, or makes a user's name of it.
const NOT_IN_HOST: [char; 5] = ['/', '\\', '?', '#', '@'];

/// A request that a proxy asks about.
#[derive(Clone, Copy, Debug)]
pub struct ForwardedRequest<'r> {
    /// Its headers, and those that the proxy has added.
    pub(super) headers: &'r HeaderMap,
    /// The method by which the proxy asks.
    asked_by: &'r Method,
    /// Whether the proxy is trusted; otherwise the client may have written what describes the request.
    is_trusted: bool,
}

impl<'r> ForwardedRequest<'r> {
    /// The request that a proxy with these headers, and by this method, asks about. What the headers say of it counts
    /// if the proxy is trusted.
    #[must_use]
    pub const fn new(headers: &'r HeaderMap, asked_by: &'r Method, is_trusted: bool) -> Self {
        Self { headers, asked_by, is_trusted }
    }

    /// Whether its method changes nothing; `None` if that is not known. A client can add a header that the proxy does
    /// not replace, so the method is safe only if each header that names one says so. A WebSocket opens by a GET and
    /// may then change anything.
    pub(super) fn is_safe(&self) -> Option<bool> {
        let mut methods = self.methods().peekable();
        methods.peek()?;
        let is_safe =
            |name: &HeaderValue| Method::from_bytes(name.as_bytes()).is_ok_and(|name| name.is_safe());
        Some(methods.all(is_safe) && !self.opens_web_socket())
    }

    /// Whether its method is GET or HEAD; that by which the proxy asks, if the proxy names none.
    pub(super) fn is_get(&self) -> bool {
        let is_get = |name: &HeaderValue| name == Method::GET.as_str() || name == Method::HEAD.as_str();
        match self.methods().next() {
            Some(_) => self.methods().all(is_get),
            None => matches!(*self.asked_by, Method::GET | Method::HEAD),
        }
    }

    fn methods(&self) -> impl Iterator<Item = &'r HeaderValue> {
        let named = [&FORWARDED_METHOD, &ORIGINAL_METHOD].map(|name| self.headers.get_all(name).iter());
        named.into_iter().flatten().filter(|_| self.is_trusted)
    }

    fn opens_web_socket(&self) -> bool {
        self.headers.contains_key(SEC_WEBSOCKET_KEY) || fetch_mode(self.headers) == Some("websocket")
    }

    /// The host that it is for: of the proxy's own request, if the proxy does not say.
    pub(super) fn host(&self) -> Option<&'r str> {
        self.forwarded(&FORWARDED_HOST).or_else(|| self.headers.get(HOST)?.to_str().ok())
    }

    /// Its address; `None` if the proxy is not trusted or does not name all of it.
    pub(super) fn url(&self) -> Option<Url> {
        let scheme = self.forwarded(&FORWARDED_PROTO).filter(|scheme| matches!(*scheme, "http" | "https"))?;
        let host = self.forwarded(&FORWARDED_HOST).filter(|host| !host.contains(NOT_IN_HOST))?;
        let path = self.forwarded(&FORWARDED_URI).filter(|path| path.starts_with('/'))?;
        Url::parse(&format!("{scheme}://{host}{path}")).ok()
    }

    /// What a header says that is there once. Of several a client may have written one.
    fn forwarded(&self, name: &HeaderName) -> Option<&'r str> {
        let mut values = self.headers.get_all(name).iter().filter(|_| self.is_trusted);
        let only = values.next().filter(|_| values.next().is_none())?;
        only.to_str().ok().filter(|text| !text.contains(','))
    }
}
