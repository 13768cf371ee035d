//! HTTP/1.1 connections: their limits, and an end that lets the request in flight finish.

mod answer_counter;
mod answering_stream;
mod request_head;
mod stream_cut;
mod streamed_body;
mod tunnel;

use std::convert::Infallible;
use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use axum::Router;
use axum::body::{Body, HttpBody as _};
use axum::extract::Request;
use axum::response::Response;
use http::header::CONNECTION;
use http::{HeaderValue, Request as HttpRequest, StatusCode, Version};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tower::Service as _;
use tracing::debug;

use self::answering_stream::AnsweringStream;
use self::streamed_body::streamed;
use self::tunnel::run_tunnel;
use crate::listener::{self, AcceptLimits, ConnectionEnd, ConnectionSlot, ListenerStop, NetworkSocket, Peer};

pub use self::answer_counter::{AnswerCounter, known_method};
pub use self::request_head::{headers_exceed, names_one_host};
pub use self::stream_cut::StreamCut;
pub use self::streamed_body::Streamed;
pub use self::tunnel::Tunnel;

/// The most bytes that are buffered of a request's head; a larger one is cut off before it is parsed.
const HEAD_BUFFER: usize = 64 * 1024;

/// What answers the requests of a connection.
pub trait RequestHandler: Clone + Send + Sync + 'static {
    /// Answers a request.
    fn answer(&self, request: Request, peer: Peer) -> impl Future<Output = Response> + Send;
}

impl RequestHandler for Router {
    async fn answer(&self, request: Request, _: Peer) -> Response {
        self.clone().call(request).await.unwrap_or_else(|never| match never {})
    }
}

/// Serves requests on a listener until `stop`, then until the requests in flight are answered.
pub async fn serve(
    listener: impl Into<NetworkSocket>,
    handler: impl RequestHandler,
    limits: AcceptLimits,
    stop: impl Future<Output = ListenerStop>,
) {
    let serve = |stream, peer, slot| serve_connection(stream, peer, handler.clone(), slot);
    listener::serve(listener.into(), limits, stop, serve).await;
}

async fn serve_connection(stream: TcpStream, peer: Peer, handler: impl RequestHandler, slot: ConnectionSlot) {
    let cut = StreamCut::default();
    tokio::select! {
        // Requests first: what was answered at once needs no watch.
        biased;
        () = answer_requests(stream, peer, handler, &slot, &cut) => (),
        () = cut_off(&cut, &slot) => (),
    }
}

/// Waits until what the client is sent must not go on. No byte more reaches it then.
async fn cut_off(cut: &StreamCut, slot: &ConnectionSlot) {
    cut.comes().await;
    slot.resets();
}

async fn answer_requests(
    stream: TcpStream,
    peer: Peer,
    handler: impl RequestHandler,
    slot: &ConnectionSlot,
    cut: &StreamCut,
) {
    let (is_draining, ends_by_close) = (AtomicBool::new(false), AtomicBool::new(false));
    let tunnel = Mutex::new(None);
    let service = service_fn(|request: HttpRequest<Incoming>| {
        slot.note(true);
        ends_by_close.store(request.version() < Version::HTTP_11, Ordering::Relaxed);
        let (handler, is_draining, tunnel) = (&handler, &is_draining, &tunnel);
        async move {
            let mut response = handler.answer(received(request), peer).await;
            if is_draining.load(Ordering::Relaxed) && response.status() != StatusCode::SWITCHING_PROTOCOLS {
                response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
            }
            if let Some(found) = response.extensions_mut().remove::<Tunnel>() {
                *tunnel.lock().unwrap_or_else(PoisonError::into_inner) = Some(found);
            }
            if let Some(found) = response.extensions_mut().remove::<StreamCut>() {
                cut.take_over(&found);
            }
            Ok::<_, Infallible>(streamed(response, slot, cut))
        }
    });
    let stream = AnsweringStream::new(stream, slot.clone());
    let mut connection = pin!(http1().serve_connection(TokioIo::new(stream), service).with_upgrades());
    let ended = tokio::select! {
        // The connection first: a request that has come is answered.
        biased;
        ended = connection.as_mut() => ended,
        () = ends(slot, &is_draining) => {
            connection.as_mut().graceful_shutdown();
            connection.as_mut().await
        }
    };
    if let Err(fault) = ended {
        if fault.is_user() && ends_by_close.load(Ordering::Relaxed) {
            // A body that broke off. To a client of HTTP/1.0 the end of the connection is the end of the body.
            slot.resets();
        }
        debug!(%fault, ?peer, "a connection broke");
        return;
    }
    let tunnel = tunnel.lock().unwrap_or_else(PoisonError::into_inner).take();
    run_tunnel(tunnel, slot).await;
}

/// Waits until the connection must end. Before that its client may be told with an answer: a client that has just sent
/// a request on an idle connection would otherwise lose it.
async fn ends(slot: &ConnectionSlot, is_draining: &AtomicBool) {
    slot.must_end(ConnectionEnd::Draining).await;
    is_draining.store(true, Ordering::Relaxed);
    slot.must_end(ConnectionEnd::Now).await;
}

/// A request as handlers take it.
fn received(request: HttpRequest<Incoming>) -> Request {
    // An empty body needs no box.
    request.map(|body| if body.is_end_stream() { Body::empty() } else { Body::new(body) })
}

/// hyper parses as many header lines as it has room for without an allocation, and refuses more itself. It sets no
/// timer: the listener looks after connections on which nothing happens.
fn http1() -> http1::Builder {
    let mut builder = http1::Builder::new();
    // Answers are small: copied behind their headers they are one piece to the system.
    builder.header_read_timeout(None).max_buf_size(HEAD_BUFFER).writev(false);
    builder
}
