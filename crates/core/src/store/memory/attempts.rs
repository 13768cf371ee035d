//! Password attempts.

use std::collections::BTreeMap;

use async_trait::async_trait;

use super::MemoryStore;
use crate::clock::Timestamp;
use crate::id::UserKey;
use crate::lockout::{
    self, AttemptEffect, AttemptKey, AttemptOutcome, AttemptPermit, AttemptRecord, LockoutLimits,
};
use crate::store::{AttemptStore, Stored};

/// The attempts at each password, and when they last changed.
pub(super) type Attempts = BTreeMap<AttemptKey, (AttemptRecord, Timestamp)>;

#[async_trait]
impl AttemptStore for MemoryStore {
    async fn reserve(
        &self,
        key: &AttemptKey,
        limits: &LockoutLimits,
        now: Timestamp,
    ) -> Stored<AttemptPermit> {
        let mut records = self.records();
        let stored = records.attempts.get(key).map(|(record, _)| record.clone()).unwrap_or_default();
        let (permit, next) = stored.clone().reserve(now, limits);
        // An attempt that is turned away adds nothing.
        if next != stored {
            records.attempts.insert(key.clone(), (next, now));
        }
        Ok(permit)
    }

    async fn settle(
        &self,
        key: &AttemptKey,
        permit: AttemptPermit,
        outcome: AttemptOutcome,
        limits: &LockoutLimits,
        now: Timestamp,
    ) -> Stored<AttemptEffect> {
        let mut records = self.records();
        let stored = records.attempts.get(key).map(|(record, _)| record.clone()).unwrap_or_default();
        let (settled, next) = stored.settle(permit, outcome, now, limits);
        if next.is_empty() {
            records.attempts.remove(key);
        } else {
            records.attempts.insert(key.clone(), (next, now));
        }
        Ok(settled)
    }

    async fn find(&self, key: &AttemptKey) -> Stored<AttemptRecord> {
        Ok(self.records().attempts.get(key).map(|(record, _)| record.clone()).unwrap_or_default())
    }

    async fn clear(&self, user: &UserKey) -> Stored<()> {
        self.records().attempts.retain(|key, _| key.user != *user);
        Ok(())
    }

    async fn purge(&self, now: Timestamp, limit: u32) -> Stored<u64> {
        let mut records = self.records();
        let old = records.attempts.extract_if(.., |_, (_, at)| at.plus(lockout::ATTEMPT_RETENTION) <= now);
        Ok(old.take(limit as usize).count() as u64)
    }
}
