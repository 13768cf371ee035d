//! Answers: JSON, and the headers of all.

use std::time::Duration;

use axum::body::Body;
use axum::response::Response;
use http::StatusCode;
use http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue,
    REFERRER_POLICY, STRICT_TRANSPORT_SECURITY, VARY, X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use portcullis_api::refusal::{Code, Refusal};
pub use portcullis_axum::JSON;
use portcullis_axum::RefusalResponse;
use serde::Serialize;
use tokio::time::sleep;

use crate::AuthApp;

/// The result of a handler.
pub type HandlerResult = Result<Response, RefusalResponse>;

const NO_STORE: HeaderValue = HeaderValue::from_static("no-store");
/// An answer to one origin is not one to another, whatever a cache holds.
const BY_ORIGIN: HeaderValue = HeaderValue::from_static("origin");

/// Headers for browsers (OWASP Secure Headers).
const FOR_BROWSERS: [(HeaderName, HeaderValue); 6] = [
    (X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    (X_FRAME_OPTIONS, HeaderValue::from_static("DENY")),
    (REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
    (CONTENT_SECURITY_POLICY, HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'")),
    (HeaderName::from_static("cross-origin-opener-policy"), HeaderValue::from_static("same-origin")),
    (
        HeaderName::from_static("permissions-policy"),
        HeaderValue::from_static("camera=(), geolocation=(), microphone=()"),
    ),
];

/// The headers that answers have in common.
#[derive(Clone, Debug)]
pub struct AnswerHeaders {
    https: bool,
    /// Those of an answer for one client, all of them: to copy a table costs less than to fill one.
    json: HeaderMap,
    /// The same of an answer without a body.
    empty: HeaderMap,
}

impl AnswerHeaders {
    /// Those of a server that is reached over https, or over http on the machine itself.
    #[must_use]
    pub fn over(https: bool) -> Self {
        let headers = Self { https, json: HeaderMap::new(), empty: HeaderMap::new() };
        let mut json = HeaderMap::from_iter([(CONTENT_TYPE, JSON), (CACHE_CONTROL, NO_STORE)]);
        headers.complete(&mut json);
        let mut empty = HeaderMap::from_iter([(CACHE_CONTROL, NO_STORE)]);
        headers.complete(&mut empty);
        Self { json, empty, ..headers }
    }

    /// Adds those that every answer has, unless the answer has its own, or was made with them.
    pub(crate) fn complete(&self, headers: &mut HeaderMap) {
        // Looked at from the last one: what was not made with all of them is filled.
        if FOR_BROWSERS.iter().rev().all(|(name, _)| headers.contains_key(name)) {
            return;
        }
        headers.append(VARY, BY_ORIGIN);
        for (name, value) in FOR_BROWSERS {
            headers.entry(name).or_insert(value);
        }
        if self.https {
            headers.insert(STRICT_TRANSPORT_SECURITY, HeaderValue::from_static("max-age=31536000"));
        }
    }
}

/// The pause before a busy server's refusal.
const MOMENT: Duration = Duration::from_millis(25);

/// Delays the refusal of a busy server. A client that ignores `Retry-After` and asks again at once would otherwise take
/// the processor from the requests that are served.
///
/// # Errors
/// That of `answering`.
pub async fn delay_if_busy(answering: impl Future<Output = HandlerResult>) -> HandlerResult {
    let answer = answering.await;
    if answer.as_ref().is_err_and(|RefusalResponse(refusal)| refusal.code == Code::Busy) {
        sleep(MOMENT).await;
    }
    answer
}

/// Room for the body of a check's answer.
const BODY: usize = 256;

impl AuthApp {
    /// An answer for one client only.
    ///
    /// # Errors
    /// An internal error: the body cannot be JSON.
    pub fn private(&self, status: StatusCode, body: &impl Serialize) -> HandlerResult {
        let mut text = Vec::with_capacity(BODY);
        serde_json::to_writer(&mut text, body)
            .map_err(|_| RefusalResponse(Refusal::plain(Code::InternalError)))?;
        Ok(self.private_json(status, text))
    }

    /// An answer that caches may keep as `cache_control` says.
    ///
    /// # Errors
    /// An internal error: the body cannot be JSON.
    pub fn cached(&self, body: &impl Serialize, cache_control: &'static str) -> HandlerResult {
        let mut response = self.private(StatusCode::OK, body)?;
        response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static(cache_control));
        Ok(response)
    }

    /// An answer for one client only that is JSON already.
    pub(crate) fn private_json(&self, status: StatusCode, text: Vec<u8>) -> Response {
        let mut response = Response::new(Body::from(text));
        *response.status_mut() = status;
        response.headers_mut().clone_from(&self.headers.json);
        response
    }

    /// An answer for one client only that has no body.
    #[must_use]
    pub fn private_empty(&self, status: StatusCode) -> Response {
        let mut response = Response::default();
        *response.status_mut() = status;
        response.headers_mut().clone_from(&self.headers.empty);
        response
    }
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
        assert_eq!(takes(Ok(Response::default())).await, Duration::ZERO);
    }

    #[test]
    fn an_answer_that_was_made_with_the_common_headers_gets_none_twice() {
        for https in [false, true] {
            let made = AnswerHeaders::over(https);
            let mut json = made.json.clone();
            made.complete(&mut json);
            assert_eq!((json.len(), &json), (if https { 10 } else { 9 }, &made.json));
        }
    }

    #[test]
    fn an_answer_keeps_its_own_headers() {
        let own = HeaderValue::from_static("default-src 'self'");
        let mut headers = HeaderMap::from_iter([(CONTENT_SECURITY_POLICY, own.clone())]);
        AnswerHeaders::over(true).complete(&mut headers);
        assert_eq!(headers.get_all(CONTENT_SECURITY_POLICY).iter().collect::<Vec<_>>(), [&own]);
        assert_eq!(headers.len(), 8);
    }
}
