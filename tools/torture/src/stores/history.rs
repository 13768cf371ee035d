//! What a client saw of one session, and whether the nodes kept their word about it.

use std::time::{Duration, Instant};

/// How long after an acknowledged sign-out a node may still accept a request that was sent before.
pub(super) const MAX_STALENESS: Duration = Duration::from_secs(1);

/// What an answer, or the lack of one, says of the session.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Seen {
    /// A node has accepted it.
    Accepted,
    /// A node has refused it: this is its answer.
    Refused(String),
    /// No node knows: an outage.
    Away,
    /// It has ended, and that is acknowledged.
    Ended,
    /// It may have ended: the client that asked for it got no answer.
    MayHaveEnded,
}

/// Something that a client saw.
#[derive(Clone, Debug)]
pub(super) struct Sight {
    /// When it asked, and when it had the answer.
    pub(super) sent: Instant,
    pub(super) answered: Instant,
    pub(super) node: usize,
    pub(super) seen: Seen,
}

/// All that a client saw of one session.
#[derive(Clone, Debug)]
pub(super) struct SessionHistory {
    /// When its user had signed in.
    pub(super) begun: Instant,
    pub(super) sights: Vec<Sight>,
}

/// What a fault means for sessions.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Aftermath {
    /// Nothing.
    None,
    /// All were ended: from when on, and when that was acknowledged.
    AllEnded { sent: Instant, answered: Instant },
    /// Of those that were not there at one moment, a store has known nothing since another.
    NewestLost { there: Instant, since: Instant },
}

impl SessionHistory {
    pub(super) fn begun(begun: Instant) -> Self {
        Self { begun, sights: Vec::new() }
    }

    /// Notes what a fault means for this session.
    pub(super) fn note(&mut self, aftermath: Aftermath) {
        let (sent, answered, seen) = match aftermath {
            Aftermath::AllEnded { sent, answered } if self.begun < sent => (sent, answered, Seen::Ended),
            // It may have begun meanwhile, or later and before the nodes had noticed.
            Aftermath::AllEnded { sent, answered } => (sent, answered, Seen::MayHaveEnded),
            Aftermath::NewestLost { there, since } if self.begun >= there => {
                (since, since, Seen::MayHaveEnded)
            }
            Aftermath::None | Aftermath::NewestLost { .. } => return,
        };
        self.sights.push(Sight { sent, answered, node: 0, seen });
    }

    /// The first promise that was not kept.
    pub(super) fn broken_promise(&self) -> Option<String> {
        self.sights.iter().find_map(|sight| match &sight.seen {
            Seen::Accepted => self
                .is_late(sight.sent)
                .map(|late| format!("node {} accepted it {} ms after its end", sight.node, late.as_millis())),
            Seen::Refused(answer) if !self.may_have_ended(sight.answered) => {
                Some(format!("node {} refused it, and it is live: {answer}", sight.node))
            }
            _ => None,
        })
    }

    /// How long after its acknowledged end the last request was sent that a node accepted.
    pub(super) fn last_yes(&self) -> Duration {
        let accepted = self.sights.iter().filter(|sight| sight.seen == Seen::Accepted);
        accepted.filter_map(|sight| self.after_the_end(sight.sent)).max().unwrap_or_default()
    }

    /// How long after its acknowledged end a request was sent, if that is too long.
    fn is_late(&self, sent: Instant) -> Option<Duration> {
        self.after_the_end(sent).filter(|late| *late > MAX_STALENESS)
    }

    fn after_the_end(&self, sent: Instant) -> Option<Duration> {
        let ends = self.sights.iter().filter(|sight| sight.seen == Seen::Ended);
        sent.checked_duration_since(ends.map(|end| end.answered).min()?)
    }

    /// Whether it may have ended by then.
    fn may_have_ended(&self, by: Instant) -> bool {
        let ends = self.sights.iter().filter(|sight| matches!(sight.seen, Seen::Ended | Seen::MayHaveEnded));
        ends.map(|end| end.sent).min().is_some_and(|end| end <= by)
    }

    pub(super) fn count(&self, is_meant: impl Fn(&Seen) -> bool) -> u64 {
        self.sights.iter().filter(|sight| is_meant(&sight.seen)).count() as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A history of what was seen at these milliseconds; each answer takes five.
    fn history(seen: &[(u64, Seen)]) -> SessionHistory {
        let begun = Instant::now();
        let at = |millis| begun + Duration::from_millis(millis);
        let sights = seen.iter().map(|(sent, seen)| Sight {
            sent: at(*sent),
            answered: at(sent + 5),
            node: 2,
            seen: seen.clone(),
        });
        SessionHistory { begun, sights: sights.collect() }
    }

    fn refused() -> Seen {
        Seen::Refused("401".to_owned())
    }

    #[test]
    fn a_request_is_accepted_too_late_if_it_was_sent_later_than_max_staleness_after_the_end() {
        let kept = [(0, Seen::Accepted), (10, Seen::Ended), (1015, Seen::Accepted), (1020, refused())];
        assert_eq!(history(&kept).broken_promise(), None);
        let broken = [(10, Seen::Ended), (1016, Seen::Accepted)];
        let said = history(&broken).broken_promise().unwrap();
        assert_eq!(said, "node 2 accepted it 1001 ms after its end");
        let unacknowledged = [(10, Seen::MayHaveEnded), (5000, Seen::Accepted)];
        assert_eq!(history(&unacknowledged).broken_promise(), None);
    }

    #[test]
    fn a_session_that_has_not_ended_is_not_refused_whatever_is_away() {
        let broken = [(0, Seen::Accepted), (10, Seen::Away), (20, refused())];
        assert!(history(&broken).broken_promise().unwrap().contains("and it is live: 401"));
        let too_early = [(0, refused()), (10, Seen::Ended)];
        assert!(history(&too_early).broken_promise().is_some());
        for end in [Seen::Ended, Seen::MayHaveEnded] {
            assert_eq!(history(&[(0, Seen::Away), (10, end), (12, refused())]).broken_promise(), None);
        }
    }

    #[test]
    fn what_began_before_all_were_ended_has_ended_and_what_began_later_may_have() {
        let mut session = history(&[(3000, Seen::Accepted)]);
        let end = |millis| session.begun + Duration::from_millis(millis);
        let ended = Aftermath::AllEnded { sent: end(10), answered: end(20) };
        let mut later = SessionHistory { begun: end(11), ..session.clone() };
        session.note(ended);
        later.note(ended);
        assert!(session.broken_promise().is_some());
        assert_eq!(later.broken_promise(), None);
    }

    #[test]
    fn a_store_that_comes_back_older_may_have_lost_what_began_since_and_from_then_on() {
        let known = history(&[(3000, refused())]);
        let at = |millis| known.begun + Duration::from_millis(millis);
        let lost = Aftermath::NewestLost { there: at(10), since: at(2000) };
        let judged = |begun, seen: &SessionHistory| {
            let mut session = SessionHistory { begun: at(begun), ..seen.clone() };
            session.note(lost);
            session.broken_promise().is_some()
        };
        assert!(judged(9, &known), "the store had it when it was copied");
        assert!(!judged(10, &known));
        assert!(judged(10, &history(&[(1500, refused())])), "nothing was lost by then");
        let ended = history(&[(1500, Seen::Ended), (3000, Seen::Accepted)]);
        assert!(judged(9, &ended) && judged(10, &ended), "what has ended stays so");
    }
}
