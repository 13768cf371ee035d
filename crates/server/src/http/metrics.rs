//! `GET /metrics`, in Prometheus' text format, and what is counted.

use axum::extract::{MatchedPath, Request};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::Method;
use http::header::{CONTENT_TYPE, HeaderMap};
use metrics::{counter, describe_counter, describe_gauge, gauge};
use metrics_exporter_prometheus::{BuildError, PrometheusBuilder, PrometheusHandle};
use portcullis_api::refusal::Refusal;
use portcullis_axum::Refused;
use portcullis_core::engine::Engine;
use std::sync::Arc;

use super::answer::Answer;
use super::listener::Peer;

/// What has been counted.
#[derive(Clone)]
pub struct Recorder {
    handle: PrometheusHandle,
    engine: Arc<Engine>,
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
    pub fn install(engine: Arc<Engine>) -> Result<Self, BuildError> {
        let handle = PrometheusBuilder::new().install_recorder()?;
        describe_counter!("portcullis_http_requests_total", "Requests answered, by route, method and status");
        describe_gauge!("portcullis_password_hashes_waiting", "Passwords that wait to be hashed");
        describe_gauge!("portcullis_password_hashes", "Passwords hashed since the start");
        describe_gauge!("portcullis_password_hashes_refused", "Passwords not hashed because too many waited");
        describe_gauge!(
            "portcullis_view_staleness_seconds",
            "Age of the proof that the view of sessions misses nothing"
        );
        Ok(Self { handle, engine })
    }

    /// Everything, as text.
    #[must_use]
    pub fn text(&self) -> String {
        let pool = self.engine.passwords();
        gauge!("portcullis_password_hashes_waiting").set(count(pool.waiting() as u64));
        gauge!("portcullis_password_hashes").set(count(pool.hashed()));
        gauge!("portcullis_password_hashes_refused").set(count(pool.refused()));
        gauge!("portcullis_view_staleness_seconds").set(self.engine.staleness().as_secs_f64());
        self.handle.render()
    }

    /// The answer to a scrape.
    #[must_use]
    pub fn answer(&self) -> Response {
        ([(CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], self.text()).into_response()
    }
}

#[expect(clippy::cast_precision_loss, reason = "a gauge is a float; above 2^53 nobody counts")]
const fn count(number: u64) -> f64 {
    number as f64
}

/// Shows the numbers to clients on this machine. One that came through a proxy is not on this machine.
pub(super) fn for_this_machine(recorder: &Recorder, request: &Request) -> Answer {
    let is_local =
        request.extensions().get::<Peer>().is_some_and(|peer| peer.0.ip().to_canonical().is_loopback());
    if is_local && !is_forwarded(request.headers()) {
        Ok(recorder.answer())
    } else {
        Err(Refused(Refusal::no_route()))
    }
}

fn is_forwarded(headers: &HeaderMap) -> bool {
    ["forwarded", "x-forwarded-for", "x-real-ip", "via"].iter().any(|name| headers.contains_key(*name))
}

/// A method as a label: those that a client made up are one, or each would be counted for ever.
fn known(method: &Method) -> &'static str {
    const KNOWN: [&str; 7] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];
    KNOWN.into_iter().find(|name| *name == method.as_str()).unwrap_or("other")
}

/// Counts a request under the route that it matched, never under what the client wrote.
pub(super) async fn counted(request: Request, next: Next) -> Response {
    let route = request.extensions().get::<MatchedPath>().map_or("unmatched", MatchedPath::as_str).to_owned();
    let method = known(request.method());
    let response = next.run(request).await;
    let status = response.status().as_u16().to_string();
    counter!("portcullis_http_requests_total", "route" => route, "method" => method, "status" => status)
        .increment(1);
    response
}
