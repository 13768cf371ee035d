//! What stands around every route, in this order: metrics, headers for browsers, CORS, limits, rendered refusals, and
//! panics that end one request alone.
//!
//! It is one function around the router, not a stack of layers on it: axum puts a layer around each route in boxes of
//! its own, and copies the boxes for every request.

use std::any::Any;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use futures_util::FutureExt as _;
use http::request::Parts;
use portcullis_api::refusal::{Code, Refusal};
use portcullis_axum::{RefusalContext, RefusalResponse};
use tracing::Instrument as _;

use crate::cors::{self, CorsPolicy};
use crate::origin::CrossSiteWarnings;
use crate::pages::rejected_at_once;
use crate::refusal_samples;
use crate::route_endpoint::RouteEndpoint;
use crate::route_table::{Route, RouteTable};
use crate::routed_request::RoutedRequest;
use crate::{AuthApp, request_origin};
use portcullis_transport::http::{RequestHandler, headers_exceed, names_one_host};
use portcullis_transport::listener::{Peer, log_handler_panic};

/// Routes, and what stands around them.
pub struct LayeredRoutes<E>(Arc<Layers<E>>);

struct Layers<E> {
    app: Arc<AuthApp>,
    routes: RouteTable<E>,
    cors: CorsPolicy,
    warnings: CrossSiteWarnings,
}

impl<E> Clone for LayeredRoutes<E> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

/// Puts the layers around routes.
#[must_use]
pub fn around<E: RouteEndpoint>(routes: RouteTable<E>, app: Arc<AuthApp>) -> LayeredRoutes<E> {
    let (cors, warnings) = (CorsPolicy::of(&app), CrossSiteWarnings::default());
    LayeredRoutes(Arc::new(Layers { app, routes, cors, warnings }))
}

impl<E: RouteEndpoint> RequestHandler for LayeredRoutes<E> {
    async fn answer(&self, request: Request, peer: Peer) -> Response {
        self.0.answer(RoutedRequest::new(request, peer)).await
    }
}

impl<E: RouteEndpoint> Layers<E> {
    async fn answer(&self, mut asked: RoutedRequest) -> Response {
        let (route, members) = self.routes.find(&asked.parts.uri);
        asked.members = members;
        let is_for_pages = route.is_for_pages();
        let origin = self.cors.allowed(&asked.parts.headers).filter(|_| is_for_pages);
        let mut response = if is_for_pages && cors::is_preflight(&asked.parts) {
            self.cors.preflight(origin.is_some())
        } else if route.is_safe(&asked.parts.method) {
            // What changes nothing has no event, and must cost no more than it does: it has no span.
            self.let_in(route, &mut asked).await
        } else {
            let span = request_origin::span(&self.app, &asked, route.counter.strategy);
            Box::pin(self.let_in(route, &mut asked)).instrument(span).await
        };
        cors::mark(origin, response.headers_mut());
        self.app.headers.complete(response.headers_mut());
        route.counter.answered(&asked.parts.method, response.status());
        response
    }

    /// Refuses a request that is too large or comes from another site, and renders every refusal as the request asked
    /// for it.
    async fn let_in(&self, route: &Route<E>, asked: &mut RoutedRequest) -> Response {
        let is_safe = route.is_safe(&asked.parts.method);
        let response = match refused_at_once(&self.app, &asked.parts, is_safe) {
            Some(refusal) => match rejected_at_once(&self.app, &asked.parts, &refusal) {
                Some(page) => return page,
                None => RefusalResponse(refusal).into_response(),
            },
            None => self.routed(route, asked).await,
        };
        note(&self.app, is_safe, &response);
        if response.extensions().get::<RefusalResponse>().is_none() {
            return response;
        }
        RefusalContext::of(&asked.parts).write_down(response, self.app.engine.now())
    }

    async fn routed(&self, route: &Route<E>, asked: &mut RoutedRequest) -> Response {
        self.warnings.note(&self.app.origins, &asked.parts.headers);
        let Some(endpoint) = route.endpoint(&asked.parts.method) else { return route.refused() };
        let answering = endpoint.answer(asked);
        AssertUnwindSafe(answering).catch_unwind().await.unwrap_or_else(|panic| panicked(&*panic))
    }
}

/// Notes what an answer says of this server: that it is overrun, and whether its database takes writes.
fn note(app: &AuthApp, is_safe: bool, response: &Response) {
    let refusal = response.extensions().get().map(|RefusalResponse(refusal)| refusal);
    if let Some(refusal) = refusal {
        refusal_samples::note(refusal);
    }
    if !is_safe {
        let is_outage = refusal.is_some_and(|refusal| refusal.code == Code::StoreUnavailable);
        app.engine.note_write(is_outage, response.status().is_success());
    }
}

fn refused_at_once(app: &AuthApp, request: &Parts, is_safe: bool) -> Option<Refusal> {
    if !names_one_host(request) {
        return Some(Refusal::because(Code::BadRequest, "The request must have one Host header"));
    }
    if headers_exceed(&request.headers, app.largest_headers) {
        return Some(Refusal::plain(Code::HeadersTooLarge));
    }
    let may_pass = is_safe || app.origins.are_behind(&request.headers);
    (!may_pass).then(|| Refusal::plain(Code::CrossSite))
}

fn panicked(panic: &(dyn Any + Send)) -> Response {
    log_handler_panic(panic, None);
    RefusalResponse(Refusal::plain(Code::InternalError)).into_response()
}
