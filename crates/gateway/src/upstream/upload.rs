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
    is_over: AtomicBool,
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

    /// Whether nothing more of the body is sent.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.0.is_over.load(Ordering::Relaxed)
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
    /// When its client has paused for too long, once it was waited for.
    deadline: Option<Pin<Box<Sleep>>>,
    is_waiting: bool,
    state: UploadState,
}

impl Upload {
    /// Uploads a body of at most `limit` bytes, whose client may pause for `idle`.
    #[must_use]
    pub fn new(inner: Body, limit: u64, idle: Duration) -> Self {
        Self { inner, left: limit, idle, deadline: None, is_waiting: false, state: UploadState::default() }
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
        self.state.moves();
        Ok(Frame::data(data))
    }

    /// Ready if the client has sent nothing for too long. What an upstream pauses before is no pause of the client.
    fn poll_idle(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let idle = self.idle;
        let deadline = self.deadline.get_or_insert_with(|| Box::pin(sleep(idle)));
        if !std::mem::replace(&mut self.is_waiting, true) {
            deadline.set(sleep(idle));
        }
        deadline.as_mut().poll(context)
    }
}

impl Drop for Upload {
    fn drop(&mut self) {
        self.state.0.is_over.store(true, Ordering::Relaxed);
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
                ready!(self.poll_idle(context));
                return Poll::Ready(Some(self.fails(UploadFault::Slow)));
            }
            self.is_waiting = false;
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

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use futures_util::FutureExt as _;
    use futures_util::stream::unfold;
    use tokio::sync::mpsc::unbounded_channel;
    use tokio::time::advance;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn only_a_pause_of_the_client_counts_and_not_one_of_the_upstream() {
        let (client, sent) = unbounded_channel::<Result<Bytes, axum::Error>>();
        let sent = unfold(sent, async |mut sent| Some((sent.recv().await?, sent)));
        let idle = Duration::from_mins(1);
        let mut upload = Upload::new(Body::from_stream(Box::pin(sent)), 100, idle);
        let mut next = async || poll_fn(|context| Pin::new(&mut upload).poll_frame(context)).await;
        for _ in 0..2 {
            // The upstream takes nothing for longer than the client might pause.
            advance(idle * 2).await;
            assert!(next().now_or_never().is_none());
            client.send(Ok(Bytes::from_static(b"more"))).unwrap();
            assert!(matches!(next().await, Some(Ok(_))));
        }
        assert!(matches!(next().await, Some(Err(UploadFault::Slow))));
    }
}
