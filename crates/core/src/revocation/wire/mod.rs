//! The wire format of the revocation feed.
//!
//! | file | what it has |
//! |---|---|
//! | `query` | the parameters of a poll: positions, age, wait, nonce |
//! | `record` | one revocation, as a JSON array |
//! | `answer` | answers and pages of a snapshot, and the key that signs them |
//!
//! ```
//! use portcullis_core::clock::Timestamp;
//! use portcullis_core::machine::SystemRandom;
//! use portcullis_core::revocation::wire::{FeedAnswer, FeedSigner};
//! use portcullis_core::secret::PlainSecret;
//!
//! let feed_key = PlainSecret::generate(&SystemRandom);
//! let answer = FeedAnswer {
//!     issuer: "https://auth.example.com".to_owned(),
//!     log: "n1-7f3a".parse()?,
//!     from: 1,
//!     to: 0,
//!     nonce: "r7Jq".to_owned(),
//!     lag_ms: -12,
//!     more: false,
//!     issued: Timestamp::from_seconds(1_769_638_376),
//!     records: Vec::new(),
//!     behind: Vec::new(),
//! };
//! // The server signs under the hash-derived key, and the verifier derives the same key from the same text.
//! let signed = FeedSigner::derive(&feed_key).sign(&answer)?;
//! assert_eq!(FeedSigner::derive(&feed_key).read::<FeedAnswer>(&signed)?, answer);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod answer;
mod query;
mod record;

use std::time::Duration;

pub use answer::{FeedAnswer, FeedMessage, FeedSigner, SnapshotPage};
pub use query::{FeedQuery, InvalidFeedQuery, InvalidLogId, LogId, LogPosition};
pub use record::{InvalidRecord, Revocation, RevocationRecord};

/// Where a verifier polls.
pub const FEED_PATH: &str = "/auth/revocations";

/// Where a verifier reads all that counts.
pub const SNAPSHOT_PATH: &str = "/auth/revocations/snapshot";

/// The most positions in one poll.
pub const MOST_POSITIONS: usize = 16;

/// The longest that a poll may ask the server to wait.
pub const LONGEST_WAIT: Duration = Duration::from_secs(10);

/// The most records in one answer, and in one page of a snapshot.
pub const MOST_RECORDS: usize = 10_000;

/// How much longer than until its end a verifier keeps a record, and how much further back than `age` a node looks
/// whose log the verifier does not know: for clocks that differ and requests that travel.
pub const MARGIN: Duration = Duration::from_mins(2);

/// The greatest `age` that a node answers whose log the verifier does not know. It answers 410 to an older verifier,
/// which then reads the snapshot.
pub const OLDEST_AGE: Duration = Duration::from_mins(10);
