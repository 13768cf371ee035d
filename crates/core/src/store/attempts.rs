//! The store of password attempts.

use async_trait::async_trait;

use super::Stored;
use crate::clock::Timestamp;
use crate::id::UserKey;
use crate::lockout::{
    AttemptEffect, AttemptKey, AttemptOutcome, AttemptPermit, AttemptRecord, LockoutLimits,
};

/// Password attempts.
#[async_trait]
pub trait AttemptStore: Send + Sync {
    /// Applies [`AttemptRecord::reserve`].
    async fn reserve(
        &self,
        key: &AttemptKey,
        limits: &LockoutLimits,
        now: Timestamp,
    ) -> Stored<AttemptPermit>;

    /// Applies [`AttemptRecord::settle`] to the attempt that `permit` was given for.
    async fn settle(
        &self,
        key: &AttemptKey,
        permit: AttemptPermit,
        outcome: AttemptOutcome,
        limits: &LockoutLimits,
        now: Timestamp,
    ) -> Stored<AttemptEffect>;

    /// The attempts; an empty record if there were none.
    async fn find(&self, key: &AttemptKey) -> Stored<AttemptRecord>;

    /// Forgets the attempts at a user's password, those from known devices included.
    async fn clear(&self, user: &UserKey) -> Stored<()>;

    /// Removes at most `limit` records that have not changed for
    /// [`ATTEMPT_RETENTION`](crate::lockout::ATTEMPT_RETENTION), and returns how many.
    async fn purge(&self, now: Timestamp, limit: u32) -> Stored<u64>;
}
