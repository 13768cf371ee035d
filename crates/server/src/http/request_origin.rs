//! The span of a request that may change something: who it is from, for the events in it.

use axum::extract::Request;
use http::header::{HeaderMap, HeaderName, USER_AGENT};
use portcullis_core::strategy::StrategyName;
use tracing::Span;

use super::App;
use crate::request_span::RequestOrigin;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The span. A request that changes nothing has no event, and must cost no more than it does.
pub(super) fn span(app: &App, request: &Request, strategy: Option<StrategyName>) -> Span {
    if request.method().is_safe() {
        return Span::none();
    }
    let headers = request.headers();
    let origin = RequestOrigin {
        client: app.client(headers, request.extensions()),
        agent: text(headers, &USER_AGENT).unwrap_or_default(),
        id: text(headers, &REQUEST_ID),
        strategy,
    };
    origin.span()
}

fn text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}
