//! `GET /healthz`, `GET /readyz`

use std::sync::Arc;
use std::time::Duration;

use http::StatusCode;
use serde_json::json;
use tokio::time::timeout;
use tracing::warn;

use super::App;
use super::answer::{HandlerResult, private};

/// How long the store may take to answer.
const STORE_TIMEOUT: Duration = Duration::from_secs(2);

pub(super) async fn up() -> HandlerResult {
    private(StatusCode::OK, &json!({ "status": "ok" }))
}

pub(super) async fn ready(app: Arc<App>) -> HandlerResult {
    match timeout(STORE_TIMEOUT, app.engine.ping()).await {
        Ok(Ok(())) => private(StatusCode::OK, &json!({ "status": "ready" })),
        missing => {
            warn!(?missing, "the database does not answer");
            let health = json!({ "status": "unavailable", "store": "database" });
            private(StatusCode::SERVICE_UNAVAILABLE, &health)
        }
    }
}
