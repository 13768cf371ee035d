//! The routes as an axum router, for a service of its own.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::{Arc, Once};

use axum::Router;
use axum::extract::{ConnectInfo, Request};
use axum::routing::any;
use http::HeaderValue;
use http::header::HOST;
use portcullis_core::strategy::StrategyName;
use portcullis_transport::http::RequestHandler as _;
use portcullis_transport::listener::Peer;
use tracing::warn;

use crate::endpoint::{AuthEndpoint, device_rows, strategy_rows};
use crate::trailing_slash::pass_over_trailing_slash;
use crate::{AuthApp, EndpointRow, LayeredRoutes, RouteSettings, RouteTable, around};

/// The routes under one strategy, `/auth/{strategy}/…`: register, login, profile, logout, password and, for those that
/// rotate, refresh. Of [`StrategyName::Device`] there are none: see [`device_routes`].
///
/// Merge them into a router, below no prefix. They have their own layers: limits, headers, CORS, refusals.
pub fn strategy_routes<S>(settings: impl Into<RouteSettings>, strategy: StrategyName) -> Router<S>
where
    S: Clone + Send + Sync + 'static,
{
    let app = settings.into().app();
    let rows = strategy_rows(&app, strategy).collect();
    router(rows, app)
}

/// The device-session surface, `/auth/…` and `/admin/…`, with the pages that links in mails lead to. The engine must
/// deliver mail ([`Engine::deliver_mail`](portcullis_core::engine::Engine::deliver_mail)), with links to
/// `/auth/unlock` and `/auth/password/reset` of the public URL.
///
/// Merge them into a router, below no prefix. They have their own layers: limits, headers, CORS, refusals.
pub fn device_routes<S>(settings: impl Into<RouteSettings>) -> Router<S>
where
    S: Clone + Send + Sync + 'static,
{
    let app = settings.into().app();
    let rows = device_rows(&app).collect();
    router(rows, app)
}

/// One handler answers every method of every path, with a slash at its end or without, as the server's table says.
fn router<S>(rows: Vec<EndpointRow<AuthEndpoint>>, app: Arc<AuthApp>) -> Router<S>
where
    S: Clone + Send + Sync + 'static,
{
    let paths: BTreeSet<String> = rows.iter().map(|(path, ..)| path.clone()).collect();
    let routes = around(RouteTable::of(rows), app);
    let handler = any(move |request: Request| answer(routes.clone(), request));
    paths.iter().fold(Router::new(), |router, path| {
        router.route(path, handler.clone()).route(&format!("{path}/"), handler.clone())
    })
}

async fn answer(routes: LayeredRoutes<AuthEndpoint>, mut request: Request) -> axum::response::Response {
    let peer = peer(&request);
    name_host(&mut request);
    pass_over_trailing_slash(&mut request);
    routes.answer(request, peer).await
}

/// The other end of the connection.
fn peer(request: &Request) -> Peer {
    static HAS_WARNED: Once = Once::new();
    let address = request.extensions().get().map(|ConnectInfo::<SocketAddr>(address)| *address);
    if address.is_none() {
        HAS_WARNED.call_once(|| {
            warn!(
                "it is not known who connects, so all clients share one rate limit: serve the router with \
                 into_make_service_with_connect_info::<SocketAddr>()"
            );
        });
    }
    Peer { address }
}

/// HTTP/2 names the host in the target of a request (RFC 9113, section 8.3.1).
fn name_host(request: &mut Request) {
    let named = request.uri().authority().map(|authority| HeaderValue::from_str(authority.as_str()));
    if let Some(Ok(host)) = named
        && !request.headers().contains_key(HOST)
    {
        request.headers_mut().insert(HOST, host);
    }
}
