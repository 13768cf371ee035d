//! A user in the view.

use std::sync::Arc;

use crate::clock::Timestamp;
use crate::session::{Epochs, Session, SessionState};
use crate::store::UserVersions;
use crate::user::{User, UserProfile};

/// A user, and the epochs that its sessions are compared with.
#[derive(Clone, Debug)]
pub struct CachedUser {
    /// The user's record.
    pub user: User,
    /// Address and name, for the requests of all sessions.
    pub profile: Arc<UserProfile>,
    /// The current epochs. A session made under a lower number is over.
    pub epochs: Epochs,
}

impl CachedUser {
    /// Wraps a user that was just read.
    #[must_use]
    pub fn new(user: User, epochs: Epochs) -> Self {
        Self { profile: Arc::new(UserProfile::of(&user)), user, epochs }
    }

    /// The state of a session of the user at `now`.
    #[must_use]
    pub fn state_of(&self, session: &Session, now: Timestamp) -> SessionState {
        self.user.state_of(session, now, self.epochs)
    }

    /// The versions under which a decision on what was read holds.
    #[must_use]
    pub const fn versions(&self) -> UserVersions {
        UserVersions { user: self.user.version, epochs: self.epochs }
    }
}
