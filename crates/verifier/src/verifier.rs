//! The handle that services hold.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use portcullis_core::clock::Timestamp;
use tokio::task::AbortHandle;

use crate::stream_watch::OpenStream;
use crate::verifier_core::VerifierCore;
use crate::{CutReason, OnStale, SentCredential, VerifiedUser, VerifierBuilder, VerifierStatus, VerifyError};

/// Verifies credentials. A cheap handle: clone it. When the last one is dropped, it stops following the feed.
#[derive(Clone)]
pub struct Verifier {
    core: Arc<VerifierCore>,
    _tasks: Arc<VerifierTasks>,
}

/// The tasks of a verifier, which end with its last handle.
struct VerifierTasks(Vec<AbortHandle>);

impl Drop for VerifierTasks {
    fn drop(&mut self) {
        self.0.iter().for_each(AbortHandle::abort);
    }
}

impl Verifier {
    /// A verifier for the server with this URL, such as `https://auth.example.com`.
    #[must_use]
    pub fn builder(server: &str) -> VerifierBuilder {
        VerifierBuilder::new(server)
    }

    pub(crate) fn of(core: Arc<VerifierCore>, tasks: Vec<AbortHandle>) -> Self {
        Self { core, _tasks: Arc::new(VerifierTasks(tasks)) }
    }

    /// The user behind a credential.
    ///
    /// # Errors
    ///
    /// [`VerifyError`]; its [`status`](VerifyError::status) is 503 in an outage, else 401.
    pub async fn verify(
        &self,
        credential: SentCredential<'_>,
        on_stale: OnStale,
    ) -> Result<VerifiedUser, VerifyError> {
        self.core.verify(credential, on_stale).await
    }

    /// The time by which tokens expire here: the machine's, or the server's where that is later.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.core.time()
    }

    /// The names of the session cookie.
    #[must_use]
    pub fn cookie_names(&self) -> &[String] {
        &self.core.cookie_names
    }

    /// Waits until this user's open stream must be cut: by a revocation or another role, at the token's `exp` without
    /// leeway, or when nothing was proven for `grace`. The feed is followed as long as the future lives.
    pub fn watch(
        &self,
        user: &VerifiedUser,
        grace: Duration,
    ) -> impl Future<Output = CutReason> + Send + 'static + use<> {
        let handle = self.clone();
        let stream = OpenStream::new(user.clone(), self.core.clock.ticks(), grace);
        async move { stream.until_cut(&handle.core).await }
    }

    /// Waits until the knowledge of every tenant is young enough: before that, each credential is asked about. It may
    /// wait for ever, if the feed key is wrong for instance; then [`trouble`](Self::trouble) says why.
    pub async fn ready(&self) {
        let mut proofs = self.core.counts.proofs();
        while !self.core.revocations.is_all_fresh(self.core.clock.ticks()) {
            if proofs.changed().await.is_err() {
                return;
            }
        }
    }

    /// Why the feed is not followed now, with what to do about it; `None` if it is, or if nothing has failed yet. The
    /// same is logged, once for each cause.
    #[must_use]
    pub fn trouble(&self) -> Option<String> {
        self.core.counts.trouble()
    }

    /// How the verifier is doing.
    #[must_use]
    pub fn status(&self) -> VerifierStatus {
        self.core.status()
    }
}

impl fmt::Debug for Verifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Verifier").field(&self.status()).finish()
    }
}
