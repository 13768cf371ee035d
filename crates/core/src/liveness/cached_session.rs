//! A session in the view, and when it was last used here.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use crate::clock::Timestamp;
use crate::session::Session;

/// How often a use is written down.
const EVERY: Duration = Duration::from_mins(1);

/// A session as it was read. It is shared by all requests that use it, so the last use is noted beside it.
#[derive(Debug)]
pub struct CachedSession {
    session: Session,
    noted: AtomicI64,
}

impl CachedSession {
    /// A session that was just read.
    #[must_use]
    pub fn new(session: Session) -> Self {
        Self { noted: AtomicI64::new(session.last_seen.as_millis()), session }
    }

    /// The session.
    #[must_use]
    pub const fn session(&self) -> &Session {
        &self.session
    }

    /// Whether this use is to be written down: true for one caller in a minute.
    pub fn is_noteworthy(&self, now: Timestamp) -> bool {
        let noted = self.noted.load(Ordering::Relaxed);
        now.since(Timestamp::from_millis(noted)) >= EVERY
            && self
                .noted
                .compare_exchange(noted, now.as_millis(), Ordering::Relaxed, Ordering::Relaxed)
                .is_ok()
    }
}
