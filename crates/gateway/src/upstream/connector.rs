//! How an upstream is reached: name, TCP, TLS, and how long that may take.

use std::future::poll_fn;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use hyper_rustls::{ConfigBuilderExt as _, HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::connect::HttpConnector;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{ClientConfig, RootCertStore};
use tokio::time::timeout;
use tower::Service as _;

use super::stream::UpstreamStream;
use super::{UpstreamFault, UpstreamUrl};

/// Why no upstream can be reached.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum ConnectorError {
    /// The certificates of the file cannot be read.
    #[error("holds no certificates that can be read")]
    Certificates,
    /// The system has none.
    #[error("the system's certificates cannot be read: {0}")]
    System(String),
}

/// Reaches upstreams. A cheap handle.
#[derive(Clone, Debug)]
pub(super) struct UpstreamConnector {
    inner: HttpsConnector<HttpConnector>,
    limit: Duration,
}

impl UpstreamConnector {
    /// Waits for a connection this long, TLS included, and takes certificates that these authorities have signed.
    ///
    /// # Errors
    ///
    /// [`ConnectorError`].
    pub(super) fn new(limit: Duration, authorities: Authorities<'_>) -> Result<Self, ConnectorError> {
        let mut tcp = HttpConnector::new();
        tcp.enforce_http(false);
        tcp.set_nodelay(true);
        let tls =
            HttpsConnectorBuilder::new().with_tls_config(tls(authorities)?).https_or_http().enable_http1();
        Ok(Self { inner: tls.wrap_connector(tcp), limit })
    }

    /// Connects to an upstream.
    ///
    /// # Errors
    ///
    /// [`UpstreamFault::Unreachable`] and [`UpstreamFault::SlowToConnect`].
    pub(super) async fn connect(&self, url: &UpstreamUrl) -> Result<UpstreamStream, UpstreamFault> {
        let mut inner = self.inner.clone();
        let connecting = async {
            poll_fn(|context| inner.poll_ready(context)).await?;
            inner.call(url.to_uri()).await
        };
        match timeout(self.limit, connecting).await {
            Ok(connected) => connected.map(UpstreamStream::new).map_err(|fault| fault_of(&*fault)),
            Err(_) => Err(UpstreamFault::SlowToConnect),
        }
    }
}

fn fault_of(fault: &(dyn std::error::Error + 'static)) -> UpstreamFault {
    let mut causes = std::iter::successors(Some(fault), |fault| fault.source());
    let is_late = |cause: &(dyn std::error::Error + 'static)| {
        cause.downcast_ref::<io::Error>().is_some_and(|io| io.kind() == io::ErrorKind::TimedOut)
    };
    if causes.clone().any(is_late) {
        return UpstreamFault::SlowToConnect;
    }
    UpstreamFault::Unreachable(causes.by_ref().last().map_or_else(String::new, ToString::to_string))
}

/// Whose certificates are taken.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Authorities<'a> {
    /// No one's: there is no upstream over TLS, and the machine may have no certificates.
    None,
    /// Those that the system trusts.
    System,
    /// Those of this PEM.
    Stated(&'a str),
}

fn tls(authorities: Authorities<'_>) -> Result<ClientConfig, ConnectorError> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let config = config.map_err(|fault| ConnectorError::System(fault.to_string()))?;
    let config = match authorities {
        Authorities::None => config.with_root_certificates(RootCertStore::empty()),
        Authorities::Stated(pem) => config.with_root_certificates(stated_authorities(pem)?),
        Authorities::System => {
            config.with_native_roots().map_err(|fault| ConnectorError::System(fault.to_string()))?
        }
    };
    Ok(config.with_no_client_auth())
}

/// The certificates of a PEM.
///
/// # Errors
///
/// [`ConnectorError::Certificates`].
pub fn stated_authorities(pem: &str) -> Result<RootCertStore, ConnectorError> {
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(pem.as_bytes()) {
        let certificate = certificate.map_err(|_| ConnectorError::Certificates)?;
        roots.add(certificate).map_err(|_| ConnectorError::Certificates)?;
    }
    if roots.is_empty() { Err(ConnectorError::Certificates) } else { Ok(roots) }
}
