//! Certificates and keys, in PEM.
//!
//! No message repeats any part of a file.

use std::fmt;
use std::sync::Arc;

use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::server::WebPkiClientVerifier;
use tokio_rustls::rustls::{RootCertStore, ServerConfig};

use super::Parsed;

/// The configuration of a TLS server: its certificate, and the authorities of its clients.
#[derive(Clone)]
pub struct Tls(Arc<ServerConfig>);

/// Shows the name alone: the value holds a private key.
impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Tls")
    }
}

impl Tls {
    /// A server with this certificate and key. If there are authorities, a client must show a certificate of one of
    /// them.
    pub(in super::super) fn new(
        certificate: Vec<CertificateDer<'static>>,
        key: PrivateKeyDer<'static>,
        authorities: Option<RootCertStore>,
    ) -> Parsed<Self> {
        let provider = Arc::new(ring::default_provider());
        let builder = ServerConfig::builder_with_provider(provider.clone())
            .with_safe_default_protocol_versions()
            .map_err(|fault| fault.to_string())?;
        let builder = match authorities {
            None => builder.with_no_client_auth(),
            Some(authorities) => {
                let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(authorities), provider);
                builder.with_client_cert_verifier(verifier.build().map_err(|fault| fault.to_string())?)
            }
        };
        let config = builder.with_single_cert(certificate, key);
        config
            .map(|config| Self(Arc::new(config)))
            .map_err(|fault| format!("does not match its key: {fault}"))
    }

    /// The configuration for rustls.
    #[must_use]
    pub fn server(&self) -> Arc<ServerConfig> {
        self.0.clone()
    }
}

/// Parses a certificate chain.
pub(in super::super) fn certificate(pem: &str) -> Parsed<Vec<CertificateDer<'static>>> {
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem.as_bytes()).collect();
    let chain = chain.map_err(|_| "holds something that is not a certificate in PEM".to_owned())?;
    if chain.is_empty() {
        return Err("holds no certificate in PEM (-----BEGIN CERTIFICATE-----)".to_owned());
    }
    Ok(chain)
}

/// Parses a private key without a password.
pub(in super::super) fn private_key(pem: &str) -> Parsed<PrivateKeyDer<'static>> {
    PrivateKeyDer::from_pem_slice(pem.as_bytes()).map_err(|_| {
        "holds no private key in PEM without a password (-----BEGIN PRIVATE KEY-----)".to_owned()
    })
}

/// Parses the authorities of clients.
pub(in super::super) fn authorities(pem: &str) -> Parsed<RootCertStore> {
    let mut store = RootCertStore::empty();
    for authority in certificate(pem)? {
        store
            .add(authority)
            .map_err(|fault| format!("holds a certificate that is not an authority's: {fault}"))?;
    }
    Ok(store)
}
