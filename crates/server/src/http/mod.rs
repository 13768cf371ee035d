//! HTTP: the routes, made from the tables of operations, and the layers around them.
//!
//! A handler decodes, calls the engine and encodes; it decides nothing. The type of an operation says who may call it:
//! the handlers of users' own operations stand behind a guard.

mod answer;
mod connection;
mod cors;
mod decoded_request;
mod device;
mod docs;
mod health;
mod inspect_layer;
mod keys;
mod layers;
mod metrics;
mod origin;
mod pages;
mod rate_limited;
mod request_origin;
mod route_counters;
mod strategy;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use axum::handler::Handler;
use axum::response::IntoResponse as _;
use axum::routing::{MethodRouter, delete, get, patch, post};
use http::HeaderName;
use portcullis_api::operation::{
    Method, OwnStrategyOperation, PublicStrategyOperation, SERVICE_OPERATIONS, STRATEGY_OPERATIONS,
    ServiceOperation, StrategyOperation, StrategyRow,
};
use portcullis_axum::{CurrentUser, Guard, OtherSessions, SessionCookie};
use portcullis_core::engine::Engine;
use portcullis_core::strategy::StrategyName;

use crate::operations::OperationDispatcher;
use crate::proxies::TrustedProxies;
use crate::rate_limit::RateLimits;
use answer::{HandlerResult, delay_if_busy};
pub use connection::{HttpConnectionLimits, RequestHandler, serve};
pub use layers::{LayeredRoutes, around};
pub use metrics::Recorder;
pub use origin::Origins;
pub use pages::Pages;
use rate_limited::rate_limited;
use strategy::Route;

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
    /// Whether the documentation is public.
    pub docs: bool,
    /// The metrics; `None` where the main listener does not show them to this machine.
    pub metrics: Option<Recorder>,
}

/// The routes of a server.
#[must_use]
pub fn router(app: App) -> LayeredRoutes {
    let app = Arc::new(app);
    let mut router = Router::new();
    for name in StrategyName::ROUTED {
        for operation in STRATEGY_OPERATIONS {
            let Some(path) = operation.path(name) else { continue };
            router = router.route(&path, strategy_route(&operation, &app, name));
        }
    }
    for operation in SERVICE_OPERATIONS {
        router = router.route(operation.route, service_handler(operation.kind, app.clone()));
    }
    router = router.merge(device::routes(&app)).merge(app.pages.routes());
    if app.docs {
        router = router.merge(docs::routes());
    }
    if let Some(recorder) = app.metrics.clone() {
        router = router.route(
            "/metrics",
            get(async move |asked: Request| metrics::for_this_machine(&recorder, asked).await),
        );
    }
    layers::around(router, &app)
}

/// The handler of an operation, behind what its row and its type ask for.
fn strategy_route(row: &StrategyRow, app: &Arc<App>, name: StrategyName) -> MethodRouter {
    use OwnStrategyOperation::{Logout, Password, Profile};
    use PublicStrategyOperation::{Login, Refresh, Register};
    let (route, method) = (Route::new(app.clone(), name), row.method);
    let handler = match row.kind {
        StrategyOperation::Public(kind) => match kind {
            Register => on(method, |request| delay_if_busy(route.register(request))),
            Login => on(method, |request| delay_if_busy(route.login(request))),
            Refresh => on(method, |request| route.refresh(request)),
        },
        StrategyOperation::Own(kind) => {
            let guard = Guard::with(app.engine.clone(), name, app.cookie.clone(), app.requires_tenant);
            match kind {
                Profile => guarded(method, guard, route, async |route, user, _, _| route.profile(&user)),
                Logout => {
                    let guard = guard.for_sign_out();
                    guarded(method, guard, route, |route, user, others, request| {
                        route.logout(user, others, request)
                    })
                }
                Password => guarded(method, guard, route, |route, user, _, request| {
                    delay_if_busy(route.password(user, request))
                }),
            }
        }
    };
    // A refresh is counted once its body has said which session it is of.
    let is_refresh = row.kind == StrategyOperation::Public(Refresh);
    rate_limited(handler, row.limited && !is_refresh, app)
}

/// A handler behind a guard. The guard calls it, so that neither is boxed for a request, as a layer is.
fn guarded<F, H>(method: Method, guard: Guard, route: Route, handler: H) -> MethodRouter
where
    H: Fn(Route, CurrentUser, OtherSessions, Request) -> F + Copy + Send + Sync + 'static,
    F: Future<Output = HandlerResult> + Send + 'static,
{
    on(method, async move |request: Request| {
        let answering = guard.answer(request, |user, others, request| {
            let answering = handler(route, user, others, request);
            async { answering.await.into_response() }
        });
        answering.await
    })
}

fn service_handler(kind: ServiceOperation, app: Arc<App>) -> MethodRouter {
    match kind {
        ServiceOperation::Jwks | ServiceOperation::TenantJwks => {
            get(move |tenant| keys::key_set(app, tenant))
        }
        ServiceOperation::Metadata | ServiceOperation::TenantMetadata => {
            get(move |tenant, asked| keys::metadata(app, tenant, asked))
        }
        ServiceOperation::Health => get(health::up),
        ServiceOperation::Ready => get(move || health::ready(app)),
    }
}

fn on<H, T>(method: Method, handler: H) -> MethodRouter
where
    H: Handler<T, ()>,
    T: 'static,
{
    match method {
        Method::Get => get(handler),
        Method::Post => post(handler),
        Method::Patch => patch(handler),
        Method::Delete => delete(handler),
    }
}
