//! The sessions whose end was announced lately.
//!
//! A rotation on this node may be under way while another node ends the session: it was decided on a copy from before
//! the announcement, and is written after it. Redis cannot tell, for the session is removed there a moment later, or
//! not at all if the other node dies. So what was announced lately is looked up again after such a write.

use std::collections::{HashSet, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use portcullis_core::clock::{Clock, Ticks};
use portcullis_core::id::SessionKey;
use portcullis_core::store::{Change, ChangeSink};

/// No request takes longer than this from its look-up to its write.
const LATELY: Duration = Duration::from_mins(1);
/// The most that are remembered. Beyond that, any session may have ended.
const MOST: usize = 100_000;

/// Remembers what the feed of the database announces.
pub(crate) struct RecentEnds {
    clock: Arc<dyn Clock>,
    announced: Mutex<LatelyAnnounced>,
}

#[derive(Default)]
struct LatelyAnnounced {
    in_order: VecDeque<(Ticks, SessionKey)>,
    keys: HashSet<SessionKey>,
    /// When any session may have changed; `None` if that was never announced.
    any: Option<Ticks>,
}

impl RecentEnds {
    pub(crate) fn new(clock: Arc<dyn Clock>) -> Arc<Self> {
        Arc::new(Self { clock, announced: Mutex::default() })
    }

    /// A sink that remembers, and passes everything on.
    pub(crate) fn noting(self: &Arc<Self>, sink: Arc<dyn ChangeSink>) -> Arc<dyn ChangeSink> {
        Arc::new(NotingSink { recent: self.clone(), sink })
    }

    /// Whether the session may have ended lately.
    pub(crate) fn may_have(&self, key: &SessionKey) -> bool {
        let now = self.clock.ticks();
        let announced = self.announced.lock().unwrap_or_else(PoisonError::into_inner);
        announced.any.is_some_and(|any| now.since(any) < LATELY) || announced.keys.contains(key)
    }

    fn note(&self, change: &Change) {
        let now = self.clock.ticks();
        let mut announced = self.announced.lock().unwrap_or_else(PoisonError::into_inner);
        match change {
            Change::Session(key) => announced.note(now, key),
            Change::AllSessions | Change::Everything => announced.any = Some(now),
            Change::User(_) | Change::Tenant(_) | Change::Revoked(_) => {}
        }
    }
}

impl LatelyAnnounced {
    fn note(&mut self, now: Ticks, key: &SessionKey) {
        while self.in_order.front().is_some_and(|(at, _)| now.since(*at) >= LATELY) {
            if let Some((_, old)) = self.in_order.pop_front() {
                self.keys.remove(&old);
            }
        }
        if self.in_order.len() >= MOST {
            *self = Self { any: Some(now), ..Self::default() };
        } else if self.keys.insert(key.clone()) {
            self.in_order.push_back((now, key.clone()));
        }
    }
}

struct NotingSink {
    recent: Arc<RecentEnds>,
    sink: Arc<dyn ChangeSink>,
}

impl ChangeSink for NotingSink {
    fn changed(&self, change: &Change) {
        // First: what is noted when the view forgets is looked up by whatever is written after that.
        self.recent.note(change);
        self.sink.changed(change);
    }

    fn proven(&self, sent: Ticks) {
        self.sink.proven(sent);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};

    use portcullis_core::clock::Timestamp;
    use portcullis_core::store::conformance::records::{new_user_key, session, tenant};

    use super::*;

    #[derive(Default)]
    struct HandTicks(AtomicU64);

    impl Clock for HandTicks {
        fn now(&self) -> Timestamp {
            Timestamp::from_millis(0)
        }

        fn ticks(&self) -> Ticks {
            Ticks::new(Duration::from_secs(self.0.load(Ordering::Relaxed)))
        }
    }

    fn key() -> SessionKey {
        session(&new_user_key(&tenant("acme"))).key
    }

    #[test]
    fn an_end_is_remembered_for_a_minute() {
        let clock = Arc::new(HandTicks::default());
        let recent = RecentEnds::new(clock.clone());
        let (first, second) = (key(), key());
        recent.note(&Change::Session(first.clone()));
        assert!(recent.may_have(&first) && !recent.may_have(&second));
        clock.0.store(60, Ordering::Relaxed);
        recent.note(&Change::Session(second.clone()));
        assert!(!recent.may_have(&first) && recent.may_have(&second));
        recent.note(&Change::Everything);
        assert!(recent.may_have(&first));
        clock.0.store(120, Ordering::Relaxed);
        assert!(!recent.may_have(&first));
    }

    #[test]
    fn of_too_many_ends_each_session_may_be_one() {
        let recent = RecentEnds::new(Arc::new(HandTicks::default()));
        for _ in 0..=MOST {
            recent.note(&Change::Session(key()));
        }
        assert!(recent.may_have(&key()));
    }
}
