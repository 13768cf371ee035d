//! The body of an answer.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use axum::body::{Bytes, HttpBody};
use http::Response;
use http_body::{Frame, SizeHint};
use hyper::body::Incoming;

use super::connection::{UpstreamAnswer, UpstreamConnection};
use super::kept_connections::KeptConnections;

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
    /// An answer whose connection is kept afterwards, if it can be used again.
    pub(super) fn of(answered: UpstreamAnswer, kept: &Arc<KeptConnections>) -> Response<Self> {
        let UpstreamAnswer { answer, connection, goes_on } = answered;
        answer.map(|inner| {
            let mut body = Self { inner, connection, kept: kept.clone(), fault: None };
            // What goes on needs a task that drives the connection: the client may not read the answer before.
            if goes_on || body.inner.is_end_stream() {
                body.lets_go();
            }
            body
        })
    }

    fn lets_go(&mut self) {
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
            self.lets_go();
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
