//! `POST /auth/{strategy}/password`

use http::StatusCode;
use portcullis_api::answer::PASSWORD_CHANGED;
use portcullis_api::request::ChangePasswordBody;
use portcullis_axum::CurrentUser;
use portcullis_core::engine::ChangePassword;

use super::Route;
use crate::http::answer::{HandlerResult, private};
use crate::http::decoded_request::DecodedRequest;

pub(in crate::http) async fn password(
    route: Route,
    CurrentUser(identity): CurrentUser,
    asked: DecodedRequest,
) -> HandlerResult {
    let engine = &route.app.engine;
    let tenant = engine.tenant(&identity.user.tenant).await?;
    let ChangePasswordBody { current, new } = ChangePasswordBody::read(&asked.body, &tenant.policy.password)?;
    engine.change_password(ChangePassword { identity, current, new }).await?;
    private(StatusCode::CREATED, &PASSWORD_CHANGED)
}
