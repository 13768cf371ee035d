//! What must not be left half done.
//!
//! A server drops the future of a request whose client hangs up, at whatever it awaits. A client can choose that moment:
//! a thief the one between the end of a session and the word about it.

use std::future::Future;
use std::sync::Arc;

use thiserror::Error;
use tracing::Instrument;

use super::Engine;
use crate::store::{StoreError, Stored};

#[derive(Debug, Error)]
#[error("the engine has stopped")]
struct Stopped;

impl Engine {
    /// Itself, for what has to outlive whoever waits for it.
    pub(super) fn myself(&self) -> Stored<Arc<Self>> {
        self.me.upgrade().ok_or_else(|| StoreError::unavailable("begin", Stopped))
    }
}

/// Does work to its end on a task of its own, whoever waits for it. What it logs is theirs.
pub(super) async fn whole<T, E>(
    doing: &'static str,
    work: impl Future<Output = Result<T, E>> + Send + 'static,
) -> Result<T, E>
where
    T: Send + 'static,
    E: From<StoreError> + Send + 'static,
{
    tokio::spawn(work.in_current_span()).await.map_err(|fault| StoreError::unavailable(doing, fault))?
}
