//! The body of an answer on its way to the client.

use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::body::{Bytes, HttpBody};
use http_body::{Frame, SizeHint};
use thiserror::Error;
use tokio::time::{Sleep, sleep};

use crate::upstream::AnswerBody;

/// Why an answer was broken off.
#[derive(Debug, Error)]
pub enum DownloadFault {
    /// The upstream hung up, or lied about the length.
    #[error("the upstream broke off its answer: {0}")]
    Upstream(#[from] hyper::Error),
    /// The upstream sent nothing more.
    #[error("the upstream sent nothing more in time")]
    Idle,
}

/// The body of an answer. An error of it closes the client's connection without a clean end.
pub struct Download {
    inner: AnswerBody,
    idle: Duration,
    /// When the upstream has paused for too long, once it lets the gateway wait.
    deadline: Option<Pin<Box<Sleep>>>,
    /// Whether the upstream has sent something since the deadline was set.
    has_moved: bool,
}

impl Download {
    /// The body of an upstream that may pause for `idle`.
    #[must_use]
    pub const fn new(inner: AnswerBody, idle: Duration) -> Self {
        Self { inner, idle, deadline: None, has_moved: false }
    }

    /// Ready if the upstream has sent nothing for too long.
    fn poll_idle(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let idle = self.idle;
        let deadline = self.deadline.get_or_insert_with(|| Box::pin(sleep(idle)));
        if std::mem::take(&mut self.has_moved) {
            deadline.set(sleep(idle));
        }
        deadline.as_mut().poll(context)
    }
}

impl HttpBody for Download {
    type Data = Bytes;
    type Error = DownloadFault;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, DownloadFault>>> {
        if let Poll::Ready(frame) = Pin::new(&mut self.inner).poll_frame(context) {
            self.has_moved = true;
            return Poll::Ready(frame.map(|frame| frame.map_err(DownloadFault::from)));
        }
        ready!(self.poll_idle(context));
        Poll::Ready(Some(Err(DownloadFault::Idle)))
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}
