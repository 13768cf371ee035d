//! The cut of a stream: an answer or a tunnel that must not go on.

use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::Poll;

type Awaited = Pin<Box<dyn Future<Output = ()> + Send>>;

/// What a handler adds to the extensions of a response: once this is ready, the connection is reset, even while its
/// client takes nothing. What the client has not taken by then is lost. It is waited for only while the body of a
/// [`Streamed`](super::Streamed) response, or a [`Tunnel`](super::Tunnel), has not ended.
#[derive(Clone, Default)]
pub struct StreamCut(Arc<Mutex<Option<Awaited>>>);

impl StreamCut {
    /// A cut when this is ready.
    pub fn when(awaited: impl Future<Output = ()> + Send + 'static) -> Self {
        Self(Arc::new(Mutex::new(Some(Box::pin(awaited)))))
    }

    /// Waits for what the other one waited for, too.
    pub(super) fn take_over(&self, other: &Self) {
        self.set(other.set(None));
    }

    /// Waits for nothing more.
    pub(super) fn forget(&self) {
        // The lock is free again when what was awaited is dropped.
        drop(self.set(None));
    }

    fn set(&self, awaited: Option<Awaited>) -> Option<Awaited> {
        std::mem::replace(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner), awaited)
    }

    /// Waits for the cut. Only the task of the connection may: it looks each time that it runs.
    pub(super) async fn comes(&self) {
        poll_fn(|context| {
            let mut awaited = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            awaited.as_mut().map_or(Poll::Pending, |awaited| awaited.as_mut().poll(context))
        })
        .await;
    }
}

impl fmt::Debug for StreamCut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("StreamCut")
    }
}
