//! What answers the requests of a route.

use std::sync::Arc;

use axum::Router;
use axum::extract::Request;
use axum::response::{IntoResponse as _, Response};
use portcullis_api::operation::{Caller, DeviceRow, ForwardAuthRow, ServiceOperation, ServiceRow};
use tower::Service as _;

use super::routed_request::RoutedRequest;
use super::strategy::StrategyEndpoint;
use super::{App, Recorder, device, forward_auth, health, keys, metrics, revocations};

/// What answers a path and a method.
pub(super) enum Endpoint {
    /// An operation under a strategy.
    Strategy(StrategyEndpoint),
    /// An operation of the device-session surface.
    Device(DeviceRow),
    /// An operation of the service itself.
    Service(ServiceRow),
    /// What a proxy asks before it passes a request on.
    ForwardAuth(ForwardAuthRow),
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
        matches!(self, Self::Pages(_) | Self::ForwardAuth(_))
    }

    /// Whether it changes nothing, whatever the method.
    pub(super) const fn is_check(&self) -> bool {
        matches!(self, Self::ForwardAuth(_))
    }

    /// Which programs send its requests.
    pub(super) const fn caller(&self) -> Caller {
        match self {
            Self::Service(row) => row.caller,
            Self::ForwardAuth(row) => row.caller,
            Self::Strategy(_) | Self::Device(_) | Self::Style | Self::Metrics(_) | Self::Pages(_) => {
                Caller::Client
            }
        }
    }

    /// Answers a request.
    pub(super) async fn answer(&self, app: &Arc<App>, asked: &mut RoutedRequest) -> Response {
        match self {
            Self::Strategy(endpoint) => endpoint.answer(asked).await,
            Self::Device(row) => Box::pin(device::answer(app, *row, asked)).await,
            Self::ForwardAuth(row) => forward_auth::answer(app, *row, asked).await,
            Self::Service(row) => Box::pin(service(app, row.kind, asked)).await,
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
        ServiceOperation::Revocations => revocations::latest(app, asked).await,
        ServiceOperation::RevocationSnapshot => revocations::snapshot(app, asked).await,
    }
    .into_response()
}
