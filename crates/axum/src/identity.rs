//! Who a request is from.

use axum::extract::{FromRequestParts, OptionalFromRequestParts};
use http::request::Parts;
use portcullis_api::refusal::{Code, Refusal};
use portcullis_core::engine::Identity;

use crate::Refused;

/// Whoever is signed in, behind a [`Guard`](crate::Guard). As `Option<SignedIn>` it is `None` where no guard stands.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SignedIn(pub Identity);

impl<S: Send + Sync> FromRequestParts<S> for SignedIn {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Refused> {
        // Without a guard nobody is signed in, whatever the request shows: forgetting the guard denies.
        parts.extensions.get::<Self>().cloned().ok_or(Refused(Refusal::plain(Code::Unauthorized)))
    }
}

impl<S: Send + Sync> OptionalFromRequestParts<S> for SignedIn {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Option<Self>, Refused> {
        Ok(parts.extensions.get::<Self>().cloned())
    }
}
