//! `POST /auth/{strategy}/logout`

use http::StatusCode;
use http::header::SET_COOKIE;
use portcullis_api::refusal::{Code, Refusal};
use portcullis_axum::CurrentUser;
use portcullis_core::strategy::Carrier;

use super::Route;
use crate::http::answer::{HandlerResult, private};
use crate::http::decoded_request::DecodedRequest;

pub(in crate::http) async fn logout(
    route: Route,
    CurrentUser(identity): CurrentUser,
    _: DecodedRequest,
) -> HandlerResult {
    route.app.engine.sign_out(&identity).await?;
    let mut response = private(StatusCode::CREATED, &route.format.logout())?;
    if route.strategy.strategy().carrier() == Carrier::Cookie {
        let clear = route.app.cookie.clear().map_err(|_| Refusal::plain(Code::InternalError))?;
        response.headers_mut().append(SET_COOKIE, clear);
    }
    Ok(response)
}
