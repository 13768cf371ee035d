//! What a signed-in user does with their own account.

use super::{DeviceOperation, DeviceRow, row};
use crate::answer::Success;
use crate::operation::Method::{self, Get, Patch, Post};
use crate::refusal::OperationTexts;
use crate::request::ChangePasswordBody;
use crate::request::device::{EndSessionBody, OwnSessionsQuery, RenameSessionBody};

/// An operation of a signed-in user on their own account.
///
/// | request | over TCP | | what it does |
/// |---|---|---|---|
/// | `POST /auth/password` | | limited | Change the password and end every other session |
/// | `GET /auth/me` | | | Who is signed in |
/// | `GET /auth/sessions` | `auth.sessions` | | Where one is signed in |
/// | `PATCH /auth/sessions/{sessionId}` | | | Name the device of a session |
/// | `POST /auth/logout/session` | `auth.logoutSession` | | Sign out on one device |
/// | `POST /auth/logout/all` | `auth.logoutAll` | | Sign out everywhere |
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum OwnOperation {
    /// Changes the password.
    Password,
    /// Shows who is signed in.
    Me,
    /// Lists the user's sessions.
    Sessions,
    /// Renames the device of a session.
    RenameSession,
    /// Ends one session.
    LogoutSession,
    /// Ends all sessions.
    LogoutAll,
}

use OwnOperation as Own;

const fn own(kind: Own, at: (Method, &'static str), summary: &'static str, success: Success) -> DeviceRow {
    row(DeviceOperation::Own(kind), at, summary, Some(success))
}

pub(super) const ROWS: [DeviceRow; 6] = [
    own(
        Own::Password,
        (Post, "/auth/password"),
        "Change the password and end every other session",
        Success::PASSWORD_CHANGED,
    )
    .takes::<ChangePasswordBody>()
    .limited(),
    own(Own::Me, (Get, "/auth/me"), "Who is signed in", Success::PROFILE),
    own(Own::Sessions, (Get, "/auth/sessions"), "Where one is signed in", Success::SESSIONS)
        .takes::<OwnSessionsQuery>()
        .over_tcp("auth.sessions")
        .worded(OperationTexts::SESSIONS)
        .remark("Oldest first, of every strategy that keeps sessions."),
    own(
        Own::RenameSession,
        (Patch, "/auth/sessions/{sessionId}"),
        "Name the device of a session",
        Success::SESSION_RENAMED,
    )
    .takes::<RenameSessionBody>(),
    own(
        Own::LogoutSession,
        (Post, "/auth/logout/session"),
        "Sign out on one device",
        Success::SESSION_REVOKED,
    )
    .takes::<EndSessionBody>()
    .over_tcp("auth.logoutSession")
    .worded(OperationTexts::LOGOUT_SESSION),
    own(Own::LogoutAll, (Post, "/auth/logout/all"), "Sign out everywhere", Success::ALL_SESSIONS_REVOKED)
        .over_tcp("auth.logoutAll")
        .worded(OperationTexts::LOGOUT_ALL)
        .remark("The session that asks ends, too."),
];
