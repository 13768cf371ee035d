//! The bytes that go to an upstream and come from it, and whether all have left.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use hyper::rt::{Read, ReadBufCursor, Write};
use hyper_rustls::MaybeHttpsStream;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

/// Whether bytes were written that TLS, or nothing but a buffer, still holds.
#[derive(Clone, Default, Debug)]
pub(super) struct UnsentBytes(Arc<AtomicBool>);

impl UnsentBytes {
    pub(super) fn are_there(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// A connection to an upstream, with or without TLS.
pub(super) struct UpstreamStream {
    inner: MaybeHttpsStream<TokioIo<TcpStream>>,
    unsent: UnsentBytes,
}

impl UpstreamStream {
    pub(super) fn new(inner: MaybeHttpsStream<TokioIo<TcpStream>>) -> Self {
        Self { inner, unsent: UnsentBytes::default() }
    }

    /// What tells whether all that was written has left, from now on.
    pub(super) fn unsent(&self) -> UnsentBytes {
        self.unsent.clone()
    }
}

impl Read for UpstreamStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_read(context, buffer)
    }
}

impl Write for UpstreamStream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.unsent.0.store(true, Ordering::Relaxed);
        Pin::new(&mut self.inner).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        pieces: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.unsent.0.store(true, Ordering::Relaxed);
        Pin::new(&mut self.inner).poll_write_vectored(context, pieces)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }

    /// hyper flushes once its own buffer is empty.
    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = Pin::new(&mut self.inner).poll_flush(context);
        if matches!(flushed, Poll::Ready(Ok(()))) {
            self.unsent.0.store(false, Ordering::Relaxed);
        }
        flushed
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(context)
    }
}
