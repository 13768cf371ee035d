//! The device-session surface over TCP: makes a call of a payload, and an envelope of the reply or the refusal.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use async_trait::async_trait;
use portcullis_api::operation::{DeviceOperation, DeviceRow, PublicOperation, TenantSource};
use portcullis_api::refusal::{Code, Refusal, RefusedRequest, Rendering};
use portcullis_api::request::Body;
use portcullis_core::id::TenantId;
use portcullis_core::session::Device;
use portcullis_core::strategy::{PresentedCredentials, StrategyName};
use portcullis_core::ticket::LinkToken;
use portcullis_core::token::claimed_session;
use portcullis_core::username::LoginName;
use serde_json::value::RawValue;
use serde_json::{Map, Value};
use tracing::{Instrument as _, Span};

use super::{Dispatch, Peer, fault};
use portcullis_http::device_name;
use portcullis_http::operations::{Call, CallerCredentials, GatewayUser, OperationDispatcher, Transport};
use portcullis_http::rate_limit::{RateLimits, Requester};
use portcullis_http::refusal_samples;
use portcullis_http::request_span::RequestOrigin;

/// The address of an end user whose payload has none, and of every peer on a Unix socket.
const NO_ADDRESS: IpAddr = IpAddr::V4(Ipv4Addr::UNSPECIFIED);

/// The end user's program where the payload has none.
const NO_AGENT: &str = "tcp-client";

/// Answers the commands of the operations table.
pub struct Surface {
    /// Carries out the calls.
    pub operations: OperationDispatcher,
    /// The rate limit of each address.
    pub rates: Arc<RateLimits>,
    /// Whether a payload may name the user (`req.user.sub`) and the client's address.
    pub trusts_gateway: bool,
}

/// What a payload has beside the members of a body.
struct Payload(Map<String, Value>);

impl Payload {
    fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name).and_then(Value::as_str)
    }

    fn tenant(&self) -> Result<Option<TenantId>, Refusal> {
        match self.0.get("tenantId") {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(name)) => {
                let unknown = || Refusal::plain(Code::TenantConnectionMissing).about_tenant(name);
                name.parse().map(Some).map_err(|_| unknown())
            }
            Some(_) => Err(Refusal::plain(Code::TenantConnectionMissing)),
        }
    }

    fn address(&self) -> Option<IpAddr> {
        self.text("ip")?.trim().parse().ok()
    }

    /// Who a trusted gateway's request is counted against. Without an address it is the account, sign-in or session
    /// that the operation is about, so that one end user does not use up what all of them may.
    fn requester(&self, operation: DeviceOperation) -> Requester {
        let named = || match operation {
            DeviceOperation::Public(PublicOperation::Login) => {
                let name = LoginName::parse(self.text("usernameOrEmailOrMobile")?).ok()?;
                Some(name.canonical().to_owned())
            }
            DeviceOperation::Public(PublicOperation::VerifyLogin | PublicOperation::ResendCode) => {
                Some(self.text("loginId")?.to_owned())
            }
            DeviceOperation::Public(PublicOperation::Refresh) => {
                Some(claimed_session(self.text("refreshToken")?)?.to_string())
            }
            DeviceOperation::Public(PublicOperation::Unlock) => {
                Some(LinkToken::parse(self.text("token")?)?.ticket.id.to_string())
            }
            _ => None,
        };
        self.address()
            .map(Requester::Address)
            .or_else(|| named().map(Requester::Named))
            .unwrap_or(Requester::Unknown)
    }

    /// The end user's device, as the calling service describes it.
    fn device(&self) -> Device {
        let agent = self.text("user-agent").unwrap_or(NO_AGENT);
        let address = self.address().unwrap_or(NO_ADDRESS);
        let described = Device::described(&address.to_string(), agent);
        Device { name: device_name::from_user_agent(&described.user_agent), ..described }
    }

    /// `Authorization`, as it would have been sent over HTTP.
    fn authorization(&self) -> Option<String> {
        self.text("accessToken").map(|token| format!("Bearer {token}"))
    }

    /// `req.user.sub` and `req.user.sid`: the user and the session that a gateway names.
    fn gateway_user(&self) -> GatewayUser {
        let user = self.0.get("req").and_then(|req| req.get("user"));
        let text = |name| user.and_then(|user| user.get(name)).and_then(Value::as_str);
        match text("sub").map(str::parse) {
            None => GatewayUser::Unnamed,
            Some(Err(_)) => GatewayUser::Unknown,
            Some(Ok(id)) => GatewayUser::Known(id, text("sid").and_then(|sid| sid.parse().ok())),
        }
    }
}

impl Surface {
    /// The span of a request. The packet's id is the client's own text, and no UUID.
    fn span(&self, payload: &Payload, peer: &Peer) -> Span {
        let client = if self.trusts_gateway { payload.address() } else { peer.ip() };
        let agent = payload.text("user-agent").unwrap_or(NO_AGENT);
        RequestOrigin { client, agent, id: None, strategy: Some(StrategyName::Device) }.span()
    }

    async fn reply(&self, row: DeviceRow, payload: Payload, peer: &Peer) -> Result<Vec<u8>, Refusal> {
        let tenant = if row.tenant == TenantSource::Unused { None } else { payload.tenant()? };
        // A peer that is not trusted is limited by its own address, whatever the payload says.
        let requester =
            if self.trusts_gateway { payload.requester(row.kind) } else { Requester::at(peer.ip()) };
        if row.is_limited_at_once() {
            self.rates.admit(&tenant.clone().unwrap_or_else(TenantId::default_tenant), &requester)?;
        }
        let authorization = payload.authorization();
        let shown: Vec<&str> = authorization.as_deref().into_iter().collect();
        let credentials = if shown.is_empty() && self.trusts_gateway {
            CallerCredentials::Gateway(payload.gateway_user())
        } else {
            CallerCredentials::Presented(PresentedCredentials {
                authorization: &shown,
                ..PresentedCredentials::default()
            })
        };
        let device = payload.device();
        let body = Body::from(Value::Object(payload.0));
        let call = Call {
            row,
            transport: Transport::Tcp,
            tenant,
            body,
            device,
            cookies: Vec::new(),
            requester,
            credentials,
        };
        Ok(self.operations.answer(call).await?.body)
    }

    fn refused(&self, row: DeviceRow, refusal: Refusal, command: &str) -> Vec<u8> {
        refusal.log();
        refusal_samples::note(&refusal);
        let request =
            RefusedRequest { method: RefusedRequest::TCP, path: command, at: self.operations.engine.now() };
        refusal.worded_for(row.texts).render(Rendering::Envelope, &request)
    }
}

/// Why a payload whose JSON is well-formed cannot be read.
fn unreadable_because(fault: &serde_json::Error) -> &'static str {
    // JavaScript strings may hold half of a pair, JSON of other languages may not (RFC 8259, section 8.2).
    if fault.to_string().contains("hex escape") {
        "The payload holds a lone surrogate, which is half of a character"
    } else {
        "The payload holds a number that is too large, or is nested too deep"
    }
}

#[async_trait]
impl Dispatch for Surface {
    fn knows(&self, command: &str) -> bool {
        DeviceRow::by_pattern(command).is_some()
    }

    async fn answer(
        &self,
        command: &str,
        data: &RawValue,
        peer: &Peer,
    ) -> Result<Box<RawValue>, Box<RawValue>> {
        let row = DeviceRow::by_pattern(command).ok_or_else(|| fault("Unknown command"))?;
        let members = match serde_json::from_str(data.get()) {
            Ok(Value::Object(members)) => members,
            Ok(Value::Null) => Map::new(),
            _ if row.tenant == TenantSource::Unused => Map::new(),
            Ok(_) => return Err(fault("The payload is not an object")),
            Err(unreadable) => return Err(fault(unreadable_because(&unreadable))),
        };
        let payload = Payload(members);
        let span = self.span(&payload, peer);
        let text = async {
            match self.reply(row, payload, peer).await {
                Ok(text) => text,
                Err(refusal) => self.refused(row, refusal, command),
            }
        };
        let text = text.instrument(span).await;
        let text = String::from_utf8(text).map_err(|_| fault("Internal server error"))?;
        RawValue::from_string(text).map_err(|_| fault("Internal server error"))
    }
}
