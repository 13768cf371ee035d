//! A request of another proxy on the machine, which asks at `/auth/verify` about one that it will pass on itself. What
//! it is told is decided in [`portcullis_axum::forward_auth`], as on the server; here the credential is verified as on
//! routes.

use axum::response::Response;
use http::request::Parts;
use percent_encoding::percent_decode_str;
use portcullis_api::refusal::Refusal;
use portcullis_axum::forward_auth::{ForwardAuthAnswer, ForwardedRequest, RequestOwner, RequirementSource};
use portcullis_core::id::UserKey;
use portcullis_transport::listener::Peer;
use portcullis_verifier::{OnStale, VerifiedUser};

use super::access_log::AccessRecord;
use super::forward_auth::{AskedRow, ForwardAuthEndpoint};
use super::rejection::{Rejection, refusal_of};
use super::state::GatewayState;
use crate::verification::{CredentialVerifier, find_credential};

/// A request of a proxy, and what its credential is verified with.
#[derive(Clone, Copy)]
pub(super) struct ProxyQuestion<'q> {
    pub(super) state: &'q GatewayState,
    pub(super) request: &'q Parts,
    pub(super) peer: Peer,
    pub(super) verifier: &'q dyn CredentialVerifier,
}

impl ProxyQuestion<'_> {
    /// Answers whether the request that it asks about may pass.
    pub(super) async fn answer<'e>(
        self,
        endpoint: &'e ForwardAuthEndpoint,
        (row, name): AskedRow<'_>,
        record: &mut AccessRecord<'e>,
    ) -> Result<Response, Rejection> {
        record.takes(endpoint.counter(&row));
        let Self { state, request, peer, .. } = self;
        let name = name.map(|name| percent_decode_str(name).decode_utf8_lossy());
        let source = match &name {
            None => RequirementSource::Query(request.uri.query().unwrap_or_default()),
            Some(name) => RequirementSource::Policy(name),
        };
        let is_trusted = state.proxies.include(peer.ip());
        let forwarded = ForwardedRequest::new(&request.headers, &request.method, is_trusted);
        let answer = endpoint.rules.answer(source, &forwarded, &state.origins, self.owner()).await?;
        if let ForwardAuthAnswer::Passes(owner) = &answer {
            record.is_of(Some((&owner.user.tenant, owner.user.id)));
        }
        let mut response = Response::default();
        answer.write(&mut response);
        Ok(response)
    }

    /// Whose credential the request shows.
    async fn owner(&self) -> Result<RequestOwner, Refusal> {
        let credential = find_credential(&self.request.headers, &self.state.headers.cookies)
            .map_err(|error| refusal_of(&error))?;
        let verified = self.verifier.verify(credential.sent(), OnStale::Ask).await;
        Ok(owner_of(verified.map_err(|error| refusal_of(&error))?, credential.is_cookie()))
    }
}

fn owner_of(user: VerifiedUser, by_cookie: bool) -> RequestOwner {
    RequestOwner {
        session: user.session.or(user.sid),
        ends_with: user.session,
        user: UserKey { tenant: user.tenant, id: user.id },
        role: user.role,
        by_cookie,
        epochs: user.epochs,
        age: user.age,
    }
}
