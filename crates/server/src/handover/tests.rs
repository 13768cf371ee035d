//! The two sides in one process, where one of them can vanish at any moment.

use std::path::PathBuf;

use tempfile::TempDir;
use tokio::io::AsyncWriteExt as _;
use tokio::net::{TcpListener, TcpStream, UnixListener};
use tokio::task::JoinHandle;

use super::*;
use portcullis_transport::listener::{InheritedSocket, InheritedSockets, UnixSocket};

/// A server that runs, as far as a hand-over sees it.
struct RunningServer {
    place: TempDir,
    socket: TcpListener,
    offers: JoinHandle<()>,
}

impl RunningServer {
    async fn start() -> Self {
        let place = TempDir::new().unwrap();
        let socket = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let meeting = UnixListener::bind(place.path().join("h.sock")).unwrap();
        let offered = vec![OfferedSocket::new("http", &socket, false, None).unwrap()];
        let mut offering = Offering::new(meeting, offered);
        let offers = tokio::spawn(async move { offering.taken_over().await });
        Self { place, socket, offers }
    }

    fn path(&self) -> PathBuf {
        self.place.path().join("h.sock")
    }

    async fn handed_over(&self) -> (ServerBefore, Vec<InheritedSocket>) {
        take_over(&self.path()).await.unwrap().expect("a server runs")
    }
}

/// Whether a client that connects is accepted on one of the sockets.
async fn accepts(sockets: Vec<InheritedSocket>, server: std::net::SocketAddr) -> bool {
    let mut sockets = InheritedSockets::new(sockets);
    let socket = sockets.take_network("listen", server).unwrap().unwrap();
    let (client, accepted) = tokio::join!(TcpStream::connect(server), socket.listener.accept());
    client.unwrap().local_addr().unwrap() == accepted.unwrap().1
}

// ASVS-map: OP4
#[tokio::test]
async fn the_next_server_serves_though_the_one_that_ran_is_killed_before_it_is_ready() {
    let server = RunningServer::start().await;
    let (before, sockets) = server.handed_over().await;
    let address = server.socket.local_addr().unwrap();
    server.offers.abort();
    let _ = server.offers.await;
    drop(server.socket);
    before.release().await;
    assert!(accepts(sockets, address).await);
}

// ASVS-map: OP4
#[tokio::test]
async fn the_server_that_runs_goes_on_if_the_next_one_is_killed_before_it_is_ready() {
    let server = RunningServer::start().await;
    drop(server.handed_over().await);
    let (before, sockets) = server.handed_over().await;
    assert!(!server.offers.is_finished());
    before.release().await;
    server.offers.await.unwrap();
    assert!(accepts(sockets, server.socket.local_addr().unwrap()).await);
}

// ASVS-map: OP4
#[tokio::test]
async fn a_server_that_hangs_gives_its_word_late_and_stops() {
    let place = TempDir::new().unwrap();
    let path = place.path().join("h.sock");
    let mut offering = Offering::new(UnixListener::bind(&path).unwrap(), Vec::new());
    let (before, _) = tokio::select! {
        () = offering.taken_over() => panic!("no process serves"),
        taken = take_over(&path) => taken.unwrap().unwrap(),
    };
    // It hangs for as long as it is waited for.
    tokio::time::pause();
    before.release().await;
    tokio::time::resume();
    // It would wait for ever for another one.
    offering.taken_over().await;
}

#[tokio::test]
async fn the_file_of_a_socket_stays_if_a_server_stops_while_the_next_one_has_the_socket() {
    for is_taken in [true, false] {
        let place = TempDir::new().unwrap();
        let path = place.path().join("h.sock");
        let meeting =
            UnixSocket::bind("handover", &path, OWNER, &mut InheritedSockets::default()).await.unwrap();
        let offered = vec![OfferedSocket::new("handover", &meeting.listener, false, meeting.file).unwrap()];
        let mut offering = Offering::new(meeting.listener, offered);
        let taken = if is_taken {
            tokio::select! {
                () = offering.taken_over() => None,
                taken = take_over(&path) => taken.unwrap(),
            }
        } else {
            None
        };
        drop(offering);
        assert_eq!((taken.is_some(), path.exists()), (is_taken, is_taken));
    }
}

#[tokio::test]
async fn where_no_server_runs_there_is_nothing_to_take() {
    let place = TempDir::new().unwrap();
    let path = place.path().join("h.sock");
    assert!(take_over(&path).await.unwrap().is_none());
    drop(UnixListener::bind(&path).unwrap());
    assert!(take_over(&path).await.unwrap().is_none(), "it was killed");
}

#[tokio::test]
async fn another_program_is_named() {
    let place = TempDir::new().unwrap();
    let path = place.path().join("h.sock");
    let stranger = UnixListener::bind(&path).unwrap();
    let speaks = async {
        let (mut stream, _) = stranger.accept().await.unwrap();
        stream.write_all(b"220 mail.example.com\r\n").await.unwrap();
    };
    let (refused, ()) = tokio::join!(take_over(&path), speaks);
    let said = refused.err().unwrap().to_string();
    let (pid, path) = (std::process::id(), path.display());
    assert!(
        said.starts_with(&format!("handover: process {pid}, which listens on {path}, hands over no sockets"))
    );
}
