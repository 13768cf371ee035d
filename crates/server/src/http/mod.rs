//! HTTP: the routes of the server, made from the tables of operations.
//!
//! Sign-in, sessions and users are answered by `portcullis-http`, which services can embed, too. Here are the routes of
//! the service itself: keys, health, metrics, documents, the revocation feed and forward-auth. A handler decodes, calls
//! the engine and encodes; it decides nothing.

mod app;
mod docs;
mod endpoint;
mod forward_auth;
mod health;
mod keys;
mod metrics;
mod revocations;

use std::sync::Arc;

use axum::Router;
use http::Method;
use portcullis_api::operation::{FORWARD_AUTH_OPERATIONS, SERVICE_OPERATIONS};
use portcullis_api::refusal::{Code, Refusal};
use portcullis_axum::RefusalResponse;
use portcullis_core::strategy::StrategyName;
use portcullis_http::{EndpointRow, LayeredRoutes, RouteTable, device_rows, strategy_rows};
use portcullis_http::{answer, routed_request};

pub(crate) use app::configured_pages;
pub use app::{App, app};
pub use endpoint::ServerEndpoint;
pub use forward_auth::forward_auth_rules;
pub(crate) use forward_auth::sign_in_host;
pub use metrics::Recorder;
pub use portcullis_http::serve;

/// The routes of a server.
#[must_use]
pub fn router(app: App) -> LayeredRoutes<ServerEndpoint> {
    let app = Arc::new(app);
    let strategies = StrategyName::ROUTED.into_iter().flat_map(|name| strategy_rows(&app.auth, name));
    let auth = strategies.chain(device_rows(&app.auth));
    let auth = auth.map(|(path, method, endpoint)| (path, method, ServerEndpoint::Auth(endpoint)));
    let service = SERVICE_OPERATIONS.into_iter();
    let service =
        service.map(|row| (row.route.to_owned(), Method::GET, ServerEndpoint::Service(app.clone(), row)));
    let forward_auth = FORWARD_AUTH_OPERATIONS.into_iter();
    // The method of the row is none: what answers takes every one.
    let forward_auth = forward_auth
        .map(|row| (row.route.to_owned(), Method::GET, ServerEndpoint::ForwardAuth(app.clone(), row)));
    let metrics = app.metrics.iter().cloned();
    let metrics = metrics.map(|it| ("/metrics".to_owned(), Method::GET, ServerEndpoint::Metrics(it)));
    let docs = app.docs.then(|| pages_at(&docs::PATHS, docs::routes())).into_iter().flatten();
    let routes = RouteTable::of(auth.chain(service).chain(forward_auth).chain(metrics).chain(docs));
    portcullis_http::around(routes, app.auth.clone())
}

/// Puts the layers around pages that are no operations, at these paths.
#[must_use]
pub fn around(paths: &[&str], inner: Router, app: &App) -> LayeredRoutes<ServerEndpoint> {
    portcullis_http::around(RouteTable::of(pages_at(paths, inner)), app.auth.clone())
}

fn pages_at(paths: &[&str], inner: Router) -> Vec<EndpointRow<ServerEndpoint>> {
    let inner = inner
        .fallback(|| async { RefusalResponse(Refusal::no_route()) })
        .method_not_allowed_fallback(|| async { RefusalResponse(Refusal::plain(Code::MethodNotAllowed)) });
    let row = |path: &&str| ((*path).to_owned(), Method::GET, ServerEndpoint::Pages(inner.clone()));
    paths.iter().map(row).collect()
}
