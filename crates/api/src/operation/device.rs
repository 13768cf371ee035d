//! The device-session surface and its administration.

use portcullis_core::user::Role;

use super::{Access, Operation, get, patch, post};

/// What can be done on the device-session surface.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum DeviceOperation {
    /// Sign-up.
    Signup,
    /// The first step of a sign-in.
    Login,
    /// The second step, with the code.
    VerifyLogin,
    /// What the link in the mail about a lock leads to.
    UnlockPage,
    /// The end of a lock.
    Unlock,
    /// Another password.
    Password,
    /// Being recognised.
    Me,
    /// The user's sessions.
    Sessions,
    /// Another name for the device of a session.
    RenameSession,
    /// The end of one session.
    LogoutSession,
    /// The end of all of them.
    LogoutAll,
    /// Going on.
    Refresh,
    /// Whether the surface is up.
    Health,
    /// A request for a link to choose another password.
    ForgotPassword,
    /// What that link leads to.
    ResetPage,
    /// The other password.
    ResetPassword,
    /// The tenant's users.
    Users,
    /// A new user.
    CreateUser,
    /// One user.
    User,
    /// Who may not sign in any more.
    DisableUser,
    /// Who may sign in again.
    EnableUser,
    /// The end of a user's lock.
    UnlockUser,
    /// Another role.
    SetRole,
    /// A link for a user to choose another password.
    ResetUser,
    /// A user's sessions.
    UserSessions,
    /// The end of one of them.
    EndUserSession,
    /// The end of all of them.
    EndUserSessions,
}

use Access::{Public, SignedIn};
use DeviceOperation as Device;

const ADMIN: Access = Access::Role(Role::Admin);

type Row = Operation<DeviceOperation>;

/// What can be done on the device-session surface.
pub const DEVICE_OPERATIONS: [Row; 27] = [
    post(Device::Signup, "/auth/signup", Public, "Sign up").over_tcp("auth.signup").limited(),
    post(Device::Login, "/auth/login", Public, "Sign in, first step").over_tcp("auth.login").limited(),
    post(Device::VerifyLogin, "/auth/login/verify", Public, "Sign in, second step")
        .over_tcp("auth.verifyOtp")
        .limited(),
    get(Device::UnlockPage, "/auth/unlock", Public, "Follow the link that ends a lock").limited(),
    post(Device::Unlock, "/auth/unlock", Public, "End a lock").over_tcp("auth.unlock").limited().with_form(),
    post(Device::Password, "/auth/password", SignedIn, "Change the password and end every other session")
        .limited(),
    get(Device::Me, "/auth/me", SignedIn, "Who is signed in"),
    get(Device::Sessions, "/auth/sessions", SignedIn, "Where one is signed in").over_tcp("auth.sessions"),
    patch(Device::RenameSession, "/auth/sessions/{sessionId}", SignedIn, "Name the device of a session"),
    post(Device::LogoutSession, "/auth/logout/session", SignedIn, "Sign out on one device")
        .over_tcp("auth.logoutSession"),
    post(Device::LogoutAll, "/auth/logout/all", SignedIn, "Sign out everywhere").over_tcp("auth.logoutAll"),
    post(Device::Refresh, "/auth/refresh", Public, "Trade a refresh token for the next pair")
        .over_tcp("auth.refresh")
        .limited(),
    get(Device::Health, "/auth/health", Public, "The device-session surface is up").over_tcp("auth.health"),
    post(
        Device::ForgotPassword,
        "/auth/password/forgot",
        Public,
        "Ask for a link to choose another password",
    )
    .limited(),
    get(Device::ResetPage, "/auth/password/reset", Public, "Follow the link to choose another password")
        .limited(),
    post(
        Device::ResetPassword,
        "/auth/password/reset",
        Public,
        "Choose another password and end all sessions",
    )
    .limited()
    .with_form(),
    get(Device::Users, "/admin/users", ADMIN, "List or search the users"),
    post(Device::CreateUser, "/admin/users", ADMIN, "Create a user, who chooses a password by mail"),
    get(Device::User, "/admin/users/{userId}", ADMIN, "Show a user"),
    post(Device::DisableUser, "/admin/users/{userId}/disable", ADMIN, "Disable a user and end all sessions"),
    post(Device::EnableUser, "/admin/users/{userId}/enable", ADMIN, "Enable a user"),
    post(Device::UnlockUser, "/admin/users/{userId}/unlock", ADMIN, "End the lock of a user"),
    post(Device::SetRole, "/admin/users/{userId}/role", ADMIN, "Give a user another role"),
    post(
        Device::ResetUser,
        "/admin/users/{userId}/reset",
        ADMIN,
        "Mail a user a link to choose another password",
    ),
    get(Device::UserSessions, "/admin/users/{userId}/sessions", ADMIN, "Where a user is signed in"),
    post(
        Device::EndUserSession,
        "/admin/users/{userId}/sessions/{sessionId}/end",
        ADMIN,
        "End a session of a user",
    ),
    post(
        Device::EndUserSessions,
        "/admin/users/{userId}/sessions/end-all",
        ADMIN,
        "End all sessions of a user",
    ),
];

impl Operation<DeviceOperation> {
    /// The operation that is called so over TCP.
    #[must_use]
    pub fn by_pattern(pattern: &str) -> Option<Self> {
        DEVICE_OPERATIONS.into_iter().find(|operation| operation.pattern == Some(pattern))
    }

    /// Whether this is about other people than whoever asks.
    #[must_use]
    pub const fn is_administration(&self) -> bool {
        matches!(self.access, Access::Role(_))
    }

    const fn over_tcp(self, pattern: &'static str) -> Self {
        Self { pattern: Some(pattern), ..self }
    }

    const fn with_form(self) -> Self {
        Self { form: true, ..self }
    }
}
