//! Bodies that come bit by bit from elsewhere: their connection is busy until they have ended.

use std::pin::Pin;
use std::task::{Context, Poll};

use axum::body::{Body, Bytes, HttpBody};
use axum::response::Response;
use http_body::{Frame, SizeHint};

use super::StreamCut;
use crate::listener::ConnectionSlot;

/// What a handler adds to the extensions of a response whose body comes bit by bit from elsewhere, for example from
/// another server: it may pause for longer than a connection may be idle.
#[derive(Clone, Copy, Debug)]
pub struct Streamed;

/// The response, whose connection becomes idle at the end of its body if that is [`Streamed`], and otherwise now.
pub(super) fn streamed(mut response: Response, slot: &ConnectionSlot, cut: &StreamCut) -> Response {
    let is_streamed = response.extensions_mut().remove::<Streamed>().is_some();
    if !is_streamed {
        slot.note(false);
        return response;
    }
    if response.body().is_end_stream() {
        slot.note(false);
        cut.forget();
        return response;
    }
    let (slot, cut) = (slot.clone(), cut.clone());
    response.map(|inner| Body::new(StreamedBody { inner, slot, cut }))
}

/// A body whose connection becomes idle when it is dropped, and need not be cut then.
struct StreamedBody {
    inner: Body,
    slot: ConnectionSlot,
    cut: StreamCut,
}

impl Drop for StreamedBody {
    fn drop(&mut self) {
        self.slot.note(false);
        self.cut.forget();
    }
}

impl HttpBody for StreamedBody {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        Pin::new(&mut self.inner).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}
