//! The server that is asked: its URL, and requests to it.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{ACCEPT, AUTHORIZATION, COOKIE, HeaderName, HeaderValue, RETRY_AFTER};
use http::{Request, Response, StatusCode, Uri};
use portcullis_core::id::TenantId;
use thiserror::Error;
use tokio::time::timeout;

use crate::{HttpClient, HttpFault};

/// The server, and how requests reach it.
pub(crate) struct AuthServer {
    base: String,
    http: Arc<dyn HttpClient>,
}

/// The URL is none that a secret may travel to.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
pub enum InvalidServerUrl {
    /// Not a URL of http or https, or one with a query.
    #[error("{0:?} is not the URL of a server: write https://HOST, with nothing behind it but a path")]
    NotAUrl(String),
    /// Plain http to another machine.
    #[error(
        "{0:?} is plain http to another machine, which would show the feed key to all between: use https"
    )]
    Plain(String),
}

/// What came of a request.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
pub(crate) enum RequestFault {
    /// There was no whole answer.
    #[error(transparent)]
    Http(#[from] HttpFault),
    /// There was none in time.
    #[error("the server did not answer in {0:?}")]
    Late(Duration),
    /// The answer is none that was asked for.
    #[error("the server answered {status}")]
    Status { status: StatusCode, retry_after: Option<Duration> },
}

/// A GET to the server.
pub(crate) struct ServerRequest<'a> {
    pub(crate) path: &'a str,
    pub(crate) credential: Option<(HeaderName, HeaderValue)>,
    pub(crate) longest: usize,
    pub(crate) patience: Duration,
}

impl AuthServer {
    pub(crate) fn new(url: &str, http: Arc<dyn HttpClient>) -> Result<Self, InvalidServerUrl> {
        let uri: Uri = url.parse().map_err(|_| InvalidServerUrl::NotAUrl(url.to_owned()))?;
        match (uri.scheme_str(), uri.host(), uri.query()) {
            (Some("https"), Some(_), None) => {}
            (Some("http"), Some(host), None) if is_loopback(host) => {}
            (Some("http"), Some(_), None) => return Err(InvalidServerUrl::Plain(url.to_owned())),
            _ => return Err(InvalidServerUrl::NotAUrl(url.to_owned())),
        }
        Ok(Self { base: url.trim_end_matches('/').to_owned(), http })
    }

    /// The body of a 200.
    pub(crate) async fn get(&self, request: ServerRequest<'_>) -> Result<Bytes, RequestFault> {
        let response = self.send(request).await?;
        match response.status() {
            StatusCode::OK => Ok(response.into_body()),
            status => Err(RequestFault::Status { status, retry_after: retry_after(&response) }),
        }
    }

    /// The answer, whatever its status.
    pub(crate) async fn send(&self, request: ServerRequest<'_>) -> Result<Response<Bytes>, RequestFault> {
        let ServerRequest { path, credential, longest, patience } = request;
        let mut built = Request::get(format!("{}{path}", self.base)).header(ACCEPT, "*/*");
        if let Some((name, value)) = credential {
            built = built.header(name, value);
        }
        let built = built.body(()).map_err(|fault| HttpFault(fault.to_string()))?;
        match timeout(patience, self.http.send(built, longest)).await {
            Ok(answer) => Ok(answer?),
            Err(_) => Err(RequestFault::Late(patience)),
        }
    }
}

/// `Authorization: Bearer …`; `None` for a text that no header can carry.
pub(crate) fn bearer(token: &str) -> Option<(HeaderName, HeaderValue)> {
    Some((AUTHORIZATION, secret(&format!("Bearer {token}"))?))
}

/// `Cookie: …`; `None` for a text that no header can carry.
pub(crate) fn cookie(pairs: &str) -> Option<(HeaderName, HeaderValue)> {
    Some((COOKIE, secret(pairs)?))
}

fn secret(text: &str) -> Option<HeaderValue> {
    let mut value = HeaderValue::from_str(text).ok()?;
    value.set_sensitive(true);
    Some(value)
}

/// `Retry-After` in seconds.
pub(crate) fn retry_after<B>(response: &Response<B>) -> Option<Duration> {
    let seconds = response.headers().get(RETRY_AFTER)?.to_str().ok()?;
    seconds.parse().ok().map(Duration::from_secs)
}

/// The path of a tenant's document under `/.well-known`.
pub(crate) fn well_known(tenant: &TenantId, document: &str) -> String {
    if *tenant == TenantId::default_tenant() {
        format!("/.well-known/{document}")
    } else {
        format!("/t/{tenant}/.well-known/{document}")
    }
}

fn is_loopback(host: &str) -> bool {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    host.eq_ignore_ascii_case("localhost") || bare.parse().is_ok_and(|address: IpAddr| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use async_trait::async_trait;

    use super::*;

    struct NoHttp;

    #[async_trait]
    impl HttpClient for NoHttp {
        async fn send(&self, _: Request<()>, _: usize) -> Result<Response<Bytes>, HttpFault> {
            Err(HttpFault("none".to_owned()))
        }
    }

    // ASVS-map: OP3
    #[test]
    fn a_feed_key_travels_in_plain_to_this_machine_alone() {
        let server = |url| AuthServer::new(url, Arc::new(NoHttp)).err();
        for good in [
            "https://auth.example.com",
            "https://auth.example.com:8443/base/",
            "http://127.0.0.1:3000",
            "http://127.9.9.9",
            "http://[::1]:3000/",
            "http://localhost:3000",
        ] {
            assert_eq!(server(good), None, "{good}");
        }
        for plain in
            ["http://auth.example.com", "http://10.0.0.7", "http://localhost.example.com", "http://[::2]"]
        {
            assert_eq!(server(plain), Some(InvalidServerUrl::Plain(plain.to_owned())));
        }
        for bad in
            ["", "auth.example.com", "ftp://auth.example.com", "https://auth.example.com?x=1", "https://"]
        {
            assert_eq!(server(bad), Some(InvalidServerUrl::NotAUrl(bad.to_owned())));
        }
    }

    #[test]
    fn each_tenant_but_the_default_one_has_documents_of_its_own() {
        assert_eq!(well_known(&TenantId::default_tenant(), "jwks.json"), "/.well-known/jwks.json");
        assert_eq!(well_known(&"acme".parse().unwrap(), "jwks.json"), "/t/acme/.well-known/jwks.json");
    }
}
