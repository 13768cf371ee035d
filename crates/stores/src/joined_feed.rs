//! The change feed of records that are in two stores: what is proven is what both have proven.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use portcullis_core::clock::Ticks;
use portcullis_core::store::{Change, ChangeSink};

/// Gives a sink for each of two feeds, which pass everything on to one.
pub(crate) fn joined(sink: Arc<dyn ChangeSink>) -> [Arc<dyn ChangeSink>; 2] {
    let both = Arc::new(BothFeeds { sink, proven: Default::default(), passed_on: AtomicU64::new(0) });
    [0, 1].map(|own| {
        let half: Arc<dyn ChangeSink> = Arc::new(OneFeed { both: both.clone(), own });
        half
    })
}

struct BothFeeds {
    sink: Arc<dyn ChangeSink>,
    /// What each feed has proven, in microseconds.
    proven: [AtomicU64; 2],
    /// What both have proven, as it was passed on.
    passed_on: AtomicU64,
}

struct OneFeed {
    both: Arc<BothFeeds>,
    own: usize,
}

impl ChangeSink for OneFeed {
    fn changed(&self, change: &Change) {
        self.both.sink.changed(change);
    }

    /// A proof is passed on once: after a silence, the view waits for a second one.
    fn proven(&self, sent: Ticks) {
        let BothFeeds { sink, proven, passed_on } = &*self.both;
        if let Some(own) = proven.get(self.own) {
            own.fetch_max(sent.as_micros(), Ordering::AcqRel);
        }
        let lesser = proven.iter().map(|proven| proven.load(Ordering::Acquire)).min().unwrap_or_default();
        if passed_on.fetch_max(lesser, Ordering::AcqRel) < lesser {
            sink.proven(Ticks::from_micros(lesser));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    #[derive(Default)]
    struct Proofs(Mutex<Vec<u64>>);

    impl ChangeSink for Proofs {
        fn changed(&self, _: &Change) {}

        fn proven(&self, sent: Ticks) {
            self.0.lock().unwrap().push(sent.as_micros());
        }
    }

    // ASVS-map: RV2
    #[test]
    fn what_one_feed_has_not_proven_is_not_proven() {
        let proofs = Arc::new(Proofs::default());
        let [one, other] = joined(proofs.clone());
        for (feed, micros) in [(&one, 5), (&other, 3), (&other, 4), (&one, 9), (&other, 20), (&other, 7)] {
            feed.proven(Ticks::from_micros(micros));
        }
        assert_eq!(*proofs.0.lock().unwrap(), [3, 4, 9]);
    }
}
