//! A layer made of one function: it sees a request on its way in, and the response on its way out.
//!
//! `axum::middleware::from_fn` can do more (wait, call twice), but it copies and boxes all inner services for each
//! request. This layer calls the inner service in place.

use std::convert::Infallible;
use std::future::ready;
use std::pin::Pin;
use std::task::{Context, Poll};

use axum::BoxError;
use axum::body::{Body, HttpBody};
use axum::extract::Request;
use axum::response::Response;
use bytes::Bytes;
use tower::{Layer, Service};

/// A layer of `F`. It returns what to do with the response, or a response that ends the request here.
#[derive(Clone, Debug)]
pub(super) struct InspectLayer<F>(F);

/// Makes a layer of a function from the request to what is done with the response.
pub(super) const fn inspect<F, G>(inspects: F) -> InspectLayer<F>
where
    F: Fn(&mut Request) -> Result<G, Box<Response>>,
    G: FnOnce(Response) -> Response,
{
    InspectLayer(inspects)
}

impl<F: Clone, S> Layer<S> for InspectLayer<F> {
    type Service = InspectService<F, S>;

    fn layer(&self, inner: S) -> InspectService<F, S> {
        InspectService { inspects: self.0.clone(), inner }
    }
}

/// The service of an [`InspectLayer`].
#[derive(Clone, Debug)]
pub(super) struct InspectService<F, S> {
    inspects: F,
    inner: S,
}

type Answering = Pin<Box<dyn Future<Output = Result<Response, Infallible>> + Send>>;

impl<F, G, S, B> Service<Request> for InspectService<F, S>
where
    F: Fn(&mut Request) -> Result<G, Box<Response>>,
    G: FnOnce(Response) -> Response + Send + 'static,
    S: Service<Request, Response = Response<B>, Error = Infallible>,
    S::Future: Send + 'static,
    B: HttpBody<Data = Bytes, Error: Into<BoxError>> + Send + 'static,
{
    type Response = Response;
    type Error = Infallible;
    type Future = Answering;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, mut request: Request) -> Answering {
        match (self.inspects)(&mut request) {
            Ok(on_response) => {
                let answering = self.inner.call(request);
                Box::pin(async move { Ok(on_response(answering.await?.map(Body::new))) })
            }
            Err(response) => Box::pin(ready(Ok(*response))),
        }
    }
}

#[cfg(test)]
mod tests {
    use axum::Router;
    use axum::response::IntoResponse as _;
    use axum::routing::get;
    use http::StatusCode;
    use tower::ServiceExt as _;

    use super::*;

    async fn answer(path: &str) -> (StatusCode, bool) {
        let layer = inspect(|request: &mut Request| match request.uri().path() {
            "/refused" => Err(Box::new(StatusCode::FORBIDDEN.into_response())),
            _ => Ok(|mut response: Response| {
                response.headers_mut().insert("seen", http::HeaderValue::from_static("off"));
                response
            }),
        });
        let inside = || async { StatusCode::IM_A_TEAPOT };
        let router = Router::new().route("/let-in", get(inside)).route("/refused", get(inside)).layer(layer);
        let request = Request::builder().uri(path).body(Body::empty()).unwrap();
        let response = router.oneshot(request).await.unwrap();
        (response.status(), response.headers().contains_key("seen"))
    }

    #[tokio::test]
    async fn a_refused_request_goes_no_further_and_the_answers_to_others_are_inspected() {
        assert_eq!(answer("/refused").await, (StatusCode::FORBIDDEN, false));
        assert_eq!(answer("/let-in").await, (StatusCode::IM_A_TEAPOT, true));
    }
}
