//! A liar, and a verifier that follows it.

use std::time::Duration;

use portcullis_core::clock::{Clock, Ticks};
use portcullis_core::machine::SystemClock;
use portcullis_core::user::Role;
use portcullis_liar::{Liar, LiarSession};
use portcullis_verifier::{OnStale, SentCredential, VerifiedUser, Verifier, VerifierBuilder, VerifyError};

/// How old the verifier's knowledge may be.
pub(crate) const BOUND: Duration = Duration::from_millis(500);

/// A service that verifies with a feed that lies.
pub(crate) struct Stage {
    pub(crate) liar: Liar,
    pub(crate) verifier: Verifier,
}

impl Stage {
    /// A verifier that is ready.
    pub(crate) async fn new() -> Self {
        Self::with(|builder| builder).await
    }

    pub(crate) async fn with(change: impl FnOnce(VerifierBuilder) -> VerifierBuilder) -> Self {
        let liar = Liar::start("127.0.0.1:0").await.unwrap();
        let builder = Verifier::builder(liar.url()).feed_key(liar.feed_key()).max_staleness(BOUND);
        let verifier = change(builder).build().unwrap();
        verifier.ready().await;
        Self { liar, verifier }
    }

    pub(crate) fn sign_in(&self) -> LiarSession {
        self.liar.sign_in(Role::Admin).unwrap()
    }

    /// What the verifier says without asking.
    pub(crate) async fn check(&self, session: &LiarSession) -> Result<VerifiedUser, VerifyError> {
        self.verifier.verify(SentCredential::Bearer(&session.token), OnStale::Refuse).await
    }

    /// What it says, asking where it must.
    pub(crate) async fn ask(&self, session: &LiarSession) -> Result<VerifiedUser, VerifyError> {
        self.verifier.verify(SentCredential::Bearer(&session.token), OnStale::Ask).await
    }

    /// Signs a session out, and shows its token until it is refused: no request that is sent later than the bound is
    /// accepted, and none by a proof that is younger than the sign-out.
    pub(crate) async fn sign_out_and_wait(&self, session: &LiarSession) {
        self.liar.sign_out(session);
        let signed_out = now();
        loop {
            let sent = now();
            let Ok(user) = self.check(session).await else { return };
            let since = sent.since(signed_out);
            assert!(since <= BOUND, "accepted later than the bound");
            assert!(since <= user.age, "the proof is older than it is said to be: {user:?}");
            tokio::task::yield_now().await;
        }
    }

    /// Waits until the verifier's knowledge is too old.
    pub(crate) async fn is_stale_soon(&self) {
        while self.verifier.status().fresh {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// Waits until a live session is accepted.
    pub(crate) async fn accepts_soon(&self, session: &LiarSession) {
        while self.check(session).await.is_err() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
}

fn now() -> Ticks {
    SystemClock.ticks()
}
