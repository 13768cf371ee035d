//! The stream of a connection, which counts as used while its client takes an answer bit by bit.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

use crate::listener::ConnectionSlot;

/// A stream that can end without what was written and not taken.
pub(super) trait Resettable {
    /// Has its end be a reset, when it is dropped.
    fn reset_at_end(&self);
}

impl Resettable for TcpStream {
    fn reset_at_end(&self) {
        // A connection that is gone has no end to choose.
        let _ = self.set_zero_linger();
    }
}

/// A stream whose slow writes renew the time for which its connection may be idle. A client that takes nothing is idle.
#[derive(Debug)]
pub(super) struct AnsweringStream<S: Resettable> {
    stream: S,
    slot: ConnectionSlot,
    /// Whether the client has not taken all that was written last.
    is_slow: bool,
}

impl<S: Resettable> Drop for AnsweringStream<S> {
    fn drop(&mut self) {
        if self.slot.is_reset() {
            self.stream.reset_at_end();
        }
    }
}

impl<S: Resettable> AnsweringStream<S> {
    pub(super) const fn new(stream: S, slot: ConnectionSlot) -> Self {
        Self { stream, slot, is_slow: false }
    }
}

impl<S: AsyncWrite + Resettable + Unpin> AsyncWrite for AnsweringStream<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        piece: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(context, piece);
        match written {
            Poll::Ready(Ok(bytes)) => {
                let was_slow = self.is_slow;
                self.is_slow = bytes < piece.len();
                if was_slow || self.is_slow {
                    self.slot.renew();
                }
            }
            Poll::Ready(Err(_)) => (),
            Poll::Pending => {
                self.is_slow = true;
                self.slot.stall();
            }
        }
        written
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

impl<S: AsyncRead + Resettable + Unpin> AsyncRead for AnsweringStream<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        room: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, room)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream, duplex};
    use tokio::sync::watch;

    use super::*;
    use crate::listener::ConnectionEnd;

    impl Resettable for DuplexStream {
        fn reset_at_end(&self) {}
    }

    #[tokio::test]
    async fn each_bit_that_a_slow_client_takes_renews_the_time_and_a_fast_one_needs_no_renewal() {
        let (_end, ending) = watch::channel(ConnectionEnd::Open);
        let slot = ConnectionSlot::alone(ending);
        let (mut client, server) = duplex(8);
        let mut stream = AnsweringStream::new(server, slot.clone());
        let renewals = || slot.moments();
        stream.write_all(b"fast").await.unwrap();
        assert_eq!(renewals(), 0);
        let writing = tokio::spawn(async move { stream.write_all(&[b'x'; 24]).await.unwrap() });
        let mut taken = [0; 28];
        client.read_exact(&mut taken).await.unwrap();
        writing.await.unwrap();
        assert!(renewals() >= 3, "{}", renewals());
    }
}
