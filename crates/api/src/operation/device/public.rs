//! What anyone may call.

use super::{DeviceOperation, DeviceRow, TenantSource, row};
use crate::answer::Success;
use crate::operation::Method::{self, Get, Post};
use crate::refusal::OperationTexts;
use crate::request::device::{
    DeviceLoginBody, DeviceRefreshBody, ForgotPasswordBody, ResetPasswordBody, SignUpBody, UnlockBody,
    VerifyLoginBody,
};

/// An operation that anyone may call. *Limited*: one address may call it only so often. *Form*: a page without a script
/// may post it.
///
/// | request | over TCP | | what it does |
/// |---|---|---|---|
/// | `POST /auth/signup` | `auth.signup` | limited | Sign up |
/// | `POST /auth/login` | `auth.login` | limited | Sign in, first step |
/// | `POST /auth/login/verify` | `auth.verifyOtp` | limited | Sign in, second step |
/// | `GET /auth/unlock` | | limited | Follow the link that ends a lock |
/// | `POST /auth/unlock` | `auth.unlock` | limited, form | End a lock |
/// | `POST /auth/refresh` | `auth.refresh` | limited | Trade a refresh token for the next pair |
/// | `GET /auth/health` | `auth.health` | | The device-session surface is up |
/// | `POST /auth/password/forgot` | | limited | Ask for a link to choose another password |
/// | `GET /auth/password/reset` | | limited | Follow the link to choose another password |
/// | `POST /auth/password/reset` | | limited, form | Choose another password and end all sessions |
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum PublicOperation {
    /// Sign-up.
    Signup,
    /// The first step of a device sign-in, with the password.
    Login,
    /// The second step, with the code.
    VerifyLogin,
    /// What the link in the mail about a lockout leads to.
    UnlockPage,
    /// Ends a lockout.
    Unlock,
    /// Refresh token rotation.
    Refresh,
    /// Whether the surface is up.
    Health,
    /// Asks for a link to choose a new password.
    ForgotPassword,
    /// What that link leads to.
    ResetPage,
    /// Chooses a new password.
    ResetPassword,
}

use PublicOperation as Public;

const fn public(
    kind: Public,
    at: (Method, &'static str),
    summary: &'static str,
    success: Option<Success>,
) -> DeviceRow {
    row(DeviceOperation::Public(kind), at, summary, success)
}

pub(super) const ROWS: [DeviceRow; 10] = [
    public(Public::Signup, (Post, "/auth/signup"), "Sign up", Some(Success::SIGNED_UP))
        .takes::<SignUpBody>()
        .over_tcp("auth.signup")
        .limited()
        .remark(
            "Where the tenant hides who has an account, the answer has no data, whether or not the address was taken.",
        ),
    public(Public::Login, (Post, "/auth/login"), "Sign in, first step", Some(Success::OTP_SENT))
        .takes::<DeviceLoginBody>()
        .over_tcp("auth.login")
        .limited()
        .remark(
            "A code is mailed, and belongs to the `loginId` of the answer. Where the tenant has no second step, the \
             answer is that of the second step already.",
        ),
    public(
        Public::VerifyLogin,
        (Post, "/auth/login/verify"),
        "Sign in, second step",
        Some(Success::LOGGED_IN),
    )
        .takes::<VerifyLoginBody>()
    .over_tcp("auth.verifyOtp")
    .limited()
    .remark(
        "A browser shows its device proof by a cookie, a native client keeps it itself. Once a session has shown one, \
         it demands it with every refresh.",
    ),
    public(
        Public::UnlockPage,
        (Get, "/auth/unlock"),
        "Follow the link that ends a lock",
        Some(Success::ACCOUNT_UNLOCKED),
    )
        .takes::<UnlockBody>()
    .limited()
    .tenant(TenantSource::Link)
    .remark(
        "A browser gets a page with a button that posts, because mail scanners follow links; any other client ends the \
         lock by this.",
    ),
    public(Public::Unlock, (Post, "/auth/unlock"), "End a lock", Some(Success::ACCOUNT_UNLOCKED))
        .takes::<UnlockBody>()
        .over_tcp("auth.unlock")
        .limited()
        .with_form()
        .tenant(TenantSource::Link),
    public(
        Public::Refresh,
        (Post, "/auth/refresh"),
        "Trade a refresh token for the next pair",
        Some(Success::TOKENS_REFRESHED),
    )
        .takes::<DeviceRefreshBody>()
    .over_tcp("auth.refresh")
    .limited()
    .worded(OperationTexts::REFRESH)
    .remark(
        "Each refresh token is good for one refresh. One that is spent and shown again within the grace window, with \
         the device proof, gets the same answer again; without the proof it ends the session.",
    ),
    public(Public::Health, (Get, "/auth/health"), "The device-session surface is up", None)
        .over_tcp("auth.health")
        .tenant(TenantSource::Unused),
    public(
        Public::ForgotPassword,
        (Post, "/auth/password/forgot"),
        "Ask for a link to choose another password",
        Some(Success::RESET_REQUESTED),
    )
        .takes::<ForgotPasswordBody>()
    .limited()
    .remark("The answer is the same whether or not there is such a user."),
    public(
        Public::ResetPage,
        (Get, "/auth/password/reset"),
        "Follow the link to choose another password",
        None,
    )
        .takes::<UnlockBody>()
    .limited()
    .tenant(TenantSource::Link)
    .remark("A page with a form that posts."),
    public(
        Public::ResetPassword,
        (Post, "/auth/password/reset"),
        "Choose another password and end all sessions",
        Some(Success::PASSWORD_RESET),
    )
        .takes::<ResetPasswordBody>()
    .limited()
    .with_form()
    .tenant(TenantSource::Link),
];
