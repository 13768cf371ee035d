//! `GET /healthz`, `GET /readyz`

use std::time::Duration;

use http::StatusCode;
use serde_json::json;
use tokio::time::timeout;
use tracing::warn;

use super::App;
use super::answer::HandlerResult;
use crate::log;

/// How many milliseconds the machine's clock may be off: as much as the difference that tokens tolerate.
const CLOCK_MAY_BE_OFF: u64 = 60_000;

/// How long the store may take to answer.
const STORE_TIMEOUT: Duration = Duration::from_secs(2);

pub(super) fn up(app: &App) -> HandlerResult {
    app.private(StatusCode::OK, &json!({ "status": "ok" }))
}

pub(super) async fn ready(app: &App) -> HandlerResult {
    let off = app.engine.clock().machine_ahead().unwrap_or(0).unsigned_abs();
    match timeout(STORE_TIMEOUT, app.engine.ping()).await {
        Ok(Ok(())) if off > CLOCK_MAY_BE_OFF => {
            let health = json!({ "status": "unavailable", "clock": "wrong" });
            app.private(StatusCode::SERVICE_UNAVAILABLE, &health)
        }
        Ok(Ok(())) => {
            let found = [
                ("writes", app.engine.writes_are_refused()),
                ("mail", app.engine.mail_is_late()),
                ("log", log::is_losing()),
            ];
            let impaired: Vec<&str> =
                found.into_iter().filter_map(|(what, is_impaired)| is_impaired.then_some(what)).collect();
            let health = match impaired {
                none if none.is_empty() => json!({ "status": "ready" }),
                impaired => json!({ "status": "ready", "impaired": impaired }),
            };
            app.private(StatusCode::OK, &health)
        }
        missing => {
            warn!(?missing, "the database does not answer");
            let health = json!({ "status": "unavailable", "store": "database" });
            app.private(StatusCode::SERVICE_UNAVAILABLE, &health)
        }
    }
}
