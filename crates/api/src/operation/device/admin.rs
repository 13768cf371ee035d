//! What an administrator does with the users of their tenant.

use portcullis_core::user::Role;

use super::{DeviceOperation, DeviceRow, row};
use crate::answer::Success;
use crate::operation::Method::{self, Get, Post};
use crate::request::device::{
    CreateUserBody, ListUsersQuery, SessionPath, SetRoleBody, UserPath, UserSessionsQuery,
};

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
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum AdminOperation {
    /// Lists the users.
    Users,
    /// Creates a user.
    CreateUser,
    /// Shows a user.
    User,
    /// Disables a user.
    DisableUser,
    /// Enables a user.
    EnableUser,
    /// Ends a user's lockout.
    UnlockUser,
    /// Gives a user another role.
    SetRole,
    /// Mails a user a link to choose a new password.
    ResetUser,
    /// Lists a user's sessions.
    UserSessions,
    /// Ends one of them.
    EndUserSession,
    /// Ends all of them.
    EndUserSessions,
}

use AdminOperation as Admin;

impl AdminOperation {
    /// The role that every one of them needs.
    pub const ROLE: Role = Role::Admin;
}

const fn admin(
    kind: Admin,
    at: (Method, &'static str),
    summary: &'static str,
    success: Success,
) -> DeviceRow {
    row(DeviceOperation::Admin(kind), at, summary, Some(success))
}

pub(super) const ROWS: [DeviceRow; 11] = [
    admin(Admin::Users, (Get, "/admin/users"), "List or search the users", Success::USERS)
        .takes::<ListUsersQuery>(),
    admin(
        Admin::CreateUser,
        (Post, "/admin/users"),
        "Create a user, who chooses a password by mail",
        Success::USER_CREATED,
    )
    .takes::<CreateUserBody>(),
    admin(Admin::User, (Get, "/admin/users/{userId}"), "Show a user", Success::USER).takes::<UserPath>(),
    admin(
        Admin::DisableUser,
        (Post, "/admin/users/{userId}/disable"),
        "Disable a user and end all sessions",
        Success::USER_DISABLED,
    )
    .takes::<UserPath>(),
    admin(Admin::EnableUser, (Post, "/admin/users/{userId}/enable"), "Enable a user", Success::USER_ENABLED)
        .takes::<UserPath>(),
    admin(
        Admin::UnlockUser,
        (Post, "/admin/users/{userId}/unlock"),
        "End the lock of a user",
        Success::USER_UNLOCKED,
    )
    .takes::<UserPath>(),
    admin(
        Admin::SetRole,
        (Post, "/admin/users/{userId}/role"),
        "Give a user another role",
        Success::ROLE_CHANGED,
    )
    .takes::<SetRoleBody>(),
    admin(
        Admin::ResetUser,
        (Post, "/admin/users/{userId}/reset"),
        "Mail a user a link to choose another password",
        Success::RESET_SENT,
    )
    .takes::<UserPath>(),
    admin(
        Admin::UserSessions,
        (Get, "/admin/users/{userId}/sessions"),
        "Where a user is signed in",
        Success::SESSIONS,
    )
    .takes::<UserSessionsQuery>(),
    admin(
        Admin::EndUserSession,
        (Post, "/admin/users/{userId}/sessions/{sessionId}/end"),
        "End a session of a user",
        Success::SESSION_REVOKED,
    )
    .takes::<SessionPath>(),
    admin(
        Admin::EndUserSessions,
        (Post, "/admin/users/{userId}/sessions/end-all"),
        "End all sessions of a user",
        Success::ALL_SESSIONS_REVOKED,
    )
    .takes::<UserPath>(),
];
