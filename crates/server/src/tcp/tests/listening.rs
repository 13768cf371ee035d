//! Unix sockets and TLS, as a configuration states them.

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use tokio::net::UnixStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::{ClientConfig, RootCertStore, crypto::ring};

use super::*;
use crate::config::Flags;
use portcullis_transport::listener::{InheritedSockets, ListenError};

/// A configuration of these variables.
fn config(variables: &[(&str, &str)]) -> Config {
    let named = |(name, value): &(&str, &str)| (format!("PORTCULLIS_TCP_{name}"), (*value).to_owned());
    let variables: BTreeMap<String, String> = variables.iter().map(named).collect();
    Config::read(&Flags::default(), &variables, &|path| std::fs::read_to_string(path)).unwrap()
}

async fn bound(variables: &[(&str, &str)]) -> Result<Vec<Listener>, ListenError> {
    bind(&config(variables).tcp, &mut InheritedSockets::default()).await
}

async fn only(variables: &[(&str, &str)]) -> Listener {
    let mut listeners = bound(variables).await.unwrap();
    assert_eq!(listeners.len(), 1);
    listeners.remove(0)
}

#[tokio::test]
async fn nothing_listens_unless_it_is_configured_to() {
    assert!(bound(&[]).await.unwrap().is_empty());
}

#[tokio::test]
async fn an_address_that_is_taken_is_told() {
    let taken = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let fault = bound(&[("LISTEN", &address)]).await.err().unwrap().to_string();
    assert!(
        fault.starts_with(&format!("tcp.listen: cannot listen on {address}: Address already in use")),
        "{fault}"
    );
}

#[tokio::test]
async fn a_unix_socket_is_its_owners_and_goes_with_the_server() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("p.sock");
    let place = format!("unix:{}", path.display());
    // Left there by a process that is gone.
    drop(std::os::unix::net::UnixListener::bind(&path).unwrap());

    let mut server = Server::on(only(&[("LISTEN", &place)]).await, LIMITS);
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o660);
    let mut client = Client::new(UnixStream::connect(&path).await.unwrap());
    assert_eq!(client.ask("peer", json!({})).await["response"], json!(null));
    assert!(bound(&[("LISTEN", &place)]).await.is_err(), "a socket in use was taken away");

    server.stop();
    drop(client);
    server.task.await.unwrap();
    assert!(!path.exists());
}

#[tokio::test]
async fn a_file_that_is_no_socket_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("p.sock");
    std::fs::write(&path, "precious").unwrap();
    assert!(bound(&[("LISTEN", &format!("unix:{}", path.display()))]).await.is_err());
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "precious");
}

/// An authority that signs certificates.
struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Self(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    /// A certificate for this name, and its key.
    fn issue(&self, name: &str) -> (String, String) {
        let key = KeyPair::generate().unwrap();
        let certificate =
            CertificateParams::new([name.to_owned()]).unwrap().signed_by(&key, &self.0).unwrap();
        (certificate.pem(), key.serialize_pem())
    }
}

fn written(folder: &Path, name: &str, text: &str) -> String {
    let path = folder.join(name);
    std::fs::write(&path, text).unwrap();
    path.to_string_lossy().into_owned()
}

/// Connects with a certificate or without one.
async fn connect(
    server: &Server,
    authority: &Authority,
    own: Option<(String, String)>,
) -> std::io::Result<Client<TlsStream<TcpStream>>> {
    let mut trusted = RootCertStore::empty();
    trusted.add(authority.0.der().clone()).unwrap();
    let provider = Arc::new(ring::default_provider());
    let builder =
        ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let builder = builder.with_root_certificates(trusted);
    let config = match own {
        None => builder.with_no_client_auth(),
        Some((certificate, key)) => {
            let certificate = CertificateDer::from_pem_slice(certificate.as_bytes()).unwrap();
            let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).unwrap();
            builder.with_client_auth_cert(vec![certificate], key).unwrap()
        }
    };
    let stream = TcpStream::connect(server.address.unwrap()).await.unwrap();
    let connector = TlsConnector::from(Arc::new(config));
    connector.connect("auth.test".try_into().unwrap(), stream).await.map(Client::new)
}

#[tokio::test]
async fn over_tls_only_those_who_speak_it_are_heard() {
    let folder = tempfile::tempdir().unwrap();
    let authority = Authority::new();
    let (certificate, key) = authority.issue("auth.test");
    let server = Server::on(
        only(&[
            ("LISTEN", "127.0.0.1:0"),
            ("TLS_CERTIFICATE", &written(folder.path(), "certificate", &certificate)),
            ("TLS_KEY", &written(folder.path(), "key", &key)),
        ])
        .await,
        LIMITS,
    );
    let mut client = connect(&server, &authority, None).await.unwrap();
    let long = json!("😀".repeat(10_000));
    assert_eq!(client.ask("echo", long.clone()).await["response"], long);

    let mut plain = TcpStream::connect(server.address.unwrap()).await.unwrap();
    plain.write_all(b"2#{}").await.unwrap();
    let mut told = Vec::new();
    let _ = plain.read_to_end(&mut told).await;
    assert!(!told.contains(&b'#'), "{told:?}");
    assert!(connect(&server, &Authority::new(), None).await.is_err(), "the client trusts any authority");
}

#[tokio::test]
async fn a_client_needs_a_certificate_of_the_configured_authority() {
    let folder = tempfile::tempdir().unwrap();
    let (authority, stranger) = (Authority::new(), Authority::new());
    let (certificate, key) = authority.issue("auth.test");
    let server = Server::on(
        only(&[
            ("LISTEN", "127.0.0.1:0"),
            ("TLS_CERTIFICATE", &written(folder.path(), "certificate", &certificate)),
            ("TLS_KEY", &written(folder.path(), "key", &key)),
            ("TLS_CLIENT_CA", &written(folder.path(), "ca", &authority.0.pem())),
        ])
        .await,
        LIMITS,
    );
    let mut known = connect(&server, &authority, Some(authority.issue("gateway.test"))).await.unwrap();
    assert_eq!(known.ask("echo", json!(1)).await["response"], 1);
    for own in [None, Some(stranger.issue("gateway.test"))] {
        // A client of TLS 1.3 learns only when it reads that it was refused.
        if let Ok(mut refused) = connect(&server, &authority, own).await {
            let _ = refused.stream.write_all(b"2#{}").await;
            assert!(refused.stream.read_buf(&mut refused.received).await.is_err());
        }
    }
    assert_eq!(*server.echo.ran.borrow(), [json!(1)]);
}
