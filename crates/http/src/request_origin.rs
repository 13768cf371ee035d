//! The span of a request that may change something: who it is from, for the events in it.

use http::header::{HeaderMap, HeaderName, USER_AGENT};
use portcullis_core::strategy::StrategyName;
use tracing::Span;

use crate::AuthApp;
use crate::request_span::RequestOrigin;
use crate::routed_request::RoutedRequest;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The span.
pub(crate) fn span(app: &AuthApp, request: &RoutedRequest, strategy: Option<StrategyName>) -> Span {
    let headers = &request.parts.headers;
    let origin = RequestOrigin {
        client: request.client(app),
        agent: text(headers, &USER_AGENT).unwrap_or_default(),
        id: text(headers, &REQUEST_ID),
        strategy,
    };
    origin.span()
}

fn text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}
