//! What a signed-in user does with their own account.

use super::operations;
use crate::refusal::OperationTexts;
use crate::request::ChangePasswordBody;
use crate::request::device::{DevicePath, EndSessionBody, OwnSessionsQuery, RenameSessionBody};

operations! {
    /// An operation of a signed-in user on their own account.
    ///
    /// | request | over TCP | | what it does |
    /// |---|---|---|---|
    /// | `POST /auth/password` | | limited | Change the password and end every other session |
    /// | `GET /auth/me` | | | Who is signed in |
    /// | `GET /auth/sessions` | `auth.sessions` | | Where one is signed in |
    /// | `PATCH /auth/sessions/{sessionId}` | | | Name the device of a session |
    /// | `GET /auth/devices` | | | The devices that are known |
    /// | `DELETE /auth/devices/{deviceId}` | | | Forget a device |
    /// | `POST /auth/logout/session` | `auth.logoutSession` | | Sign out on one device |
    /// | `POST /auth/logout/all` | `auth.logoutAll` | | Sign out everywhere |
    OwnOperation in Own {
        /// Changes the password.
        Password = Post "/auth/password" (ChangePasswordBody) => PASSWORD_CHANGED,
            "Change the password and end every other session", limited: true;
        /// Shows who is signed in.
        Me = Get "/auth/me" => PROFILE, "Who is signed in";
        /// Lists the user's sessions.
        Sessions = Get "/auth/sessions" (OwnSessionsQuery) => SESSIONS, "Where one is signed in",
            pattern: Some("auth.sessions"), texts: OperationTexts::SESSIONS,
            remark: Some("Oldest first, of every strategy that keeps sessions.");
        /// Renames the device of a session.
        RenameSession = Patch "/auth/sessions/{sessionId}" (RenameSessionBody) => SESSION_RENAMED,
            "Name the device of a session";
        /// Lists the devices that are known.
        Devices = Get "/auth/devices" => DEVICES, "The devices that are known",
            remark: Some("The one used last first. A sign-in on a known device is not news, and strangers cannot lock it out.");
        /// Forgets a device.
        ForgetDevice = Delete "/auth/devices/{deviceId}" (DevicePath) => DEVICE_FORGOTTEN, "Forget a device",
            remark: Some("Its sessions stay; the next sign-in on it is one on a new device.");
        /// Ends one session.
        LogoutSession = Post "/auth/logout/session" (EndSessionBody) => SESSION_REVOKED, "Sign out on one device",
            pattern: Some("auth.logoutSession"), texts: OperationTexts::LOGOUT_SESSION;
        /// Ends all sessions.
        LogoutAll = Post "/auth/logout/all" => ALL_SESSIONS_REVOKED, "Sign out everywhere",
            pattern: Some("auth.logoutAll"), texts: OperationTexts::LOGOUT_ALL,
            remark: Some("The session that asks ends, too.");
    }
}
