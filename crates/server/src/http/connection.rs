//! HTTP/1.1 connections: their limits, and an end that lets the request in flight finish.

use std::pin::pin;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{OriginalUri, Request};
use http::Uri;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tower::ServiceExt as _;
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

/// The most header lines that are parsed: more than are allowed, so that the refusal is in our own words.
const HEADERS_PARSED: usize = 512;

/// Serves `router` on a listener until `stop`, then until the requests in flight are answered.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    limits: HttpConnectionLimits,
    stop: impl Future<Output = ()>,
) {
    let serve = |stream, peer, slot| serve_connection(stream, peer, router.clone(), limits.headers, slot);
    listener::serve(listener, limits.accept, stop, serve).await;
}

async fn serve_connection(
    stream: TcpStream,
    peer: Peer,
    router: Router,
    headers: Duration,
    slot: ConnectionSlot,
) {
    let (begun, ended, stopped) = (slot.clone(), slot.clone(), slot.stopped);
    let service = router.map_request(move |request: Request<Incoming>| {
        begun.note(true);
        let mut request = request.map(Body::new);
        pass_over_trailing_slash(&mut request);
        request.extensions_mut().insert(peer);
        request
    });
    let service = service.map_response(move |response| {
        ended.note(false);
        response
    });
    let service = TowerToHyperService::new(service);
    let mut connection = pin!(http1(headers).serve_connection(TokioIo::new(stream), service));
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = until(stopped) => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(fault) = ended {
        debug!(%fault, ?peer, "a connection broke");
    }
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
