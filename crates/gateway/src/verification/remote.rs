//! Verification of the tokens of a server in another process.

use std::time::Duration;

use async_trait::async_trait;
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use portcullis_verifier::{CutReason, OnStale, SentCredential, VerifiedUser, Verifier, VerifyError};

use super::{CredentialVerifier, VerifiedCaller};

#[async_trait]
impl CredentialVerifier for Verifier {
    async fn verify(
        &self,
        credential: SentCredential<'_>,
        on_stale: OnStale,
    ) -> Result<VerifiedUser, VerifyError> {
        Self::verify(self, credential, on_stale).await
    }

    fn watch(&self, caller: &VerifiedCaller, grace: Duration) -> BoxFuture<'static, CutReason> {
        Self::watch(self, &caller.user, grace).boxed()
    }
}
