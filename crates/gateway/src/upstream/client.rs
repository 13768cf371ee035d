//! The HTTP client: the one file that knows hyper's.
//!
//! One client for each pool: a connection is used again for the same upstream, with the same certificates, alone.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use http::{Request, Response, Uri};
use hyper::body::Incoming;
use hyper_rustls::{ConfigBuilderExt as _, HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::{Client, Error};
use hyper_util::rt::{TokioExecutor, TokioTimer};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{ClientConfig, RootCertStore};
use tokio::time::timeout;
use tower::Service;

use super::{Upload, UpstreamFault};

/// For how long a connection is kept for another request. Many servers close one after five seconds, and a request that
/// meets that moment is lost.
const KEPT_IDLE: Duration = Duration::from_secs(4);

/// The most bytes of the head of an answer.
const HEAD_BUFFER: usize = 64 * 1024;

/// Why there is no client.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum ClientError {
    /// The certificates of the file cannot be read.
    #[error("holds no certificates that can be read")]
    Certificates,
    /// The system has none.
    #[error("the system's certificates cannot be read: {0}")]
    System(String),
}

/// Sends requests to upstreams. A cheap handle.
#[derive(Clone, Debug)]
pub struct UpstreamClient(Client<TimedConnector, Upload>);

impl UpstreamClient {
    /// A client that waits for a connection this long, and takes certificates that these authorities have signed.
    ///
    /// # Errors
    ///
    /// [`ClientError`].
    pub fn new(connect: Duration, authorities: Authorities<'_>) -> Result<Self, ClientError> {
        let mut tcp = HttpConnector::new();
        tcp.enforce_http(false);
        tcp.set_nodelay(true);
        let tls =
            HttpsConnectorBuilder::new().with_tls_config(tls(authorities)?).https_or_http().enable_http1();
        let connector = TimedConnector { inner: tls.wrap_connector(tcp), limit: connect };
        let mut builder = Client::builder(TokioExecutor::new());
        builder.pool_timer(TokioTimer::new()).pool_idle_timeout(KEPT_IDLE);
        builder.set_host(false).http1_max_buf_size(HEAD_BUFFER);
        Ok(Self(builder.build(connector)))
    }

    /// Sends a request.
    ///
    /// # Errors
    ///
    /// An [`UpstreamFault`] where there is no answer.
    pub async fn send(&self, request: Request<Upload>) -> Result<Response<Incoming>, UpstreamFault> {
        self.0.request(request).await.map_err(|fault| fault_of(&fault))
    }
}

/// Whose certificates are taken.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Authorities<'a> {
    /// No one's: there is no upstream over TLS, and the machine may have no certificates.
    None,
    /// Those that the system trusts.
    System,
    /// Those of this PEM.
    Stated(&'a str),
}

fn tls(authorities: Authorities<'_>) -> Result<ClientConfig, ClientError> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let config = config.map_err(|fault| ClientError::System(fault.to_string()))?;
    let config = match authorities {
        Authorities::None => config.with_root_certificates(RootCertStore::empty()),
        Authorities::Stated(pem) => config.with_root_certificates(stated_authorities(pem)?),
        Authorities::System => {
            config.with_native_roots().map_err(|fault| ClientError::System(fault.to_string()))?
        }
    };
    Ok(config.with_no_client_auth())
}

/// The certificates of a PEM.
///
/// # Errors
///
/// [`ClientError::Certificates`].
pub fn stated_authorities(pem: &str) -> Result<RootCertStore, ClientError> {
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(pem.as_bytes()) {
        let certificate = certificate.map_err(|_| ClientError::Certificates)?;
        roots.add(certificate).map_err(|_| ClientError::Certificates)?;
    }
    if roots.is_empty() { Err(ClientError::Certificates) } else { Ok(roots) }
}

fn fault_of(fault: &Error) -> UpstreamFault {
    let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(fault);
    let mut reason = fault.to_string();
    let mut is_late = false;
    let mut is_of_parsing = false;
    while let Some(error) = cause {
        is_late |= error.downcast_ref::<io::Error>().is_some_and(|io| io.kind() == io::ErrorKind::TimedOut);
        is_of_parsing |= error.downcast_ref::<hyper::Error>().is_some_and(hyper::Error::is_parse);
        reason = error.to_string();
        cause = error.source();
    }
    match (fault.is_connect(), is_late) {
        (true, true) => UpstreamFault::SlowToConnect,
        (true, false) => UpstreamFault::Unreachable(reason),
        _ if is_of_parsing => UpstreamFault::Unreadable(reason),
        _ => UpstreamFault::HungUp(reason),
    }
}

/// A connector that gives up after a while, TLS included.
#[derive(Clone, Debug)]
struct TimedConnector {
    inner: HttpsConnector<HttpConnector>,
    limit: Duration,
}

type Connected = <HttpsConnector<HttpConnector> as Service<Uri>>::Response;
type ConnectError = Box<dyn std::error::Error + Send + Sync>;

impl Service<Uri> for TimedConnector {
    type Response = Connected;
    type Error = ConnectError;
    type Future = Pin<Box<dyn Future<Output = Result<Connected, ConnectError>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), ConnectError>> {
        Service::poll_ready(&mut self.inner, context)
    }

    fn call(&mut self, url: Uri) -> Self::Future {
        let connecting = timeout(self.limit, Service::call(&mut self.inner, url));
        Box::pin(async {
            connecting.await.unwrap_or_else(|_| Err(io::Error::from(io::ErrorKind::TimedOut).into()))
        })
    }
}
