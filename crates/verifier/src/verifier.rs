//! The handle that services hold.

use std::time::Duration;

use crate::{CutReason, OnStale, SentCredential, VerifiedUser, VerifierBuilder, VerifierStatus, VerifyError};

/// Verifies credentials. A cheap handle: clone it. When the last one is dropped, it stops following the feed.
#[derive(Clone, Debug)]
pub struct Verifier {}

impl Verifier {
    /// A verifier for the server with this URL, such as `https://auth.example.com`.
    #[must_use]
    pub fn builder(server: &str) -> VerifierBuilder {
        VerifierBuilder::new(server)
    }

    pub(crate) fn begin(_: VerifierBuilder) -> Self {
        Self {}
    }

    /// The user behind a credential.
    ///
    /// # Errors
    ///
    /// [`VerifyError`]; its [`status`](VerifyError::status) is 503 in an outage, else 401.
    pub async fn verify(
        &self,
        credential: SentCredential<'_>,
        _: OnStale,
    ) -> Result<VerifiedUser, VerifyError> {
        tokio::task::yield_now().await;
        match credential {
            SentCredential::Bearer("") | SentCredential::Cookie("") => Err(VerifyError::Missing),
            // Nothing is proven yet.
            _ => Err(VerifyError::UNAVAILABLE),
        }
    }

    /// Waits until this user's open stream must be cut: by a revocation, at the token's `exp` without leeway, or when
    /// nothing was proven for `grace`. The future is independent of the handle.
    pub fn watch(
        &self,
        _: &VerifiedUser,
        grace: Duration,
    ) -> impl Future<Output = CutReason> + Send + 'static {
        let end = tokio::time::sleep(grace);
        async move {
            end.await;
            CutReason::Unproven
        }
    }

    /// Waits until every tenant's knowledge has been proven complete once.
    pub async fn ready(&self) {
        std::future::pending::<()>().await;
    }

    /// How the verifier is doing.
    #[must_use]
    pub fn status(&self) -> VerifierStatus {
        VerifierStatus::default()
    }
}
