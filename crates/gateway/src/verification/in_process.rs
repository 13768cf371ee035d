//! Verification by the engine of the same process: as the server's own routes verify.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use portcullis_api::refusal::Refusal;
use portcullis_core::clock::{Clock, Ticks};
use portcullis_core::engine::{AuthenticationError, CheckedCredential, Engine};
use portcullis_core::strategy::PresentedCredentials;
use portcullis_verifier::{CutReason, OnStale, SentCredential, VerifiedUser, VerifyError};
use tokio::time::sleep;

use super::{CredentialVerifier, VerifiedCaller};

/// How often the credential of an open stream is checked again. A check reads memory.
const LOOK_EVERY: Duration = Duration::from_millis(250);

/// Verifies credentials by the engine.
#[derive(Clone)]
pub struct EngineVerifier {
    engine: Engine,
    /// How old the engine's knowledge may be where a route refuses.
    max_staleness: Duration,
    clock: Arc<dyn Clock>,
}

impl EngineVerifier {
    /// Verifies by this engine.
    #[must_use]
    pub fn new(engine: Engine, max_staleness: Duration) -> Self {
        Self { clock: engine.clock(), engine, max_staleness }
    }

    async fn check(&self, credential: SentCredential<'_>) -> Result<CheckedCredential, VerifyError> {
        let header;
        let (mut authorization, mut cookies) = (Vec::new(), Vec::new());
        match credential {
            SentCredential::Bearer(token) => {
                header = format!("Bearer {token}");
                authorization.push(header.as_str());
            }
            // The pairs are those of the session cookie already.
            SentCredential::Cookie(pairs) => {
                cookies.extend(
                    pairs.split("; ").filter_map(|pair| pair.split_once('=')).map(|(_, value)| value),
                );
            }
        }
        let shown = PresentedCredentials { authorization: &authorization, cookies: &cookies, field: None };
        self.engine.check_credential(&shown).await.map_err(refused)
    }

    /// Waits until the stream must be cut.
    async fn until_cut(self, caller: VerifiedCaller, grace: Duration) -> CutReason {
        let mut proven = self.clock.ticks();
        loop {
            let left = caller.user.expires.map_or(LOOK_EVERY, |expires| expires.since(self.clock.now()));
            if left.is_zero() {
                return CutReason::Expired;
            }
            sleep(left.min(LOOK_EVERY)).await;
            match self.look(&caller, proven, grace).await {
                Ok(at) => proven = at,
                Err(reason) => return reason,
            }
        }
    }

    /// When it was last proven that the stream may stay open.
    async fn look(
        &self,
        caller: &VerifiedCaller,
        proven: Ticks,
        grace: Duration,
    ) -> Result<Ticks, CutReason> {
        match self.check(caller.credential.sent()).await {
            Ok(checked) if checked.identity.role != caller.user.role => Err(CutReason::RoleChanged),
            Ok(_) => Ok(self.clock.ticks()),
            Err(VerifyError::Unavailable { .. }) if self.clock.ticks().since(proven) < grace => Ok(proven),
            Err(VerifyError::Unavailable { .. }) => Err(CutReason::Unproven),
            Err(_) => Err(CutReason::Revoked),
        }
    }
}

/// An outage is no rejection.
fn refused(error: AuthenticationError) -> VerifyError {
    let missing = matches!(error, AuthenticationError::Missing);
    let refusal = Refusal::from(error);
    match refusal.code.status() {
        503 => {
            VerifyError::Unavailable { retry_after: refusal.retry_after.unwrap_or(Duration::from_secs(1)) }
        }
        _ if missing => VerifyError::Missing,
        _ => VerifyError::Refused,
    }
}

fn user_of(checked: CheckedCredential) -> VerifiedUser {
    let identity = checked.identity;
    VerifiedUser {
        tenant: identity.user.tenant,
        id: identity.user.id,
        session: checked.ends_with,
        token: identity.token,
        sid: Some(identity.session),
        role: identity.role,
        strategy: identity.strategy,
        signed_in: identity.signed_in,
        expires: checked.expires,
        kid: None,
        epochs: checked.epochs,
        profile: Some(identity.profile),
        gave_code: None,
        age: checked.age,
    }
}

#[async_trait]
impl CredentialVerifier for EngineVerifier {
    async fn verify(
        &self,
        credential: SentCredential<'_>,
        on_stale: OnStale,
    ) -> Result<VerifiedUser, VerifyError> {
        let checked = self.check(credential).await?;
        if on_stale == OnStale::Refuse && checked.age > self.max_staleness {
            return Err(VerifyError::Unavailable { retry_after: Duration::from_secs(1) });
        }
        Ok(user_of(checked))
    }

    fn watch(&self, caller: &VerifiedCaller, grace: Duration) -> BoxFuture<'static, CutReason> {
        self.clone().until_cut(caller.clone(), grace).boxed()
    }

    fn clock(&self) -> Arc<dyn Clock> {
        self.clock.clone()
    }
}
