//! What an administrator does with the users of their tenant.

use portcullis_core::user::Role;

use super::operations;
use crate::request::device::{
    CreateUserBody, ListUsersQuery, SessionPath, SetRoleBody, UserPath, UserSessionsQuery,
};

operations! {
    /// An operation of an administrator on the users of their tenant.
    ///
    /// | request | over TCP | | what it does |
    /// |---|---|---|---|
    /// | `GET /admin/users` | | | List or search the users |
    /// | `POST /admin/users` | | | Create a user, who chooses a password by mail |
    /// | `GET /admin/users/{userId}` | | | Show a user |
    /// | `POST /admin/users/{userId}/disable` | | | Disable a user and end all sessions |
    /// | `POST /admin/users/{userId}/enable` | | | Enable a user |
    /// | `POST /admin/users/{userId}/unlock` | | | End the lock of a user |
    /// | `POST /admin/users/{userId}/role` | | | Give a user another role |
    /// | `POST /admin/users/{userId}/reset` | | | Mail a user a link to choose another password |
    /// | `GET /admin/users/{userId}/sessions` | | | Where a user is signed in |
    /// | `POST /admin/users/{userId}/sessions/{sessionId}/end` | | | End a session of a user |
    /// | `POST /admin/users/{userId}/sessions/end-all` | | | End all sessions of a user |
    AdminOperation in Admin {
        /// Lists the users.
        Users = Get "/admin/users" (ListUsersQuery) => USERS, "List or search the users";
        /// Creates a user.
        CreateUser = Post "/admin/users" (CreateUserBody) => USER_CREATED,
            "Create a user, who chooses a password by mail";
        /// Shows a user.
        User = Get "/admin/users/{userId}" (UserPath) => USER, "Show a user";
        /// Disables a user.
        DisableUser = Post "/admin/users/{userId}/disable" (UserPath) => USER_DISABLED,
            "Disable a user and end all sessions";
        /// Enables a user.
        EnableUser = Post "/admin/users/{userId}/enable" (UserPath) => USER_ENABLED, "Enable a user";
        /// Ends a user's lockout.
        UnlockUser = Post "/admin/users/{userId}/unlock" (UserPath) => USER_UNLOCKED, "End the lock of a user";
        /// Gives a user another role.
        SetRole = Post "/admin/users/{userId}/role" (SetRoleBody) => ROLE_CHANGED, "Give a user another role";
        /// Mails a user a link to choose a new password.
        ResetUser = Post "/admin/users/{userId}/reset" (UserPath) => RESET_SENT,
            "Mail a user a link to choose another password";
        /// Lists a user's sessions.
        UserSessions = Get "/admin/users/{userId}/sessions" (UserSessionsQuery) => SESSIONS,
            "Where a user is signed in";
        /// Ends one of them.
        EndUserSession = Post "/admin/users/{userId}/sessions/{sessionId}/end" (SessionPath) => SESSION_REVOKED,
            "End a session of a user";
        /// Ends all of them.
        EndUserSessions = Post "/admin/users/{userId}/sessions/end-all" (UserPath) => ALL_SESSIONS_REVOKED,
            "End all sessions of a user";
    }
}

impl AdminOperation {
    /// The role that every one of them needs.
    pub const ROLE: Role = Role::Admin;
}
