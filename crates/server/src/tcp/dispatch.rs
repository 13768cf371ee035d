//! The operations of the device-session surface, as microservices ask for them: a payload becomes a call, a reply or a
//! refusal becomes an envelope.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use async_trait::async_trait;
use portcullis_api::operation::{DeviceRow, TenantSource};
use portcullis_api::refusal::{Code, Refusal, RefusedRequest, Rendering};
use portcullis_api::request::Body;
use portcullis_core::id::{TenantId, UserId};
use portcullis_core::session::Device;
use portcullis_core::strategy::PresentedCredentials;
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::{Dispatch, Peer, fault};
use crate::device;
use crate::operations::{Call, CallerCredentials, OperationDispatcher, Transport};
use crate::rate_limit::RateLimits;

/// The address of whoever has none: an end user of whom the payload says none, and all who share a Unix socket.
const NO_ADDRESS: IpAddr = IpAddr::V4(Ipv4Addr::UNSPECIFIED);

/// The end user's program where the payload says none.
const NO_AGENT: &str = "tcp-client";

/// Answers by what the table of operations has a pattern for.
#[derive(Debug)]
pub struct Surface {
    /// What can be done.
    pub operations: OperationDispatcher,
    /// How often one place may ask for what costs something.
    pub rates: Arc<RateLimits>,
    /// Whether a payload is believed about who the user is.
    pub trusts_gateway: bool,
}

/// What a payload says beside the members of a body.
struct Payload {
    members: Map<String, Value>,
}

impl Payload {
    fn text(&self, name: &str) -> Option<&str> {
        self.members.get(name).and_then(Value::as_str)
    }

    fn tenant(&self) -> Result<Option<TenantId>, Refusal> {
        match self.members.get("tenantId") {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(name)) => {
                let unknown = || Refusal::plain(Code::TenantConnectionMissing).about_tenant(name);
                name.parse().map(Some).map_err(|_| unknown())
            }
            Some(_) => Err(Refusal::plain(Code::TenantConnectionMissing)),
        }
    }

    fn address(&self) -> IpAddr {
        self.text("ip").and_then(|text| text.parse().ok()).unwrap_or(NO_ADDRESS)
    }

    /// The end user's device, by the word of the service that calls.
    fn device(&self) -> Device {
        let agent = self.text("user-agent").unwrap_or(NO_AGENT);
        let described = Device::described(&self.address().to_string(), agent);
        Device { name: device::name(&described.user_agent), ..described }
    }

    /// `Authorization`, as it would have been sent over HTTP.
    fn authorization(&self) -> Option<String> {
        self.text("accessToken").map(|token| format!("Bearer {token}"))
    }

    /// `req.user.sub`: whom a gateway vouches for.
    fn vouched(&self) -> Option<UserId> {
        let user = self.members.get("req")?.get("user")?;
        user.get("sub").and_then(Value::as_str)?.parse().ok()
    }
}

impl Surface {
    async fn reply(&self, row: DeviceRow, payload: Payload, peer: &Peer) -> Result<Vec<u8>, Refusal> {
        let tenant = if row.tenant == TenantSource::Unused { None } else { payload.tenant()? };
        if row.limited {
            let meant = tenant.clone().unwrap_or_else(TenantId::default_tenant);
            // Whoever is not trusted about its users is one place itself, whatever it says.
            let place = if self.trusts_gateway { Some(payload.address()) } else { peer.ip() };
            self.rates.admit(&meant, place.unwrap_or(NO_ADDRESS))?;
        }
        let authorization = payload.authorization();
        let shown: Vec<&str> = authorization.as_deref().into_iter().collect();
        let credentials = if shown.is_empty() && self.trusts_gateway {
            CallerCredentials::Gateway(payload.vouched())
        } else {
            CallerCredentials::Presented(PresentedCredentials {
                authorization: &shown,
                ..PresentedCredentials::default()
            })
        };
        let device = payload.device();
        let body = Body::from(Value::Object(payload.members));
        let call = Call { row, transport: Transport::Tcp, tenant, body, device, cookie: None, credentials };
        Ok(self.operations.answer(call).await?.body)
    }

    fn refused(&self, row: DeviceRow, refusal: Refusal, command: &str) -> Vec<u8> {
        let occasion = RefusedRequest { method: "TCP", path: command, at: self.operations.engine.now() };
        refusal.worded_for(row.texts).render(Rendering::Envelope, &occasion)
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
            _ => return Err(fault("The payload is not an object")),
        };
        let text = match self.reply(row, Payload { members }, peer).await {
            Ok(text) => text,
            Err(refusal) => self.refused(row, refusal, command),
        };
        let text = String::from_utf8(text).map_err(|_| fault("Internal server error"))?;
        RawValue::from_string(text).map_err(|_| fault("Internal server error"))
    }
}
