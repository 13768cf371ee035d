//! HTTP/1.1 connections: their limits, and an end that lets the request in flight finish.

use std::convert::Infallible;
use std::pin::pin;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, HttpBody as _};
use axum::extract::{OriginalUri, Request};
use axum::response::Response;
use http::{Request as HttpRequest, Uri};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tower::Service as _;
use tracing::debug;

use crate::listener::{self, AcceptLimits, ConnectionSlot, Peer, until};

/// What a client may take of the server.
#[derive(Clone, Copy, Debug)]
pub struct HttpConnectionLimits {
    /// How many connections, and how they end.
    pub accept: AcceptLimits,
    /// How long the headers of a request may take.
    pub headers: Duration,
}

/// The most bytes that are buffered of a request's head; a larger one is cut off before it is parsed.
const HEAD_BUFFER: usize = 64 * 1024;

/// The most header lines that are parsed: more than are allowed, so that the refusal of a few more is in our own words.
/// Each request pays for a table of so many. More than these hyper refuses itself, with 431 and nothing else.
const HEADERS_PARSED: usize = 128;

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
    listener: TcpListener,
    handler: impl RequestHandler,
    limits: HttpConnectionLimits,
    stop: impl Future<Output = ()>,
) {
    let serve = |stream, peer, slot| serve_connection(stream, peer, handler.clone(), limits.headers, slot);
    listener::serve(listener, limits.accept, stop, serve).await;
}

async fn serve_connection(
    stream: TcpStream,
    peer: Peer,
    handler: impl RequestHandler,
    headers: Duration,
    slot: ConnectionSlot,
) {
    let service = service_fn(|request: HttpRequest<Incoming>| {
        slot.note(true);
        let (handler, slot) = (&handler, &slot);
        async move {
            let response = handler.answer(received(request), peer).await;
            slot.note(false);
            Ok::<_, Infallible>(response)
        }
    });
    let mut connection = pin!(http1(headers).serve_connection(TokioIo::new(stream), service));
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = until(slot.stopped.clone()) => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(fault) = ended {
        debug!(%fault, ?peer, "a connection broke");
    }
}

/// A request as handlers take it.
fn received(request: HttpRequest<Incoming>) -> Request {
    // An empty body needs no box.
    let mut request = request.map(|body| if body.is_end_stream() { Body::empty() } else { Body::new(body) });
    pass_over_trailing_slash(&mut request);
    request
}

/// Takes a slash from the end of the path. The pages of the documentation need theirs: it is what their links go by.
fn pass_over_trailing_slash(request: &mut Request) {
    let sent = request.uri();
    let Some(path) = sent.path().strip_suffix('/').filter(|path| !path.is_empty() && !path.ends_with('/'))
    else {
        return;
    };
    if path == "/docs" || path.starts_with("/docs/") {
        return;
    }
    let path = match sent.query() {
        Some(query) => format!("{path}?{query}"),
        None => path.to_owned(),
    };
    let mut parts = sent.clone().into_parts();
    parts.path_and_query = path.try_into().ok();
    if let Ok(uri) = Uri::from_parts(parts) {
        let sent = std::mem::replace(request.uri_mut(), uri);
        request.extensions_mut().insert(OriginalUri(sent));
    }
}

fn http1(headers: Duration) -> http1::Builder {
    let mut builder = http1::Builder::new();
    builder
        .timer(TokioTimer::new())
        .header_read_timeout(headers)
        .max_buf_size(HEAD_BUFFER)
        .max_headers(HEADERS_PARSED);
    // Answers are small: copied behind their headers they are one piece to the system.
    builder.writev(false);
    builder
}
