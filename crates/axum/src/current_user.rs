//! Who a request is from.

use axum::extract::{FromRequestParts, OptionalFromRequestParts};
use http::request::Parts;
use portcullis_api::refusal::{Code, Refusal};
use portcullis_core::engine::Identity;

use crate::RefusalResponse;

/// Whoever is signed in, behind a [`Guard`](crate::Guard). As `Option<CurrentUser>` it is `None` where no guard stands.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CurrentUser(pub Identity);

impl<S: Send + Sync> FromRequestParts<S> for CurrentUser {
    type Rejection = RefusalResponse;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, RefusalResponse> {
        // Without a guard nobody is signed in, whatever the request shows: forgetting the guard denies.
        parts.extensions.get::<Self>().cloned().ok_or(RefusalResponse(Refusal::plain(Code::Unauthorized)))
    }
}

impl<S: Send + Sync> OptionalFromRequestParts<S> for CurrentUser {
    type Rejection = RefusalResponse;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Option<Self>, RefusalResponse> {
        Ok(parts.extensions.get::<Self>().cloned())
    }
}
