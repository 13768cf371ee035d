//! Following the revocation feed: a task that polls as long as a handle of the verifier lives.
//!
//! | file | what it decides |
//! |---|---|
//! | `follower` | what an answer proves; no I/O |
//! | `snapshot` | how everything is read at once |
//! | `pace` | how long to wait |

mod follower;
mod pace;
mod snapshot;
#[cfg(test)]
mod vectors;

use std::mem::{Discriminant, discriminant};
use std::sync::Arc;
use std::time::Duration;

use http::StatusCode;
use http::header::{HeaderName, HeaderValue};
use portcullis_core::clock::Ticks;
use portcullis_core::id::TenantId;
use portcullis_core::random;
use portcullis_core::revocation::wire::{
    FEED_PATH, FeedAnswer, FeedMessage, FeedQuery, FeedSigner, Revocation,
};
use portcullis_core::token::TokenFault;
use thiserror::Error;
use tokio::time::sleep;
use tracing::{info, warn};

use crate::jitter::spread;
use crate::revocations::RecordFault;
use crate::server::{RequestFault, ServerRequest};
use crate::verifier_core::VerifierCore;
use follower::{FeedProgress, Ignored, LogFollower};
use pace::PollPace;

/// The longest answer in bytes.
const LONGEST_ANSWER: usize = 8 * 1024 * 1024;

/// Follows the feed.
pub(crate) struct FeedReader {
    core: Arc<VerifierCore>,
    feed_key: (HeaderName, HeaderValue),
    signer: FeedSigner,
    follower: LogFollower,
    pace: PollPace,
    /// The cause of the last fault since the last proof: each is said once.
    trouble: Option<FaultCause>,
}

/// Why a poll or a snapshot came to nothing.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
enum FeedFault {
    #[error(transparent)]
    Request(#[from] RequestFault),
    #[error(
        "the server does not accept the feed key: `portcullis feed key list` says which it knows, and \
         `portcullis feed key create` makes one"
    )]
    KeyRefused,
    #[error("the answer is not the server's, which has another feed key or is behind a proxy: {0}")]
    Forged(#[from] TokenFault),
    #[error("the answer is another issuer's than the metadata at the server's URL name")]
    Issuer,
    #[error("the server's metadata and public keys could not be read so far")]
    NoMetadata,
    #[error("the answer does not count: {0}")]
    Ignored(Ignored),
    #[error(
        "the feed key is not for tenant {0}: `portcullis feed key create --tenant {0}` makes one that is"
    )]
    OtherTenants(TenantId),
    #[error("the pages are not of one snapshot")]
    MixedPages,
    #[error(transparent)]
    Record(#[from] RecordFault),
}

type FaultCause = (Discriminant<FeedFault>, Option<Discriminant<RequestFault>>);

impl FeedFault {
    /// Equal for faults of one cause, however long each one took.
    const fn cause(&self) -> FaultCause {
        let request = match self {
            Self::Request(fault) => Some(discriminant(fault)),
            _ => None,
        };
        (discriminant(self), request)
    }
}

impl FeedReader {
    pub(crate) fn new(
        core: Arc<VerifierCore>,
        feed_key: (HeaderName, HeaderValue),
        signer: FeedSigner,
    ) -> Self {
        let pace = PollPace::new(core.revocations.max_staleness());
        Self { core, feed_key, signer, follower: LogFollower::default(), pace, trouble: None }
    }

    /// Runs until it is dropped.
    pub(crate) async fn run(mut self) {
        // The first answer is compared with the issuer, which any tenant's metadata name.
        for tenant in self.core.revocations.tenants() {
            self.core.keys.read(tenant, self.core.clock.ticks()).await;
            if self.core.keys.current(tenant).is_some() {
                break;
            }
        }
        loop {
            let pause = self.turn().await;
            let now = self.core.clock.ticks();
            self.core.counts.stale_time(now, self.core.revocations.is_all_fresh(now));
            sleep(pause).await;
        }
    }

    /// One poll or one snapshot, and how long to pause then.
    async fn turn(&mut self) -> Duration {
        let now = self.core.clock.ticks();
        // A tenant that is behind for hours is no reason to hurry: its news comes with the others'.
        let wait = self.pace.wait(self.core.revocations.is_any_fresh(now));
        let nonce = nonce(&self.core);
        let outcome = match self.follower.poll(&self.core.revocations, now, wait, nonce) {
            Some(query) => self.poll(&query, now).await,
            None => self.start_again().await,
        };
        outcome.unwrap_or_else(|fault| self.note_fault(&fault))
    }

    async fn start_again(&mut self) -> Result<Duration, FeedFault> {
        sleep(self.pace.snapshot(&*self.core.random)).await;
        self.read_snapshot().await?;
        Ok(Duration::ZERO)
    }

    async fn poll(&mut self, query: &FeedQuery, sent: Ticks) -> Result<Duration, FeedFault> {
        let patience = query.wait.saturating_add(self.pace.patience());
        let answer: FeedAnswer = match self.read(&format!("{FEED_PATH}?{query}"), patience).await {
            Err(FeedFault::Request(RequestFault::Status { status: StatusCode::GONE, .. })) => {
                self.follower.restart();
                return Ok(Duration::ZERO);
            }
            answer => answer?,
        };
        self.check_issuer(&answer.issuer)?;
        let now = self.core.clock.ticks();
        let progress = self.follower.take(&answer, &self.core.revocations, now);
        if !matches!(progress, FeedProgress::Ignored(_)) {
            self.core.server_clock.note(answer.issued, now);
        }
        self.note_keys(&answer);
        self.after(progress, now.since(sent), answer.records.is_empty())
    }

    fn after(
        &mut self,
        progress: FeedProgress,
        took: Duration,
        is_empty: bool,
    ) -> Result<Duration, FeedFault> {
        match progress {
            FeedProgress::Proven => {
                self.note_proof();
                Ok(self.pace.proven(took, is_empty))
            }
            FeedProgress::Started | FeedProgress::More => Ok(self.pace.unproven(&*self.core.random)),
            FeedProgress::Lost => Ok(Duration::ZERO),
            FeedProgress::Ignored(why) => Err(FeedFault::Ignored(why)),
        }
    }

    /// A signed answer. The caller checks its issuer.
    async fn read<M: FeedMessage>(&self, path: &str, patience: Duration) -> Result<M, FeedFault> {
        let credential = Some(self.feed_key.clone());
        let request = ServerRequest { path, credential, longest: LONGEST_ANSWER, patience };
        let body = match self.core.server.get(request).await {
            Err(RequestFault::Status {
                status: StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN, ..
            }) => {
                return Err(FeedFault::KeyRefused);
            }
            body => body?,
        };
        let text = std::str::from_utf8(&body).map_err(|_| TokenFault::Malformed("not text"))?;
        Ok(self.signer.read(text.trim_ascii_end())?)
    }

    /// An answer counts only if it is of the issuer whose tokens are verified.
    fn check_issuer(&self, issuer: &str) -> Result<(), FeedFault> {
        if self.core.keys.is_issuer(issuer) {
            return Ok(());
        }
        // The keys may not have been fetched yet, or the server has got another name.
        self.core.keys.ask_again();
        Err(if self.core.keys.are_unread() { FeedFault::NoMetadata } else { FeedFault::Issuer })
    }

    /// Has the keys fetched again where the answer says that they have changed.
    fn note_keys(&self, answer: &FeedAnswer) {
        let changes = |kind: &Revocation| matches!(kind, Revocation::Key { .. } | Revocation::KeySet);
        if answer.records.iter().any(|record| changes(&record.revocation)) {
            self.core.keys.ask_again();
        }
    }

    fn note_proof(&mut self) {
        self.core.counts.proof();
        if self.trouble.take().is_some() {
            info!("the revocation feed is followed again");
        }
    }

    fn note_fault(&mut self, fault: &FeedFault) -> Duration {
        self.core.counts.fault(fault.to_string());
        if self.trouble.replace(fault.cause()) != Some(fault.cause()) {
            warn!(%fault, "the revocation feed could not be followed");
        }
        let was_late = matches!(fault, FeedFault::Request(RequestFault::Late(_)));
        let pause = self.pace.fault(was_late, &*self.core.random);
        match fault {
            FeedFault::Request(RequestFault::Status { retry_after: Some(wanted), .. }) => {
                pause.max(spread((*wanted).min(Duration::from_secs(10)), &*self.core.random))
            }
            _ => pause,
        }
    }
}

/// 128 random bits.
fn nonce(core: &VerifierCore) -> String {
    u128::from_be_bytes(random::bytes(&*core.random)).to_string()
}
