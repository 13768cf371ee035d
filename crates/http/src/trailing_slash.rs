//! A trailing slash changes nothing.

use axum::extract::{OriginalUri, Request};
use axum::response::Response;
use http::Uri;
use portcullis_transport::http::{self as transport, RequestHandler};
use portcullis_transport::listener::{AcceptLimits, ListenerStop, NetworkSocket, Peer};

/// Serves requests on a listener until `stop`, then until the requests in flight are answered. A slash at the end of
/// their paths is passed over.
pub async fn serve(
    listener: impl Into<NetworkSocket>,
    handler: impl RequestHandler,
    limits: AcceptLimits,
    stop: impl Future<Output = ListenerStop>,
) {
    transport::serve(listener, WithoutTrailingSlash(handler), limits, stop).await;
}

#[derive(Clone)]
struct WithoutTrailingSlash<H>(H);

impl<H: RequestHandler> RequestHandler for WithoutTrailingSlash<H> {
    async fn answer(&self, mut request: Request, peer: Peer) -> Response {
        pass_over_trailing_slash(&mut request);
        self.0.answer(request, peer).await
    }
}

/// Takes a slash from the end of the path. The pages of the documentation need theirs: it is what their links go by.
pub(crate) fn pass_over_trailing_slash(request: &mut Request) {
    let sent = request.uri();
    let Some(path) = sent.path().strip_suffix('/').filter(|path| !path.is_empty() && !path.ends_with('/'))
    else {
        return;
    };
    if path == "/docs" || path.starts_with("/docs/") {
        return;
    }
    let path = match sent.query() {
        Some(query) => format!("{path}?{query}"),
        None => path.to_owned(),
    };
    let mut parts = sent.clone().into_parts();
    parts.path_and_query = path.try_into().ok();
    if let Ok(uri) = Uri::from_parts(parts) {
        let sent = std::mem::replace(request.uri_mut(), uri);
        request.extensions_mut().insert(OriginalUri(sent));
    }
}
