//! The device-session surface over HTTP: makes a [`Call`] of a request and a response of the reply.

use std::sync::Arc;

use axum::Router;
use axum::extract::{FromRequestParts, RawPathParams, Request};
use axum::response::IntoResponse;
use axum::routing::MethodRouter;
use http::header::SET_COOKIE;
use http::{HeaderMap, StatusCode};
use portcullis_api::operation::{DEVICE_OPERATIONS, DeviceRow, Method, TenantSource};
use portcullis_api::refusal::Refusal;
use portcullis_api::request::Body;
use portcullis_axum::{RefusalResponse, SameSite, SessionCookie, tenant_named};
use portcullis_core::id::TenantId;
use portcullis_core::secret::PlainSecret;
use portcullis_core::session::KNOWN_DEVICE;

use super::answer::{HandlerResult, delay_if_busy, json};
use super::decoded_request::DecodedRequest;
use super::pages::{RequestedForm, SubmittedForm, html_rejections, is_wanted};
use super::rate_limited::rate_limited;
use super::{App, on};
use crate::operations::{Call, CallerCredentials, OperationReply, Transport};

/// The routes of the surface.
pub(super) fn routes(app: &Arc<App>) -> Router {
    DEVICE_OPERATIONS.into_iter().fold(Router::new(), |router, row| {
        let handler = rate_limited(handler(row, app), row.is_limited_at_once(), app);
        router.route(row.route, html_rejections(row, handler, app))
    })
}

fn handler(row: DeviceRow, app: &Arc<App>) -> MethodRouter {
    let app = app.clone();
    on(row.method, async move |request: Request| {
        if let Some(form) = RequestedForm::of(row.kind, &request) {
            return form.shown(&app).await;
        }
        let answering = answer(&app, row, request);
        let answer =
            if row.method == Method::Post { delay_if_busy(answering).await } else { answering.await };
        answer.unwrap_or_else(|RefusalResponse(refusal)| {
            RefusalResponse(refusal.worded_for(row.texts)).into_response()
        })
    })
}

async fn answer(app: &Arc<App>, row: DeviceRow, request: Request) -> HandlerResult {
    let is_page = is_wanted(&request);
    let (mut parts, body) = request.into_parts();
    let path = RawPathParams::from_request_parts(&mut parts, &()).await;
    let query = parts.uri.query().map(str::to_owned);
    let mut asked = DecodedRequest::of_row(app, Request::from_parts(parts, body), &row).await?;
    let members = match row.method {
        Method::Get => Body::of_form(query.unwrap_or_default().as_bytes()),
        Method::Post | Method::Patch | Method::Delete => std::mem::take(&mut asked.body),
    };
    let members = match &path {
        Ok(path) => members.with_path(path),
        Err(_) => members,
    };
    let form = (is_page && row.form).then(|| SubmittedForm::of(row, &members));
    let shown = asked.shown(app);
    let call = Call {
        row,
        transport: Transport::Http,
        tenant: tenant_of(&row, &asked.headers)?,
        body: members,
        device: asked.device(),
        requester: asked.requester(),
        cookies: device_cookie(app).values(&asked.headers).into_iter().map(PlainSecret::presented).collect(),
        credentials: CallerCredentials::Presented(shown.envelope()),
    };
    let replied = app.operations.answer(call).await;
    match form {
        Some(form) => Ok(form.answered(app, replied.as_ref().err()).await),
        None => written(app, row, replied?),
    }
}

fn written(app: &App, row: DeviceRow, reply: OperationReply) -> HandlerResult {
    let status = StatusCode::from_u16(row.method.success()).unwrap_or(StatusCode::OK);
    let mut response = json(status, reply.body, "no-store");
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
fn device_cookie(app: &App) -> SessionCookie {
    let name = if app.https { "__Host-portcullis.device" } else { "portcullis.device" };
    SessionCookie {
        name: name.to_owned(),
        secure: app.https,
        same_site: SameSite::Lax,
        domain: None,
        host: None,
    }
}
