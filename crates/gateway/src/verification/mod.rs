//! Who a request is from.
//!
//! The gateway asks through [`CredentialVerifier`]. There are two implementations: over the verifier, which follows a
//! server in another process, and over the engine of the same process.

mod credential;
mod in_process;
mod remote;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures_util::future::BoxFuture;
use portcullis_core::clock::Clock;
use portcullis_core::machine::SystemClock;
use portcullis_verifier::{CutReason, OnStale, SentCredential, VerifiedUser, VerifyError};

pub use credential::{FoundCredential, find_credential};
pub use in_process::EngineVerifier;

/// Verifies credentials.
#[async_trait]
pub trait CredentialVerifier: Send + Sync + 'static {
    /// The user behind a credential.
    ///
    /// # Errors
    ///
    /// [`VerifyError`]: an outage is no rejection.
    async fn verify(
        &self,
        credential: SentCredential<'_>,
        on_stale: OnStale,
    ) -> Result<VerifiedUser, VerifyError>;

    /// Waits until an open stream must be cut: by a revocation, when the token expires, or when nothing was proven for
    /// `grace`.
    fn watch(&self, caller: &VerifiedCaller, grace: Duration) -> BoxFuture<'static, CutReason>;

    /// The clock that the gateway goes by.
    fn clock(&self) -> Arc<dyn Clock> {
        Arc::new(SystemClock)
    }
}

/// Who a request is from, and how they showed it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct VerifiedCaller {
    /// The user.
    pub user: VerifiedUser,
    /// The credential.
    pub credential: FoundCredential,
}
