//! Several upstreams behind one route.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use crate::fixture::{Client, RawUpstream, TestGateway, read_head};

async fn named(name: &'static str) -> RawUpstream {
    RawUpstream::start(move |mut stream: TcpStream| async move {
        while !read_head(&mut stream).await.is_empty() {
            let said = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{name}", name.len());
            let _ = stream.write_all(said.as_bytes()).await;
        }
    })
    .await
}

async fn nowhere() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap()
}

async fn pool(upstreams: &[SocketAddr], keys: &str) -> TestGateway {
    let urls: Vec<String> = upstreams.iter().map(|address| format!("\"http://{address}\"")).collect();
    TestGateway::start(&format!(
        "[[routes]]\npath = \"/\"\nupstream = [{}]\npublic = true\n{keys}\n",
        urls.join(", ")
    ))
    .await
}

#[tokio::test]
async fn upstreams_take_turns() {
    let (one, two) = (named("one").await, named("two").await);
    let gateway = pool(&[one.address, two.address], "").await;
    let mut told = Vec::new();
    for _ in 0..4 {
        told.push(Client::get(gateway.address, "/", "").await.text());
    }
    told.sort();
    assert_eq!(told, ["one", "one", "two", "two"]);
}

#[tokio::test]
async fn what_changes_nothing_is_tried_elsewhere_if_nothing_was_received() {
    let well = named("well").await;
    let rude = RawUpstream::start(|mut stream: TcpStream| async move {
        read_head(&mut stream).await;
    })
    .await;
    let gateway = pool(&[nowhere().await, rude.address, well.address], "").await;
    for _ in 0..6 {
        assert_eq!(Client::get(gateway.address, "/", "").await.text(), "well");
    }
}

#[tokio::test]
async fn what_may_change_something_or_was_answered_in_part_is_tried_once() {
    let rude = RawUpstream::start(|mut stream: TcpStream| async move {
        read_head(&mut stream).await;
    })
    .await;
    let gateway = pool(&[rude.address, rude.address], "").await;
    let post = "POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 0\r\n\r\n";
    assert_eq!(Client::send(gateway.address, post).await.status, 502);
    assert_eq!(rude.connections(), 1);
    let with_body = "GET / HTTP/1.1\r\nhost: a\r\ncontent-length: 1\r\n\r\nx";
    assert_eq!(Client::send(gateway.address, with_body).await.status, 502);
    assert_eq!(rude.connections(), 2);
    let garbage = RawUpstream::start(|mut stream: TcpStream| async move {
        read_head(&mut stream).await;
        let _ = stream.write_all(b"garbage\r\n\r\n").await;
    })
    .await;
    let gateway = pool(&[garbage.address, garbage.address], "").await;
    assert_eq!(Client::get(gateway.address, "/", "").await.status, 502);
    assert_eq!(garbage.connections(), 1);
}

#[tokio::test]
async fn a_connection_that_the_upstream_closes_as_a_request_goes_out_costs_only_what_may_change_something() {
    let upstream = RawUpstream::start(|mut stream: TcpStream| async move {
        read_head(&mut stream).await;
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok").await;
        read_head(&mut stream).await;
    })
    .await;
    let gateway = pool(&[upstream.address], "").await;
    for _ in 0..4 {
        assert_eq!(Client::get(gateway.address, "/", "").await.text(), "ok");
    }
    let post = "POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 0\r\n\r\n";
    let before = upstream.connections();
    assert_eq!(Client::send(gateway.address, post).await.status, 502);
    assert_eq!(upstream.connections(), before);
}

#[tokio::test]
async fn an_upstream_that_fails_its_health_check_gets_no_requests_until_it_is_well() {
    let is_well = Arc::new(AtomicBool::new(false));
    let (asked, mut was_asked) = tokio::sync::mpsc::unbounded_channel();
    let (state, well) = (is_well.clone(), named("well").await);
    let sick = RawUpstream::start(move |mut stream: TcpStream| {
        let (asked, state) = (asked.clone(), state.clone());
        async move {
            loop {
                let head = read_head(&mut stream).await;
                if head.is_empty() {
                    return;
                }
                let status = if state.load(Ordering::SeqCst) { "200 OK" } else { "503 Sick" };
                let _ = stream
                    .write_all(format!("HTTP/1.1 {status}\r\ncontent-length: 4\r\n\r\nsick").as_bytes())
                    .await;
                if head.starts_with("GET /healthz ") {
                    let _ = asked.send(());
                }
            }
        }
    })
    .await;
    let gateway = pool(&[sick.address, well.address], "health = \"/healthz\"").await;
    was_asked.recv().await.unwrap();
    // The answer to that question has come once the next one is asked.
    was_asked.recv().await.unwrap();
    for _ in 0..6 {
        assert_eq!(Client::get(gateway.address, "/", "").await.text(), "well");
    }
    is_well.store(true, Ordering::SeqCst);
    was_asked.recv().await.unwrap();
    was_asked.recv().await.unwrap();
    let mut told = Vec::new();
    for _ in 0..4 {
        told.push(Client::get(gateway.address, "/", "").await.text());
    }
    assert!(told.contains(&"sick".to_owned()), "{told:?}");
}

#[tokio::test]
async fn an_upstream_over_tls_is_believed_with_the_certificates_of_the_route_alone() {
    let made = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("ca.pem");
    std::fs::write(&file, made.cert.pem()).unwrap();
    let upstream = over_tls(&made).await;
    let start = async |keys: &str| {
        TestGateway::start(&format!(
            "[[routes]]\npath = \"/\"\nupstream = \"https://{upstream}\"\npublic = true\n{keys}\n"
        ))
        .await
    };
    let trusting = start(&format!("ca_file = \"{}\"", file.display())).await;
    assert_eq!(Client::get(trusting.address, "/", "").await.text(), "tls");
    let other = start("").await;
    assert_eq!(Client::get(other.address, "/", "").await.status, 502);
}

async fn over_tls(made: &rcgen::CertifiedKey<rcgen::KeyPair>) -> SocketAddr {
    let key = rustls::pki_types::PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key)
        .unwrap();
    let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let Ok(mut stream) = acceptor.accept(stream).await else { continue };
            let _ = stream.read(&mut [0; 4096]).await;
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\ntls").await;
            let _ = stream.shutdown().await;
        }
    });
    address
}
