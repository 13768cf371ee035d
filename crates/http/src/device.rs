//! The device-session surface over HTTP: makes a [`Call`] of a request and a response of the reply.

use std::mem;

use axum::response::{IntoResponse as _, Response};
use http::header::SET_COOKIE;
use http::{HeaderMap, StatusCode};
use portcullis_api::operation::{DeviceRow, Method, TenantSource};
use portcullis_api::refusal::Refusal;
use portcullis_api::request::Body;
use portcullis_axum::{RefusalResponse, SameSite, SessionCookie, tenant_named};
use portcullis_core::id::TenantId;
use portcullis_core::secret::PlainSecret;
use portcullis_core::session::KNOWN_DEVICE;

use crate::AuthApp;
use crate::answer::{HandlerResult, delay_if_busy};
use crate::decoded_request::DecodedRequest;
use crate::operations::{Call, CallerCredentials, OperationReply, Transport};
use crate::pages::{RequestedForm, SubmittedForm, has_page, html_rejection, is_wanted};
use crate::routed_request::RoutedRequest;

/// Answers a request for an operation of the surface.
pub(crate) async fn answer(app: &AuthApp, row: DeviceRow, asked: &mut RoutedRequest) -> Response {
    let is_page = has_page(row) && is_wanted(&asked.parts);
    let admission = if row.is_limited_at_once() { app.admit(asked) } else { Ok(()) };
    let answer = match admission {
        Ok(()) => admitted(app, row, asked).await,
        Err(refusal) => RefusalResponse(refusal).into_response(),
    };
    if is_page { html_rejection(app, row, answer) } else { answer }
}

async fn admitted(app: &AuthApp, row: DeviceRow, asked: &mut RoutedRequest) -> Response {
    if let Some(form) = RequestedForm::of(row.kind, &asked.parts) {
        return form.shown(app).await;
    }
    let answering = replied(app, row, asked);
    let answer = if row.method == Method::Post { delay_if_busy(answering).await } else { answering.await };
    answer.unwrap_or_else(|RefusalResponse(refusal)| {
        RefusalResponse(refusal.worded_for(row.texts)).into_response()
    })
}

async fn replied(app: &AuthApp, row: DeviceRow, request: &mut RoutedRequest) -> HandlerResult {
    let is_page = is_wanted(&request.parts);
    let path = mem::take(&mut request.members);
    let query = request.parts.uri.query().map(str::to_owned);
    let mut asked = DecodedRequest::of_row(app, request, &row).await?;
    let members = match row.method {
        Method::Get => Body::of_form(query.unwrap_or_default().as_bytes()),
        Method::Post | Method::Patch | Method::Delete => mem::take(&mut asked.body),
    };
    let members = members.with_path(path.iter().map(|(name, text)| (name.as_str(), text.as_str())));
    let form = (is_page && row.form).then(|| SubmittedForm::of(row, &members));
    let shown = asked.shown(app);
    let call = Call {
        row,
        transport: Transport::Http,
        tenant: tenant_of(&row, asked.headers)?,
        body: members,
        device: asked.device(),
        requester: asked.requester(),
        cookies: device_cookie(app).values(asked.headers).into_iter().map(PlainSecret::presented).collect(),
        credentials: CallerCredentials::Presented(shown.envelope()),
    };
    let replied = app.operations.answer(call).await;
    match form {
        Some(form) => Ok(form.answered(app, replied.as_ref().err()).await),
        None => written(app, row, replied?),
    }
}

fn written(app: &AuthApp, row: DeviceRow, reply: OperationReply) -> HandlerResult {
    let status = StatusCode::from_u16(row.method.success()).unwrap_or(StatusCode::OK);
    let mut response = app.private_json(status, reply.body);
    if let Some(cookie) = reply.cookie {
        let set = device_cookie(app).set(cookie.reveal(), app.engine.now().plus(KNOWN_DEVICE))?;
        response.headers_mut().append(SET_COOKIE, set);
    }
    Ok(response)
}

/// Whether the tenant is needed is decided by the dispatcher; a name that cannot be one is refused here.
fn tenant_of(row: &DeviceRow, headers: &HeaderMap) -> Result<Option<TenantId>, Refusal> {
    match row.tenant {
        TenantSource::Header | TenantSource::Link => tenant_named(headers, false),
        TenantSource::Unused => Ok(None),
    }
}

/// The cookie with the device proof of a browser. `SameSite=Lax` keeps it from a POST of another site, such as a
/// refresh.
fn device_cookie(app: &AuthApp) -> SessionCookie {
    let name = if app.https { "__Host-portcullis.device" } else { "portcullis.device" };
    SessionCookie {
        name: name.to_owned(),
        secure: app.https,
        same_site: SameSite::Lax,
        domain: None,
        host: None,
    }
}
