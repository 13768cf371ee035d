//! What is shown of a user, made once and shared by all requests.

use super::User;

/// Address and name of a user.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct UserProfile {
    /// The mail address.
    pub email: String,
    /// The full name.
    pub name: Option<String>,
    /// The first name.
    pub given_name: Option<String>,
    /// The last name.
    pub family_name: Option<String>,
}

impl UserProfile {
    /// Those of a user of whom only the id is known: empty.
    #[must_use]
    pub const fn unknown() -> Self {
        Self { email: String::new(), name: None, given_name: None, family_name: None }
    }

    /// Those of a user's record.
    #[must_use]
    pub fn of(user: &User) -> Self {
        let name = user.name.as_ref();
        Self {
            email: user.email.as_typed().to_owned(),
            name: name.map(|name| name.full().to_owned()),
            given_name: name.map(|name| name.first().to_owned()),
            family_name: name.and_then(|name| name.last().map(str::to_owned)),
        }
    }
}
