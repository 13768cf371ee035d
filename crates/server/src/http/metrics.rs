//! `GET /metrics`, in Prometheus' text format, and what is counted.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use axum::extract::{MatchedPath, Request};
use axum::response::{IntoResponse, Response};
use http::header::{CONTENT_TYPE, HeaderMap};
use http::{Method, StatusCode};
use metrics::{Counter, Label, counter, describe_counter, describe_gauge, gauge};
use metrics_exporter_prometheus::{BuildError, PrometheusBuilder, PrometheusHandle};
use portcullis_api::refusal::Refusal;
use portcullis_axum::RefusalResponse;
use portcullis_core::engine::Engine;

use super::answer::Answer;
use super::listener::Peer;

/// What has been counted.
#[derive(Clone)]
pub struct Recorder {
    handle: PrometheusHandle,
    engine: Engine,
}

impl std::fmt::Debug for Recorder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Recorder")
    }
}

impl Recorder {
    /// Counts from now on, for the whole process.
    ///
    /// # Errors
    /// Somebody else counts already.
    pub fn install(engine: Engine) -> Result<Self, BuildError> {
        let handle = PrometheusBuilder::new().install_recorder()?;
        describe_counter!("portcullis_http_requests_total", "Requests answered, by route, method and status");
        describe_gauge!("portcullis_password_hashes_waiting", "Passwords that wait to be hashed");
        describe_gauge!("portcullis_password_hashes", "Passwords hashed since the start");
        describe_gauge!("portcullis_password_hashes_refused", "Passwords not hashed because too many waited");
        describe_gauge!("portcullis_mail_waiting", "Letters that wait to be sent");
        describe_gauge!(
            "portcullis_view_staleness_seconds",
            "Age of the proof that the view of sessions misses nothing"
        );
        Ok(Self { handle, engine })
    }

    /// Everything, as text.
    pub async fn text(&self) -> String {
        let pool = self.engine.passwords();
        gauge!("portcullis_password_hashes_waiting").set(count(pool.waiting() as u64));
        gauge!("portcullis_password_hashes").set(count(pool.hashed()));
        gauge!("portcullis_password_hashes_refused").set(count(pool.refused()));
        gauge!("portcullis_view_staleness_seconds").set(self.engine.staleness().as_secs_f64());
        // Where the store does not answer, the number is the last one that was known.
        if let Ok(waiting) = self.engine.mail_waiting().await {
            gauge!("portcullis_mail_waiting").set(count(waiting));
        }
        self.handle.render()
    }

    /// The answer to a scrape.
    pub async fn answer(&self) -> Response {
        ([(CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], self.text().await).into_response()
    }
}

#[expect(clippy::cast_precision_loss, reason = "a gauge is a float; above 2^53 nobody counts")]
const fn count(number: u64) -> f64 {
    number as f64
}

/// Shows the numbers to clients on this machine. One that came through a proxy is not on this machine.
pub(super) async fn for_this_machine(recorder: &Recorder, request: Request) -> Answer {
    let is_local =
        request.extensions().get::<Peer>().is_some_and(|peer| peer.0.ip().to_canonical().is_loopback());
    if is_local && !is_forwarded(request.headers()) {
        Ok(recorder.answer().await)
    } else {
        Err(RefusalResponse(Refusal::no_route()))
    }
}

fn is_forwarded(headers: &HeaderMap) -> bool {
    ["forwarded", "x-forwarded-for", "x-real-ip", "via"].iter().any(|name| headers.contains_key(*name))
}

/// Requests answered, each counted under the route that it matched, never under what the client wrote.
///
/// A counter is looked up in the recorder once and kept here: to name it takes three strings.
#[derive(Clone, Default)]
pub(super) struct Requests(Arc<RwLock<HashMap<Box<str>, Vec<Answered>>>>);

/// How many answers of one status a method of one route was given.
struct Answered {
    method: &'static str,
    status: StatusCode,
    count: Counter,
}

/// A request that is not answered yet.
pub(super) struct PendingRequest {
    requests: Requests,
    route: Option<MatchedPath>,
    method: &'static str,
}

impl Requests {
    pub(super) fn asked(&self, request: &Request) -> PendingRequest {
        PendingRequest {
            requests: self.clone(),
            route: request.extensions().get::<MatchedPath>().cloned(),
            method: known_method(request.method()),
        }
    }

    fn known(&self, route: &str, method: &str, status: StatusCode) -> Option<Counter> {
        let routes = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let mut answers = routes.get(route)?.iter();
        let answered = answers.find(|answered| answered.status == status && answered.method == method)?;
        Some(answered.count.clone())
    }

    fn add(&self, route: &str, method: &'static str, status: StatusCode) -> Counter {
        let labels = [("route", route), ("method", method), ("status", status.as_str())];
        let labels = labels.map(|(name, value)| Label::new(name, value.to_owned()));
        let count = counter!("portcullis_http_requests_total", labels.iter());
        let mut routes = self.0.write().unwrap_or_else(PoisonError::into_inner);
        // Whoever was here at the same time was given the same counter, so a second entry would do no harm.
        routes.entry(route.into()).or_default().push(Answered { method, status, count: count.clone() });
        count
    }
}

impl PendingRequest {
    /// Counts the answer.
    pub(super) fn answered(&self, status: StatusCode) {
        let (requests, method) = (&self.requests, self.method);
        let route = self.route.as_ref().map_or("unmatched", MatchedPath::as_str);
        let count = requests.known(route, method, status);
        count.unwrap_or_else(|| requests.add(route, method, status)).increment(1);
    }
}

/// A client can make up any number of methods; they are counted as one.
fn known_method(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        Method::OPTIONS => "OPTIONS",
        _ => "other",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn made_up_methods_are_counted_as_one() {
        let methods = ["GET", "POST", "get", "FROB1", "FROB2"].map(|name| name.parse::<Method>().unwrap());
        assert_eq!(methods.each_ref().map(known_method), ["GET", "POST", "other", "other", "other"]);
    }

    #[test]
    fn a_counter_is_kept_by_route_method_and_status() {
        let requests = Requests::default();
        let known = |route, method, status| requests.known(route, method, status).is_some();
        let request = Request::builder().uri("/made-up").body(axum::body::Body::empty()).unwrap();
        requests.asked(&request).answered(StatusCode::NOT_FOUND);
        assert!(known("unmatched", "GET", StatusCode::NOT_FOUND));
        assert!(!known("unmatched", "POST", StatusCode::NOT_FOUND));
        assert!(!known("unmatched", "GET", StatusCode::OK));
        assert!(!known("/made-up", "GET", StatusCode::NOT_FOUND));
    }
}
