//! The extractor of a user who has signed in a moment ago (RFC 9470).

use std::sync::Arc;
use std::time::Duration;

use axum::extract::FromRequestParts;
use axum::response::{IntoResponse, Response};
use http::header::{HeaderValue, WWW_AUTHENTICATE};
use http::request::Parts;
use portcullis_api::refusal::{Code, Refusal};

use crate::guard::GuardConfig;
use crate::{CurrentUser, RefusalResponse};

/// The signed-in user, who has signed in at most so many seconds ago (`auth_time`), behind a [`Guard`](crate::Guard).
/// Any other is answered 401 with the challenge `insufficient_user_authentication`, by which a client knows that the
/// user must sign in again.
///
/// ```no_run
/// use portcullis_axum::FreshSignIn;
///
/// async fn delete_account(FreshSignIn(user): FreshSignIn<600>) -> String {
///     format!("Good-bye {}", user.0.email)
/// }
/// ```
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FreshSignIn<const MAX_AGE_SECONDS: u64>(pub CurrentUser);

impl<S: Send + Sync, const MAX_AGE_SECONDS: u64> FromRequestParts<S> for FreshSignIn<MAX_AGE_SECONDS> {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Response> {
        let unauthorized = Refusal::plain(Code::Unauthorized);
        let (Some(user), Some(guard)) =
            (parts.extensions.get::<CurrentUser>(), parts.extensions.get::<Arc<GuardConfig>>())
        else {
            return Err(RefusalResponse(unauthorized).into_response());
        };
        let age = user.0.signed_in.map(|signed_in| guard.now().since(signed_in));
        if age.is_some_and(|age| age <= Duration::from_secs(MAX_AGE_SECONDS)) {
            return Ok(Self(user.clone()));
        }
        let mut response = guard.refuse(&unauthorized, parts);
        response.headers_mut().insert(WWW_AUTHENTICATE, challenge(MAX_AGE_SECONDS));
        Err(response)
    }
}

/// RFC 9470, section 3.
fn challenge(max_age: u64) -> HeaderValue {
    let text = format!(
        "Bearer error=\"insufficient_user_authentication\", \
         error_description=\"A more recent sign-in is required\", max_age=\"{max_age}\""
    );
    HeaderValue::from_str(&text).unwrap_or(HeaderValue::from_static("Bearer"))
}

#[cfg(test)]
mod tests;
