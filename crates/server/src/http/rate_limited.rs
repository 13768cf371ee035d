//! The rate limit of routes: a request over it is refused before its body is read or a password hashed.

use std::convert::identity;
use std::net::IpAddr;
use std::sync::Arc;

use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use axum::routing::MethodRouter;
use http::{Extensions, HeaderMap};
use portcullis_api::refusal::Refusal;
use portcullis_axum::{RefusalResponse, tenant_named};
use portcullis_core::engine::VerifiedRefresh;
use portcullis_core::id::TenantId;

use super::App;
use super::decoded_request::DecodedRequest;
use super::inspect_layer::inspect;
use crate::listener::Peer;
use crate::proxies::client_address;
use crate::rate_limit::Requester;

/// The handler behind the rate limit of an address, if its row has one.
pub(super) fn rate_limited(handler: MethodRouter, limited: bool, app: &Arc<App>) -> MethodRouter {
    if !limited {
        return handler;
    }
    let app = app.clone();
    handler.route_layer(inspect(move |request: &mut Request| match app.admit(request) {
        Ok(()) => Ok(identity::<Response>),
        Err(refusal) => Err(Box::new(RefusalResponse(refusal).into_response())),
    }))
}

impl App {
    /// The address of a client; `None` on a connection without one.
    pub(super) fn client(&self, headers: &HeaderMap, extensions: &Extensions) -> Option<IpAddr> {
        let peer: &Peer = extensions.get()?;
        Some(client_address(peer.ip()?, headers, &self.proxies))
    }

    fn admit(&self, request: &Request) -> Result<(), Refusal> {
        let headers = request.headers();
        // A request without a valid tenant is refused later, but counts here as one of `default`.
        let tenant = tenant_named(headers, false).ok().flatten().unwrap_or_else(TenantId::default_tenant);
        self.rates.admit(&tenant, &Requester::at(self.client(headers, request.extensions())))
    }

    /// Counts a refresh. Its body says which session it is of, so it was read before.
    pub(super) async fn admit_refresh(
        &self,
        refresh: Option<&VerifiedRefresh>,
        asked: &DecodedRequest,
    ) -> Result<(), Refusal> {
        let tenant = asked.tenant(self).unwrap_or_else(|_| TenantId::default_tenant());
        let proven = match refresh {
            Some(refresh) => self.engine.proven_session(refresh).await,
            None => None,
        };
        self.rates.admit_refresh(&tenant, &asked.requester(), proven)
    }
}
