//! Questions under way: all who ask about one credential share one.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures_util::FutureExt as _;
use futures_util::future::Shared;
use portcullis_core::secret::SecretHash;
use tokio::sync::oneshot;

use super::{AskedServer, AskedUser, OwnedCredential};
use crate::{SentCredential, VerifyError};

type Outcome = Result<Arc<AskedUser>, VerifyError>;
type Flight = Shared<oneshot::Receiver<Outcome>>;

/// The questions under way, by the hash of their credential.
#[derive(Default)]
pub(super) struct Flights(Mutex<HashMap<SecretHash, Flight>>);

impl Flights {
    /// Waits for the answer to the question about this credential, which is asked if it is not under way. It goes on if
    /// the one who began it hangs up: the others wait for it.
    pub(super) async fn join(
        &self,
        asked: &Arc<AskedServer>,
        credential: SentCredential<'_>,
        hash: SecretHash,
    ) -> Outcome {
        let flight = self.lock().entry(hash).or_insert_with(|| begin(asked, credential, hash)).clone();
        flight.await.unwrap_or(Err(VerifyError::UNAVAILABLE))
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<SecretHash, Flight>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn begin(asked: &Arc<AskedServer>, credential: SentCredential<'_>, hash: SecretHash) -> Flight {
    let (tell, told) = oneshot::channel();
    let (asked, credential) = (asked.clone(), OwnedCredential::from(credential));
    tokio::spawn(async move {
        let outcome = asked.question(&credential).await;
        // Taken out before it is told: who asks from now on asks anew.
        asked.flights.lock().remove(&hash);
        let _ = tell.send(outcome);
    });
    told.shared()
}
