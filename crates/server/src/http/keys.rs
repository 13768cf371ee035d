//! What other services verify tokens with: `jwks.json` and `oauth-authorization-server` (RFC 8414), below
//! `/.well-known/` for tenant `default` and below `/t/{tenant}/.well-known/` for another.

use std::sync::Arc;

use axum::extract::{Path, Request};
use http::StatusCode;
use http::header::HOST;
use http::uri::Authority;
use portcullis_api::refusal::Refusal;
use portcullis_axum::RefusalResponse;
use portcullis_core::engine::{Tenant, TenantError};
use portcullis_core::id::TenantId;
use portcullis_core::key::Algorithm;
use serde::Serialize;

use super::App;
use super::answer::{HandlerResult, cached};

/// Long enough to save requests, shorter than a new key is published before it signs.
const FOR_FIVE_MINUTES: &str = "public, max-age=300";
const NOT_AT_ALL: &str = "no-store";

/// The tenant that the path names; `default` where it names none.
pub(super) type TenantPath = Option<Path<String>>;

pub(super) async fn key_set(app: Arc<App>, path: TenantPath) -> HandlerResult {
    let tenant = tenant(&app, path).await?;
    cached(StatusCode::OK, &tenant.keyring.jwks(app.engine.now()), FOR_FIVE_MINUTES)
}

#[derive(Serialize)]
struct ServerMetadata {
    issuer: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    jwks_uri: Option<String>,
    response_types_supported: [&'static str; 0],
    access_token_signing_alg_values_supported: [&'static str; 1],
}

pub(super) async fn metadata(app: Arc<App>, path: TenantPath, asked: Request) -> HandlerResult {
    let tenant = tenant(&app, path).await?;
    let algorithm = tenant.keyring.access_algorithm();
    let is_published = algorithm != Algorithm::Hs256;
    let prefix = asked.uri().path().strip_suffix("oauth-authorization-server").unwrap_or_default();
    let metadata = ServerMetadata {
        issuer: app.engine.issuer().to_owned(),
        jwks_uri: base(&app, &asked).filter(|_| is_published).map(|base| format!("{base}{prefix}jwks.json")),
        response_types_supported: [],
        access_token_signing_alg_values_supported: [algorithm.as_str()],
    };
    cached(StatusCode::OK, &metadata, if app.public_url.is_some() { FOR_FIVE_MINUTES } else { NOT_AT_ALL })
}

/// The public URL. In development mode there is none: then what the client calls the server, for that client alone.
fn base(app: &App, asked: &Request) -> Option<String> {
    let host = || asked.headers().get(HOST)?.to_str().ok()?.parse::<Authority>().ok();
    app.public_url.clone().or_else(|| host().map(|host| format!("http://{host}")))
}

async fn tenant(app: &App, path: TenantPath) -> Result<Arc<Tenant>, RefusalResponse> {
    let id = match path {
        Some(Path(name)) => name.parse().map_err(|_| Refusal::no_route())?,
        None => TenantId::default_tenant(),
    };
    Ok(app.engine.tenant(&id).await.map_err(|error| match error {
        TenantError::Unknown(_) => Refusal::no_route(),
        error => error.into(),
    })?)
}
