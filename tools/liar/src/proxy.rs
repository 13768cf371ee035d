//! What stands between a verifier and the server, and answers in its place.

use axum::http::StatusCode;
use axum::http::header::WWW_AUTHENTICATE;
use axum::response::{Html, IntoResponse as _, Response};

use crate::Trick;

/// The answer to a poll or a question; `None` where nothing is in the way.
pub(crate) fn answer(trick: Trick) -> Option<Response> {
    Some(match trick {
        Trick::Outage => StatusCode::SERVICE_UNAVAILABLE.into_response(),
        Trick::Portal => Html("<!doctype html><title>Please sign in</title>").into_response(),
        Trick::ProxyPassword => {
            (StatusCode::UNAUTHORIZED, [(WWW_AUTHENTICATE, "Basic realm=\"proxy\"")]).into_response()
        }
        Trick::Barred => StatusCode::FORBIDDEN.into_response(),
        _ => return None,
    })
}
