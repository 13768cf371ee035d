//! `POST /auth/{strategy}/register`

use http::StatusCode;
use portcullis_api::answer::UserView;
use portcullis_api::request::RegisterBody;
use portcullis_core::engine::{NewUser, Register};

use super::Route;
use crate::http::answer::{HandlerResult, private};
use crate::http::decoded_request::DecodedRequest;

pub(in crate::http) async fn register(route: Route, asked: DecodedRequest) -> HandlerResult {
    let engine = &route.app.engine;
    let tenant = engine.tenant(&asked.tenant(&route.app)?).await?;
    let RegisterBody { email, password, name } =
        RegisterBody::read_as(route.format.names, &asked.body, &tenant.policy.password)?;
    let tenant = tenant.id.clone();
    let new = NewUser::new(email, Some(name));
    let user = engine.register(Register { tenant, strategy: route.strategy, new, password }).await?;
    // `null` where the tenant hides who has an account.
    private(StatusCode::CREATED, &user.as_ref().map(UserView::of))
}
