//! Forward-auth: `/auth/verify` and `/auth/verify/@NAME/*`, which a proxy asks before it passes a request on.
//!
//! The request that is asked about arrives by its headers: the proxy passes its credentials on, and says in
//! `X-Forwarded-*` what it is. It may pass if it shows a valid credential, is not made by a page of another site, and
//! its user has a role that is required. The answer then says whose request it is.

mod forwarded_request;
mod login_redirect;
mod requirements;

use axum::response::{IntoResponse as _, Response};
use http::header::{HeaderName, HeaderValue};
use http::{HeaderMap, StatusCode};
use portcullis_api::answer::identity_headers::{
    AGE, ENDS_WITH, EPOCHS, SESSION_ID, TENANT_ID, USER_ID, USER_ROLE,
};
use portcullis_api::operation::ForwardAuthRow;
use portcullis_api::refusal::{Code, Refusal};
use portcullis_axum::{RefusalResponse, RequestCredentials};
use portcullis_core::engine::CheckedCredential;
use portcullis_core::strategy::Carrier;
use portcullis_core::user::Role;

use super::App;
use super::origin;
use super::routed_request::RoutedRequest;
use forwarded_request::ForwardedRequest;
pub use requirements::ForwardAuthRules;
use requirements::Requirements;

/// Answers whether a request may pass.
pub(super) async fn answer(app: &App, row: ForwardAuthRow, asked: &RoutedRequest) -> Response {
    let required = match app.forward_auth.required(row, asked) {
        Ok(required) => required,
        Err(refusal) => return RefusalResponse(refusal).into_response(),
    };
    let forwarded = ForwardedRequest::of(app, asked);
    match checked(app, &required, &forwarded).await {
        Ok(checked) => passing(app, &checked),
        Err(refusal) => match login_redirect::instead_of(&refusal, &required, &forwarded) {
            Some(location) => login_redirect::to(app, location, &forwarded),
            None => RefusalResponse(refusal).into_response(),
        },
    }
}

/// The credential of a request that may pass.
async fn checked(
    app: &App,
    required: &Requirements,
    forwarded: &ForwardedRequest<'_>,
) -> Result<CheckedCredential, Refusal> {
    let shown = RequestCredentials::in_headers(forwarded.headers, &app.cookie);
    let checked = app.engine.check_credential(&shown.envelope()).await?;
    if checked.carrier == Carrier::Cookie && is_of_another_site(app, forwarded) {
        return Err(Refusal::plain(Code::CrossSite));
    }
    if let Some(roles) = &required.roles {
        roles.admit_role(checked.identity.role)?;
    }
    Ok(checked)
}

/// Whether a page of another site may have made a browser send this request, so that it must change nothing. If the
/// method is not known it may change something, unless the browser opens a page.
fn is_of_another_site(app: &App, forwarded: &ForwardedRequest<'_>) -> bool {
    let is_navigation = || origin::fetch_mode(forwarded.headers) == Some("navigate");
    let is_safe = forwarded.is_safe().unwrap_or_else(is_navigation);
    !is_safe && !app.origins.are_behind_at(forwarded.headers, forwarded.host())
}

/// The answer for a request that may pass. Each header is there even if it is empty: of one that is not, a proxy may
/// pass on what the client has written.
fn passing(app: &App, checked: &CheckedCredential) -> Response {
    let mut response = app.private_empty(StatusCode::OK);
    let CheckedCredential { identity, ends_with, epochs, age, .. } = checked;
    let headers = response.headers_mut();
    put(headers, USER_ID, identity.user.id.to_string());
    put(headers, TENANT_ID, identity.user.tenant.to_string());
    put(headers, USER_ROLE, identity.role.map_or("", Role::as_str).to_owned());
    put(headers, SESSION_ID, identity.session.to_string());
    put(headers, ENDS_WITH, ends_with.map_or_else(String::new, |id| id.to_string()));
    put(headers, EPOCHS, format!("{},{},{}", epochs.user, epochs.tenant, epochs.everyone));
    put(headers, AGE, age.as_micros().div_ceil(1000).to_string());
    response
}

fn put(headers: &mut HeaderMap, name: &'static str, value: String) {
    // Ids, words and numbers can always stand in a header.
    let value = HeaderValue::try_from(value).unwrap_or(HeaderValue::from_static(""));
    headers.insert(HeaderName::from_static(name), value);
}
