//! The bodies as the documentation shows them.

use utoipa::ToSchema;

/// Sign-up.
#[derive(ToSchema)]
#[expect(dead_code, reason = "only its schema is used")]
pub struct SignUp {
    /// The address; unique in the tenant, compared without regard to case.
    #[schema(format = "email", example = "ann@example.com")]
    email: String,
    /// At least 8 characters in development mode, at least 15 otherwise, and none that is commonly used.
    #[schema(format = "password", example = "correct horse battery staple")]
    password: String,
    /// The name.
    #[schema(example = "Ann Droid")]
    name: String,
}

/// Sign-up with a name in two parts, or in one.
#[derive(ToSchema)]
#[expect(dead_code, reason = "only its schema is used")]
#[schema(rename_all = "camelCase")]
pub struct SignUpInParts {
    /// The address; unique in the tenant, compared without regard to case.
    #[schema(format = "email", example = "ann@example.com")]
    email: String,
    /// At least 8 characters in development mode, at least 15 otherwise, and none that is commonly used.
    #[schema(format = "password", example = "correct horse battery staple")]
    password: String,
    /// The first name.
    #[schema(example = "Ann")]
    first_name: Option<String>,
    /// The last name.
    #[schema(example = "Droid")]
    last_name: Option<String>,
    /// The name, where it is not given in parts.
    name: Option<String>,
}

/// Sign-in.
#[derive(ToSchema)]
#[expect(dead_code, reason = "only its schema is used")]
pub struct SignIn {
    /// The address.
    #[schema(format = "email", example = "ann@example.com")]
    email: String,
    /// The password.
    #[schema(format = "password", example = "correct horse battery staple")]
    password: String,
    /// Whether to hand out a device proof with the refresh token; the client then sends it with each refresh.
    native: Option<bool>,
}

/// A refresh. The token may come as a bearer token instead, or under the names `refreshToken` and `token`.
#[derive(ToSchema)]
#[expect(dead_code, reason = "only its schema is used")]
pub struct Refresh {
    /// The newest refresh token.
    refresh_token: Option<String>,
    /// The device proof, where one was handed out; also under the name `deviceSecret`.
    device_secret: Option<String>,
}

/// A change of password.
#[derive(ToSchema)]
#[expect(dead_code, reason = "only its schema is used")]
#[schema(rename_all = "camelCase")]
pub struct ChangePassword {
    /// The password so far.
    #[schema(format = "password")]
    current_password: String,
    /// The password from now on; none of the last five.
    #[schema(format = "password")]
    new_password: String,
}
