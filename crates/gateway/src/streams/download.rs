//! The body of an answer on its way to the client.

use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::body::{Bytes, HttpBody};
use futures_util::future::BoxFuture;
use http_body::{Frame, SizeHint};
use hyper::body::Incoming;
use thiserror::Error;
use tokio::time::{Sleep, sleep};

use super::{StreamOwner, cut};

/// Why an answer was broken off.
#[derive(Debug, Error)]
pub enum DownloadFault {
    /// The upstream hung up, or lied about the length.
    #[error("the upstream broke off its answer: {0}")]
    Upstream(#[from] hyper::Error),
    /// The upstream sent nothing more.
    #[error("the upstream sent nothing more in time")]
    Idle,
    /// The user must not go on.
    #[error("the user must not go on")]
    Cut,
}

/// The body of an answer. An error of it closes the client's connection without a clean end.
pub struct Download {
    inner: Incoming,
    idle: Duration,
    owner: Option<StreamOwner>,
    /// What is waited for beside the upstream, once it lets the gateway wait.
    waits: Option<Waits>,
}

struct Waits {
    idle: Pin<Box<Sleep>>,
    cut: BoxFuture<'static, ()>,
    /// Whether the upstream has sent something since the deadline was set.
    has_moved: bool,
}

impl Download {
    /// The body of an upstream that may pause for `idle`.
    #[must_use]
    pub const fn new(inner: Incoming, idle: Duration, owner: Option<StreamOwner>) -> Self {
        Self { inner, idle, owner, waits: None }
    }

    /// Ready if the answer must be broken off.
    fn poll_end(&mut self, context: &mut Context<'_>, is_waiting: bool) -> Poll<DownloadFault> {
        let (idle, owner) = (self.idle, &self.owner);
        let waits = self.waits.get_or_insert_with(|| Waits {
            idle: Box::pin(sleep(idle)),
            cut: Box::pin(cut(owner.clone())),
            has_moved: false,
        });
        if waits.cut.as_mut().poll(context).is_ready() {
            return Poll::Ready(DownloadFault::Cut);
        }
        if !is_waiting {
            waits.has_moved = true;
            return Poll::Pending;
        }
        if std::mem::take(&mut waits.has_moved) {
            waits.idle.set(sleep(idle));
        }
        ready!(waits.idle.as_mut().poll(context));
        Poll::Ready(DownloadFault::Idle)
    }
}

impl HttpBody for Download {
    type Data = Bytes;
    type Error = DownloadFault;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, DownloadFault>>> {
        let polled = Pin::new(&mut self.inner).poll_frame(context);
        // An answer that is there at once needs neither a timer nor a watch.
        let is_at_once = self.waits.is_none() && polled.is_ready() && self.inner.is_end_stream();
        if !is_at_once && let Poll::Ready(fault) = self.poll_end(context, polled.is_pending()) {
            return Poll::Ready(Some(Err(fault)));
        }
        polled.map_err(DownloadFault::from)
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}
