//! Three nodes behind nginx, as `docs/several-nodes.md` says. Its configuration of nginx is used as it stands there,
//! with other addresses and without TLS.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::{self, JoinHandle};

use serde_json::{Value, json};

use crate::nginx_process::NginxProcess;
use crate::server_process::{Credential, ServerDirectory, ServerProcess, wait_until};

const PAGE: &str = include_str!("../../../../docs/several-nodes.md");

/// The addresses of the page.
const NODES: [&str; 3] = ["10.0.0.11:3000", "10.0.0.12:3000", "10.0.0.13:3000"];

/// nginx as the page configures it, in front of these nodes.
fn nginx_before(nodes: [SocketAddr; 3], directory: &Path) -> NginxProcess {
    let page = PAGE.split_once("```nginx\n").and_then(|(_, rest)| rest.split_once("```")).unwrap().0;
    NginxProcess::start(page, &NODES.into_iter().zip(nodes).collect::<Vec<_>>(), directory)
}

/// Three nodes on one database.
fn nodes() -> [(ServerDirectory, ServerProcess); 3] {
    let first = ServerDirectory::new();
    let database = format!("sqlite:{}", first.path().join("shared.db").display());
    let all = [first, ServerDirectory::new(), ServerDirectory::new()];
    all.map(|node| {
        let meeting = node.path().join("handover.sock").display().to_string();
        let node = node
            .with("PORTCULLIS_DATABASE", &database)
            .with("PORTCULLIS_HANDOVER", &meeting)
            // Longer than nginx keeps a connection that it does not use.
            .with("PORTCULLIS_TIMEOUTS_DRAIN", "10m")
            .with("PORTCULLIS_TIMEOUTS_SHUTDOWN", "10m")
            .with("PORTCULLIS_PROXIES_TRUSTED", "127.0.0.1");
        let process = node.serve();
        (node, process)
    })
}

/// A client that keeps its connection until an answer says that it will be closed.
struct Client {
    address: SocketAddr,
    stream: BufReader<TcpStream>,
}

impl Client {
    fn new(address: SocketAddr) -> Self {
        Self { address, stream: BufReader::new(TcpStream::connect(address).unwrap()) }
    }

    /// Sends a request once: status and body.
    fn ask(&mut self, head: &str, body: &Value) -> (u16, Value) {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let length = body.len();
        let common = "host: auth.example.com\r\ncontent-type: application/json";
        let request = format!("{head}\r\n{common}\r\ncontent-length: {length}\r\n\r\n{body}");
        self.stream.get_mut().write_all(request.as_bytes()).unwrap();
        let (mut lines, mut line) = (Vec::new(), String::new());
        while self.stream.read_line(&mut line).unwrap() > 2 {
            lines.push(std::mem::take(&mut line).to_lowercase());
        }
        let status = lines[0].split(' ').nth(1).unwrap().parse().unwrap();
        let length = lines.iter().find_map(|line| line.strip_prefix("content-length: ")).unwrap();
        let mut body = vec![0; length.trim().parse().unwrap()];
        self.stream.read_exact(&mut body).unwrap();
        if lines.iter().any(|line| line.trim() == "connection: close") {
            *self = Self::new(self.address);
        }
        (status, serde_json::from_slice(&body).unwrap_or_default())
    }
}

/// Clients at work, each with what it does.
struct Load {
    is_over: Arc<AtomicBool>,
    answered: Arc<AtomicU64>,
    clients: Vec<JoinHandle<()>>,
}

impl Load {
    fn new() -> Self {
        Self { is_over: Arc::default(), answered: Arc::default(), clients: Vec::new() }
    }

    /// A client that asks until the load is over.
    fn client(&mut self, mut asks: impl FnMut() + Send + 'static) {
        let (is_over, answered) = (self.is_over.clone(), self.answered.clone());
        self.clients.push(thread::spawn(move || {
            while !is_over.load(Ordering::Relaxed) {
                asks();
                answered.fetch_add(1, Ordering::Relaxed);
            }
        }));
    }

    /// Waits until more requests were answered.
    fn works_on(&self) {
        let answered = || self.answered.load(Ordering::Relaxed);
        let goal = answered() + 100;
        let is_there = || answered() >= goal || self.clients.iter().any(JoinHandle::is_finished);
        assert!(wait_until(is_there) && answered() >= goal, "a client has stopped");
    }

    fn finish(self) {
        self.is_over.store(true, Ordering::Relaxed);
        self.clients.into_iter().for_each(|client| client.join().unwrap());
    }
}

// ASVS-map: SE4
#[test]
fn a_sign_out_on_one_node_behind_nginx_holds_on_all() {
    let nodes = nodes();
    let place = tempfile::tempdir().unwrap();
    let nginx = nginx_before(nodes.each_ref().map(|(_, node)| node.address()), place.path());
    nodes[0].1.register();
    let token = nodes[1].1.access_token("session-jwt");
    let profile = format!("GET /auth/session-jwt/profile HTTP/1.1\r\nauthorization: Bearer {token}");
    let mut client = Client::new(nginx.address);
    for _ in 0..6 {
        assert_eq!(client.ask(&profile, &Value::Null).0, 200);
    }
    let logout = format!("POST /auth/session-jwt/logout HTTP/1.1\r\nauthorization: Bearer {token}");
    assert_eq!(Client::new(nodes[2].1.address()).ask(&logout, &Value::Null).0, 201);
    let held = Credential::Bearer(token);
    for (_, node) in &nodes {
        assert!(wait_until(|| node.profile("session-jwt", &held).status == 401));
    }
    for _ in 0..6 {
        assert_eq!(client.ask(&profile, &Value::Null).0, 401);
    }
}

// ASVS-map: OP4
#[test]
fn three_nodes_behind_nginx_are_replaced_one_after_the_other_and_no_request_fails() {
    let mut nodes = nodes();
    let place = tempfile::tempdir().unwrap();
    let nginx = nginx_before(nodes.each_ref().map(|(_, node)| node.address()), place.path());
    nodes[0].1.register();
    let token = nodes[0].1.access_token("session-jwt");
    let profile = format!("GET /auth/session-jwt/profile HTTP/1.1\r\nauthorization: Bearer {token}");
    let mut load = Load::new();
    for _ in 0..4 {
        let (mut client, profile) = (Client::new(nginx.address), profile.clone());
        load.client(move || assert_eq!(client.ask(&profile, &Value::Null).0, 200));
    }
    for _ in 0..2 {
        let mut token = nodes[0].1.login("refresh").text("refresh_token").to_owned();
        let mut client = Client::new(nginx.address);
        // A request that nginx repeats, or an answer that is lost, ends the session.
        load.client(move || {
            let (status, answer) =
                client.ask("POST /auth/refresh/refresh HTTP/1.1", &json!({"refresh_token": token}));
            assert_eq!(status, 201, "{answer}");
            answer["refresh_token"].as_str().unwrap().clone_into(&mut token);
        });
    }
    for (node, process) in &mut nodes {
        load.works_on();
        let next = node.serve();
        assert!(std::mem::replace(process, next).ended().success());
    }
    load.works_on();
    load.finish();
}
