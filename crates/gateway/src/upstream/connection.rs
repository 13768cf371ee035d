//! One connection to an upstream, and the request on it.
//!
//! It has no task of its own: the task that waits for an answer moves the connection on. So an answer wakes one task,
//! which passes it on at once.

use std::error::Error as _;
use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use axum::body::{Bytes, HttpBody};
use futures_util::future::OptionFuture;
use http::{Request, Response, StatusCode};
use http_body::{Frame, SizeHint};
use hyper::body::Incoming;
use hyper::client::conn::TrySendError;
use hyper::client::conn::http1::{Builder, SendRequest};

use super::connector::UpstreamStream;
use super::kept_connections::KeptConnections;
use super::{Upload, UpstreamFault};

/// The most bytes of the head of an answer.
const HEAD_BUFFER: usize = 64 * 1024;

/// What moves a connection on, until it is closed.
type Driver = Pin<Box<dyn Future<Output = hyper::Result<()>> + Send>>;

/// An open connection, on which one request at a time is under way.
pub(super) struct UpstreamConnection {
    requests: SendRequest<Upload>,
    driver: Driver,
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
        let shaken = Builder::new().max_buf_size(HEAD_BUFFER).handshake(stream).await;
        let (requests, driver) = shaken.map_err(|fault| fault_of(&fault))?;
        Ok(Self { requests, driver: Box::pin(driver.with_upgrades()) })
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
        let Self { mut requests, driver } = self;
        let mut sent = pin!(requests.try_send_request(request));
        let mut open = Some(Self { requests, driver });
        let answered = poll_fn(|context| {
            // Dropped with what it has not sent, a closed connection answers.
            open.take_if(|connection| connection.is_closed(context));
            sent.as_mut().poll(context)
        });
        let (parts, body) = answered.await.map_err(Unanswered::from)?.into_parts();
        // What goes on beside the answer needs a task, for its client may not read the answer before.
        if parts.status == StatusCode::SWITCHING_PROTOCOLS || !upload.is_over() {
            tokio::spawn(OptionFuture::from(open.take().map(|connection| connection.driver)));
        }
        Ok(Response::from_parts(parts, AnswerBody::new(body, open, kept)))
    }

    /// Moves the connection on; `true` if it is closed.
    fn is_closed(&mut self, context: &mut Context<'_>) -> bool {
        self.driver.as_mut().poll(context).is_ready()
    }

    /// Whether another request can be sent: the last answer has ended, and the upstream has not hung up.
    pub(super) fn is_free(&mut self) -> bool {
        !self.is_closed(&mut Context::from_waker(Waker::noop())) && self.requests.is_ready()
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

/// The body of an answer. It moves the connection on, and lets it be kept when the answer has ended.
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
        let polled = Pin::new(&mut self.inner).poll_frame(context);
        if polled.is_ready() || self.connection.is_none() {
            return polled;
        }
        // Only now does the connection know that more is wanted.
        self.connection.take_if(|connection| connection.is_closed(context));
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
            // With an error, what was not flushed before it would be lost: head and pieces of an answer.
            self.fault = Some(fault);
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        if matches!(polled, Poll::Ready(None)) || self.inner.is_end_stream() {
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
