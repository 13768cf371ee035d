//! The codes of refusals.

/// What a program branches on. Each has one status; where one word stands under two statuses, there are two codes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Code {
    /// The request makes no sense.
    BadRequest,
    /// Members of the body are missing or wrong.
    ValidationFailed,
    /// The new password was used before.
    PasswordReused,
    /// No tenant, or one that does not exist.
    TenantConnectionMissing,
    /// The secret of an unlock link is not good.
    InvalidUnlockToken,
    /// The secret of a reset link is not good.
    InvalidResetToken,
    /// A gateway did not say who the user is.
    UserIdMissing,
    /// Nobody is signed in.
    Unauthorized,
    /// Wrong address or password.
    InvalidCredentials,
    /// A credential of another tenant.
    TenantMismatch,
    /// The refresh token is not good.
    InvalidRefreshToken,
    /// The refresh token was spent before: its session is over.
    InvalidRefreshHash,
    /// The refresh token's session is over.
    SessionOver,
    /// The user of the credential is gone, or disabled.
    UserGone,
    /// The one-time code is wrong.
    InvalidOtp,
    /// The one-time code is too old.
    OtpExpired,
    /// The current password is wrong.
    WrongPassword,
    /// The tenant is suspended.
    TenantSuspended,
    /// The credential says nothing of a role.
    MissingRole,
    /// The role is not one of those that may.
    InsufficientRole,
    /// The request comes from another site.
    CrossSite,
    /// There is no such thing.
    NotFound,
    /// There is no such session.
    SessionNotFound,
    /// There is no such user.
    UserNotFound,
    /// The route has other methods.
    MethodNotAllowed,
    /// The client was too slow.
    RequestTimeout,
    /// The address belongs to a user.
    UserExists,
    /// Somebody else changed it at the same time.
    Conflict,
    /// The body is too large.
    PayloadTooLarge,
    /// The body is of another kind.
    UnsupportedMediaType,
    /// Too many wrong passwords in a row.
    AccountLocked,
    /// Too much was tried in too short a time.
    TooManyAttempts,
    /// The headers are too large.
    HeadersTooLarge,
    /// Too often, from one place.
    TooManyRequests,
    /// A fault of ours.
    InternalError,
    /// A store does not answer, in the word of the device-session surface.
    SystemError,
    /// Too much is asked for at once.
    Busy,
    /// A store does not answer.
    StoreUnavailable,
}

impl Code {
    /// The word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        self.row().0
    }

    /// The HTTP status.
    #[must_use]
    pub const fn status(self) -> u16 {
        self.row().1
    }

    const fn row(self) -> (&'static str, u16) {
        match self {
            Self::BadRequest => ("BAD_REQUEST", 400),
            Self::ValidationFailed => ("VALIDATION_FAILED", 400),
            Self::PasswordReused => ("PASSWORD_REUSED", 400),
            Self::TenantConnectionMissing => ("TENANT_CONNECTION_MISSING", 400),
            Self::InvalidUnlockToken => ("INVALID_UNLOCK_TOKEN", 400),
            Self::InvalidResetToken => ("INVALID_RESET_TOKEN", 400),
            Self::UserIdMissing => ("USER_ID_MISSING", 400),
            Self::Unauthorized => ("UNAUTHORIZED", 401),
            Self::InvalidCredentials => ("INVALID_CREDENTIALS", 401),
            Self::TenantMismatch => ("TENANT_MISMATCH", 401),
            Self::InvalidRefreshToken => ("INVALID_REFRESH_TOKEN", 401),
            Self::InvalidRefreshHash => ("INVALID_REFRESH_HASH", 401),
            Self::SessionOver => ("SESSION_NOT_FOUND", 401),
            Self::UserGone => ("USER_NOT_FOUND", 401),
            Self::InvalidOtp => ("INVALID_OTP", 401),
            Self::OtpExpired => ("OTP_EXPIRED", 401),
            Self::WrongPassword => ("WRONG_PASSWORD", 403),
            Self::TenantSuspended => ("TENANT_SUSPENDED", 403),
            Self::MissingRole => ("MISSING_ROLE", 403),
            Self::InsufficientRole => ("INSUFFICIENT_ROLE", 403),
            Self::CrossSite => ("CROSS_SITE", 403),
            Self::NotFound => ("NOT_FOUND", 404),
            Self::SessionNotFound => ("SESSION_NOT_FOUND", 404),
            Self::UserNotFound => ("USER_NOT_FOUND", 404),
            Self::MethodNotAllowed => ("METHOD_NOT_ALLOWED", 405),
            Self::RequestTimeout => ("REQUEST_TIMEOUT", 408),
            Self::UserExists => ("USER_EXISTS", 409),
            Self::Conflict => ("CONFLICT", 409),
            Self::PayloadTooLarge => ("PAYLOAD_TOO_LARGE", 413),
            Self::UnsupportedMediaType => ("UNSUPPORTED_MEDIA_TYPE", 415),
            Self::AccountLocked => ("ACCOUNT_LOCKED", 423),
            Self::TooManyAttempts => ("TOO_MANY_ATTEMPTS", 429),
            Self::HeadersTooLarge => ("REQUEST_HEADERS_TOO_LARGE", 431),
            Self::TooManyRequests => ("TOO_MANY_REQUESTS", 429),
            Self::InternalError => ("INTERNAL_ERROR", 500),
            Self::SystemError => ("INTERNAL_ERROR", 503),
            Self::Busy => ("BUSY", 503),
            Self::StoreUnavailable => ("STORE_UNAVAILABLE", 503),
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
