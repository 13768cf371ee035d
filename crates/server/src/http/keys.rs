//! What other services verify tokens with: `jwks.json` and `oauth-authorization-server` (RFC 8414), below
//! `/.well-known/` for tenant `default` and below `/t/{tenant}/.well-known/` for another.

use std::sync::Arc;

use http::header::HOST;
use http::uri::Authority;
use portcullis_api::refusal::Refusal;
use portcullis_axum::RefusalResponse;
use portcullis_core::engine::{Tenant, TenantError};
use portcullis_core::id::TenantId;
use portcullis_core::key::Algorithm;
use serde::Serialize;

use super::App;
use super::answer::HandlerResult;
use super::routed_request::RoutedRequest;

/// Long enough to save requests, shorter than a new key is published before it signs.
const FOR_FIVE_MINUTES: &str = "public, max-age=300";
const NOT_AT_ALL: &str = "no-store";

pub(super) async fn key_set(app: &App, asked: &RoutedRequest) -> HandlerResult {
    let tenant = tenant(app, asked).await?;
    app.cached(&tenant.keyring.jwks(app.engine.now()), FOR_FIVE_MINUTES)
}

#[derive(Serialize)]
struct ServerMetadata {
    issuer: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    jwks_uri: Option<String>,
    response_types_supported: [&'static str; 0],
    access_token_signing_alg_values_supported: [&'static str; 1],
}

pub(super) async fn metadata(app: &App, asked: &RoutedRequest) -> HandlerResult {
    let tenant = tenant(app, asked).await?;
    let algorithm = tenant.keyring.access_algorithm();
    let is_published = algorithm != Algorithm::Hs256;
    let prefix = asked.parts.uri.path().strip_suffix("oauth-authorization-server").unwrap_or_default();
    let metadata = ServerMetadata {
        issuer: app.engine.issuer().to_owned(),
        jwks_uri: base(app, asked).filter(|_| is_published).map(|base| format!("{base}{prefix}jwks.json")),
        response_types_supported: [],
        access_token_signing_alg_values_supported: [algorithm.as_str()],
    };
    app.cached(&metadata, if app.public_url.is_some() { FOR_FIVE_MINUTES } else { NOT_AT_ALL })
}

/// The public URL. In development mode there is none: then what the client calls the server, for that client alone.
fn base(app: &App, asked: &RoutedRequest) -> Option<String> {
    let host = || asked.parts.headers.get(HOST)?.to_str().ok()?.parse::<Authority>().ok();
    app.public_url.clone().or_else(|| host().map(|host| format!("http://{host}")))
}

/// The tenant that the path names; `default` where it names none.
async fn tenant(app: &App, asked: &RoutedRequest) -> Result<Arc<Tenant>, RefusalResponse> {
    let id = match asked.members.first() {
        Some((_, name)) => name.parse().map_err(|_| Refusal::no_route())?,
        None => TenantId::default_tenant(),
    };
    Ok(app.engine.tenant(&id).await.map_err(|error| match error {
        TenantError::Unknown(_) => Refusal::no_route(),
        error => error.into(),
    })?)
}
