//! Taking connections, and letting go of them: limits, time-outs, and a stop that lets what is in flight finish.

use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::time::{sleep, timeout};
use tower::ServiceExt as _;
use tracing::{debug, warn};

/// Who is at the other end of the connection.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Peer(pub SocketAddr);

/// What a client may take of the server.
#[derive(Clone, Copy, Debug)]
pub struct ConnectionLimits {
    /// Open connections at once.
    pub connections: usize,
    /// How long the headers of a request may take.
    pub headers: Duration,
    /// How long requests in flight get when the server stops.
    pub shutdown: Duration,
}

/// The most bytes that are buffered of a request's head; what is larger is cut off before it is parsed.
const HEAD_BUFFER: usize = 64 * 1024;

/// The most header lines that are parsed: enough for us to refuse too many of them in our own words.
const HEADERS_PARSED: usize = 512;

/// How long to wait when the machine gives no more connections.
const EXHAUSTED: Duration = Duration::from_millis(50);

/// Serves `router` on a listener until `stop`, and then until what is in flight is done.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    patience: ConnectionLimits,
    stop: impl Future<Output = ()>,
) {
    let graceful = GracefulShutdown::new();
    let slots = Arc::new(Semaphore::new(patience.connections));
    tokio::pin!(stop);
    loop {
        let accepted = tokio::select! {
            accepted = accept(&listener, &slots) => accepted,
            () = &mut stop => break,
        };
        let Some((stream, peer, slot)) = accepted else { continue };
        let service =
            TowerToHyperService::new(router.clone().map_request(move |request: Request<Incoming>| {
                let mut request = request.map(Body::new);
                request.extensions_mut().insert(Peer(peer));
                request
            }));
        let connection = connection(patience).serve_connection(TokioIo::new(stream), service);
        let watched = graceful.watch(connection);
        tokio::spawn(async move {
            let _slot = slot;
            if let Err(fault) = watched.await {
                debug!(%fault, %peer, "a connection broke");
            }
        });
    }
    drop(listener);
    if timeout(patience.shutdown, graceful.shutdown()).await.is_err() {
        warn!("some requests were still in flight when the time to stop was over");
    }
}

fn connection(patience: ConnectionLimits) -> http1::Builder {
    let mut builder = http1::Builder::new();
    builder
        .timer(TokioTimer::new())
        .header_read_timeout(patience.headers)
        .max_buf_size(HEAD_BUFFER)
        .max_headers(HEADERS_PARSED);
    // Answers are small: copied behind their headers they are one piece to the system.
    builder.writev(false);
    builder
}

/// The next connection, once there is room for it.
async fn accept(
    listener: &TcpListener,
    slots: &Arc<Semaphore>,
) -> Option<(TcpStream, SocketAddr, tokio::sync::OwnedSemaphorePermit)> {
    let slot = slots.clone().acquire_owned().await.ok()?;
    match listener.accept().await {
        Ok((stream, peer)) => {
            // A small answer must not wait for a full segment.
            let _ = stream.set_nodelay(true);
            Some((stream, peer, slot))
        }
        Err(fault) => {
            debug!(%fault, "a connection could not be taken");
            sleep(EXHAUSTED).await;
            None
        }
    }
}
