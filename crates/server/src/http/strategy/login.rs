//! `POST /auth/{strategy}/login`

use axum::response::Response;
use http::StatusCode;
use http::header::SET_COOKIE;
use portcullis_api::refusal::{Code, Refusal};
use portcullis_api::request::LoginBody;
use portcullis_core::engine::{Grant, PasswordSignIn};
use portcullis_core::strategy::Carrier;
use portcullis_core::username::LoginName;

use super::Route;
use crate::http::App;
use crate::http::answer::{HandlerResult, private};
use crate::http::decoded_request::DecodedRequest;

pub(in crate::http) async fn login(route: Route, asked: DecodedRequest) -> HandlerResult {
    let app = &route.app;
    let tenant = asked.tenant(app)?;
    let LoginBody { email, password, native } = LoginBody::read(&asked.body)?;
    let shown = asked.shown(app);
    let signed_in = app
        .engine
        .password_sign_in(PasswordSignIn {
            tenant,
            strategy: route.strategy,
            login: LoginName::Email(email),
            password,
            device: asked.device(),
            native,
            replaces: Carrier::Cookie.find(&shown.envelope()).ok().flatten().map(str::to_owned),
        })
        .await?;
    let mut response = private(StatusCode::CREATED, &route.format.login(&signed_in))?;
    deliver(app, &signed_in.grant, &mut response)?;
    Ok(response)
}

/// Sets the cookie of a strategy that carries its credential in one; any other credential is in the body.
fn deliver(app: &App, grant: &Grant, response: &mut Response) -> Result<(), Refusal> {
    if grant.carrier == Carrier::Cookie {
        let set = app.cookie.set(grant.credential.reveal(), grant.expires);
        let set = set.map_err(|_| Refusal::plain(Code::InternalError))?;
        response.headers_mut().append(SET_COOKIE, set);
    }
    Ok(())
}
