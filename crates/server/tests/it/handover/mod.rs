//! A server is replaced by another one on the same address, and no client notices.

mod clients;
mod process;

use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::UnixListener;

use serde_json::json;
use tokio::net::{TcpSocket, UnixDatagram, UnixStream};

use crate::fixture::{ask_over_tcp, eventually};
use clients::Clients;
use process::Installation;

/// How often a server is replaced here; `cargo xtask torture` does it more often.
const ROUNDS: usize = 10;

// ASVS-map: OP4
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_is_taken_over_loses_no_request() {
    let home = Installation::handing_over(&[]);
    let mut server = home.start().await;
    let mut clients = Clients::at_work(server.address).await;
    for _ in 0..ROUNDS {
        clients.work_on().await;
        let next = home.start().await;
        assert_eq!(next.address, server.address, "port 0 is any, so the new one takes the one that is there");
        let before = std::mem::replace(&mut server, next);
        assert!(before.ended().await.success());
    }
    clients.work_on().await;
    clients.finish().await;
}

// ASVS-map: OP4
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_is_restarted_on_a_passed_socket_loses_no_request() {
    let home = Installation::new(&[]);
    let socket = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut server = home.start_on(&socket).await;
    let mut clients = Clients::at_work(server.address).await;
    for _ in 0..ROUNDS {
        clients.work_on().await;
        server.terminate();
        assert!(server.ended().await.success());
        server = home.start_on(&socket).await;
    }
    clients.work_on().await;
    clients.finish().await;
}

#[tokio::test]
async fn a_service_manager_is_told_when_the_server_serves_and_when_it_stops() {
    let home = Installation::new(&[("TIMEOUTS_DRAIN", "0s")]);
    let path = home.path("manager.sock");
    let manager = UnixDatagram::bind(&path).unwrap();
    let server = home.start_for_manager(&path);
    let hears = async || {
        let mut notice = [0; 64];
        let length = manager.recv(&mut notice).await.unwrap();
        String::from_utf8_lossy(&notice[..length]).trim_end().to_owned()
    };
    assert_eq!(hears().await, "READY=1");
    assert!(home.log().contains(" up "), "it serves: {}", home.log());
    server.terminate();
    assert_eq!(hears().await, "STOPPING=1");
    assert!(server.ended().await.success());
}

// ASVS-map: OP4
#[tokio::test]
async fn a_server_that_stops_answers_until_its_connections_have_ended() {
    let home = Installation::new(&[]);
    let server = home.start().await;
    let ask = server.get("/healthz").bytes();
    let mut kept = server.connection().await;
    kept.write(&ask).await;
    assert_eq!(kept.answer().await.unwrap().header("connection"), None);
    // One that has not asked yet is about to.
    let mut fresh = server.connection().await;
    server.terminate();
    let closes =
        || async { server.get("/healthz").await.status(200).header("connection").map(str::to_owned) };
    assert_eq!(eventually("new clients are told", closes).await, "close");
    for connection in [&mut kept, &mut fresh] {
        connection.write(&ask).await;
        let answer = connection.answer().await.unwrap().status(200);
        assert_eq!(answer.header("connection"), Some("close"));
        assert_eq!(connection.rest().await, "");
    }
    assert!(server.ended().await.success());
}

#[tokio::test]
async fn a_socket_that_the_configuration_does_not_name_is_refused_and_a_wrong_name_too() {
    let socket = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = socket.local_addr().unwrap();
    let home = Installation::new(&[("TCP_LISTEN", &address.to_string())]);
    // By its address it would be taken by `tcp.listen`.
    let refused = home.start_elsewhere(&socket, "http").await;
    let said = String::from_utf8(refused.stderr).unwrap();
    assert_eq!(refused.status.code(), Some(1), "{said}");
    assert!(said.contains(&format!("cannot listen on {address}")), "{said}");
    let refused = Installation::new(&[]).start_elsewhere(&socket, "").await;
    let said = String::from_utf8(refused.stderr).unwrap();
    assert_eq!(refused.status.code(), Some(2), "{said}");
    assert!(said.contains(&format!("LISTEN_FDS: the service manager passes {address}")), "{said}");
}

// ASVS-map: OP4
#[tokio::test]
async fn a_server_goes_on_if_the_next_one_cannot_start() {
    let home = Installation::handing_over(&[]);
    let server = home.start().await;
    assert_eq!(std::fs::metadata(home.meeting()).unwrap().permissions().mode() & 0o777, 0o600);
    let spoiled = home.path("spoiled.db");
    std::fs::write(&spoiled, "Dear diary, today I was opened as a database. ".repeat(100)).unwrap();
    let database = format!("sqlite:{}", spoiled.display());
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let listen = format!("127.0.0.1:0, {}", taken.local_addr().unwrap());
    for (setting, value) in [("DATABASE", &database), ("LISTEN", &listen)] {
        let failed = home.start_in_vain(&[(setting, value)]).await;
        assert_eq!(failed.status.code(), Some(1), "{failed:?}");
        server.get("/readyz").await.status(200);
    }
    // It is ready for the next one.
    let next = home.start().await;
    assert!(server.ended().await.success());
    next.get("/readyz").await.status(200);
}

// ASVS-map: OP4
#[tokio::test]
async fn a_server_goes_on_if_the_next_one_is_stopped_while_it_starts() {
    let home = Installation::handing_over(&[]);
    let server = home.start().await;
    // A database that says nothing.
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let database = format!("postgres://ann:secret@{}/portcullis", silent.local_addr().unwrap());
    let next = home.begin(&[("DATABASE", &database)]);
    let _asked = silent.accept().await.unwrap();
    next.terminate();
    let ended = next.ended().await;
    assert!(ended.success(), "{ended}: {}", home.log());
    server.get("/readyz").await.status(200);
    // It is ready for the next one.
    let next = home.start().await;
    assert!(server.ended().await.success());
    next.get("/readyz").await.status(200);
}

#[tokio::test]
async fn of_two_that_take_over_at_once_one_does_and_the_other_says_why_not() {
    let home = Installation::handing_over(&[]);
    let first = home.start().await;
    let mut server = home.start().await;
    assert!(first.ended().await.success());
    // One that is slow: this process has been sent the sockets.
    let slow = UnixStream::connect(home.meeting()).await.unwrap();
    slow.readable().await.unwrap();
    let refused = home.start_in_vain(&[]).await;
    let said = String::from_utf8(refused.stderr).unwrap();
    let why = format!(
        "process {} is taking over from process {} already; wait for it, or end it",
        std::process::id(),
        server.pid()
    );
    assert!(refused.status.code() == Some(1) && said.contains(&why), "{said}");
    assert!(server.runs());
    server.get("/readyz").await.status(200);
    // The slow one is killed.
    drop(slow);
    let next = home.start().await;
    assert!(server.ended().await.success());
    next.get("/readyz").await.status(200);
}

#[tokio::test]
async fn a_server_that_was_killed_leaves_a_path_that_the_next_one_takes() {
    let home = Installation::handing_over(&[]);
    home.start().await.kill();
    assert!(home.meeting().exists());
    let next = home.start().await;
    next.terminate();
    assert!(next.ended().await.success());
    assert!(!home.meeting().exists());
}

#[tokio::test]
async fn the_files_of_unix_sockets_are_the_next_servers_and_go_with_the_last() {
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("nest.sock");
    let home = Installation::handing_over(&[("TCP_LISTEN", &format!("unix:{}", path.display()))]);
    let mut server = home.start().await;
    for _ in 0..2 {
        let next = home.start().await;
        assert!(std::mem::replace(&mut server, next).ended().await.success());
        assert!(home.meeting().exists());
        UnixStream::connect(&path).await.unwrap();
    }
    server.terminate();
    assert!(server.ended().await.success());
    assert!(!home.meeting().exists() && !path.exists());
}

#[tokio::test]
async fn the_file_of_a_socket_that_is_passed_stays_the_service_managers_through_hand_overs() {
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("nest.sock");
    let socket = UnixListener::bind(&path).unwrap();
    let home = Installation::handing_over(&[("TCP_LISTEN", &format!("unix:{}", path.display()))]);
    let mut server = home.start_on_unix(&socket).await;
    for _ in 0..2 {
        let next = home.start().await;
        assert!(std::mem::replace(&mut server, next).ended().await.success());
    }
    server.terminate();
    assert!(server.ended().await.success());
    assert!(path.exists() && !home.meeting().exists());
}

/// Microservices are served by the next process, too, on the address that is theirs.
#[tokio::test]
async fn a_microservice_comes_back_to_the_next_server() {
    // Kept from other processes: it is bound, and may be used again by number.
    let kept = TcpSocket::new_v4().unwrap();
    kept.set_reuseaddr(true).unwrap();
    kept.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let address = kept.local_addr().unwrap();
    let home = Installation::handing_over(&[("TCP_LISTEN", &address.to_string())]);
    let server = home.start().await;
    let ask = async || ask_over_tcp(address, "auth.health", &json!({})).await.unwrap();
    let before = ask().await;
    let next = home.start().await;
    assert!(server.ended().await.success());
    assert_eq!(ask().await, before);
    next.terminate();
    assert!(next.ended().await.success());
}
