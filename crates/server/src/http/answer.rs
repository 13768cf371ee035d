//! Successful responses.

use std::time::Duration;

use axum::body::Body;
use axum::response::Response;
use http::StatusCode;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderValue};
use portcullis_api::refusal::{Code, Refusal};
use portcullis_axum::RefusalResponse;
use serde::Serialize;
use tokio::time::sleep;

/// The result of a handler.
pub(super) type HandlerResult = Result<Response, RefusalResponse>;

/// The media type of every answer.
pub(super) const JSON: HeaderValue = HeaderValue::from_static("application/json; charset=utf-8");

/// The pause before a busy server's refusal.
const MOMENT: Duration = Duration::from_millis(25);

/// Delays the refusal of a busy server. A client that ignores `Retry-After` and asks again at once would otherwise take
/// the processor from the requests that are served.
pub(super) async fn delay_if_busy(answering: impl Future<Output = HandlerResult>) -> HandlerResult {
    let answer = answering.await;
    if answer.as_ref().is_err_and(|RefusalResponse(refusal)| refusal.code == Code::Busy) {
        sleep(MOMENT).await;
    }
    answer
}

/// Room for the body of a check's answer.
const BODY: usize = 256;

/// Room for the headers of an answer: as many as a browser of an allowed origin gets over https, with a cookie.
const HEADERS: usize = 15;

/// An answer for one client only.
pub(super) fn private(status: StatusCode, body: &impl Serialize) -> HandlerResult {
    cached(status, body, "no-store")
}

/// An answer that caches may keep as `cache_control` says.
pub(super) fn cached(
    status: StatusCode,
    body: &impl Serialize,
    cache_control: &'static str,
) -> HandlerResult {
    let mut text = Vec::with_capacity(BODY);
    serde_json::to_writer(&mut text, body)
        .map_err(|_| RefusalResponse(Refusal::plain(Code::InternalError)))?;
    Ok(json(status, text, cache_control))
}

/// An answer that is JSON already.
pub(super) fn json(status: StatusCode, text: Vec<u8>, cache_control: &'static str) -> Response {
    let mut response = Response::new(Body::from(text));
    *response.status_mut() = status;
    // The layers add more: one allocation for all.
    response.headers_mut().reserve(HEADERS);
    response.headers_mut().insert(CONTENT_TYPE, JSON);
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static(cache_control));
    response
}

#[cfg(test)]
mod tests {
    use portcullis_core::password::HashRefused;
    use tokio::time::Instant;

    use super::*;

    async fn takes(answer: HandlerResult) -> Duration {
        let begun = Instant::now();
        let _ = delay_if_busy(async { answer }).await;
        begun.elapsed()
    }

    #[tokio::test(start_paused = true)]
    async fn only_a_busy_servers_refusal_takes_its_time() {
        let busy = HashRefused::Busy { retry_after: Duration::from_secs(1) };
        assert_eq!(takes(Err(RefusalResponse(busy.into()))).await, MOMENT);
        assert_eq!(takes(Err(RefusalResponse(Refusal::plain(Code::Unauthorized)))).await, Duration::ZERO);
        assert_eq!(takes(private(StatusCode::OK, &())).await, Duration::ZERO);
    }
}
