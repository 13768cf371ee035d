//! Roles of users.

use thiserror::Error;

use crate::word_enum::word_enum;

/// What a user may do.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub enum Role {
    /// `user`: a user's own account and sessions.
    #[default]
    User,
    /// `manager`: for the application to use; Portcullis itself treats it as `user`.
    Manager,
    /// `admin`: all users and sessions of the tenant, by the admin API.
    Admin,
}

/// The text is not a role.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
#[error("a role is one of user, manager, admin")]
pub struct UnknownRole;

impl Role {
    /// Every role.
    pub const ALL: [Self; 3] = [Self::User, Self::Manager, Self::Admin];

    /// The word for the role in tokens, stores and requests.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Manager => "manager",
            Self::Admin => "admin",
        }
    }
}

word_enum!(Role, UnknownRole, |_| UnknownRole);
