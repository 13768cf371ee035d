//! The headers of answers that mean something to a client.

use portcullis_core::strategy::Carrier;
use utoipa::openapi::header::{Header, HeaderBuilder};
use utoipa::openapi::schema::{Object, Type};
use utoipa::openapi::{Ref, ResponseBuilder};

use crate::operation::{
    DeviceOperation, OwnStrategyOperation, PublicOperation, PublicStrategyOperation, StrategyOperation,
};

/// A header that the document describes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Described {
    /// No cache may store the answer.
    NoStore,
    /// The credential, in a cookie.
    SessionCookie,
    /// The cookie with a new expiry.
    RenewedCookie,
    /// The cookie taken away.
    ClearedCookie,
    /// The device proof, in a cookie.
    DeviceCookie,
    /// When to try again.
    RetryAfter,
    /// The challenge of a 401.
    Challenge,
}

impl Described {
    pub(super) const ALL: [Self; 7] = [
        Self::NoStore,
        Self::SessionCookie,
        Self::RenewedCookie,
        Self::ClearedCookie,
        Self::DeviceCookie,
        Self::RetryAfter,
        Self::Challenge,
    ];

    /// Its name among the components.
    pub(super) const fn component(self) -> &'static str {
        self.row().0
    }

    /// Its description.
    pub(super) fn described(self) -> Header {
        let (_, _, kind, text) = self.row();
        HeaderBuilder::new().schema(Some(Object::with_type(kind))).description(Some(text)).build()
    }

    /// The response, with this header.
    pub(super) fn on(self, response: ResponseBuilder) -> ResponseBuilder {
        let (component, name, ..) = self.row();
        response.header_ref(name, Ref::new(format!("#/components/headers/{component}")))
    }

    const fn row(self) -> (&'static str, &'static str, Type, &'static str) {
        match self {
            Self::NoStore => {
                ("NoStore", "Cache-Control", Type::String, "`no-store`: the answer is for this client only.")
            }
            Self::SessionCookie => (
                "SessionCookie",
                "Set-Cookie",
                Type::String,
                "The session: `connect.sid=s%3A<id>.<signature>; Path=/; Expires=…; HttpOnly; SameSite=Lax`, and `Secure` \
                 where the public URL is https. The id is new at every sign-in.",
            ),
            Self::RenewedCookie => (
                "RenewedCookie",
                "Set-Cookie",
                Type::String,
                "The same cookie with a new `Expires`, once a tenth of its life is gone.",
            ),
            Self::ClearedCookie => (
                "ClearedCookie",
                "Set-Cookie",
                Type::String,
                "The cookie, empty and expired, so that the browser forgets it.",
            ),
            Self::DeviceCookie => (
                "DeviceCookie",
                "Set-Cookie",
                Type::String,
                "The device proof of a browser: `portcullis.device=…; Path=/; Expires=…; HttpOnly; SameSite=Lax`, and \
                 `__Host-portcullis.device` with `Secure` where the public URL is https. It is kept across sign-ins.",
            ),
            Self::RetryAfter => ("RetryAfter", "Retry-After", Type::Integer, "How many seconds to wait."),
            Self::Challenge => (
                "Challenge",
                "WWW-Authenticate",
                Type::String,
                "`Bearer`, with `error=\"invalid_token\"` where a credential was shown and not believed (RFC 6750, section 3).",
            ),
        }
    }
}

/// The headers of success: no cache may store an answer with a credential.
pub(super) const fn of_success(kind: StrategyOperation, carrier: Carrier) -> &'static [Described] {
    use Described::{ClearedCookie, NoStore, RenewedCookie, SessionCookie};
    use OwnStrategyOperation::{Logout, Password, Profile};
    use PublicStrategyOperation::{Login, Refresh};
    use StrategyOperation::{Own, Public};
    match (kind, carrier) {
        (Public(Login), Carrier::Cookie) => &[NoStore, SessionCookie],
        (Public(Login | Refresh), _) => &[NoStore],
        (Own(Logout), Carrier::Cookie) => &[ClearedCookie],
        (Own(Profile | Password), Carrier::Cookie) => &[NoStore, RenewedCookie],
        // Without a cookie nothing but a sign-in and a refresh hands out a credential.
        _ => &[],
    }
}

/// The headers of success on the device-session surface.
pub(super) const fn of_device(kind: DeviceOperation) -> &'static [Described] {
    match kind {
        DeviceOperation::Public(PublicOperation::Login | PublicOperation::VerifyLogin) => {
            &[Described::NoStore, Described::DeviceCookie]
        }
        DeviceOperation::Public(PublicOperation::Refresh) => &[Described::NoStore],
        _ => &[],
    }
}

/// The headers of a refusal of this status.
pub(super) const fn of_refusal(status: u16) -> &'static [Described] {
    match status {
        401 => &[Described::NoStore, Described::Challenge],
        429 | 503 => &[Described::NoStore, Described::RetryAfter],
        _ => &[Described::NoStore],
    }
}
