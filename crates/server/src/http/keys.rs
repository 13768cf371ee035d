//! `GET /.well-known/jwks.json` and `GET /t/{tenant}/.well-known/jwks.json`

use std::sync::Arc;

use axum::extract::Path;
use http::StatusCode;
use portcullis_api::refusal::Refusal;
use portcullis_core::engine::TenantError;
use portcullis_core::id::TenantId;

use super::App;
use super::answer::{HandlerResult, cached};

/// Long enough to save requests, shorter than a new key is published before it signs.
const FOR_FIVE_MINUTES: &str = "public, max-age=300";

pub(super) async fn of_default(app: Arc<App>) -> HandlerResult {
    published(&app, &TenantId::default_tenant()).await
}

pub(super) async fn of_tenant(app: Arc<App>, Path(tenant): Path<String>) -> HandlerResult {
    let tenant = tenant.parse().map_err(|_| Refusal::no_route())?;
    published(&app, &tenant).await
}

async fn published(app: &App, tenant: &TenantId) -> HandlerResult {
    let tenant = app.engine.tenant(tenant).await.map_err(|error| match error {
        TenantError::Unknown(_) => Refusal::no_route(),
        error => error.into(),
    })?;
    cached(StatusCode::OK, &tenant.keyring.jwks(app.engine.now()), FOR_FIVE_MINUTES)
}
