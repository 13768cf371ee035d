//! The way of one request, from the client to the upstream and back.
//!
//! [`Gateway::answer`](portcullis_transport::http::RequestHandler) reads from top to bottom. What is refused is refused
//! before any upstream hears of the request.

mod access_log;
mod cors;
mod forward_auth;
mod forwarding;
mod own_paths;
mod policy;
mod proxy_question;
mod rejection;
mod request_checks;
mod state;

use std::panic::AssertUnwindSafe;
use std::sync::{Arc, PoisonError, RwLock};

use axum::extract::Request;
use axum::response::Response;
use futures_util::FutureExt as _;
use portcullis_api::refusal::{Code, Refusal};
use portcullis_core::clock::Clock;
use portcullis_transport::http::RequestHandler;
use portcullis_transport::listener::{Peer, log_handler_panic};

use crate::assertion::Assertions;
use crate::path::RequestPath;
use crate::verification::CredentialVerifier;
use access_log::AccessRecord;
use proxy_question::ProxyQuestion;
use rejection::{Rejection, RequestAsker};

pub use forward_auth::ForwardAuthEndpoint;
pub(crate) use own_paths::is_own;
pub use state::{GatewayState, ServedRoute, UnusableUpstream};

/// A gateway. A cheap handle.
#[derive(Clone)]
pub struct Gateway(Arc<Inner>);

struct Inner {
    state: RwLock<Arc<GatewayState>>,
    verifier: Arc<dyn CredentialVerifier>,
    assertions: Assertions,
    clock: Arc<dyn Clock>,
}

impl Gateway {
    /// A gateway in this state, which verifies credentials with `verifier`.
    #[must_use]
    pub fn new(
        state: GatewayState,
        verifier: Arc<dyn CredentialVerifier>,
        assertions: Assertions,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self(Arc::new(Inner { state: RwLock::new(Arc::new(state)), verifier, assertions, clock }))
    }

    /// What it serves now.
    #[must_use]
    pub fn state(&self) -> Arc<GatewayState> {
        self.0.state.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Serves this from the next request on. What is in flight, and every open stream, goes on as it began.
    pub fn replace(&self, state: GatewayState) {
        *self.0.state.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(state);
    }
}

impl RequestHandler for Gateway {
    async fn answer(&self, request: Request, peer: Peer) -> Response {
        let (state, mut asker) = (self.state(), RequestAsker::of(&request));
        if state.is_asked_by_servers(request.uri().path()) {
            asker.origin = None;
        }
        let mut record = AccessRecord::begin(&state, &request, peer, &*self.0.clock);
        let answering = AssertUnwindSafe(self.decide(&state, request, peer, &mut record)).catch_unwind();
        let mut response = match answering.await {
            Ok(Ok(response)) => response,
            Ok(Err(rejection)) => self.reject(&rejection, &asker),
            Err(panic) => {
                log_handler_panic(&*panic, None);
                self.reject(&Refusal::plain(Code::InternalError).into(), &asker)
            }
        };
        cors::mark(&state.origins, asker.origin.as_ref(), response.headers_mut());
        record.answered(response.status());
        response
    }
}

impl Gateway {
    /// Checks a request and forwards it.
    async fn decide<'s>(
        &self,
        state: &'s GatewayState,
        request: Request,
        peer: Peer,
        record: &mut AccessRecord<'s>,
    ) -> Result<Response, Rejection> {
        let (mut parts, body) = request.into_parts();
        request_checks::check(&parts)?;
        if let Some((endpoint, row)) = state.forward_auth(parts.uri.path()) {
            let verifier = &*self.0.verifier;
            let asked = ProxyQuestion { state, request: &parts, peer, verifier };
            // Boxed: its state would make the future of every request large.
            return Box::pin(asked.answer(endpoint, row, record)).await;
        }
        let path = RequestPath::read(&parts.uri)?;
        if let Some(own) = own_paths::answer(&parts, &self.0.assertions) {
            return Ok(own);
        }
        let found = policy::route(state, &path)?;
        record.takes(Some(&found.route.answers));
        if cors::is_preflight(&parts) {
            return Ok(cors::preflight(&state.origins, &found.route.route, &parts));
        }
        let passed = policy::admit(state, &found, &parts, &*self.0.verifier).await?;
        record.is_of(passed.user().map(|user| (&user.tenant, user.id)));
        let websocket = policy::websocket(state, &passed, &parts)?;
        forwarding::prepare_headers(state, &found.route.route, &passed, &mut parts, peer);
        let ready = forwarding::ReadyRequest { route: found.route, path, passed, websocket, parts, body };
        self.forward(state, ready, record).await
    }

    fn reject(&self, rejection: &Rejection, asker: &RequestAsker) -> Response {
        asker.told(rejection, self.0.clock.now())
    }
}
