//! HTTP: the routes, made from the tables of operations, and the layers around them.
//!
//! A handler decodes, calls the engine and encodes; it decides nothing. The type of an operation says who may call it:
//! the handlers of users' own operations stand behind a guard.

mod answer;
mod cors;
mod decoded_request;
mod device;
mod docs;
mod endpoint;
mod forward_auth;
mod health;
mod keys;
mod layers;
mod metrics;
mod origin;
mod pages;
mod rate_limited;
mod request_origin;
mod revocations;
mod route_counter;
mod route_table;
mod routed_request;
mod strategy;
mod trailing_slash;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use http::{HeaderName, Method};
use portcullis_api::operation::{
    self, DEVICE_OPERATIONS, FORWARD_AUTH_OPERATIONS, SERVICE_OPERATIONS, STRATEGY_OPERATIONS,
};
use portcullis_api::refusal::{Code, Refusal};
use portcullis_axum::{Origins, RefusalResponse, SessionCookie};
use portcullis_core::engine::Engine;
use portcullis_core::strategy::StrategyName;

use crate::operations::OperationDispatcher;
use crate::rate_limit::RateLimits;
pub use answer::AnswerHeaders;
use endpoint::Endpoint;
pub use forward_auth::ForwardAuthRules;
pub use layers::LayeredRoutes;
pub use metrics::Recorder;
pub use pages::Pages;
use portcullis_transport::proxies::TrustedProxies;
use route_table::RouteTable;
use strategy::StrategyEndpoint;
pub use trailing_slash::serve;

/// What every handler uses.
#[derive(Clone)]
pub struct App {
    /// The engine that handlers call.
    pub engine: Engine,
    /// The dispatcher of the device-session surface.
    pub operations: OperationDispatcher,
    /// Name and attributes of the session cookie.
    pub cookie: SessionCookie,
    /// Whether a request must name its tenant.
    pub requires_tenant: bool,
    /// The most bytes of a body.
    pub largest_body: usize,
    /// The most bytes of the headers together.
    pub largest_headers: usize,
    /// How long a client may take to send a body.
    pub body_timeout: Duration,
    /// The proxies whose headers name a client's address.
    pub proxies: TrustedProxies,
    /// The rate limit of each address.
    pub rates: Arc<RateLimits>,
    /// The pages that links in mails lead to.
    pub pages: Arc<Pages>,
    /// The origins whose pages may call from a browser.
    pub origins: Origins,
    /// What further request headers those pages may send.
    pub cors_headers: Vec<HeaderName>,
    /// The public URL without a slash at its end; `None` in development mode.
    pub public_url: Option<String>,
    /// Whether the public URL is https: cookies are `Secure`, and browsers are told to insist on it.
    pub https: bool,
    /// What forward-auth requires.
    pub forward_auth: Arc<ForwardAuthRules>,
    /// The headers of answers.
    pub headers: AnswerHeaders,
    /// Whether the documentation is public.
    pub docs: bool,
    /// The metrics; `None` where the main listener does not show them to this machine.
    pub metrics: Option<Recorder>,
}

/// The routes of a server.
#[must_use]
pub fn router(app: App) -> LayeredRoutes {
    let app = Arc::new(app);
    let strategies = StrategyName::ROUTED.into_iter().flat_map(|name| {
        let app = &app;
        STRATEGY_OPERATIONS.into_iter().filter_map(move |row| {
            let endpoint = StrategyEndpoint::new(app.clone(), row, name);
            Some((row.path(name)?, method(row.method), Endpoint::Strategy(endpoint)))
        })
    });
    let service = SERVICE_OPERATIONS.into_iter();
    let service = service.map(|row| (row.route.to_owned(), Method::GET, Endpoint::Service(row)));
    let device = DEVICE_OPERATIONS.into_iter();
    let device = device.map(|row| (row.route.to_owned(), method(row.method), Endpoint::Device(row)));
    let forward_auth = FORWARD_AUTH_OPERATIONS.into_iter();
    // The method of the row is none: what answers takes every one.
    let forward_auth =
        forward_auth.map(|row| (row.route.to_owned(), Method::GET, Endpoint::ForwardAuth(row)));
    let style = [(app.pages.style_route().to_owned(), Method::GET, Endpoint::Style)];
    let metrics = app.metrics.iter().cloned();
    let metrics = metrics.map(|it| ("/metrics".to_owned(), Method::GET, Endpoint::Metrics(it)));
    let docs = app.docs.then(|| pages(&docs::PATHS, docs::routes())).into_iter().flatten();
    let rows = strategies.chain(service).chain(device).chain(forward_auth);
    let routes = RouteTable::of(rows.chain(style).chain(metrics).chain(docs));
    layers::around(routes, app)
}

fn method(of_row: operation::Method) -> Method {
    match of_row {
        operation::Method::Get => Method::GET,
        operation::Method::Post => Method::POST,
        operation::Method::Patch => Method::PATCH,
        operation::Method::Delete => Method::DELETE,
    }
}

/// Puts the layers around pages that are no operations, at these paths.
#[must_use]
pub fn around(paths: &[&str], inner: Router, app: Arc<App>) -> LayeredRoutes {
    layers::around(RouteTable::of(pages(paths, inner)), app)
}

fn pages(paths: &[&str], inner: Router) -> Vec<(String, Method, Endpoint)> {
    let inner = inner
        .fallback(|| async { RefusalResponse(Refusal::no_route()) })
        .method_not_allowed_fallback(|| async { RefusalResponse(Refusal::plain(Code::MethodNotAllowed)) });
    let row = |path: &&str| ((*path).to_owned(), Method::GET, Endpoint::Pages(inner.clone()));
    paths.iter().map(row).collect()
}
