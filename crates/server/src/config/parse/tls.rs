//! Certificates and keys, in PEM.
//!
//! What is wrong with a file is told without anything of what is in it.

use std::fmt;
use std::sync::Arc;

use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::server::WebPkiClientVerifier;
use tokio_rustls::rustls::{RootCertStore, ServerConfig};

use super::Parsed;

/// Who a TLS server is, and who its clients must be.
#[derive(Clone)]
pub struct Tls(Arc<ServerConfig>);

/// Nothing of it: there is a private key in it.
impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Tls")
    }
}

impl Tls {
    /// A server of this certificate and key, whose clients must show a certificate of one of the authorities, if there
    /// are any.
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
        config.map(|config| Self(Arc::new(config))).map_err(|fault| format!("does not suit its key: {fault}"))
    }

    /// What a TLS server works with.
    #[must_use]
    pub fn server(&self) -> Arc<ServerConfig> {
        self.0.clone()
    }
}

/// A certificate and those between it and its authority.
pub(in super::super) fn certificate(pem: &str) -> Parsed<Vec<CertificateDer<'static>>> {
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem.as_bytes()).collect();
    let chain = chain.map_err(|_| "holds something that is no certificate in PEM".to_owned())?;
    if chain.is_empty() {
        return Err("holds no certificate in PEM (-----BEGIN CERTIFICATE-----)".to_owned());
    }
    Ok(chain)
}

/// A private key that no password protects.
pub(in super::super) fn private_key(pem: &str) -> Parsed<PrivateKeyDer<'static>> {
    PrivateKeyDer::from_pem_slice(pem.as_bytes()).map_err(|_| {
        "holds no private key in PEM that no password protects (-----BEGIN PRIVATE KEY-----)".to_owned()
    })
}

/// The authorities of clients.
pub(in super::super) fn authorities(pem: &str) -> Parsed<RootCertStore> {
    let mut store = RootCertStore::empty();
    for authority in certificate(pem)? {
        store
            .add(authority)
            .map_err(|fault| format!("holds a certificate that is no authority's: {fault}"))?;
    }
    Ok(store)
}
