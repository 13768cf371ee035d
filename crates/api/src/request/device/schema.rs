//! The bodies as the documentation shows them.
#![expect(dead_code, reason = "only the schemas are used")]

use utoipa::ToSchema;
use uuid::Uuid;

/// What a user may do.
#[derive(ToSchema)]
#[schema(rename_all = "lowercase")]
pub enum Role {
    /// What everybody may.
    User,
    /// More.
    Manager,
    /// Everything in the tenant.
    Admin,
}

/// Sign-up.
#[derive(ToSchema)]
#[schema(as = DeviceSignUp)]
pub struct SignUp {
    /// Unique in the tenant, compared without regard to case; it reads neither as an address nor as a number.
    #[schema(max_length = 64, example = "ann")]
    username: Option<String>,
    /// The address; unique in the tenant, compared without regard to case.
    #[schema(format = "email", example = "ann@example.com")]
    email: String,
    /// Unique in the tenant, compared without separators.
    #[schema(example = "+49 170 1234567")]
    mobile: Option<String>,
    /// At least 8 characters in development mode and where a second step is forced, at least 15 otherwise, and none that
    /// is commonly used.
    #[schema(format = "password", example = "correct horse battery staple")]
    password: String,
    /// The name.
    #[schema(example = "Ann Droid")]
    name: Option<String>,
}

/// The first step of a sign-in.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub struct LogIn {
    /// Any of the three.
    #[schema(example = "ann@example.com")]
    username_or_email_or_mobile: String,
    /// The password.
    #[schema(format = "password", example = "correct horse battery staple")]
    password: String,
    /// Whether the client keeps a device proof itself, in place of the cookie.
    native: Option<bool>,
    /// The device proof of an earlier sign-in, which is kept.
    device_secret: Option<String>,
}

/// The second step of a sign-in.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub struct VerifyLogin {
    /// Which sign-in.
    login_id: Uuid,
    /// The code from the mail.
    #[schema(pattern = "^[0-9]{6}$", example = "123456")]
    otp: String,
    /// Whether the client keeps a device proof itself, in place of the cookie.
    native: Option<bool>,
    /// The device proof of an earlier sign-in, which is kept.
    device_secret: Option<String>,
}

/// The end of a lock.
#[derive(ToSchema)]
pub struct Unlock {
    /// The secret of the link.
    token: String,
}

/// A request for a link to choose another password.
#[derive(ToSchema)]
#[schema(as = ForgotPassword)]
pub struct Forgot {
    /// Whose.
    #[schema(format = "email", example = "ann@example.com")]
    email: String,
}

/// Another password, for whoever has the link.
#[derive(ToSchema)]
#[schema(as = ResetPassword, rename_all = "camelCase")]
pub struct Reset {
    /// The secret of the link.
    token: String,
    /// The password from now on; none of the last five.
    #[schema(format = "password")]
    new_password: String,
}

/// The end of one session.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub struct EndSession {
    /// Which one.
    session_id: Uuid,
}

/// Another name for the device of a session.
#[derive(ToSchema)]
#[schema(as = RenameSession, rename_all = "camelCase")]
pub struct Rename {
    /// The name.
    #[schema(min_length = 1, max_length = 100, example = "Ann's telephone")]
    device_name: String,
}

/// A refresh.
#[derive(ToSchema)]
#[schema(as = DeviceRefresh, rename_all = "camelCase")]
pub struct Refresh {
    /// The newest refresh token.
    refresh_token: String,
    /// The device proof, where one was handed out.
    device_secret: Option<String>,
}

/// A new user, who chooses a password by mail.
#[derive(ToSchema)]
pub struct CreateUser {
    /// The address; unique in the tenant, compared without regard to case.
    #[schema(format = "email", example = "ann@example.com")]
    email: String,
    /// Unique in the tenant, compared without regard to case; it reads neither as an address nor as a number.
    #[schema(max_length = 64, example = "ann")]
    username: Option<String>,
    /// Unique in the tenant, compared without separators.
    #[schema(example = "+49 170 1234567")]
    mobile: Option<String>,
    /// The name.
    #[schema(example = "Ann Droid")]
    name: Option<String>,
    /// The role; `user` where none is given.
    role: Option<Role>,
}

/// Another role for a user.
#[derive(ToSchema)]
pub struct SetRole {
    /// Which.
    role: Role,
}
