//! What can be done on the device-session surface, one file an operation, the same over HTTP and TCP.
//!
//! A transport makes a `Call` of what it was sent and writes down the `Reply` or the refusal. Who may call is decided
//! here, once, by the table of operations: what the table does not call public needs somebody who is signed in. The
//! operations themselves decode, call the engine and encode; they decide nothing.

mod admin;
mod callers;
mod links;
mod login;
mod password;
mod refresh;
mod sessions;
mod signup;

use std::sync::Arc;

use portcullis_api::answer::Success;
use portcullis_api::operation::{Access, DeviceOperation, Operation};
use portcullis_api::refusal::{Code, Refusal};
use portcullis_api::request::Body;
use portcullis_core::clock::Timestamp;
use portcullis_core::engine::{Engine, PresentedDevice};
use portcullis_core::id::TenantId;
use portcullis_core::secret::PlainSecret;
use portcullis_core::session::Device;
use serde::Serialize;
use uuid::Uuid;

pub(crate) use callers::{Caller, CallerClaim};

/// Everything that can be done on the surface.
#[derive(Clone, Debug)]
pub struct OperationDispatcher {
    /// Who does it.
    pub engine: Arc<Engine>,
    /// Whether a call must name its tenant.
    pub requires_tenant: bool,
}

/// What somebody asks for, whichever way it came.
#[derive(Debug)]
pub(crate) struct Call<'a> {
    /// The row of the table.
    pub(crate) operation: Operation<DeviceOperation>,
    /// The tenant that is named beside the body.
    pub(crate) tenant: Option<TenantId>,
    /// The members of body, query and path.
    pub(crate) body: Body,
    /// The end user's device.
    pub(crate) device: Device,
    /// The device cookie.
    pub(crate) cookie: Option<PlainSecret>,
    /// Whether the transport can set one.
    pub(crate) keeps_cookies: bool,
    /// Who they say they are.
    pub(crate) claim: CallerClaim<'a>,
}

/// What they get.
#[derive(Debug)]
pub(crate) struct Reply {
    /// The answer, as JSON.
    pub(crate) body: Vec<u8>,
    /// The device cookie to set.
    pub(crate) cookie: Option<PlainSecret>,
}

type Replied = Result<Reply, Refusal>;

impl Reply {
    fn of(body: &impl Serialize) -> Replied {
        let body = serde_json::to_vec(body).map_err(|_| Refusal::plain(Code::InternalError))?;
        Ok(Self { body, cookie: None })
    }

    fn with_cookie(self, cookie: Option<PlainSecret>) -> Self {
        Self { cookie, ..self }
    }
}

impl Call<'_> {
    /// The tenant that is meant where none has to be named.
    fn tenant(&self) -> TenantId {
        self.tenant.clone().unwrap_or_else(TenantId::default_tenant)
    }

    /// What the device shows of itself.
    fn shown(&self, secret: Option<PlainSecret>, native: bool) -> PresentedDevice {
        PresentedDevice { cookie: self.cookie.clone(), secret, native, keeps_cookies: self.keeps_cookies }
    }
}

impl OperationDispatcher {
    /// Does what is asked for, if whoever asks may.
    pub(crate) async fn answer(&self, call: Call<'_>) -> Replied {
        let kind = call.operation.kind;
        self.decided(call).await.map_err(|refusal| refusal.worded_for(kind))
    }

    async fn decided(&self, call: Call<'_>) -> Replied {
        let names_itself = matches!(
            call.operation.kind,
            DeviceOperation::Unlock
                | DeviceOperation::UnlockPage
                | DeviceOperation::ResetPage
                | DeviceOperation::ResetPassword
                | DeviceOperation::Health
        );
        if self.requires_tenant && call.tenant.is_none() && !names_itself {
            return Err(Refusal::plain(Code::TenantConnectionMissing));
        }
        match call.operation.access {
            Access::Public => self.public(call).await,
            Access::SignedIn => {
                let member = self.member(&call).await?;
                self.own(call, member).await
            }
            Access::Role(role) => {
                let member = self.member(&call).await?;
                match member.role {
                    None => Err(Refusal::missing_role()),
                    Some(held) if held != role => Err(Refusal::insufficient_role(&[role])),
                    Some(_) => self.administer(call, member).await,
                }
            }
        }
    }

    async fn public(&self, call: Call<'_>) -> Replied {
        match call.operation.kind {
            DeviceOperation::Signup => self.signup(call).await,
            DeviceOperation::Login => self.login(call).await,
            DeviceOperation::VerifyLogin => self.verify_login(call).await,
            DeviceOperation::UnlockPage | DeviceOperation::Unlock => self.unlock(call).await,
            DeviceOperation::Refresh => self.refresh(call).await,
            DeviceOperation::ForgotPassword => self.forgot_password(call).await,
            DeviceOperation::ResetPassword => self.reset_password(call).await,
            _ => Err(Refusal::no_route()),
        }
    }

    async fn own(&self, call: Call<'_>, member: Caller) -> Replied {
        match call.operation.kind {
            DeviceOperation::Password => self.change_password(call, member).await,
            DeviceOperation::Me => self.me(call, member).await,
            DeviceOperation::Sessions => self.own_sessions(call, member).await,
            DeviceOperation::RenameSession => self.rename_session(call, member).await,
            DeviceOperation::LogoutSession => self.logout_session(call, member).await,
            DeviceOperation::LogoutAll => self.logout_all(call, member).await,
            _ => Err(Refusal::no_route()),
        }
    }

    fn now(&self) -> Timestamp {
        self.engine.now()
    }

    /// Success, with these data.
    fn reply(&self, success: Success, data: impl Serialize) -> Replied {
        Reply::of(&success.reply(data, self.now()))
    }

    /// A page of a list of which `limit` were asked for: there may be more behind a full one.
    fn page<T, D: Serialize>(
        &self,
        success: Success,
        found: &[T],
        limit: u32,
        id: impl Fn(&T) -> Uuid,
        shown: impl Fn(&T) -> D,
    ) -> Replied {
        let is_full = found.len() >= limit as usize;
        let next = found.last().filter(|_| is_full).map(id);
        let data: Vec<D> = found.iter().map(shown).collect();
        Reply::of(&success.page(data, next, self.now()))
    }
}
