//! Asking the server about one credential: where the knowledge is too old, where the key is unknown, and about cookies,
//! which only the server can read.
//!
//! All requests that show one credential share one question. An answer counts as long as what it rests on is younger
//! than `max_staleness`. If the feed is followed, it counts longer, for the feed tells when it is over: up to a minute.

mod answer;
mod flights;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use http::{HeaderName, HeaderValue};
use portcullis_core::clock::{Clock, Ticks};
use portcullis_core::secret::SecretHash;
use portcullis_core::token::VerifiedCredentials;
use tokio::sync::Semaphore;

pub(crate) use answer::AskedUser;
use flights::Flights;

use crate::server::{AuthServer, ServerRequest, bearer, cookie};
use crate::{SentCredential, VerifyError};

/// The most questions that are under way at once.
const MOST_QUESTIONS: usize = 64;

/// How long an answer counts at most, if the feed is followed.
const ASKED_AGAIN: Duration = Duration::from_mins(1);

/// The longest answer in bytes: what is read stands in its headers.
const LONGEST: usize = 64 * 1024;

/// The longest wait for an answer: a later one is of no use with the default `max_staleness`.
const PATIENCE: Duration = Duration::from_secs(2);

const PATH: &str = "/auth/verify";

/// The questions under way, and the answers that may still count.
pub(crate) struct AskedServer {
    server: Arc<AuthServer>,
    clock: Arc<dyn Clock>,
    max_staleness: Duration,
    answers: VerifiedCredentials<AskedUser>,
    flights: Flights,
    turns: Semaphore,
    asks: AtomicU64,
}

impl AskedServer {
    pub(crate) fn new(
        server: Arc<AuthServer>,
        clock: Arc<dyn Clock>,
        max_staleness: Duration,
        capacity: u64,
    ) -> Self {
        Self {
            server,
            clock,
            max_staleness,
            answers: VerifiedCredentials::new(capacity),
            flights: Flights::default(),
            turns: Semaphore::new(MOST_QUESTIONS),
            asks: AtomicU64::new(0),
        }
    }

    /// How often the server was asked.
    pub(crate) fn count(&self) -> u64 {
        self.asks.load(Ordering::Relaxed)
    }

    /// The last answer about a credential, if it may still count.
    pub(crate) fn last_answer(&self, hash: &SecretHash, now: Ticks) -> Option<Arc<AskedUser>> {
        let (answer, _) = self.answers.find(hash)?;
        Some(answer).filter(|answer| now.since(answer.sent) <= ASKED_AGAIN)
    }

    /// Whether what an answer rests on is young enough by itself.
    pub(crate) fn counts_alone(&self, answer: &AskedUser, now: Ticks) -> bool {
        now.since(answer.stamp) <= self.max_staleness
    }

    /// Asks about a credential, together with all who ask about it now. An answer to a question that was sent before
    /// may be too old for this request; then it is asked once more.
    pub(crate) async fn ask(
        self: &Arc<Self>,
        credential: SentCredential<'_>,
        hash: SecretHash,
    ) -> Result<Arc<AskedUser>, VerifyError> {
        for _ in 0..2 {
            let answer = self.flights.join(self, credential, hash).await?;
            if self.counts_alone(&answer, self.clock.ticks()) {
                self.answers.keep(hash, answer.clone(), 0);
                return Ok(answer);
            }
        }
        Err(VerifyError::UNAVAILABLE)
    }

    /// One question.
    async fn question(&self, credential: &OwnedCredential) -> Result<Arc<AskedUser>, VerifyError> {
        let _turn = self.turns.try_acquire().map_err(|_| VerifyError::UNAVAILABLE)?;
        self.asks.fetch_add(1, Ordering::Relaxed);
        let sent = self.clock.ticks();
        let header = credential.header().ok_or(VerifyError::Refused)?;
        let request =
            ServerRequest { path: PATH, credential: Some(header), longest: LONGEST, patience: PATIENCE };
        let response = self.server.send(request).await.map_err(|_| VerifyError::UNAVAILABLE)?;
        answer::read(&response, credential, sent).map(Arc::new)
    }
}

/// A credential for a task of its own.
enum OwnedCredential {
    Bearer(String),
    Cookie(String),
}

impl From<SentCredential<'_>> for OwnedCredential {
    fn from(sent: SentCredential<'_>) -> Self {
        match sent {
            SentCredential::Bearer(token) => Self::Bearer(token.to_owned()),
            SentCredential::Cookie(pairs) => Self::Cookie(pairs.to_owned()),
        }
    }
}

impl OwnedCredential {
    fn header(&self) -> Option<(HeaderName, HeaderValue)> {
        match self {
            Self::Bearer(token) => bearer(token),
            Self::Cookie(pairs) => cookie(pairs),
        }
    }
}
