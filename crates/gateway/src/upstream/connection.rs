//! One connection to an upstream, and the request on it.
//!
//! It has no task of its own: the task that waits for an answer drives the connection. So an answer wakes one task, which
//! passes it on at once.

use std::error::Error as _;
use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use axum::body::{Bytes, HttpBody};
use http::{Request, Response, StatusCode};
use http_body::{Frame, SizeHint};
use hyper::body::Incoming;
use hyper::client::conn::TrySendError;
use hyper::client::conn::http1::{Builder, SendRequest};
use tokio::task::unconstrained;

use super::kept_connections::KeptConnections;
use super::stream::{UnsentBytes, UpstreamStream};
use super::{Upload, UpstreamFault};

/// The most bytes of the head of an answer.
const HEAD_BUFFER: usize = 64 * 1024;

/// What drives a connection, until it is closed.
type Driver = Pin<Box<dyn Future<Output = hyper::Result<()>> + Send>>;

/// An open connection, on which one request at a time is under way.
pub(super) struct UpstreamConnection {
    requests: SendRequest<Upload>,
    driver: Driver,
    unsent: UnsentBytes,
}

/// Why a request has no answer.
pub(super) struct Unanswered {
    /// The request, if nothing of it was sent: the connection was closed before.
    pub(super) unsent: Option<Box<Request<Upload>>>,
    /// Why.
    pub(super) fault: UpstreamFault,
}

impl UpstreamConnection {
    /// Speaks HTTP over a stream of bytes.
    ///
    /// # Errors
    ///
    /// [`UpstreamFault::HungUp`].
    pub(super) async fn over(stream: UpstreamStream) -> Result<Self, UpstreamFault> {
        let unsent = stream.unsent();
        let shaken = Builder::new().max_buf_size(HEAD_BUFFER).handshake(stream).await;
        let (requests, driver) = shaken.map_err(|fault| fault_of(&fault))?;
        Ok(Self { requests, driver: Box::pin(driver.with_upgrades()), unsent })
    }

    /// Sends a request. After its answer the connection is kept, if it can be used again.
    ///
    /// # Errors
    ///
    /// [`Unanswered`].
    pub(super) async fn send(
        self,
        request: Request<Upload>,
        kept: &Arc<KeptConnections>,
    ) -> Result<Response<AnswerBody>, Unanswered> {
        let upload = request.body().state();
        let Self { mut requests, driver, unsent } = self;
        // The driver makes this ready, so it needs no wake-up of its own.
        let mut sent = pin!(unconstrained(requests.try_send_request(request)));
        let mut open = Some(Self { requests, driver, unsent });
        let answered = poll_fn(|context| {
            // A closed connection is dropped. That makes `sent` ready, with the request if nothing of it was sent.
            open.take_if(|connection| connection.is_closed(context));
            sent.as_mut().poll(&mut Context::from_waker(Waker::noop()))
        });
        let (parts, body) = answered.await.map_err(Unanswered::from)?.into_parts();
        // An upload that goes on, or a switched protocol, needs a task: the client may not read the answer before.
        let goes_on = |connection: &mut Self| {
            parts.status == StatusCode::SWITCHING_PROTOCOLS
                || !upload.is_over()
                || connection.unsent.are_there()
        };
        if let Some(connection) = open.take_if(goes_on) {
            kept.keep(connection);
        }
        Ok(Response::from_parts(parts, AnswerBody::new(body, open, kept)))
    }

    /// Drives the connection; `true` if it is closed.
    fn is_closed(&mut self, context: &mut Context<'_>) -> bool {
        self.driver.as_mut().poll(context).is_ready()
    }

    /// Drives the connection until another request can be sent: the upload and the answer have ended. `false` if it is
    /// closed before.
    pub(super) async fn becomes_free(&mut self) -> bool {
        poll_fn(|context| {
            if self.is_closed(context) {
                return Poll::Ready(false);
            }
            let is_free = self.requests.is_ready() && !self.unsent.are_there();
            if is_free { Poll::Ready(true) } else { Poll::Pending }
        })
        .await
    }
}

impl From<TrySendError<Request<Upload>>> for Unanswered {
    fn from(mut fault: TrySendError<Request<Upload>>) -> Self {
        Self { unsent: fault.take_message().map(Box::new), fault: fault_of(fault.error()) }
    }
}

fn fault_of(fault: &hyper::Error) -> UpstreamFault {
    let reason = fault.source().map_or_else(|| fault.to_string(), ToString::to_string);
    if fault.is_parse() { UpstreamFault::Unreadable(reason) } else { UpstreamFault::HungUp(reason) }
}

/// The body of an answer. It drives the connection, and lets it be kept when the answer has ended.
pub struct AnswerBody {
    inner: Incoming,
    /// Until the answer has ended.
    connection: Option<UpstreamConnection>,
    kept: Arc<KeptConnections>,
    /// Why the answer breaks off, once what came before has been passed on.
    fault: Option<hyper::Error>,
}

impl AnswerBody {
    fn new(inner: Incoming, connection: Option<UpstreamConnection>, kept: &Arc<KeptConnections>) -> Self {
        let mut body = Self { inner, connection, kept: kept.clone(), fault: None };
        if body.inner.is_end_stream() {
            body.has_ended();
        }
        body
    }

    fn has_ended(&mut self) {
        if let Some(connection) = self.connection.take() {
            self.kept.keep(connection);
        }
    }

    fn poll_inner(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        if self.connection.is_some() {
            // This tells the connection that more is wanted. The driver makes it ready, so it needs no wake-up.
            let polled = Pin::new(&mut self.inner).poll_frame(&mut Context::from_waker(Waker::noop()));
            if polled.is_ready() {
                return polled;
            }
            self.connection.take_if(|connection| connection.is_closed(context));
        }
        Pin::new(&mut self.inner).poll_frame(context)
    }
}

impl HttpBody for AnswerBody {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        if let Some(fault) = self.fault.take() {
            return Poll::Ready(Some(Err(fault)));
        }
        let polled = self.poll_inner(context);
        if let Poll::Ready(Some(Err(fault))) = polled {
            // With the error, hyper's server would drop what it has not flushed: the head, or pieces of the answer.
            self.fault = Some(fault);
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        let is_last = match &polled {
            // hyper's server does not ask for what comes after trailers.
            Poll::Ready(Some(Ok(frame))) => frame.is_trailers() || self.inner.is_end_stream(),
            Poll::Ready(_) => true,
            Poll::Pending => false,
        };
        if is_last {
            self.has_ended();
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}
