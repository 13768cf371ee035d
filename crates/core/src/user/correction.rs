//! What an operator states about a user whose record cannot be read.

use super::{PersonName, User};
use crate::clock::Timestamp;
use crate::email::Email;
use crate::id::UserId;
use crate::mobile::Mobile;
use crate::username::Username;

/// How a user's record is mended.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct UserCorrection {
    /// The id for the record if the stored one is none.
    pub id: UserId,
    /// The address.
    pub email: Option<Email>,
    /// The user name.
    pub username: Option<Username>,
    /// The mobile number.
    pub mobile: Option<Mobile>,
    /// The name.
    pub name: Option<PersonName>,
    /// Whether columns that cannot be read and are not stated are given up: the role becomes the lowest, and the user
    /// has no such user name, number, name, password or device any more.
    pub gives_up: bool,
    /// The time.
    pub now: Timestamp,
}

impl UserCorrection {
    /// Nothing but the spelling.
    #[must_use]
    pub const fn of_spelling(id: UserId, now: Timestamp) -> Self {
        Self { id, email: None, username: None, mobile: None, name: None, gives_up: false, now }
    }

    /// Whether it says what belongs into a column that permits nothing while it cannot be read
    /// ([`User::unreadable`]): of those, an operator states the name.
    #[must_use]
    pub fn states(&self, column: &str) -> bool {
        column == "name" && self.name.is_some()
    }
}

impl User {
    /// The user with what the correction states. An address that is stated was not proven.
    #[must_use]
    pub fn corrected(mut self, correction: &UserCorrection) -> Self {
        let UserCorrection { email, username, mobile, name, now, .. } = correction.clone();
        if let Some(email) = email {
            self.email_verified &= self.email.canonical() == email.canonical();
            self.email = email;
        }
        self.username = username.or(self.username);
        self.mobile = mobile.or(self.mobile);
        self.name = name.or(self.name);
        self.changed(now)
    }
}
