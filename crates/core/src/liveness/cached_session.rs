//! A session in the view, and when this process last recorded its use.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use crate::clock::Timestamp;
use crate::session::Session;

/// How often a use is recorded in the store.
const RECORD_EVERY: Duration = Duration::from_mins(1);

/// A session as it was read. All requests of the session share it, so the last recorded use stands beside it.
#[derive(Debug)]
pub struct CachedSession {
    session: Session,
    /// Milliseconds since the Unix epoch.
    recorded: AtomicI64,
}

impl CachedSession {
    /// Wraps a session that was just read.
    #[must_use]
    pub fn new(session: Session) -> Self {
        Self { recorded: AtomicI64::new(session.last_seen.as_millis()), session }
    }

    /// The session, as it was read.
    #[must_use]
    pub const fn session(&self) -> &Session {
        &self.session
    }

    /// Whether the caller should record this use in the store: true for one caller in a minute.
    pub fn should_record_use(&self, now: Timestamp) -> bool {
        let recorded = self.recorded.load(Ordering::Relaxed);
        now.since(Timestamp::from_millis(recorded)) >= RECORD_EVERY
            && self
                .recorded
                .compare_exchange(recorded, now.as_millis(), Ordering::Relaxed, Ordering::Relaxed)
                .is_ok()
    }
}
