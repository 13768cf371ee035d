//! The layer that puts a request that may change something into a span of its own.

use std::sync::Arc;
use std::task::{Context, Poll};

use axum::extract::{MatchedPath, Request};
use http::header::{HeaderMap, HeaderName, USER_AGENT};
use portcullis_core::strategy::StrategyName;
use tower::Service;
use tracing::Span;
use tracing::instrument::{Instrument as _, Instrumented};

use super::App;
use crate::request_span::RequestOrigin;

/// The service of the layer.
#[derive(Clone)]
pub(super) struct InSpan<S> {
    pub(super) app: Arc<App>,
    pub(super) inner: S,
}

impl<S: Service<Request>> Service<Request> for InSpan<S> {
    type Response = S::Response;
    type Error = S::Error;
    type Future = Instrumented<S::Future>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request) -> Self::Future {
        // A request that changes nothing has no event, and must cost no more than it does.
        let span = if request.method().is_safe() { Span::none() } else { span(&self.app, &request) };
        let answering = span.in_scope(|| self.inner.call(request));
        answering.instrument(span)
    }
}

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

fn span(app: &App, request: &Request) -> Span {
    let headers = request.headers();
    let origin = RequestOrigin {
        client: app.client(headers, request.extensions()),
        agent: text(headers, &USER_AGENT).unwrap_or_default(),
        id: text(headers, &REQUEST_ID),
        strategy: request.extensions().get().and_then(strategy),
    };
    origin.span()
}

fn text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

/// The strategy of a route: the one of `/auth/{strategy}/…`, otherwise `device`; none on other routes.
fn strategy(route: &MatchedPath) -> Option<StrategyName> {
    let mut parts = route.as_str().strip_prefix("/auth/")?.split('/');
    let named = parts.next().and_then(|name| name.parse().ok());
    Some(named.unwrap_or(StrategyName::Device))
}
