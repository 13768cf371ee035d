//! How the sessions of a user are judged.

use super::User;
use crate::clock::Timestamp;
use crate::session::{EndReason, Ending, Epochs, Session, SessionState};

impl User {
    /// The state of a session of the user at `now`, under the current epochs: a new password ends it, too.
    #[must_use]
    pub fn state_of(&self, session: &Session, now: Timestamp, epochs: Epochs) -> SessionState {
        match session.state_at(now, epochs) {
            SessionState::Live if self.has_outdated(session) => {
                SessionState::Ended(Ending { at: now, reason: EndReason::PasswordChange })
            }
            state => state,
        }
    }

    /// Whether the session was made with a password that was replaced since, and is not the one that stays.
    fn has_outdated(&self, session: &Session) -> bool {
        session.password_epoch < self.password_epoch && self.kept_session != Some(session.key.id)
    }
}
