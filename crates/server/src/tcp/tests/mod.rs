//! Stories about peers: what they send over real sockets, and what comes back.

mod ending;
mod limits;
mod listening;
mod talking;

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::BytesMut;
use serde_json::{Value, json};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, oneshot, watch};
use tokio::task::JoinHandle;

use super::frame::Frames;
use super::listening_sockets::ListeningSocket;
use super::*;

/// Answers what it is told, some of it when it is let.
struct Echo {
    /// What is let through; each `gated` request takes one.
    gate: Semaphore,
    running: AtomicUsize,
    /// The most that ever ran at once.
    crowd: AtomicUsize,
    /// What was run, the latest last.
    ran: watch::Sender<Vec<Value>>,
}

#[async_trait]
impl Dispatch for Echo {
    fn knows(&self, command: &str) -> bool {
        ["echo", "gated", "fault", "panic", "peer"].contains(&command)
    }

    async fn answer(
        &self,
        command: &str,
        data: &RawValue,
        peer: &Peer,
    ) -> Result<Box<RawValue>, Box<RawValue>> {
        let running = self.running.fetch_add(1, Ordering::SeqCst) + 1;
        self.crowd.fetch_max(running, Ordering::SeqCst);
        self.ran.send_modify(|ran| ran.push(serde_json::from_str(data.get()).unwrap_or_default()));
        if command == "gated" {
            self.gate.acquire().await.unwrap().forget();
        }
        self.running.fetch_sub(1, Ordering::SeqCst);
        match command {
            "fault" => Err(fault("as you wish")),
            "panic" => panic!("as you wish"),
            "peer" => Ok(serde_json::value::to_raw_value(&peer.address.map(|address| address.ip())).unwrap()),
            _ => Ok(data.to_owned()),
        }
    }
}

/// A server, and the way to stop it.
struct Server {
    echo: Arc<Echo>,
    address: Option<SocketAddr>,
    stop: Option<oneshot::Sender<()>>,
    task: JoinHandle<()>,
}

const LIMITS: TcpConnectionLimits = TcpConnectionLimits {
    frame: 64 * 1024,
    accept: AcceptLimits {
        connections: 64,
        shutdown: Duration::from_mins(10),
        drain: Duration::ZERO,
        idle: None,
    },
    in_flight: 64,
    idle: Duration::from_mins(10),
    packet: Duration::from_mins(10),
};

/// So little that it is over at once.
const SHORT: Duration = Duration::from_millis(20);

impl Server {
    async fn start(limits: TcpConnectionLimits) -> Self {
        Self::on(TcpListener::bind("127.0.0.1:0").await.unwrap().into(), limits)
    }

    fn on(listener: Listener, limits: TcpConnectionLimits) -> Self {
        let echo = Arc::new(Echo {
            gate: Semaphore::new(0),
            running: AtomicUsize::new(0),
            crowd: AtomicUsize::new(0),
            ran: watch::Sender::new(Vec::new()),
        });
        let (stop, stopped) = oneshot::channel();
        let address = match &listener.socket {
            ListeningSocket::Network(socket) => socket.listener.local_addr().ok(),
            ListeningSocket::Unix(_) => None,
        };
        let stopped = async { drop(stopped.await) };
        let task = tokio::spawn(serve(listener, echo.clone(), limits, stopped));
        Self { echo, address, stop: Some(stop), task }
    }

    async fn client(&self) -> Client<TcpStream> {
        Client::new(TcpStream::connect(self.address.unwrap()).await.unwrap())
    }

    /// Waits until this many requests and events have begun.
    async fn has_begun(&self, count: usize) {
        self.echo.ran.subscribe().wait_for(|ran| ran.len() >= count).await.unwrap();
    }

    fn stop(&mut self) {
        self.stop.take().unwrap().send(()).unwrap();
    }
}

/// A client that follows the protocol, or does not.
struct Client<S> {
    stream: S,
    frames: Frames,
    received: BytesMut,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Client<S> {
    fn new(stream: S) -> Self {
        Self { stream, frames: Frames::up_to(1 << 24), received: BytesMut::new() }
    }

    async fn send_bytes(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).await.unwrap();
        self.stream.flush().await.unwrap();
    }

    async fn send(&mut self, packets: &[Value]) {
        let mut stream = BytesMut::new();
        for packet in packets {
            frame::write(&packet.to_string(), &mut stream);
        }
        self.send_bytes(&stream).await;
    }

    /// The next answer; `None` once the server has closed.
    async fn answer(&mut self) -> Option<Value> {
        loop {
            if let Some(text) = self.frames.next(&mut self.received).unwrap() {
                return Some(serde_json::from_str(&text).unwrap());
            }
            if self.stream.read_buf(&mut self.received).await.unwrap() == 0 {
                assert!(!self.frames.is_within(&self.received), "cut off in the middle of an answer");
                return None;
            }
        }
    }

    async fn ask(&mut self, command: &str, data: Value) -> Value {
        self.send(&[request(command, &data, &json!("id"))]).await;
        self.answer().await.unwrap()
    }
}

fn request(command: &str, data: &Value, id: &Value) -> Value {
    json!({"pattern": {"cmd": command}, "data": data, "id": id})
}

fn event(command: &str, data: &Value) -> Value {
    json!({"pattern": json!({"cmd": command}).to_string(), "data": data})
}

fn answered(response: &Value, id: &Value) -> Value {
    json!({"response": response, "isDisposed": true, "id": id})
}
