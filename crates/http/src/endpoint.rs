//! What answers the requests of the routes under strategies and of device sessions.

use std::sync::Arc;

use axum::response::Response;
use http::Method;
use portcullis_api::operation::{self, DEVICE_OPERATIONS, DeviceRow, STRATEGY_OPERATIONS};
use portcullis_core::strategy::StrategyName;

use crate::route_endpoint::RouteEndpoint;
use crate::route_table::EndpointRow;
use crate::routed_request::RoutedRequest;
use crate::strategy::StrategyEndpoint;
use crate::{AuthApp, device};

/// An endpoint of sections of the wire contract: an operation under a strategy, or of the device-session surface.
pub struct AuthEndpoint(Answering);

enum Answering {
    /// An operation under a strategy.
    Strategy(StrategyEndpoint),
    /// An operation of the device-session surface.
    Device(Arc<AuthApp>, DeviceRow),
    /// The style sheet of pages.
    Style(Arc<AuthApp>),
}

impl RouteEndpoint for AuthEndpoint {
    async fn answer(&self, asked: &mut RoutedRequest) -> Response {
        match &self.0 {
            Answering::Strategy(endpoint) => endpoint.answer(asked).await,
            Answering::Device(app, row) => Box::pin(device::answer(app, *row, asked)).await,
            Answering::Style(app) => app.pages.style(),
        }
    }
}

/// The operations under a strategy.
pub fn strategy_rows(
    app: &Arc<AuthApp>,
    name: StrategyName,
) -> impl Iterator<Item = EndpointRow<AuthEndpoint>> {
    STRATEGY_OPERATIONS.into_iter().filter_map(move |row| {
        let endpoint = StrategyEndpoint::new(app.clone(), row, name);
        Some((row.path(name)?, method(row.method), AuthEndpoint(Answering::Strategy(endpoint))))
    })
}

/// The operations of the device-session surface, and the style sheet of its pages.
pub fn device_rows(app: &Arc<AuthApp>) -> impl Iterator<Item = EndpointRow<AuthEndpoint>> {
    let style = Answering::Style(app.clone());
    let style = (app.pages.style_route().to_owned(), Method::GET, AuthEndpoint(style));
    let operations = DEVICE_OPERATIONS.into_iter().map(|row| {
        let endpoint = AuthEndpoint(Answering::Device(app.clone(), row));
        (row.route.to_owned(), method(row.method), endpoint)
    });
    operations.chain([style])
}

const fn method(of_row: operation::Method) -> Method {
    match of_row {
        operation::Method::Get => Method::GET,
        operation::Method::Post => Method::POST,
        operation::Method::Patch => Method::PATCH,
        operation::Method::Delete => Method::DELETE,
    }
}
