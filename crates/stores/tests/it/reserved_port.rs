#![cfg(test)]
//! A port for a server that a test starts.

use std::net::Ipv4Addr;

use tokio::net::TcpSocket;

/// A port on which nothing listens and which the system gives to no other process while this is held: it is bound, and
/// the address may be used again by a program that asks for it by number.
pub(crate) struct ReservedPort(TcpSocket);

impl ReservedPort {
    pub(crate) fn new() -> Self {
        let socket = TcpSocket::new_v4().unwrap();
        socket.set_reuseaddr(true).unwrap();
        socket.bind((Ipv4Addr::LOCALHOST, 0).into()).unwrap();
        Self(socket)
    }

    pub(crate) fn number(&self) -> u16 {
        self.0.local_addr().unwrap().port()
    }
}
