//! What answers the requests of a route.

use std::sync::Arc;

use axum::Router;
use axum::extract::Request;
use axum::response::{IntoResponse as _, Response};
use portcullis_api::operation::{DeviceRow, ServiceOperation};
use tower::Service as _;

use super::routed_request::RoutedRequest;
use super::strategy::StrategyEndpoint;
use super::{App, Recorder, device, health, keys, metrics};

/// What answers a path and a method.
pub(super) enum Endpoint {
    /// An operation under a strategy.
    Strategy(StrategyEndpoint),
    /// An operation of the device-session surface.
    Device(DeviceRow),
    /// An operation of the service itself.
    Service(ServiceOperation),
    /// The style sheet of pages.
    Style,
    /// The metrics, for this machine.
    Metrics(Recorder),
    /// Pages that another library makes.
    Pages(Router),
}

impl Endpoint {
    /// Whether it decides about methods itself.
    pub(super) const fn takes_any_method(&self) -> bool {
        matches!(self, Self::Pages(_))
    }

    /// Answers a request.
    pub(super) async fn answer(&self, app: &Arc<App>, asked: &mut RoutedRequest) -> Response {
        match self {
            Self::Strategy(endpoint) => endpoint.answer(asked).await,
            Self::Device(row) => Box::pin(device::answer(app, *row, asked)).await,
            Self::Service(operation) => Box::pin(service(app, *operation, asked)).await,
            Self::Style => app.pages.style(),
            Self::Metrics(recorder) => {
                Box::pin(metrics::for_this_machine(recorder, asked)).await.into_response()
            }
            Self::Pages(router) => {
                let request = Request::from_parts(asked.parts.clone(), asked.take_body());
                router.clone().call(request).await.unwrap_or_else(|never| match never {})
            }
        }
    }
}

async fn service(app: &App, operation: ServiceOperation, asked: &RoutedRequest) -> Response {
    match operation {
        ServiceOperation::Jwks | ServiceOperation::TenantJwks => keys::key_set(app, asked).await,
        ServiceOperation::Metadata | ServiceOperation::TenantMetadata => keys::metadata(app, asked).await,
        ServiceOperation::Health => health::up(app),
        ServiceOperation::Ready => health::ready(app).await,
    }
    .into_response()
}
