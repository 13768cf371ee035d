//! What answers the requests of a route, as the table and the layers see it.

use axum::response::Response;
use portcullis_api::operation::Caller;

use crate::routed_request::RoutedRequest;

/// What answers a path and a method.
pub trait RouteEndpoint: Send + Sync + 'static {
    /// Whether it decides about methods itself.
    fn takes_any_method(&self) -> bool {
        false
    }

    /// Whether it changes nothing, whatever the method.
    fn is_check(&self) -> bool {
        false
    }

    /// Which programs send its requests.
    fn caller(&self) -> Caller {
        Caller::Client
    }

    /// Answers a request.
    fn answer(&self, asked: &mut RoutedRequest) -> impl Future<Output = Response> + Send;
}
