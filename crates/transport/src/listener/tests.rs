use std::future::Ready;
use std::os::fd::AsFd as _;

use tokio::net::{TcpListener, TcpStream};
use tokio::task::coop::{consume_budget, has_budget_remaining};

use super::*;

const CLIENTS: usize = 4;

type Serve = fn(TcpStream, Peer, ConnectionSlot) -> Ready<()>;

/// An acceptor that has accepted nothing yet, its clients, and another descriptor of its socket.
async fn acceptor(is_kept: bool) -> (Acceptor<NetworkSocket, Serve>, Vec<TcpStream>, TcpListener) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let kept = listener.as_fd().try_clone_to_owned().unwrap();
    let kept = TcpListener::from_std(kept.into()).unwrap();
    let mut clients = Vec::new();
    for _ in 0..CLIENTS {
        clients.push(TcpStream::connect(listener.local_addr().unwrap()).await.unwrap());
    }
    // It knows now that there are some.
    let (first, _) = listener.accept().await.unwrap();
    clients.push(first);
    let acceptor = Acceptor {
        listener: Some(NetworkSocket { listener, is_kept }),
        limits: AcceptLimits { connections: 1, shutdown: Duration::MAX, drain: Duration::ZERO, idle: None },
        serve: (|_, _, _| std::future::ready(())) as Serve,
        open: OpenConnections::default(),
        looks: Looks::at(None),
        waiting: None,
    };
    (acceptor, clients, kept)
}

// ASVS-map: OP4
#[tokio::test]
async fn a_server_that_gives_up_its_socket_takes_all_who_have_come() {
    let (mut acceptor, _clients, _) = acceptor(false).await;
    // Tokio would have this task let others run, and say that no client has come.
    while has_budget_remaining() {
        consume_budget().await;
    }
    acceptor.take_the_rest();
    assert_eq!(acceptor.open.len(), CLIENTS - 1);
}

// ASVS-map: OP4
#[tokio::test]
async fn clients_at_a_socket_that_the_service_manager_keeps_wait_for_the_next_server() {
    let (mut acceptor, _clients, kept) = acceptor(true).await;
    acceptor.take_the_rest();
    assert_eq!((acceptor.open.len(), acceptor.listener.is_none()), (0, true));
    for _ in 1..CLIENTS {
        kept.accept().await.unwrap();
    }
}
