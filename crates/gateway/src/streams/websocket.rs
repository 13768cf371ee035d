//! WebSockets (RFC 6455): the one upgrade that passes.

use std::io;
use std::time::Duration;

use http::header::{CONNECTION, CONTENT_LENGTH, HeaderMap, HeaderValue, TRANSFER_ENCODING, UPGRADE};
use http::request::Parts;
use http::{Method, Version};
use hyper::upgrade::{OnUpgrade, Upgraded};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, split};
use tokio::sync::Notify;
use tokio::time::timeout;
use tracing::debug;

use crate::headers::names;

const WEBSOCKET: HeaderValue = HeaderValue::from_static("websocket");

/// How many bytes are copied at a time.
const PIECE: usize = 16 * 1024;

/// Whether a request asks for a WebSocket: a GET without a body, and nothing else beside it.
#[must_use]
pub fn is_websocket(request: &Parts) -> bool {
    let headers = &request.headers;
    let has_body = [CONTENT_LENGTH, TRANSFER_ENCODING].iter().any(|name| headers.contains_key(name));
    request.method == Method::GET && request.version == Version::HTTP_11 && !has_body && upgrades(headers)
}

/// Whether an answer, or a request, is about a WebSocket and no other protocol.
fn upgrades(headers: &HeaderMap) -> bool {
    let mut lines = headers.get_all(UPGRADE).iter();
    let is_websocket = |line: &HeaderValue| line.as_bytes().eq_ignore_ascii_case(WEBSOCKET.as_bytes());
    lines.next().is_some_and(is_websocket) && lines.next().is_none() && names(headers, "upgrade")
}

/// Whether the upstream has agreed to a WebSocket.
#[must_use]
pub fn agrees_to_websocket(answer: &HeaderMap) -> bool {
    upgrades(answer)
}

/// Both ends of a WebSocket, before they are there.
pub struct WebSocketUpgrade {
    /// The client's end.
    pub client: OnUpgrade,
    /// The upstream's end.
    pub upstream: OnUpgrade,
    /// For how long nothing may come.
    pub idle: Duration,
}

impl WebSocketUpgrade {
    /// Sets the headers of an upgrade.
    pub fn ask(headers: &mut HeaderMap) {
        headers.insert(CONNECTION, HeaderValue::from_static("upgrade"));
        headers.insert(UPGRADE, WEBSOCKET);
    }

    /// Carries bytes both ways until one end closes or nothing comes for too long. Both connections are closed then,
    /// without a farewell.
    pub async fn run(self) {
        let Ok((client, upstream)) = tokio::try_join!(self.client, self.upstream) else { return };
        if let Err(fault) = carry(client, upstream, self.idle).await {
            debug!(%fault, "a WebSocket ended");
        }
    }
}

async fn carry(client: Upgraded, upstream: Upgraded, idle: Duration) -> io::Result<()> {
    let moved = Notify::new();
    let (from_client, to_client) = split(TokioIo::new(client));
    let (from_upstream, to_upstream) = split(TokioIo::new(upstream));
    let both = async {
        tokio::try_join!(copy(from_client, to_upstream, &moved), copy(from_upstream, to_client, &moved))
    };
    tokio::select! {
        copied = both => copied.map(|_| ()),
        () = still(&moved, idle) => Err(io::ErrorKind::TimedOut.into()),
    }
}

async fn copy(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    moved: &Notify,
) -> io::Result<()> {
    let mut piece = vec![0; PIECE];
    loop {
        let read = from.read(&mut piece).await?;
        let Some(bytes) = piece.get(..read).filter(|bytes| !bytes.is_empty()) else {
            return to.shutdown().await;
        };
        to.write_all(bytes).await?;
        to.flush().await?;
        moved.notify_one();
    }
}

/// Waits until nothing has moved for `idle`.
async fn still(moved: &Notify, idle: Duration) {
    while timeout(idle, moved.notified()).await.is_ok() {}
}
