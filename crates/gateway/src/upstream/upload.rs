//! The body of a request on its way to an upstream: bounded in size and in time, and without trailers.

use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::body::{Body, Bytes, HttpBody};
use http_body::{Frame, SizeHint};
use thiserror::Error;
use tokio::sync::Notify;
use tokio::time::{Sleep, sleep};

/// Why a body did not reach its end.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
pub enum UploadFault {
    /// It is larger than the route allows.
    #[error("it is too large")]
    TooLarge,
    /// The client sent nothing more.
    #[error("its client was too slow")]
    Slow,
    /// The client hung up, or what it sent is no body.
    #[error("its client broke it off")]
    Broken,
}

/// How an upload is doing, for those who wait for the answer.
#[derive(Clone, Default, Debug)]
pub struct UploadState(Arc<UploadProgress>);

#[derive(Default, Debug)]
struct UploadProgress {
    moved: Notify,
    /// Whether the upstream wants more than the client has sent.
    waits_for_client: AtomicBool,
    fault: Mutex<Option<UploadFault>>,
}

impl UploadState {
    /// Waits until the upstream takes something of the body.
    pub async fn moved(&self) {
        self.0.moved.notified().await;
    }

    /// Whether the upstream wants more than the client has sent.
    #[must_use]
    pub fn waits_for_client(&self) -> bool {
        self.0.waits_for_client.load(Ordering::Relaxed)
    }

    /// What ended the upload before its end.
    #[must_use]
    pub fn fault(&self) -> Option<UploadFault> {
        *self.0.fault.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn moves(&self) {
        self.0.waits_for_client.store(false, Ordering::Relaxed);
        self.0.moved.notify_one();
    }

    fn fails(&self, fault: UploadFault) {
        *self.0.fault.lock().unwrap_or_else(PoisonError::into_inner) = Some(fault);
    }

    fn wants_more(&self) {
        self.0.waits_for_client.store(true, Ordering::Relaxed);
    }
}

/// A body that is uploaded.
pub struct Upload {
    inner: Body,
    /// How many bytes may still come.
    left: u64,
    idle: Duration,
    deadline: Pin<Box<Sleep>>,
    state: UploadState,
}

impl Upload {
    /// Uploads a body of at most `limit` bytes, whose client may pause for `idle`.
    #[must_use]
    pub fn new(inner: Body, limit: u64, idle: Duration) -> Self {
        Self { inner, left: limit, idle, deadline: Box::pin(sleep(idle)), state: UploadState::default() }
    }

    /// No body.
    #[must_use]
    pub fn empty() -> Self {
        Self::new(Body::empty(), 0, Duration::ZERO)
    }

    /// How it is doing, from now on.
    #[must_use]
    pub fn state(&self) -> UploadState {
        self.state.clone()
    }

    fn fails(&self, fault: UploadFault) -> Result<Frame<Bytes>, UploadFault> {
        self.state.fails(fault);
        Err(fault)
    }

    fn passed(&mut self, data: Bytes) -> Result<Frame<Bytes>, UploadFault> {
        let Some(left) = self.left.checked_sub(data.len() as u64) else {
            return self.fails(UploadFault::TooLarge);
        };
        self.left = left;
        let idle = self.idle;
        self.deadline.set(sleep(idle));
        self.state.moves();
        Ok(Frame::data(data))
    }
}

impl HttpBody for Upload {
    type Data = Bytes;
    type Error = UploadFault;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, UploadFault>>> {
        loop {
            let polled = Pin::new(&mut self.inner).poll_frame(context);
            if polled.is_pending() {
                self.state.wants_more();
                ready!(self.deadline.as_mut().poll(context));
                return Poll::Ready(Some(self.fails(UploadFault::Slow)));
            }
            match ready!(polled) {
                None => {
                    self.state.moves();
                    return Poll::Ready(None);
                }
                Some(Err(_)) => return Poll::Ready(Some(self.fails(UploadFault::Broken))),
                // Trailers go: an upstream could take one for a header.
                Some(Ok(frame)) => {
                    if let Ok(data) = frame.into_data() {
                        return Poll::Ready(Some(self.passed(data)));
                    }
                }
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}
