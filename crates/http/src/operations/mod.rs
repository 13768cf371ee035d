//! The operation dispatcher of the device-session surface, the same for HTTP and TCP.
//!
//! A transport makes a `Call` of a request and writes down the reply or the refusal. Who may call follows from the
//! type of the operation; each type has a file of its own, in which an operation of another type does not compile.
//! Operations decode, call the engine and encode; they decide nothing.

mod admin;
mod caller;
mod own;
mod public;

use std::sync::Arc;

use portcullis_api::answer::Success;
use portcullis_api::answer::device::{RevokedSession, RevokedSessions, SessionSummary};
use portcullis_api::operation::{AdminOperation, DeviceOperation, DeviceRow, Method, TenantSource};
use portcullis_api::refusal::{Code, Refusal};
use portcullis_api::request::Body;
use portcullis_core::clock::Timestamp;
use portcullis_core::engine::{Engine, ListedSession, PresentedDevice};
use portcullis_core::id::{SessionId, TenantId, UserKey};
use portcullis_core::secret::PlainSecret;
use portcullis_core::session::{Device, EndReason};
use serde::Serialize;
use uuid::Uuid;

use crate::rate_limit::{RateLimits, Requester};
use crate::request_span::acts;
use caller::AuthenticatedCaller;
pub use caller::{CallerCredentials, GatewayUser};

/// Carries out operations.
#[derive(Clone)]
pub struct OperationDispatcher {
    /// The engine that operations call.
    pub engine: Engine,
    /// Whether a call must name its tenant.
    pub requires_tenant: bool,
    /// Counts refreshes and changes of a password.
    pub rates: Arc<RateLimits>,
}

/// How a call came in.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Transport {
    /// The client may keep cookies.
    Http,
    /// There are no cookies.
    Tcp,
}

/// A request for an operation, whichever way it came.
#[derive(Debug)]
pub struct Call<'a> {
    /// The row of the operations table.
    pub row: DeviceRow,
    /// How it came in.
    pub transport: Transport,
    /// The tenant that is named beside the body.
    pub tenant: Option<TenantId>,
    /// The members of body, query and path.
    pub body: Body,
    /// The end user's device.
    pub device: Device,
    /// The device cookies.
    pub cookies: Vec<PlainSecret>,
    /// Who it is counted against, if it is counted.
    pub requester: Requester,
    /// What proves who calls.
    pub credentials: CallerCredentials<'a>,
}

/// The answer of an operation that succeeded.
#[derive(Debug)]
pub struct OperationReply {
    /// The body, as JSON.
    pub body: Vec<u8>,
    /// The device cookie to set.
    pub cookie: Option<PlainSecret>,
}

/// The result of an operation.
pub type OperationResult = Result<OperationReply, Refusal>;

impl OperationReply {
    fn of(body: &impl Serialize) -> OperationResult {
        let body = serde_json::to_vec(body).map_err(|_| Refusal::plain(Code::InternalError))?;
        Ok(Self { body, cookie: None })
    }

    fn with_cookie(self, cookie: Option<PlainSecret>) -> Self {
        Self { cookie, ..self }
    }
}

impl Call<'_> {
    /// The tenant that the call names, or `default`.
    fn tenant(&self) -> TenantId {
        self.tenant.clone().unwrap_or_else(TenantId::default_tenant)
    }

    /// What the device shows of itself.
    fn presented_device(&self, secret: Option<PlainSecret>, native: bool) -> PresentedDevice {
        let keeps_cookies = self.transport == Transport::Http;
        PresentedDevice { cookies: self.cookies.clone(), secret, native, keeps_cookies }
    }
}

impl OperationDispatcher {
    /// Carries out a call if its caller may make it.
    ///
    /// # Errors
    /// The [`Refusal`], in the words of the operation.
    pub async fn answer(&self, call: Call<'_>) -> OperationResult {
        let (texts, is_read) = (call.row.texts, call.row.method == Method::Get);
        let engine = match call.requester.address() {
            known @ Some(_) => self.engine.for_client(known),
            None => self.engine.for_unknown_client(&call.tenant()),
        };
        let for_client = Self { engine, ..self.clone() };
        let answer = for_client.dispatch(call).await;
        if !is_read {
            let is_outage = answer.as_ref().is_err_and(|refusal| refusal.code == Code::StoreUnavailable);
            self.engine.note_write(is_outage, answer.is_ok());
        }
        answer.map_err(|refusal| refusal.worded_for(texts))
    }

    async fn dispatch(&self, call: Call<'_>) -> OperationResult {
        if self.requires_tenant && call.tenant.is_none() && call.row.tenant == TenantSource::Header {
            return Err(Refusal::plain(Code::TenantConnectionMissing));
        }
        match call.row.kind {
            DeviceOperation::Public(operation) => self.public(operation, call).await,
            DeviceOperation::Own(operation) => {
                let caller = self.caller(&call).await?;
                self.own(operation, call, caller).await
            }
            DeviceOperation::Admin(operation) => {
                let caller = self.caller(&call).await?;
                acts(caller.user.id);
                let role = match call.row.method {
                    Method::Get => caller.role,
                    // The view may be behind by some milliseconds. A write by an administrator who was demoted
                    // meanwhile could undo that.
                    _ => Some(self.standing_user(&caller.user).await?.role),
                };
                match role {
                    Some(AdminOperation::ROLE) => self.admin(operation, call, caller.user.tenant).await,
                    Some(_) => Err(Refusal::insufficient_role(&[AdminOperation::ROLE])),
                    None => Err(Refusal::plain(Code::MissingRole)),
                }
            }
        }
    }

    fn now(&self) -> Timestamp {
        self.engine.now()
    }

    /// Success, with these data.
    fn reply(&self, success: Success, data: impl Serialize) -> OperationResult {
        OperationReply::of(&success.reply(data, self.now()))
    }

    /// One page of a list, for which the client asked for `limit` records. After a full page there may be more.
    fn page<T, D: Serialize>(
        &self,
        success: Success,
        (found, limit): (&[T], u32),
        id: impl Fn(&T) -> Uuid,
        data: impl Iterator<Item = D>,
    ) -> OperationResult {
        let is_full = found.len() >= limit as usize;
        let next = found.last().filter(|_| is_full).map(id);
        OperationReply::of(&success.page(data.collect::<Vec<D>>(), next, self.now()))
    }

    /// A page of live or ended sessions, of which `current` is marked.
    fn list_of_sessions(
        &self,
        (listed, limit): (&[ListedSession], u32),
        ended: bool,
        current: Option<SessionId>,
    ) -> OperationResult {
        let success = if ended { Success::ENDED_SESSIONS } else { Success::SESSIONS };
        let data = listed.iter().map(|it| SessionSummary::of(&it.session, it.state, current));
        self.page(success, (listed, limit), |it| it.session.key.id.as_uuid(), data)
    }

    async fn end_session(&self, user: &UserKey, session: SessionId, reason: EndReason) -> OperationResult {
        if !self.engine.end_session_of(user, session, reason).await? {
            return Err(Refusal::plain(Code::SessionNotFound).about_session(session));
        }
        self.reply(Success::SESSION_REVOKED, RevokedSession { session_id: session })
    }

    async fn end_sessions(&self, user: &UserKey, reason: EndReason) -> OperationResult {
        let revoked_count = self.engine.end_sessions(user, reason).await?;
        self.reply(Success::ALL_SESSIONS_REVOKED, RevokedSessions { revoked_count })
    }
}
