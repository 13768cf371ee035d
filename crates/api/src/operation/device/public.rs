//! What anyone may call.

use super::{TenantSource, operations};
use crate::refusal::OperationTexts;
use crate::request::device::{
    DeviceLoginBody, DeviceRefreshBody, ForgotPasswordBody, ResendCodeBody, ResetPasswordBody, SignUpBody,
    UnlockBody, VerifyLoginBody,
};

operations! {
    /// An operation that anyone may call. *Limited*: one address may call it only so often. *Form*: a page without a
    /// script may post it.
    ///
    /// | request | over TCP | | what it does |
    /// |---|---|---|---|
    /// | `POST /auth/signup` | `auth.signup` | limited | Sign up |
    /// | `POST /auth/login` | `auth.login` | limited | Sign in, first step |
    /// | `POST /auth/login/verify` | `auth.verifyOtp` | limited | Sign in, second step |
    /// | `POST /auth/login/resend` | `auth.resendOtp` | limited | Resend the code |
    /// | `GET /auth/unlock` | | limited | Follow the link that ends a lock |
    /// | `POST /auth/unlock` | `auth.unlock` | limited, form | End a lock |
    /// | `POST /auth/refresh` | `auth.refresh` | limited | Trade a refresh token for the next pair |
    /// | `GET /auth/health` | `auth.health` | | The device-session surface is up |
    /// | `POST /auth/password/forgot` | | limited | Ask for a link to choose another password |
    /// | `GET /auth/password/reset` | | limited | Follow the link to choose another password |
    /// | `POST /auth/password/reset` | | limited, form | Choose another password and end all sessions |
    PublicOperation in Public {
        /// Sign-up.
        Signup = Post "/auth/signup" (SignUpBody) => SIGNED_UP, "Sign up", pattern: Some("auth.signup"), limited: true,
            remark: Some(
                "Where the tenant hides who has an account, the answer has no data, whether or not the address was \
                 taken."
            );
        /// The first step of a device sign-in, with the password.
        Login = Post "/auth/login" (DeviceLoginBody) => OTP_SENT, "Sign in, first step",
            pattern: Some("auth.login"), limited: true,
            remark: Some(
                "A code is mailed, and belongs to the `loginId` of the answer. Where the tenant has no second step, the \
                 answer is that of the second step already."
            );
        /// The second step, with the code.
        VerifyLogin = Post "/auth/login/verify" (VerifyLoginBody) => LOGGED_IN, "Sign in, second step",
            pattern: Some("auth.verifyOtp"), limited: true,
            remark: Some(
                "A browser shows its device proof by a cookie, a native client keeps it itself. Once a session has shown \
                 one, it demands it with every refresh."
            );
        /// Another code for the second step.
        ResendCode = Post "/auth/login/resend" (ResendCodeBody) => OTP_SENT, "Resend the code",
            pattern: Some("auth.resendOtp"), limited: true,
            remark: Some(
                "The new code is for the same `loginId`, and the old one is worthless from now on. Wrong codes stay \
                 counted. A sign-in ends 15 minutes after it began, however often a code is sent."
            );
        /// What the link in the mail about a lockout leads to.
        UnlockPage = Get "/auth/unlock" (UnlockBody) => ACCOUNT_UNLOCKED, "Follow the link that ends a lock",
            limited: true, tenant: TenantSource::Link,
            remark: Some(
                "A browser gets a page with a button that posts, because mail scanners follow links; any other client \
                 ends the lock by this."
            );
        /// Ends a lockout.
        Unlock = Post "/auth/unlock" (UnlockBody) => ACCOUNT_UNLOCKED, "End a lock",
            pattern: Some("auth.unlock"), limited: true, form: true, tenant: TenantSource::Link;
        /// Refresh token rotation.
        Refresh = Post "/auth/refresh" (DeviceRefreshBody) => TOKENS_REFRESHED,
            "Trade a refresh token for the next pair",
            pattern: Some("auth.refresh"), limited: true, texts: OperationTexts::REFRESH,
            remark: Some(
                "Each refresh token is good for one refresh. One that is spent and shown again within the grace window, \
                 with the device proof, gets the same answer again; without the proof it ends the session."
            );
        /// Whether the surface is up.
        Health = Get "/auth/health", "The device-session surface is up",
            pattern: Some("auth.health"), tenant: TenantSource::Unused;
        /// Asks for a link to choose a new password.
        ForgotPassword = Post "/auth/password/forgot" (ForgotPasswordBody) => RESET_REQUESTED,
            "Ask for a link to choose another password", limited: true,
            remark: Some("The answer is the same whether or not there is such a user.");
        /// What that link leads to.
        ResetPage = Get "/auth/password/reset" (UnlockBody), "Follow the link to choose another password",
            limited: true, tenant: TenantSource::Link, remark: Some("A page with a form that posts.");
        /// Chooses a new password.
        ResetPassword = Post "/auth/password/reset" (ResetPasswordBody) => PASSWORD_RESET,
            "Choose another password and end all sessions", limited: true, form: true, tenant: TenantSource::Link;
    }
}
