//! The codes of refusals: word, status and sentence of each, in one table.

/// What a client program branches on. Each has one status; a word that has two statuses is two codes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Code {
    /// The request is malformed.
    BadRequest,
    /// Members of the body are missing or wrong.
    ValidationFailed,
    /// The new password was used before.
    PasswordReused,
    /// The request names no tenant, or one that does not exist.
    TenantConnectionMissing,
    /// The token of an unlock link is not valid.
    InvalidUnlockToken,
    /// The token of a reset link is not valid.
    InvalidResetToken,
    /// A gateway did not say who the user is.
    UserIdMissing,
    /// The caller is not signed in.
    Unauthorized,
    /// The address or the password is wrong.
    InvalidCredentials,
    /// The credential belongs to another tenant.
    TenantMismatch,
    /// The refresh token is not valid.
    InvalidRefreshToken,
    /// The refresh token was used before: its session has ended.
    InvalidRefreshHash,
    /// The refresh token's session has ended.
    SessionOver,
    /// The user of the credential is gone or disabled.
    UserGone,
    /// The one-time code is wrong.
    InvalidOtp,
    /// The one-time code has expired.
    OtpExpired,
    /// The current password is wrong.
    WrongPassword,
    /// The tenant is suspended.
    TenantSuspended,
    /// The credential names no role.
    MissingRole,
    /// The role is not one of those that the operation needs.
    InsufficientRole,
    /// The request comes from another site.
    CrossSite,
    /// The route does not exist.
    NotFound,
    /// The user has no such live session.
    SessionNotFound,
    /// The tenant has no such user.
    UserNotFound,
    /// The route has other methods.
    MethodNotAllowed,
    /// The client was too slow.
    RequestTimeout,
    /// The address, user name or number belongs to a user.
    UserExists,
    /// Another request changed the record at the same time.
    Conflict,
    /// The body is too large.
    PayloadTooLarge,
    /// The body has another media type.
    UnsupportedMediaType,
    /// Too many wrong passwords in a row.
    AccountLocked,
    /// Too many attempts at codes, passwords or mails in too short a time.
    TooManyAttempts,
    /// The headers are too large.
    HeadersTooLarge,
    /// Too many requests from one address.
    TooManyRequests,
    /// The server failed.
    InternalError,
    /// A store does not answer, as the device-session surface calls it.
    SystemError,
    /// The server is overloaded.
    Busy,
    /// A store does not answer.
    StoreUnavailable,
}

/// What is said of a code, on every surface.
struct CodeRow {
    word: &'static str,
    status: u16,
    text: Option<&'static str>,
    device_text: Option<&'static str>,
}

const fn row(word: &'static str, status: u16) -> CodeRow {
    CodeRow { word, status, text: None, device_text: None }
}

impl CodeRow {
    const fn text(self, text: &'static str) -> Self {
        Self { text: Some(text), ..self }
    }

    const fn device_text(self, text: &'static str) -> Self {
        Self { device_text: Some(text), ..self }
    }
}

impl Code {
    /// The word that answers carry.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        self.row().word
    }

    /// The HTTP status.
    #[must_use]
    pub const fn status(self) -> u16 {
        self.row().status
    }

    /// The sentence that people read; `None` where the title of the status is enough.
    pub(super) const fn text(self) -> Option<&'static str> {
        self.row().text
    }

    /// The sentence on the device-session surface, where it differs.
    pub(super) const fn device_text(self) -> Option<&'static str> {
        self.row().device_text
    }

    const fn row(self) -> CodeRow {
        match self {
            Self::BadRequest => row("BAD_REQUEST", 400),
            Self::ValidationFailed => row("VALIDATION_FAILED", 400),
            Self::PasswordReused => row("PASSWORD_REUSED", 400).text("Cannot reuse previous password"),
            Self::TenantConnectionMissing => row("TENANT_CONNECTION_MISSING", 400).text("Unknown tenant"),
            Self::InvalidUnlockToken => {
                row("INVALID_UNLOCK_TOKEN", 400).device_text("The unlock link is invalid or has expired.")
            }
            Self::InvalidResetToken => row("INVALID_RESET_TOKEN", 400)
                .device_text("The password reset link is invalid or has expired."),
            Self::UserIdMissing => row("USER_ID_MISSING", 400),
            Self::Unauthorized => row("UNAUTHORIZED", 401),
            Self::InvalidCredentials => row("INVALID_CREDENTIALS", 401).text("Invalid credentials"),
            Self::TenantMismatch => row("TENANT_MISMATCH", 401),
            Self::InvalidRefreshToken => row("INVALID_REFRESH_TOKEN", 401)
                .text("Invalid refresh token")
                .device_text("The provided refresh token is invalid or has expired. Please log in again."),
            Self::InvalidRefreshHash => row("INVALID_REFRESH_HASH", 401)
                .device_text("Invalid refresh token. Please log in again to continue."),
            Self::SessionOver => row("SESSION_NOT_FOUND", 401)
                .device_text("Session not found or expired. Please log in again."),
            Self::UserGone => row("USER_NOT_FOUND", 401),
            Self::InvalidOtp => row("INVALID_OTP", 401).device_text("Invalid OTP. Please try again."),
            Self::OtpExpired => row("OTP_EXPIRED", 401).device_text("OTP has expired. Please log in again."),
            Self::WrongPassword => row("WRONG_PASSWORD", 403).text("Current password is wrong"),
            Self::TenantSuspended => row("TENANT_SUSPENDED", 403).text("Tenant is suspended"),
            Self::MissingRole => row("MISSING_ROLE", 403).text("Missing role"),
            Self::InsufficientRole => row("INSUFFICIENT_ROLE", 403),
            Self::CrossSite => row("CROSS_SITE", 403).text("The request was made by a page of another site"),
            Self::NotFound => row("NOT_FOUND", 404),
            Self::SessionNotFound => {
                row("SESSION_NOT_FOUND", 404).device_text("Session not found or already logged out.")
            }
            Self::UserNotFound => row("USER_NOT_FOUND", 404).device_text("User not found."),
            Self::MethodNotAllowed => row("METHOD_NOT_ALLOWED", 405),
            Self::RequestTimeout => row("REQUEST_TIMEOUT", 408),
            Self::UserExists => {
                row("USER_EXISTS", 409).text("Email already registered").device_text("User already exists")
            }
            Self::Conflict => row("CONFLICT", 409)
                .text("The account was changed by another request at the same time, please try again"),
            Self::PayloadTooLarge => row("PAYLOAD_TOO_LARGE", 413),
            Self::UnsupportedMediaType => row("UNSUPPORTED_MEDIA_TYPE", 415),
            Self::AccountLocked => row("ACCOUNT_LOCKED", 423).text("Account locked").device_text(
                "Account locked. Please follow the link in the mail we sent you, or try again later.",
            ),
            Self::TooManyAttempts => {
                row("TOO_MANY_ATTEMPTS", 429).device_text("Too many attempts. Please try again later.")
            }
            Self::HeadersTooLarge => row("REQUEST_HEADERS_TOO_LARGE", 431),
            Self::TooManyRequests => {
                row("TOO_MANY_REQUESTS", 429).text("Too many requests, please try again later.")
            }
            Self::InternalError => row("INTERNAL_ERROR", 500),
            Self::SystemError => row("INTERNAL_ERROR", 503),
            Self::Busy => row("BUSY", 503),
            Self::StoreUnavailable => row("STORE_UNAVAILABLE", 503),
        }
    }

    /// The name of the status, as clients know it from NestJS.
    #[must_use]
    pub const fn title(self) -> &'static str {
        match self.status() {
            400 => "Bad Request",
            401 => "Unauthorized",
            403 => "Forbidden",
            404 => "Not Found",
            405 => "Method Not Allowed",
            408 => "Request Timeout",
            409 => "Conflict",
            413 => "Payload Too Large",
            415 => "Unsupported Media Type",
            423 => "Locked",
            429 => "Too Many Requests",
            431 => "Request Header Fields Too Large",
            503 => "Service Unavailable",
            _ => "Internal Server Error",
        }
    }
}
