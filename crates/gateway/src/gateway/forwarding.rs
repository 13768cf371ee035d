//! A request on its way to its upstream, and the answer on its way back.

use std::net::{IpAddr, Ipv4Addr};

use axum::body::{Body, HttpBody as _};
use axum::response::Response;
use http::header::{CONTENT_LENGTH, HeaderMap, TRANSFER_ENCODING};
use http::request::Parts;
use http::{Response as HttpResponse, StatusCode, Version, response};
use hyper::upgrade::{self, OnUpgrade};
use portcullis_api::refusal::{Code, Refusal};
use portcullis_transport::http::{StreamCut, Streamed, Tunnel};
use portcullis_transport::listener::Peer;

use super::Gateway;
use super::access_log::AccessRecord;
use super::cors;
use super::policy::PassedRequest;
use super::rejection::Rejection;
use super::state::{GatewayState, ServedRoute};
use crate::assertion::ASSERTION;
use crate::headers::{AssertedUser, ForwardedClient, take_hop_by_hop};
use crate::path::RequestPath;
use crate::routes::GatewayRoute;
use crate::streams::{Download, StreamOwner, WebSocketUpgrade, agrees_to_websocket};
use crate::upstream::{AnswerBody, OutgoingRequest, UpstreamFault, exchange, log_fault};

/// A request that may pass, with the headers that its upstream will see.
pub(super) struct ReadyRequest<'s> {
    pub(super) route: &'s ServedRoute,
    pub(super) path: RequestPath,
    pub(super) passed: PassedRequest,
    pub(super) websocket: bool,
    pub(super) parts: Parts,
    pub(super) body: Body,
}

/// Takes away what no upstream may see, and sets what it is told. The order is that of [`crate::headers`].
pub(super) fn prepare_headers(
    state: &GatewayState,
    route: &GatewayRoute,
    passed: &PassedRequest,
    request: &mut Parts,
    peer: Peer,
) {
    let peer = peer.ip().unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED));
    let client = ForwardedClient::of(peer, &request.headers, &state.proxies);
    let headers = &mut request.headers;
    take_hop_by_hop(headers);
    state.headers.strip(headers, route.forwards_token);
    client.set(headers);
    if let Some(user) = asserted(passed) {
        user.set(headers);
    }
}

fn asserted(passed: &PassedRequest) -> Option<AssertedUser> {
    let user = passed.user()?;
    Some(AssertedUser { id: user.id, tenant: user.tenant.clone(), role: user.role, session: user.session })
}

impl Gateway {
    /// Sends a request on, and its answer back.
    pub(super) async fn forward<'s>(
        &self,
        state: &GatewayState,
        ready: ReadyRequest<'s>,
        record: &mut AccessRecord<'s>,
    ) -> Result<Response, Rejection> {
        let ReadyRequest { route: served, path, passed, websocket, mut parts, body } = ready;
        let route = &served.route;
        if body.size_hint().exact().is_some_and(|length| length > route.body_limit) {
            return Err(Refusal::plain(Code::PayloadTooLarge).into());
        }
        let client = websocket.then(|| parts.extensions.remove::<OnUpgrade>()).flatten();
        if client.is_some() {
            WebSocketUpgrade::ask(&mut parts.headers);
        }
        let user = asserted(&passed).filter(|_| route.asserts);
        let outgoing = OutgoingRequest {
            method: parts.method,
            target: path.target().clone(),
            headers: parts.headers,
            body,
            body_limit: route.body_limit,
            idle: route.timeouts.idle,
            first_byte: route.timeouts.first_byte,
        };
        let (answer, upstream) = exchange(&served.pool, outgoing, |upstream, headers: &mut HeaderMap| {
            let assertion =
                user.as_ref().and_then(|user| self.0.assertions.of(user, &upstream.url.to_string()));
            headers.extend(assertion.map(|value| (ASSERTION, value)));
        })
        .await?;
        record.went_to(&upstream.url);
        let owner = passed.caller.map(|caller| StreamOwner {
            caller,
            verifier: self.0.verifier.clone(),
            grace: state.stream_grace,
        });
        let mut response = match answer.status() {
            StatusCode::SWITCHING_PROTOCOLS => {
                switched(answer, client, route).inspect_err(|fault| log_fault(upstream, fault))?
            }
            _ => passed_on(answer, route),
        };
        if let Some(owner) = owner {
            response.extensions_mut().insert(StreamCut::when(owner.cut()));
        }
        Ok(response)
    }
}

/// An answer as the client gets it.
fn passed_on(answer: HttpResponse<AnswerBody>, route: &GatewayRoute) -> Response {
    let (mut parts, body) = answer.into_parts();
    clean(&mut parts);
    let body = Body::new(Download::new(body, route.timeouts.idle));
    parts.extensions.insert(Streamed);
    Response::from_parts(parts, body)
}

/// The upstream has agreed to a WebSocket, if the client has asked for one.
fn switched(
    mut answer: HttpResponse<AnswerBody>,
    client: Option<OnUpgrade>,
    route: &GatewayRoute,
) -> Result<Response, UpstreamFault> {
    let agreed = agrees_to_websocket(answer.headers());
    let Some(client) = client.filter(|_| agreed) else { return Err(UpstreamFault::Switched) };
    let upstream = upgrade::on(&mut answer);
    let websocket = WebSocketUpgrade { client, upstream, idle: route.timeouts.idle };
    let (mut parts, _) = answer.into_parts();
    clean(&mut parts);
    WebSocketUpgrade::ask(&mut parts.headers);
    parts.extensions.insert(Tunnel::new(websocket.run()));
    Ok(Response::from_parts(parts, Body::empty()))
}

/// Takes away what belongs to the connection to the upstream, and what is the gateway's to say.
fn clean(answer: &mut response::Parts) {
    // An upstream may speak HTTP/1.0; to its clients the gateway does not.
    answer.version = Version::HTTP_11;
    if answer.headers.contains_key(TRANSFER_ENCODING) {
        // The chunks counted (RFC 9112, section 6.3).
        answer.headers.remove(CONTENT_LENGTH);
    }
    take_hop_by_hop(&mut answer.headers);
    cors::take(&mut answer.headers);
}
