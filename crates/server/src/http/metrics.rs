//! `GET /metrics` in Prometheus' text format, and the metrics.

use std::sync::{Mutex, PoisonError};

use axum::response::{IntoResponse, Response};
use http::header::{CONTENT_TYPE, HeaderMap};
use metrics::{counter, describe_counter, describe_gauge, gauge};
use metrics_exporter_prometheus::{BuildError, PrometheusBuilder, PrometheusHandle};
use portcullis_api::refusal::Refusal;
use portcullis_axum::RefusalResponse;
use portcullis_core::engine::Engine;
use portcullis_core::liveness::{LookUpCounts, ViewState};

use super::answer::HandlerResult;
use super::routed_request::RoutedRequest;
use crate::log;

/// The process's metrics.
#[derive(Clone, Debug)]
pub struct Recorder {
    handle: PrometheusHandle,
    engine: Engine,
}

impl Recorder {
    /// Installs the recorder for the whole process, unless this did so before.
    ///
    /// # Errors
    /// Another recorder is installed.
    pub fn install(engine: Engine) -> Result<Self, BuildError> {
        static INSTALLED: Mutex<Option<PrometheusHandle>> = Mutex::new(None);
        let mut installed = INSTALLED.lock().unwrap_or_else(PoisonError::into_inner);
        let handle = match &*installed {
            Some(handle) => handle.clone(),
            None => installed.insert(PrometheusBuilder::new().install_recorder()?).clone(),
        };
        drop(installed);
        describe_counter!("portcullis_http_requests_total", "Requests answered, by route, method and status");
        describe_gauge!("portcullis_password_hashes_waiting", "Passwords that wait to be hashed");
        describe_counter!("portcullis_password_hashes_total", "Passwords hashed");
        describe_counter!(
            "portcullis_password_hashes_refused_total",
            "Passwords not hashed because they would have waited too long"
        );
        describe_counter!("portcullis_log_lines_lost_total", "Lines of the log that could not be written");
        describe_counter!("portcullis_refused_total", "Requests answered 429 or 503, by code");
        describe_gauge!("portcullis_mail_waiting", "Mails that wait to be sent");
        describe_gauge!(
            "portcullis_view_staleness_seconds",
            "Age of the proof that the view of sessions misses nothing"
        );
        describe_gauge!(
            "portcullis_view_staleness_of_tenants_seconds",
            "The same of the tenants with a database of their own: of the oldest view"
        );
        describe_counter!(
            "portcullis_view_lookups_total",
            "Look-ups in the views of sessions and users, by how they were answered"
        );
        describe_gauge!("portcullis_view_entries", "Sessions and users in memory");
        describe_gauge!(
            "portcullis_clock_ahead_seconds",
            "How far the machine's clock is ahead of the database's, whose time counts"
        );
        Ok(Self { handle, engine })
    }

    /// All metrics as text.
    pub async fn text(&self) -> String {
        let pool = self.engine.passwords();
        gauge!("portcullis_password_hashes_waiting").set(gauge_value(pool.waiting() as u64));
        counter!("portcullis_password_hashes_total").absolute(pool.hashed());
        counter!("portcullis_password_hashes_refused_total").absolute(pool.refused());
        counter!("portcullis_log_lines_lost_total").absolute(log::lost());
        gauge!("portcullis_view_staleness_seconds").set(self.engine.staleness().as_secs_f64());
        if let Some(milliseconds) = self.engine.clock().machine_ahead() {
            gauge!("portcullis_clock_ahead_seconds").set(seconds_of(milliseconds));
        }
        show_views(&self.engine.views().await);
        // If the store does not answer, the last known number stays.
        if let Ok(waiting) = self.engine.mail_waiting().await {
            gauge!("portcullis_mail_waiting").set(gauge_value(waiting));
        }
        self.handle.render()
    }

    /// The answer to a scrape.
    pub async fn answer(&self) -> Response {
        ([(CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], self.text().await).into_response()
    }
}

/// Shows the view of the installation's database, and those of tenants' databases as one.
fn show_views(views: &[ViewState]) {
    let (shared, of_tenants) = views.split_at(views.len().min(1));
    show("shared", shared);
    if let Some(oldest) = of_tenants.iter().map(|view| view.staleness).max() {
        show("of_tenants", of_tenants);
        gauge!("portcullis_view_staleness_of_tenants_seconds").set(oldest.as_secs_f64());
    }
}

fn show(database: &'static str, views: &[ViewState]) {
    let of_sessions: Vec<LookUpCounts> = views.iter().map(|view| view.sessions).collect();
    let of_users: Vec<LookUpCounts> = views.iter().map(|view| view.users).collect();
    for (record, counts) in [("session", of_sessions), ("user", of_users)] {
        let sum = |count: fn(LookUpCounts) -> u64| counts.iter().copied().map(count).sum();
        let answered = [
            ("hit", sum(|counts| counts.hits)),
            ("miss", sum(|counts| counts.misses)),
            ("bypass", sum(|counts| counts.bypasses)),
        ];
        for (outcome, count) in answered {
            let labels = [("database", database), ("record", record), ("outcome", outcome)];
            counter!("portcullis_view_lookups_total", &labels).absolute(count);
        }
        let entries = gauge_value(sum(|counts| counts.entries));
        gauge!("portcullis_view_entries", "database" => database, "record" => record).set(entries);
    }
}

#[expect(clippy::cast_precision_loss, reason = "a gauge is a float; no count reaches 2^53")]
const fn gauge_value(number: u64) -> f64 {
    number as f64
}

#[expect(clippy::cast_precision_loss, reason = "a gauge is a float; no clock is off by 2^53 milliseconds")]
const fn seconds_of(milliseconds: i64) -> f64 {
    milliseconds as f64 / 1000.0
}

/// Shows the metrics to clients on this machine. A request through a proxy is not from this machine.
pub(super) async fn for_this_machine(recorder: &Recorder, asked: &RoutedRequest) -> HandlerResult {
    let is_local = asked.peer.ip().is_some_and(|ip| ip.to_canonical().is_loopback());
    if is_local && !is_forwarded(&asked.parts.headers) {
        Ok(recorder.answer().await)
    } else {
        Err(RefusalResponse(Refusal::no_route()))
    }
}

fn is_forwarded(headers: &HeaderMap) -> bool {
    ["forwarded", "x-forwarded-for", "x-real-ip", "via"].iter().any(|name| headers.contains_key(*name))
}
