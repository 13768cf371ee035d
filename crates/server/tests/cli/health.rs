//! `health`: what it says of servers that are ready, not ready, not there, or not ours.

use std::fs::{self, File};
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::Stdio;
use std::sync::Arc;

use rcgen::{CertificateParams, KeyPair};
use tokio_rustls::rustls::pki_types::PrivateKeyDer;
use tokio_rustls::rustls::{ServerConfig, ServerConnection, StreamOwned};

use crate::fixture::Workdir;

#[test]
fn a_server_is_ready_until_its_database_is_gone() {
    let home = Workdir::new();
    let server = home.serve();
    let address = server.address();
    let said = home.run(&format!("health http://{address}")).done();
    assert_eq!((said.out, said.err), (format!("http://{address}/readyz is ready\n"), String::new()));
    home.run(&format!("health http://{address}/healthz")).done();
    fs::rename(home.database(), home.path("away.db")).unwrap();
    let refused = home.run(&format!("health http://{address}/")).refused(1);
    assert!(
        refused.ends_with("/readyz is not ready: its database does not answer; its log says more"),
        "{refused}"
    );
    home.run(&format!("health http://{address}/healthz")).done();
    fs::rename(home.path("away.db"), home.database()).unwrap();
    home.run(&format!("health http://{address}")).done();
}

#[test]
fn a_server_that_cannot_do_everything_is_ready_and_says_what() {
    let home = Workdir::new();
    let server = home.serve_logging_to(File::options().write(true).open("/dev/full").unwrap());
    assert_eq!(server.try_sign_in("session-jwt", "ann@example.com", "wrong").status, 401);
    let said = home.run(&format!("health http://{}", server.address())).done().out;
    assert!(said.ends_with("/readyz is ready; impaired: log\n"), "{said}");
}

/// Another user may not read the secrets that the configuration names, and no other setting needs to be right.
#[test]
fn the_address_is_that_of_the_configuration_whatever_else_it_says() {
    let home = Workdir::new();
    let server = home.serve();
    let address = server.address();
    let ready = format!("http://{address}/readyz is ready\n");
    let others = "public_url = \"https://a.example\"\nmaster_key_file = \"no/such/key\"\nnonsense = 1\n";
    home.file("p.toml", &format!("listen = \"{address}\"\n{others}"), 0o644);
    assert_eq!(home.run("health --config p.toml").done().out, ready);
    assert_eq!(home.run(&format!("health --listen 127.0.0.2:1,0.0.0.0:{}", address.port())).code, 1);
    assert_eq!(
        home.run(&format!("health --listen 192.0.2.1:1,0.0.0.0:{}", address.port())).done().out,
        ready
    );
    let home = home.variable("PORTCULLIS_CONFIG", "p.toml");
    assert_eq!(home.run("health").done().out, ready);
    home.file("p.toml", "listen =", 0o644);
    let home = home.variable("PORTCULLIS_LISTEN", address.to_string());
    assert_eq!(home.run("health").done().out, ready);
}

#[test]
fn a_wrong_command_line_is_exit_code_2() {
    let home = Workdir::new();
    for (line, cause) in [
        ("health localhost:3000", "not a URL to ask: write http://localhost:3000"),
        ("health ftp://localhost", "not a URL to ask"),
        ("health http://ann:secret@localhost", "not a URL to ask"),
        ("health --timeout soon", "is not a duration"),
        ("health --timeout 0s", "no answer comes in no time"),
        ("health --listen localhost:0", "name the URL to ask"),
        ("health --listen nowhere", "flag --listen: \"nowhere\" is not an address and port"),
        ("health --config none.toml", "cannot read \"none.toml\""),
    ] {
        let refused = home.run(line).refused(2);
        assert!(refused.contains(cause), "{line}: {refused}");
    }
}

#[test]
fn a_server_that_is_not_there_is_not_ready() {
    let home = Workdir::new();
    // A port that was free a moment ago.
    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let refused = home.run(&format!("health --listen {address}")).refused(1);
    for part in [
        &format!("http://{address}/readyz is not ready"),
        "onnection refused",
        "`portcullis serve` starts one",
    ] {
        assert!(refused.contains(part), "{part}: {refused}");
    }
    let refused = home.run("health http://no-such-host.invalid").refused(1);
    assert!(refused.contains("`portcullis health URL` asks another"), "{refused}");
}

/// A server that answers the first connection with these bytes, once a request has come.
fn answering(answer: &'static str) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        let mut stream = listener.accept().unwrap().0;
        read_head(&mut stream);
        stream.write_all(answer.as_bytes()).unwrap();
    });
    address
}

/// Reads a request without a body.
fn read_head(stream: &mut impl std::io::Read) {
    let lines = BufReader::new(stream).lines().map_while(Result::ok);
    lines.take_while(|line| !line.is_empty()).for_each(drop);
}

#[test]
fn what_another_program_answers_is_not_ready_and_forges_no_line() {
    let home = Workdir::new();
    for (answer, cause) in [
        ("220 mail.example ESMTP\r\n", "is not ready: "),
        ("HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\n<html>", "it answers 200, but not as Portcullis does"),
        ("HTTP/1.1 502 Bad Gateway\r\ncontent-length: 0\r\n\r\n", "it answers 502"),
        ("HTTP/1.1 301 Moved\r\nlocation: /\r\ncontent-length: 0\r\n\r\n", "it answers 301"),
        ("HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\n{\"status\":", "is not ready"),
        ("", "is not ready"),
        (
            "HTTP/1.1 503 No\r\n\r\n{\"status\":\"unavailable\",\"store\":\"a\\u001b[2J\\nb\"}",
            "its a\\u{1b}[2J b does not answer",
        ),
    ] {
        let refused = home.run(&format!("health http://{}", answering(answer))).refused(1);
        assert!(refused.contains(cause), "{answer:?}: {refused}");
    }
    let long = "HTTP/1.1 200 OK\r\n\r\n".to_owned() + &" ".repeat(1 << 20) + "{\"status\":\"ready\"}";
    home.run(&format!("health http://{}", answering(long.leak()))).refused(1);
}

#[test]
fn a_server_that_never_answers_is_given_up() {
    let home = Workdir::new();
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", silent.local_addr().unwrap());
    let refused = home.run(&format!("health {url} --timeout 50ms")).refused(1);
    assert!(
        refused.contains("no answer within 50ms") && refused.contains("--timeout waits longer"),
        "{refused}"
    );
    // One that begins to answer, and waits for the client's end.
    let half = std::thread::spawn(move || {
        let mut stream: TcpStream = silent.incoming().nth(1).unwrap().unwrap();
        read_head(&mut stream);
        stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 18\r\n\r\n{").unwrap();
        let _ = stream.read_to_end(&mut Vec::new());
    });
    let refused = home.run(&format!("health {url} --timeout 300ms")).refused(1);
    assert!(refused.contains("no answer within 300ms"), "{refused}");
    half.join().unwrap();
}

#[test]
fn https_is_asked_where_the_authority_is_trusted() {
    let key = KeyPair::generate().unwrap();
    let certificate =
        CertificateParams::new(vec!["localhost".to_owned()]).unwrap().self_signed(&key).unwrap();
    let private = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
    let config = ServerConfig::builder().with_no_client_auth();
    let config = Arc::new(config.with_single_cert(vec![certificate.der().clone()], private).unwrap());
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("https://localhost:{}", listener.local_addr().unwrap().port());
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let connection = ServerConnection::new(config.clone()).unwrap();
            let mut stream = StreamOwned::new(connection, stream.unwrap());
            read_head(&mut stream);
            let body = r#"{"status":"ready"}"#;
            let answer = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}", body.len());
            let _ = stream.write_all(answer.as_bytes());
        }
    });
    let home = Workdir::new();
    let path = home.file("authority.pem", &certificate.pem(), 0o644);
    let home = home.variable("SSL_CERT_FILE", path.to_str().unwrap());
    assert_eq!(home.run(&format!("health {url}")).done().out, format!("{url}/readyz is ready\n"));
    let other = KeyPair::generate().unwrap();
    let other = CertificateParams::new(vec!["localhost".to_owned()]).unwrap().self_signed(&other).unwrap();
    home.file("authority.pem", &other.pem(), 0o644);
    assert!(home.run(&format!("health {url}")).refused(1).contains("certificate"));
}

#[test]
fn a_gateway_is_asked_at_its_metrics() {
    let home = Workdir::new();
    // Ports that were free a moment ago.
    let [metrics, application] =
        [(); 2].map(|()| TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap());
    let route = format!("[[routes]]\npath = \"/\"\nupstream = \"http://{application}\"\n");
    let server = "server = \"http://127.0.0.1:1\"\nfeed_key = \"k\"\n";
    home.file("gateway.toml", &format!("{server}metrics.listen = \"{metrics}\"\n{route}"), 0o644);
    let mut command = home.command(env!("CARGO_BIN_EXE_portcullis"));
    command.args(["gateway", "--config", "gateway.toml", "--listen", "127.0.0.1:0"]).stdout(Stdio::piped());
    let mut gateway = command.stderr(Stdio::null()).spawn().unwrap();
    BufReader::new(gateway.stdout.take().unwrap()).read_line(&mut String::new()).unwrap();
    let said = home.run(&format!("health http://{metrics}/healthz"));
    let wrong_path = home.run(&format!("health http://{metrics}"));
    gateway.kill().unwrap();
    gateway.wait().unwrap();
    assert_eq!(said.done().out, format!("http://{metrics}/healthz is ready\n"));
    assert!(wrong_path.refused(1).contains("it answers 404"));
}
