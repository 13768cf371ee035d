//! What an outage of mail comes to: a warning once it has lasted, and a word for readiness checks.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::clock::Ticks;

/// A mail that has waited longer than this is late: its code is of use for minutes only.
const LATE: Duration = Duration::from_mins(1);

/// How long no second warning follows the first.
const WARNS_EVERY: Duration = Duration::from_hours(1);

/// Whether mails are late.
#[derive(Default)]
pub(super) struct MailTrouble(Mutex<State>);

#[derive(Clone, Copy, Default)]
struct State {
    /// Whether the last attempt was about a late mail, and failed.
    is_late: bool,
    /// The last warning since a mail was delivered.
    warned: Option<Ticks>,
}

impl MailTrouble {
    /// Notes that a mail that has waited this long was not delivered. Returns whether to warn.
    pub(super) fn failed(&self, waited: Duration, now: Ticks) -> bool {
        if waited <= LATE {
            return false;
        }
        let mut state = self.state();
        state.is_late = true;
        let is_due = state.warned.is_none_or(|warned| now.since(warned) >= WARNS_EVERY);
        if is_due {
            state.warned = Some(now);
        }
        is_due
    }

    /// Notes that a mail was delivered.
    pub(super) fn delivered(&self) {
        *self.state() = State::default();
    }

    pub(super) fn is_late(&self) -> bool {
        self.state().is_late
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lasting_outage_is_a_warning_after_a_minute_and_then_once_an_hour() {
        let trouble = MailTrouble::default();
        let failed = |minutes: u64| {
            let span = Duration::from_mins(minutes);
            trouble.failed(span, Ticks::new(span))
        };
        assert!(!failed(1) && !trouble.is_late(), "a mail that is retried is no trouble yet");
        let warned: Vec<u64> = (2..=130).filter(|minutes| failed(*minutes)).collect();
        assert_eq!(warned, [2, 62, 122]);
        assert!(trouble.is_late());
        trouble.delivered();
        assert!(!trouble.is_late());
        assert!(failed(131), "the next outage is another one");
    }
}
