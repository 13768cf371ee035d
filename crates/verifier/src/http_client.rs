//! What a verifier needs of HTTP: one GET, with its answer whole.

use async_trait::async_trait;
use bytes::Bytes;
use http::{Request, Response};
use thiserror::Error;

/// Sends requests to the server. [`HyperClient`](crate::HyperClient) is the default.
#[async_trait]
pub trait HttpClient: Send + Sync + 'static {
    /// Sends a request without a body and reads the answer whole. It follows no redirect, and keeps nothing: an answer
    /// of a cache would be of another time. The caller gives up by dropping the future.
    ///
    /// # Errors
    ///
    /// [`HttpFault`] if there is no whole answer, or its body is longer than `longest` bytes.
    async fn send(&self, request: Request<()>, longest: usize) -> Result<Response<Bytes>, HttpFault>;
}

/// There was no whole answer.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
#[error("no answer of the server: {0}")]
pub struct HttpFault(pub String);
