//! The file of a user, as JSON. Times are milliseconds since 1970.

use portcullis_core::clock::Timestamp;
use portcullis_core::lockout::{AttemptKey, AttemptRecord};
use portcullis_core::secret::SecretHash;
use serde::{Deserialize, Serialize};

/// The records of one user: one for all unknown devices, and one for each known device.
#[derive(Default, Serialize, Deserialize)]
pub(crate) struct UserFile(Vec<DeviceRecord>);

#[derive(Serialize, Deserialize)]
struct DeviceRecord {
    /// The hash of the known device; `None` for all unknown devices.
    device: Option<[u8; 32]>,
    changed: i64,
    failures: u32,
    failures_since_unlock: u32,
    locked_until: Option<i64>,
    attempts_while_locked: u32,
    pending: Vec<i64>,
}

impl UserFile {
    /// The record of a key; an empty one if there is none.
    pub(crate) fn of(&self, key: &AttemptKey) -> AttemptRecord {
        let found = self.0.iter().find(|record| record.device == device(key));
        found.map(DeviceRecord::read).unwrap_or_default()
    }

    /// Replaces the record of a key. An empty record is not kept.
    pub(crate) fn put(&mut self, key: &AttemptKey, record: &AttemptRecord, now: Timestamp) {
        self.0.retain(|kept| kept.device != device(key));
        if *record != AttemptRecord::default() {
            self.0.push(DeviceRecord::new(device(key), record, now));
        }
    }

    /// Removes at most `limit` records that have not changed since, and returns how many.
    pub(crate) fn purge(&mut self, unchanged_since: Timestamp, limit: u64) -> u64 {
        let mut removed = 0;
        self.0.retain(|record| {
            let old = removed < limit && record.changed <= unchanged_since.as_millis();
            removed += u64::from(old);
            !old
        });
        removed
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl DeviceRecord {
    fn new(device: Option<[u8; 32]>, record: &AttemptRecord, now: Timestamp) -> Self {
        Self {
            device,
            changed: now.as_millis(),
            failures: record.failures,
            failures_since_unlock: record.failures_since_unlock,
            locked_until: record.locked_until.map(Timestamp::as_millis),
            attempts_while_locked: record.attempts_while_locked,
            pending: record.pending.iter().map(|time| time.as_millis()).collect(),
        }
    }

    fn read(&self) -> AttemptRecord {
        AttemptRecord {
            failures: self.failures,
            failures_since_unlock: self.failures_since_unlock,
            locked_until: self.locked_until.map(Timestamp::from_millis),
            attempts_while_locked: self.attempts_while_locked,
            pending: self.pending.iter().copied().map(Timestamp::from_millis).collect(),
        }
    }
}

fn device(key: &AttemptKey) -> Option<[u8; 32]> {
    key.device.as_ref().map(|hash: &SecretHash| *hash.as_bytes())
}
