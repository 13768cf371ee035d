//! Roles of users.

use thiserror::Error;

use crate::word_enum::word_enum;

word_enum! {
    /// What a user may do. The word stands in tokens, stores and requests.
    #[derive(Hash, Default)]
    pub enum Role or UnknownRole {
        /// `user`: a user's own account and sessions.
        #[default]
        User = "user",
        /// `manager`: for the application to use; Portcullis itself treats it as `user`.
        Manager = "manager",
        /// `admin`: all users and sessions of the tenant, by the admin API.
        Admin = "admin",
    }
}

/// The text is not a role.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
#[error("a role is one of user, manager, admin")]
pub struct UnknownRole;
