//! The extractor of the signed-in user.

use std::convert::Infallible;
use std::sync::Arc;

use axum::extract::{FromRequestParts, OptionalFromRequestParts};
use http::request::Parts;
use portcullis_api::refusal::{Code, Refusal};
use portcullis_core::engine::Identity;

use crate::RefusalResponse;

/// The signed-in user, behind a [`Guard`](crate::Guard). Without a guard it answers 401, and `Option<CurrentUser>` is
/// `None`. Copies share what they hold.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CurrentUser(pub Arc<Identity>);

impl<S: Send + Sync> FromRequestParts<S> for CurrentUser {
    type Rejection = RefusalResponse;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, RefusalResponse> {
        // Only a guard puts it there, so a route whose guard was forgotten denies every request.
        parts.extensions.get::<Self>().cloned().ok_or(RefusalResponse(Refusal::plain(Code::Unauthorized)))
    }
}

impl<S: Send + Sync> OptionalFromRequestParts<S> for CurrentUser {
    type Rejection = RefusalResponse;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Option<Self>, RefusalResponse> {
        Ok(parts.extensions.get::<Self>().cloned())
    }
}

/// The further live sessions whose cookies a request has, behind a guard [for
/// sign-out](crate::Guard::for_sign_out); none behind any other.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct OtherSessions(pub Vec<Identity>);

impl<S: Send + Sync> FromRequestParts<S> for OtherSessions {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Infallible> {
        Ok(parts.extensions.get::<Self>().cloned().unwrap_or_default())
    }
}
