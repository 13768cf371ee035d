//! The headers of answers that mean something to a client.

use portcullis_core::strategy::Carrier;
use utoipa::openapi::header::{Header, HeaderBuilder};
use utoipa::openapi::schema::{Object, Type};
use utoipa::openapi::{Ref, ResponseBuilder};

use crate::operation::{
    DeviceOperation, OwnStrategyOperation, PublicOperation, PublicStrategyOperation, StrategyOperation,
};

/// Declares the headers that the document describes: their name, type and description, under the name of the component.
macro_rules! headers {
    ($($(#[$about:meta])+ $header:ident = $name:literal $kind:ident, $described:literal;)+) => {
        /// A header that the document describes.
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        pub(super) enum Described {
            $($(#[$about])+ $header,)+
        }

        impl Described {
            pub(super) const ALL: &[Self] = &[$(Self::$header),+];

            const fn row(self) -> (&'static str, &'static str, Type, &'static str) {
                match self {
                    $(Self::$header => (stringify!($header), $name, Type::$kind, $described),)+
                }
            }
        }
    };
}

headers! {
    /// No cache may store the answer.
    NoStore = "Cache-Control" String, "`no-store`: the answer is for this client only.";
    /// The credential, in a cookie.
    SessionCookie = "Set-Cookie" String,
        "The session: `connect.sid=s%3A<id>.<signature>; Path=/; Expires=…; HttpOnly; SameSite=Lax`, and `Secure` \
         where the public URL is https. The id is new at every sign-in.";
    /// The cookie with a new expiry.
    RenewedCookie = "Set-Cookie" String,
        "The same cookie with a new `Expires`, once a tenth of its life is gone.";
    /// The cookie taken away.
    ClearedCookie = "Set-Cookie" String, "The cookie, empty and expired, so that the browser forgets it.";
    /// The device proof, in a cookie.
    DeviceCookie = "Set-Cookie" String,
        "The device proof of a browser: `portcullis.device=…; Path=/; Expires=…; HttpOnly; SameSite=Lax`, and \
         `__Host-portcullis.device` with `Secure` where the public URL is https. It is kept across sign-ins.";
    /// Whose request it is.
    UserId = "x-user-id" String, "The user's id.";
    /// The tenant.
    TenantId = "x-tenant-id" String, "The tenant's id.";
    /// What the user may do.
    UserRole = "x-user-role" String, "The user's role; empty if the credential names none.";
    /// The session.
    SessionId = "x-session-id" String, "The session's public id.";
    /// What ends the credential.
    EndsWith = "x-portcullis-session" String,
        "The id of the session with whose end the credential ends; empty if its strategy keeps none.";
    /// What it was issued under.
    Epochs = "x-portcullis-epochs" String,
        "The epochs that the credential was issued under: `user,tenant,everyone`, in decimal.";
    /// How fresh the answer is.
    Age = "x-portcullis-age-ms" Integer,
        "How many milliseconds ago it was proven that no revocation is missing from this answer.";
    /// Where to sign in.
    LoginPage = "Location" String, "The page for signing in, with `return_to` in its query.";
    /// When to try again.
    RetryAfter = "Retry-After" Integer, "How many seconds to wait.";
    /// The challenge of a 401.
    Challenge = "WWW-Authenticate" String,
        "`Bearer`, with `error=\"invalid_token\"` where a credential was shown and not believed (RFC 6750, section 3).";
}

impl Described {
    /// Its name among the components.
    pub(super) const fn component(self) -> &'static str {
        self.row().0
    }

    /// Its description.
    pub(super) fn described(self) -> Header {
        let (_, _, kind, text) = self.row();
        HeaderBuilder::new().schema(Some(Object::with_type(kind))).description(Some(text)).build()
    }
}

/// An answer with these headers.
pub(super) fn response(description: &str, headers: &[Described]) -> ResponseBuilder {
    headers.iter().fold(ResponseBuilder::new().description(description), |response, header| {
        let (component, name, ..) = header.row();
        response.header_ref(name, Ref::new(format!("#/components/headers/{component}")))
    })
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

/// The headers of a request that may pass.
pub(super) const OF_VERIFIED: &[Described] = &[
    Described::NoStore,
    Described::UserId,
    Described::TenantId,
    Described::UserRole,
    Described::SessionId,
    Described::EndsWith,
    Described::Epochs,
    Described::Age,
];

/// The headers of a refusal of this status.
pub(super) const fn of_refusal(status: u16) -> &'static [Described] {
    match status {
        401 => &[Described::NoStore, Described::Challenge],
        429 | 503 => &[Described::NoStore, Described::RetryAfter],
        _ => &[Described::NoStore],
    }
}
