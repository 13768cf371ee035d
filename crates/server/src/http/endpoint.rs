//! What answers the requests of a route of the server.

use std::sync::Arc;

use axum::Router;
use axum::extract::Request;
use axum::response::{IntoResponse as _, Response};
use portcullis_api::operation::{Caller, ForwardAuthRow, ServiceOperation, ServiceRow};
use portcullis_http::{AuthEndpoint, RouteEndpoint};
use tower::Service as _;

use super::routed_request::RoutedRequest;
use super::{App, Recorder, forward_auth, health, keys, metrics, revocations};

/// What answers a path and a method.
pub enum ServerEndpoint {
    /// An operation under a strategy, or of the device-session surface.
    Auth(AuthEndpoint),
    /// An operation of the service itself.
    Service(Arc<App>, ServiceRow),
    /// What a proxy asks before it passes a request on.
    ForwardAuth(Arc<App>, ForwardAuthRow),
    /// The metrics, for this machine.
    Metrics(Recorder),
    /// Pages that another library makes.
    Pages(Router),
}

impl RouteEndpoint for ServerEndpoint {
    fn takes_any_method(&self) -> bool {
        matches!(self, Self::Pages(_) | Self::ForwardAuth(..))
    }

    fn is_check(&self) -> bool {
        matches!(self, Self::ForwardAuth(..))
    }

    fn caller(&self) -> Caller {
        match self {
            Self::Service(_, row) => row.caller,
            Self::ForwardAuth(_, row) => row.caller,
            Self::Auth(_) | Self::Metrics(_) | Self::Pages(_) => Caller::Client,
        }
    }

    async fn answer(&self, asked: &mut RoutedRequest) -> Response {
        match self {
            Self::Auth(endpoint) => endpoint.answer(asked).await,
            Self::ForwardAuth(app, row) => forward_auth::answer(app, *row, asked).await,
            Self::Service(app, row) => Box::pin(service(app, row.kind, asked)).await,
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
