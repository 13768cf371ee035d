//! One connection to an upstream, and the request on it.
//!
//! It has no task of its own: the task that waits for an answer drives the connection. So an answer wakes one task,
//! which passes it on at once.

use std::error::Error as _;
use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};

use http::{Request, Response, StatusCode};
use hyper::body::Incoming;
use hyper::client::conn::TrySendError;
use hyper::client::conn::http1::{Builder, SendRequest};
use tokio::task::unconstrained;

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

/// The answer to a request.
pub(super) struct UpstreamAnswer {
    /// The answer.
    pub(super) answer: Response<Incoming>,
    /// What drives it; `None` if the connection is closed.
    pub(super) connection: Option<UpstreamConnection>,
    /// Whether more goes on than the answer: an upload, or a switched protocol.
    pub(super) goes_on: bool,
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

    /// Sends a request.
    ///
    /// # Errors
    ///
    /// [`Unanswered`].
    pub(super) async fn send(mut self, request: Request<Upload>) -> Result<UpstreamAnswer, Unanswered> {
        let upload = request.body().state();
        // The driver makes this ready, so it needs no wake-up of its own.
        let mut sent = pin!(unconstrained(self.requests.try_send_request(request)));
        let mut open = Some(self);
        let answered = poll_fn(|context| {
            // A closed connection is dropped. That makes `sent` ready, with the request if nothing of it was sent.
            open.take_if(|connection| connection.is_closed(context));
            sent.as_mut().poll(&mut Context::from_waker(Waker::noop()))
        });
        let answer = answered.await.map_err(Unanswered::from)?;
        let goes_on = answer.status() == StatusCode::SWITCHING_PROTOCOLS
            || !upload.is_over()
            || open.as_ref().is_some_and(|connection| connection.unsent.are_there());
        Ok(UpstreamAnswer { answer, connection: open, goes_on })
    }

    /// Drives the connection; `true` if it is closed.
    pub(super) fn is_closed(&mut self, context: &mut Context<'_>) -> bool {
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
