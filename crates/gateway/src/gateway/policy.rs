//! Whether a request may pass, and as whose.

use http::request::Parts;
use portcullis_api::refusal::{Code, Refusal};
use portcullis_verifier::{OnStale, VerifiedUser};

use super::rejection::Rejection;
use super::state::{GatewayState, ServedRoute};
use crate::path::{PathFault, RequestPath};
use crate::routes::{FoundRoute, RouteAccess};
use crate::streams::is_websocket;
use crate::verification::{CredentialVerifier, VerifiedCaller, find_credential};

/// A request that may pass.
pub(super) struct PassedRequest {
    /// Whose it is; `None` on a public route.
    pub(super) caller: Option<VerifiedCaller>,
}

impl PassedRequest {
    /// The user.
    pub(super) fn user(&self) -> Option<&VerifiedUser> {
        self.caller.as_ref().map(|caller| &caller.user)
    }
}

/// The route of a path.
pub(super) fn route<'t>(
    state: &'t GatewayState,
    path: &RequestPath,
) -> Result<FoundRoute<'t, ServedRoute>, Rejection> {
    if state.forward_auth.as_ref().is_some_and(|own| own.reserves(path)) {
        return Err(Refusal::no_route().into());
    }
    let found = state.table.find(path).ok_or_else(|| Rejection::from(Refusal::no_route()))?;
    let keeps = found.all().all(|route| route.keeps_encoded);
    if path.is_ambiguous() && !keeps { Err(PathFault::Encoded.into()) } else { Ok(found) }
}

/// Lets a request in, or refuses it.
pub(super) async fn admit(
    state: &GatewayState,
    found: &FoundRoute<'_, ServedRoute>,
    request: &Parts,
    verifier: &dyn CredentialVerifier,
) -> Result<PassedRequest, Rejection> {
    if let Some(route) = found.all().find(|route| !route.takes(&request.method)) {
        return Err(Rejection::of_method(route));
    }
    if found.all().all(|route| route.access == RouteAccess::Public) {
        return Ok(PassedRequest { caller: None });
    }
    let credential = find_credential(&request.headers, &state.headers.cookies)?;
    let user = verifier.verify(credential.sent(), on_stale(found)).await?;
    check_role(found, &user)?;
    if credential.is_cookie() && !request.method.is_safe() && !state.origins.are_behind(&request.headers) {
        return Err(Refusal::plain(Code::CrossSite).into());
    }
    Ok(PassedRequest { caller: Some(VerifiedCaller { user, credential }) })
}

/// The strictest of all.
fn on_stale(found: &FoundRoute<'_, ServedRoute>) -> OnStale {
    let is_strict = found.all().any(|route| route.on_stale == OnStale::Refuse);
    if is_strict { OnStale::Refuse } else { OnStale::Ask }
}

fn check_role(found: &FoundRoute<'_, ServedRoute>, user: &VerifiedUser) -> Result<(), Refusal> {
    match found.all().find(|route| !route.access.admits(user.role)).map(|route| &route.access) {
        Some(RouteAccess::Roles(roles)) => Err(Refusal::insufficient_role(roles)),
        _ => Ok(()),
    }
}

/// Whether a request asks for a WebSocket that it may have. A page of another site could ask for one, and read it,
/// where a browser sends the credential by itself or none is needed.
pub(super) fn websocket(
    state: &GatewayState,
    passed: &PassedRequest,
    request: &Parts,
) -> Result<bool, Rejection> {
    let asks = is_websocket(request);
    let needs_origin = passed.caller.as_ref().is_none_or(|caller| caller.credential.is_cookie());
    if asks && needs_origin && !state.origins.are_behind(&request.headers) {
        return Err(Refusal::plain(Code::CrossSite).into());
    }
    Ok(asks)
}
