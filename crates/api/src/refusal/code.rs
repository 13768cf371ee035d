//! The codes of refusals: word, status and sentence of each, in one table.

/// What is said of a code, on every surface.
struct CodeRow {
    word: &'static str,
    status: u16,
    text: &'static [&'static str],
    device_text: &'static [&'static str],
}

/// Declares the codes: the word that answers carry, the HTTP status, the sentence that people read where the title of
/// the status is not enough, and the one on the device-session surface where it differs.
macro_rules! codes {
    ($(
        $(#[$documented:meta])+
        $code:ident = $word:literal $status:literal
            $(, says $text:literal)? $(, says on devices $device_text:literal)?;
    )+) => {
        /// What a client program branches on. Each has one status; a word that has two statuses is two codes.
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
        pub enum Code {
            $($(#[$documented])+ $code,)+
        }

        const fn row(code: Code) -> CodeRow {
            let (word, status, text, device_text): (_, _, &[_], &[_]) = match code {
                $(Code::$code => ($word, $status, &[$($text)?], &[$($device_text)?]),)+
            };
            CodeRow { word, status, text, device_text }
        }
    };
}

codes! {
    /// The request is malformed.
    BadRequest = "BAD_REQUEST" 400;
    /// Members of the body are missing or wrong.
    ValidationFailed = "VALIDATION_FAILED" 400;
    /// The new password was used before.
    PasswordReused = "PASSWORD_REUSED" 400, says "Cannot reuse previous password";
    /// The request names no tenant, or one that does not exist.
    TenantConnectionMissing = "TENANT_CONNECTION_MISSING" 400, says "Unknown tenant";
    /// The token of an unlock link is not valid.
    InvalidUnlockToken = "INVALID_UNLOCK_TOKEN" 400,
        says on devices "The unlock link is invalid or has expired.";
    /// The token of a reset link is not valid.
    InvalidResetToken = "INVALID_RESET_TOKEN" 400,
        says on devices "The password reset link is invalid or has expired.";
    /// A gateway did not say who the user is.
    UserIdMissing = "USER_ID_MISSING" 400;
    /// The caller is not signed in.
    Unauthorized = "UNAUTHORIZED" 401;
    /// The address or the password is wrong.
    InvalidCredentials = "INVALID_CREDENTIALS" 401, says "Invalid credentials";
    /// The credential belongs to another tenant.
    TenantMismatch = "TENANT_MISMATCH" 401;
    /// The refresh token is not valid.
    InvalidRefreshToken = "INVALID_REFRESH_TOKEN" 401,
        says "Invalid refresh token",
        says on devices "The provided refresh token is invalid or has expired. Please log in again.";
    /// The refresh token was used before: its session has ended.
    InvalidRefreshHash = "INVALID_REFRESH_HASH" 401,
        says on devices "Invalid refresh token. Please log in again to continue.";
    /// The refresh token's session has ended.
    SessionOver = "SESSION_NOT_FOUND" 401,
        says on devices "Session not found or expired. Please log in again.";
    /// The user of the credential is gone or disabled.
    UserGone = "USER_NOT_FOUND" 401;
    /// The one-time code is wrong.
    InvalidOtp = "INVALID_OTP" 401, says on devices "Invalid OTP. Please try again.";
    /// The one-time code has expired.
    OtpExpired = "OTP_EXPIRED" 401, says on devices "OTP has expired. Please log in again.";
    /// The current password is wrong.
    WrongPassword = "WRONG_PASSWORD" 403, says "Current password is wrong";
    /// The tenant is suspended.
    TenantSuspended = "TENANT_SUSPENDED" 403, says "Tenant is suspended";
    /// The credential names no role.
    MissingRole = "MISSING_ROLE" 403, says "Missing role";
    /// The role is not one of those that the operation needs.
    InsufficientRole = "INSUFFICIENT_ROLE" 403;
    /// The request comes from another site.
    CrossSite = "CROSS_SITE" 403, says "The request was made by a page of another site";
    /// The route does not exist.
    NotFound = "NOT_FOUND" 404;
    /// The user has no such live session.
    SessionNotFound = "SESSION_NOT_FOUND" 404, says on devices "Session not found or already logged out.";
    /// The user has no such known device.
    DeviceNotFound = "DEVICE_NOT_FOUND" 404, says on devices "Device not found or already forgotten.";
    /// The tenant has no such user.
    UserNotFound = "USER_NOT_FOUND" 404, says on devices "User not found.";
    /// The route has other methods.
    MethodNotAllowed = "METHOD_NOT_ALLOWED" 405;
    /// The client was too slow.
    RequestTimeout = "REQUEST_TIMEOUT" 408;
    /// The address, user name or number belongs to a user.
    UserExists = "USER_EXISTS" 409, says "Email already registered", says on devices "User already exists";
    /// Another request changed the record at the same time.
    Conflict = "CONFLICT" 409,
        says "The account was changed by another request at the same time, please try again";
    /// A verifier has been away for too long to be told what was revoked meanwhile.
    SnapshotNeeded = "SNAPSHOT_NEEDED" 410, says "Too much was revoked since then: read the snapshot";
    /// The body is too large.
    PayloadTooLarge = "PAYLOAD_TOO_LARGE" 413;
    /// The body has another media type.
    UnsupportedMediaType = "UNSUPPORTED_MEDIA_TYPE" 415;
    /// Too many wrong passwords in a row.
    AccountLocked = "ACCOUNT_LOCKED" 423,
        says "Account locked",
        says on devices "Account locked. Please follow the link in the mail we sent you, or try again later.";
    /// Too many attempts at codes, passwords or mails in too short a time.
    TooManyAttempts = "TOO_MANY_ATTEMPTS" 429, says on devices "Too many attempts. Please try again later.";
    /// The headers are too large.
    HeadersTooLarge = "REQUEST_HEADERS_TOO_LARGE" 431;
    /// Too many requests from one address.
    TooManyRequests = "TOO_MANY_REQUESTS" 429, says "Too many requests, please try again later.";
    /// The server failed.
    InternalError = "INTERNAL_ERROR" 500;
    /// A server behind the gateway gave no answer.
    BadGateway = "BAD_GATEWAY" 502;
    /// A server behind the gateway gave no answer in time.
    GatewayTimeout = "GATEWAY_TIMEOUT" 504;
    /// A store does not answer, as the device-session surface calls it.
    SystemError = "INTERNAL_ERROR" 503;
    /// The server is overloaded.
    Busy = "BUSY" 503;
    /// A store does not answer.
    StoreUnavailable = "STORE_UNAVAILABLE" 503;
}

impl Code {
    /// The word that answers carry.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        row(self).word
    }

    /// The HTTP status.
    #[must_use]
    pub const fn status(self) -> u16 {
        row(self).status
    }

    /// The sentence that people read; `None` where the title of the status is enough.
    pub(super) const fn text(self) -> Option<&'static str> {
        row(self).text.first().copied()
    }

    /// The sentence on the device-session surface, where it differs.
    pub(super) const fn device_text(self) -> Option<&'static str> {
        row(self).device_text.first().copied()
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
            410 => "Gone",
            413 => "Payload Too Large",
            415 => "Unsupported Media Type",
            423 => "Locked",
            429 => "Too Many Requests",
            431 => "Request Header Fields Too Large",
            502 => "Bad Gateway",
            503 => "Service Unavailable",
            504 => "Gateway Timeout",
            _ => "Internal Server Error",
        }
    }
}
