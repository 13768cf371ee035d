//! `POST /auth/{strategy}/refresh`

use http::StatusCode;
use portcullis_api::refusal::Refusal;
use portcullis_api::request::RefreshBody;
use portcullis_core::engine::{Refresh, RefreshError};
use portcullis_core::secret::PlainSecret;
use portcullis_core::strategy::Carrier;

use super::Route;
use crate::http::answer::{HandlerResult, private};
use crate::http::decoded_request::DecodedRequest;

pub(in crate::http) async fn refresh(route: Route, asked: DecodedRequest) -> HandlerResult {
    let app = &route.app;
    let tenant = asked.tenant_named(app)?;
    let RefreshBody { token, device_secret } = RefreshBody::read(&asked.body)?;
    let shown = asked.shown(app);
    // The body first: clients that add their access token to every request send it here, too.
    let in_header = || Carrier::Bearer.find(&shown.envelope()).ok().flatten();
    let token = token.as_ref().map(PlainSecret::reveal).or_else(in_header);
    let token = token.ok_or_else(nothing_sent)?.to_owned();
    let refresh = Refresh { tenant, strategy: route.strategy, token, device_secret, cookie: None };
    let refreshed = app.engine.refresh(refresh).await?;
    private(StatusCode::CREATED, &route.format.refreshed(&refreshed))
}

/// The refusal of an invalid token, whose challenge does not say that one was sent (RFC 6750, section 3.1).
fn nothing_sent() -> Refusal {
    Refusal { invalid_token: false, ..RefreshError::Invalid.into() }
}
