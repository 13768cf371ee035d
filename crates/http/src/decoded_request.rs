//! A request as handlers take it: its tenant, its device, its body.
//!
//! The body is read completely first, within a size and a time. What is not JSON is refused here, so no handler sees
//! it.

use std::net::IpAddr;

use http::header::{HeaderMap, USER_AGENT};
use portcullis_api::operation::{DeviceRow, TenantSource};
use portcullis_api::refusal::{Code, Refusal};
use portcullis_api::request::Body;
use portcullis_axum::{RequestCredentials, is_form, is_json, read_body, tenant_named};
use portcullis_core::id::TenantId;
use portcullis_core::session::Device;
use tokio::time::timeout;

use crate::AuthApp;
use crate::device_name;
use crate::rate_limit::Requester;
use crate::routed_request::RoutedRequest;

/// A request whose body has been read.
pub(crate) struct DecodedRequest<'r> {
    pub(crate) headers: &'r HeaderMap,
    /// The address of the client; `None` on a connection without one.
    pub(crate) address: Option<IpAddr>,
    /// The members of the body.
    pub(crate) body: Body,
}

impl<'r> DecodedRequest<'r> {
    /// Reads a request whose body is JSON, or a form if `or_form`.
    async fn read(app: &AuthApp, asked: &'r mut RoutedRequest, or_form: bool) -> Result<Self, Refusal> {
        let reading = read_body(asked.take_body(), app.largest_body);
        let late = |_| Refusal::because(Code::RequestTimeout, "The request body took too long");
        let text = timeout(app.body_timeout, reading).await.map_err(late)??;
        let headers = &asked.parts.headers;
        let body = if or_form && !text.is_empty() && is_form(headers) {
            Body::of_form(&text)
        } else if text.is_empty() || is_json(headers) {
            Body::parse(&text)?
        } else {
            return Err(Refusal::plain(Code::UnsupportedMediaType));
        };
        Ok(Self { headers, address: asked.client(app), body })
    }

    /// Reads a request whose body is JSON.
    pub(crate) async fn of(app: &AuthApp, asked: &'r mut RoutedRequest) -> Result<Self, Refusal> {
        Self::read(app, asked, false).await
    }

    /// Reads a request as its row says.
    pub(crate) async fn of_row(
        app: &AuthApp,
        asked: &'r mut RoutedRequest,
        row: &DeviceRow,
    ) -> Result<Self, Refusal> {
        if row.tenant == TenantSource::Unused {
            return Ok(Self { address: None, headers: &asked.parts.headers, body: Body::default() });
        }
        Self::read(app, asked, row.form).await
    }

    /// The tenant that the request names, or the one that is meant where none is.
    pub(crate) fn tenant(&self, app: &AuthApp) -> Result<TenantId, Refusal> {
        Ok(self.tenant_named(app)?.unwrap_or_else(TenantId::default_tenant))
    }

    /// The tenant that the request names.
    pub(crate) fn tenant_named(&self, app: &AuthApp) -> Result<Option<TenantId>, Refusal> {
        tenant_named(self.headers, app.requires_tenant)
    }

    /// The credentials in the headers.
    pub(crate) fn shown(&self, app: &AuthApp) -> RequestCredentials<'_> {
        RequestCredentials::in_headers(self.headers, &app.cookie)
    }

    /// Who it is counted against.
    pub(crate) fn requester(&self) -> Requester {
        Requester::at(self.address)
    }

    /// The client's device, by its `User-Agent` and its address.
    pub(crate) fn device(&self) -> Device {
        let user_agent = self.headers.get(USER_AGENT).map(|value| String::from_utf8_lossy(value.as_bytes()));
        let address = self.address.map(|address| address.to_string());
        let described = Device::described(&address.unwrap_or_default(), &user_agent.unwrap_or_default());
        Device { name: device_name::from_user_agent(&described.user_agent), ..described }
    }
}
