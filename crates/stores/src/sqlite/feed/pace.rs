//! When a feed looks for changes.
//!
//! An event says that a write has begun, and nothing says that it can be read: that may take as long as the disk likes.
//! So a feed looks in quick succession after an event until it finds something new, and ever more rarely. Without an
//! event it looks once in a while. A process that writes without a pause causes events without a pause: then events are
//! left for the next look, so that the thread stays far below one core.

use std::time::Duration;

/// The shortest pause between looks, and the longest while events come without a pause.
const QUICK: Duration = Duration::from_micros(300);
const LEAST_QUICK: Duration = Duration::from_millis(2);
/// The next pause is this part of the time that has been waited already.
const PART: u32 = 8;
/// The longest pause while the database is out of reach.
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// The time until the next look.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) struct Pause {
    pub(super) longest: Duration,
    /// Whether an event ends it. If not, events wait for the next look.
    pub(super) ends_with_event: bool,
}

/// The pace of one feed.
pub(super) struct Pace {
    /// The longest pause between looks.
    every: Duration,
    /// How long the feed has been looking for what the last event was about; `None` if it has found that.
    expected_since: Option<Duration>,
    /// How long events have been coming without a pause.
    busy_since: Duration,
    /// The pause before the database is tried again.
    retry: Duration,
}

impl Pace {
    pub(super) const fn new(every: Duration) -> Self {
        Self { every, expected_since: None, busy_since: Duration::ZERO, retry: every }
    }

    /// The pause before the first look.
    pub(super) const fn first(&self) -> Pause {
        Pause { longest: self.every, ends_with_event: true }
    }

    /// The pause after a look, before which events were taken or not, and which found something new or not.
    ///
    /// One process writes at a time. So what a look finds is the write that was under way at the look before, and all
    /// events until then were about it or earlier ones. Events since then may be about the next write, which cannot be
    /// read yet.
    pub(super) fn after_look(&mut self, is_event: bool, is_new: bool) -> Pause {
        self.retry = self.every;
        if is_event {
            return self.after_event();
        }
        self.busy_since /= 2;
        let expected = self.expected_since.take().filter(|_| !is_new);
        let longest = expected.map_or(self.every, |since| (since / PART).clamp(QUICK, self.every));
        self.expected_since = expected.filter(|_| longest < self.every).map(|since| since + longest);
        Pause { longest, ends_with_event: true }
    }

    /// The pause after a look that failed.
    pub(super) fn after_fault(&mut self) -> Pause {
        self.expected_since = None;
        self.retry = (self.retry * 2).min(LONGEST_PAUSE);
        Pause { longest: self.retry, ends_with_event: false }
    }

    fn after_event(&mut self) -> Pause {
        let longest = (self.busy_since / PART).clamp(QUICK, LEAST_QUICK);
        self.busy_since += longest;
        self.expected_since = Some(longest);
        Pause { longest, ends_with_event: false }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EVERY: Duration = Duration::from_millis(50);

    #[test]
    fn an_event_is_followed_by_quick_looks_until_something_is_new() {
        let mut pace = Pace::new(EVERY);
        assert_eq!(pace.after_look(true, false), Pause { longest: QUICK, ends_with_event: false });
        assert_eq!(pace.after_look(false, false), Pause { longest: QUICK, ends_with_event: true });
        assert_eq!(pace.after_look(false, true), pace.first());
        assert_eq!(pace.after_look(false, false), pace.first());
    }

    #[test]
    fn an_event_beside_something_new_may_be_about_the_next_write() {
        let mut pace = Pace::new(EVERY);
        assert_eq!(pace.after_look(true, true).longest, QUICK);
        assert_eq!(pace.after_look(false, false).longest, QUICK);
        assert_eq!(pace.after_look(false, true), pace.first());
    }

    #[test]
    fn a_write_that_takes_long_is_found_soon_after_it_is_there_and_one_that_is_never_there_costs_few_looks() {
        let mut pace = Pace::new(EVERY);
        let (mut pause, mut looks, mut waited) = (pace.after_look(true, false), 0, Duration::ZERO);
        while pause != pace.first() {
            assert!(pause.longest <= QUICK.max(waited / PART), "{pause:?} after {waited:?}");
            waited += pause.longest;
            looks += 1;
            pause = pace.after_look(false, false);
        }
        assert!(waited > EVERY && looks < 60, "{looks} looks in {waited:?}");
    }

    #[test]
    fn a_process_that_writes_without_a_pause_is_not_looked_after_without_a_pause() {
        let mut pace = Pace::new(EVERY);
        let (mut looks, mut waited) = (0, Duration::ZERO);
        while waited < Duration::from_secs(1) {
            let pause = pace.after_look(true, true);
            assert!(!pause.ends_with_event);
            waited += pause.longest;
            looks += 1;
        }
        assert!(looks < 550, "{looks} looks in a second");
    }

    #[test]
    fn after_a_process_that_wrote_without_a_pause_a_single_write_is_followed_by_quick_looks_again() {
        let mut pace = Pace::new(EVERY);
        while pace.after_look(true, true).longest < LEAST_QUICK {}
        pace.after_look(false, true);
        while pace.after_look(false, false) != pace.first() || !pace.busy_since.is_zero() {}
        assert_eq!(pace.after_look(true, false).longest, QUICK);
    }

    #[test]
    fn a_database_out_of_reach_is_tried_again_ever_more_rarely_until_it_is_back() {
        let mut pace = Pace::new(EVERY);
        pace.after_look(true, false);
        let pauses: Vec<_> = (0..6).map(|_| pace.after_fault().longest.as_millis()).collect();
        assert_eq!(pauses, [100, 200, 400, 800, 1000, 1000]);
        assert_eq!(pace.after_look(false, true), pace.first());
        assert_eq!(pace.after_fault().longest.as_millis(), 100);
    }
}
