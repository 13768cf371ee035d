//! The default HTTP client: hyper over rustls, with the machine's certificate authorities.

use std::io;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt as _, Empty, Limited};
use hyper_rustls::{ConfigBuilderExt as _, HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{ClientConfig, RootCertStore};

use crate::{HttpClient, HttpFault};

/// The longest wait for a connection.
const CONNECT: Duration = Duration::from_secs(2);

/// How long an unused connection is kept.
const IDLE: Duration = Duration::from_secs(30);

/// Sends requests over HTTP/1.1, and keeps connections for the next ones.
#[derive(Clone, Debug)]
pub struct HyperClient(Client<HttpsConnector<HttpConnector>, Empty<Bytes>>);

impl HyperClient {
    /// A client that trusts the certificate authorities of this machine.
    ///
    /// # Errors
    ///
    /// [`io::Error`] if the machine has none.
    pub fn new() -> io::Result<Self> {
        Ok(Self::with(tls()?.with_native_roots()?.with_no_client_auth()))
    }

    /// A client that trusts the certificate authorities in this PEM text, and no others.
    ///
    /// # Errors
    ///
    /// [`io::Error`] if it contains no certificate.
    pub fn trusting(pem: &[u8]) -> io::Result<Self> {
        let mut roots = RootCertStore::empty();
        for certificate in CertificateDer::pem_slice_iter(pem) {
            let certificate = certificate.map_err(io::Error::other)?;
            roots.add(certificate).map_err(io::Error::other)?;
        }
        if roots.is_empty() {
            return Err(io::Error::other("the PEM text contains no certificate"));
        }
        Ok(Self::with(tls()?.with_root_certificates(roots).with_no_client_auth()))
    }

    /// A client for a server that is reached over plain http: it trusts no certificate, and needs no authorities.
    ///
    /// # Errors
    ///
    /// [`io::Error`] if there is no TLS to be had.
    pub fn plain() -> io::Result<Self> {
        Ok(Self::with(tls()?.with_root_certificates(RootCertStore::empty()).with_no_client_auth()))
    }

    fn with(tls: ClientConfig) -> Self {
        let mut tcp = HttpConnector::new();
        tcp.enforce_http(false);
        tcp.set_nodelay(true);
        tcp.set_connect_timeout(Some(CONNECT));
        let connector = HttpsConnectorBuilder::new()
            .with_tls_config(tls)
            .https_or_http()
            .enable_http1()
            .wrap_connector(tcp);
        let mut client = Client::builder(TokioExecutor::new());
        client.pool_idle_timeout(IDLE).pool_timer(TokioTimer::new()).timer(TokioTimer::new());
        Self(client.build(connector))
    }
}

/// With ring, whichever provider the program has installed for itself.
fn tls() -> io::Result<rustls::ConfigBuilder<ClientConfig, rustls::WantsVerifier>> {
    let provider = rustls::crypto::ring::default_provider();
    ClientConfig::builder_with_provider(provider.into())
        .with_safe_default_protocol_versions()
        .map_err(io::Error::other)
}

#[async_trait]
impl HttpClient for HyperClient {
    async fn send(&self, request: Request<()>, longest: usize) -> Result<Response<Bytes>, HttpFault> {
        let response =
            self.0.request(request.map(|()| Empty::new())).await.map_err(|fault| fault_of(&fault))?;
        let (parts, body) = response.into_parts();
        let body =
            Limited::new(body, longest).collect().await.map_err(|fault| HttpFault(fault.to_string()))?;
        Ok(Response::from_parts(parts, body.to_bytes()))
    }
}

/// hyper's own text says little: the causes say what happened.
fn fault_of(fault: &dyn std::error::Error) -> HttpFault {
    let causes = std::iter::successors(Some(fault), |cause| cause.source());
    HttpFault(causes.map(ToString::to_string).collect::<Vec<_>>().join(": "))
}
