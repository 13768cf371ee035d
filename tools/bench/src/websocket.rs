//! WebSockets that say what the example of RFC 6455 says: one key, one message, and the same back.

use std::io;
use std::net::SocketAddr;

use portcullis_bench::http::get;
use portcullis_bench::strategy::AccessCredential;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::AbortHandle;

use crate::error::BenchError;

/// The key of section 1.3, and what a server answers to it.
const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";
const ACCEPT: &str = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";
/// `Hello` of section 5.7, masked as a client sends it, and as a server does.
const HELLO: [u8; 11] = [0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58];
const HELLO_BACK: [u8; 7] = [0x81, 0x05, b'H', b'e', b'l', b'l', b'o'];
/// The longest head that is read.
const LONGEST_HEAD: usize = 4096;

/// A client's end.
#[derive(Debug)]
pub(crate) struct WebSocketClient(TcpStream);

impl WebSocketClient {
    /// Opens one, and says hello on it.
    ///
    /// # Errors
    /// [`BenchError::Unexpected`] where it is not agreed to, or what the system says.
    pub(crate) async fn open(
        address: SocketAddr,
        path: &str,
        access: &AccessCredential,
    ) -> Result<Self, BenchError> {
        let mut stream = TcpStream::connect(address).await?;
        let upgrade = [
            access.header(),
            ("connection", "Upgrade"),
            ("upgrade", "websocket"),
            ("sec-websocket-version", "13"),
            ("sec-websocket-key", KEY),
        ];
        stream.write_all(&get(path, &upgrade)).await?;
        let answer = head(&mut stream).await?;
        if !answer.starts_with("HTTP/1.1 101 ") || !answer.contains(ACCEPT) {
            return Err(BenchError::Unexpected { asked: format!("a WebSocket at {path}"), answer });
        }
        let mut client = Self(stream);
        client.greet().await?;
        Ok(client)
    }

    /// Says hello, and waits until it is said back.
    ///
    /// # Errors
    /// [`BenchError::CutWebSocket`]
    pub(crate) async fn greet(&mut self) -> Result<(), BenchError> {
        let mut heard = [0; HELLO_BACK.len()];
        let exchanged = async {
            self.0.write_all(&HELLO).await?;
            self.0.read_exact(&mut heard).await
        };
        match exchanged.await {
            Ok(_) if heard == HELLO_BACK => Ok(()),
            _ => Err(BenchError::CutWebSocket),
        }
    }
}

/// A service that says hello back on each WebSocket; dropping this ends it.
#[derive(Debug)]
pub(crate) struct WebSocketService {
    address: SocketAddr,
    open: watch::Receiver<usize>,
    accepting: AbortHandle,
}

impl WebSocketService {
    /// Starts it on a free port.
    ///
    /// # Errors
    /// What the system says.
    pub(crate) async fn start() -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let (sender, open) = watch::channel(0);
        let accepting = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let sender = sender.clone();
                tokio::spawn(async move {
                    sender.send_modify(|open| *open += 1);
                    // The client has left, in whichever way.
                    let _ = serve(stream).await;
                    sender.send_modify(|open| *open -= 1);
                });
            }
        });
        Ok(Self { address, open, accepting: accepting.abort_handle() })
    }

    /// Where it listens.
    pub(crate) const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Waits until so many are open.
    pub(crate) async fn holds(&self, count: usize) {
        // The sender is there as long as this is.
        let _ = self.open.clone().wait_for(|open| *open == count).await;
    }
}

impl Drop for WebSocketService {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn serve(mut stream: TcpStream) -> io::Result<()> {
    if !head(&mut stream).await?.contains(KEY) {
        return stream.write_all(b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n").await;
    }
    let agreed = format!(
        "HTTP/1.1 101 Switching Protocols\r\nconnection: Upgrade\r\nupgrade: websocket\r\n\
         sec-websocket-accept: {ACCEPT}\r\n\r\n"
    );
    stream.write_all(agreed.as_bytes()).await?;
    let mut heard = [0; HELLO.len()];
    while stream.read_exact(&mut heard).await.is_ok() && heard == HELLO {
        stream.write_all(&HELLO_BACK).await?;
    }
    Ok(())
}

/// What stands before the first message. Neither side sends one before the other has agreed.
async fn head(stream: &mut TcpStream) -> io::Result<String> {
    let mut read = Vec::new();
    while !read.ends_with(b"\r\n\r\n") {
        if read.len() > LONGEST_HEAD || stream.read_buf(&mut read).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
    Ok(String::from_utf8_lossy(&read).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn hello_is_said_back_until_the_client_leaves() {
        let service = WebSocketService::start().await.unwrap();
        let access = AccessCredential::Bearer("Bearer ann".to_owned());
        let mut first = WebSocketClient::open(service.address(), "/ws", &access).await.unwrap();
        let second = WebSocketClient::open(service.address(), "/ws", &access).await.unwrap();
        service.holds(2).await;
        drop(second);
        service.holds(1).await;
        first.greet().await.unwrap();
        drop(first);
        service.holds(0).await;
    }

    #[tokio::test]
    async fn what_does_not_agree_or_hangs_up_is_no_websocket() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move {
            for answer in ["HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n", ""] {
                let (mut stream, _) = listener.accept().await.unwrap();
                head(&mut stream).await.unwrap();
                stream.write_all(answer.as_bytes()).await.unwrap();
            }
        });
        let access = AccessCredential::Bearer("Bearer ann".to_owned());
        let refused = WebSocketClient::open(address, "/ws", &access).await.unwrap_err();
        assert!(
            refused.to_string().starts_with("a WebSocket at /ws was answered with HTTP/1.1 404"),
            "{refused}"
        );
        assert!(WebSocketClient::open(address, "/ws", &access).await.is_err());
    }
}
