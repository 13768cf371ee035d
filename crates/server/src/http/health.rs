//! `GET /healthz`, `GET /readyz`

use std::sync::Arc;
use std::time::Duration;

use http::StatusCode;
use serde::Serialize;
use tokio::time::timeout;
use tracing::warn;

use super::App;
use super::answer::{HandlerResult, private};

/// How long the store may take to answer.
const STORE_TIMEOUT: Duration = Duration::from_secs(2);

#[derive(Serialize)]
struct Health {
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    store: Option<&'static str>,
}

pub(super) async fn up() -> HandlerResult {
    private(StatusCode::OK, &Health { status: "ok", store: None })
}

pub(super) async fn ready(app: Arc<App>) -> HandlerResult {
    match timeout(STORE_TIMEOUT, app.engine.ping()).await {
        Ok(Ok(())) => private(StatusCode::OK, &Health { status: "ready", store: None }),
        missing => {
            warn!(?missing, "the database does not answer");
            let health = Health { status: "unavailable", store: Some("database") };
            private(StatusCode::SERVICE_UNAVAILABLE, &health)
        }
    }
}
