//! Forward-auth: `/auth/verify` and `/auth/verify/@NAME/*`, which a proxy asks before it passes a request on. What is
//! answered is decided in [`portcullis_axum::forward_auth`]; here the engine checks the credential.

use axum::response::{IntoResponse as _, Response};
use http::StatusCode;
use portcullis_api::operation::{ForwardAuthOperation, ForwardAuthRow};
use portcullis_api::refusal::Refusal;
use portcullis_axum::forward_auth::{
    ForwardAuthRules, ForwardedRequest, RequestOwner, RequirementSource, SignInHost,
};
use portcullis_axum::{RefusalResponse, RequestCredentials};

use super::App;
use super::routed_request::RoutedRequest;
use crate::config::{Config, PublicUrl};

/// What the configuration requires.
#[must_use]
pub fn forward_auth_rules(config: &Config) -> ForwardAuthRules {
    ForwardAuthRules::of(&config.forward_auth, sign_in_host(config))
}

/// The host of the public URL.
pub(crate) fn sign_in_host(config: &Config) -> SignInHost {
    SignInHost::of("public_url", config.public_url.as_ref().map(PublicUrl::as_str))
}

/// Answers whether a request may pass.
pub(super) async fn answer(app: &App, row: ForwardAuthRow, asked: &RoutedRequest) -> Response {
    let parts = &asked.parts;
    let source = match row.kind {
        ForwardAuthOperation::Query => RequirementSource::Query(parts.uri.query().unwrap_or_default()),
        ForwardAuthOperation::Policy | ForwardAuthOperation::PolicyBeforePath => {
            RequirementSource::Policy(asked.members.first().map_or("", |(_, name)| name))
        }
    };
    let is_trusted = app.proxies.include(asked.peer.ip());
    let forwarded = ForwardedRequest::new(&parts.headers, &parts.method, is_trusted);
    let checking = owner(app, asked);
    match app.forward_auth.answer(source, &forwarded, &app.origins, checking).await {
        Ok(answer) => {
            let mut response = app.private_empty(StatusCode::OK);
            answer.write(&mut response);
            response
        }
        Err(refusal) => RefusalResponse(refusal).into_response(),
    }
}

/// Whose credential the request shows.
async fn owner(app: &App, asked: &RoutedRequest) -> Result<RequestOwner, Refusal> {
    let shown = RequestCredentials::in_headers(&asked.parts.headers, &app.cookie);
    Ok(app.engine.check_credential(&shown.envelope()).await?.into())
}
