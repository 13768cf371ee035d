//! Sending a browser that asks for a page, and whose user is not signed in, to the page where the user signs in.

use axum::response::Response;
use http::header::{HeaderName, HeaderValue, LOCATION};
use http::{HeaderMap, StatusCode};
use portcullis_api::refusal::Refusal;
use url::Url;

use super::super::App;
use super::super::origin::fetch_mode;
use super::super::pages::is_html_accepted;
use super::forwarded_request::ForwardedRequest;
use super::requirements::Requirements;
use crate::config::authority_of;

const REQUESTED_WITH: HeaderName = HeaderName::from_static("x-requested-with");

/// Where a browser is sent instead of this refusal; `None` if the refusal is the answer. A user who is signed in and
/// may not pass is never sent: the user would come back at once, and so on.
pub(super) fn instead_of(
    refusal: &Refusal,
    required: &Requirements,
    forwarded: &ForwardedRequest<'_>,
) -> Option<Url> {
    let login = required.login.as_ref().filter(|_| refusal.code.status() == 401)?;
    let back = forwarded.url().filter(|_| is_navigation(forwarded.headers))?;
    let is_allowed = authority_of(&back).is_some_and(|host| required.hosts.contains(&host));
    is_allowed.then(|| {
        let mut location = login.clone();
        location.query_pairs_mut().append_pair("return_to", back.as_str());
        location
    })
}

/// The redirect. After it a browser repeats no other method than GET and HEAD.
pub(super) fn to(app: &App, location: Url, forwarded: &ForwardedRequest<'_>) -> Response {
    let status = if forwarded.is_get() { StatusCode::FOUND } else { StatusCode::SEE_OTHER };
    let mut response = app.private_empty(status);
    // An address that was parsed is ASCII.
    let location = HeaderValue::try_from(String::from(location)).unwrap_or(HeaderValue::from_static("/"));
    response.headers_mut().insert(LOCATION, location);
    response
}

/// Whether a browser asks for a page of its own, and no script for data.
fn is_navigation(headers: &HeaderMap) -> bool {
    let is_script = headers.get(REQUESTED_WITH).is_some_and(|with| with == "XMLHttpRequest")
        || fetch_mode(headers).is_some_and(|mode| mode != "navigate");
    is_html_accepted(headers) && !is_script
}
