//! The handlers of the routes under each strategy, the same for all strategies.

use std::iter::once;
use std::sync::Arc;

use axum::extract::Request;
use http::StatusCode;
use http::header::SET_COOKIE;
use portcullis_api::answer::{PASSWORD_CHANGED, StrategyFormat, UserView, strategy_format};
use portcullis_api::refusal::Refusal;
use portcullis_api::request::{ChangePasswordBody, LoginBody, RefreshBody, RegisterBody};
use portcullis_axum::{CurrentUser, OtherSessions};
use portcullis_core::engine::{ChangePassword, NewUser, PasswordSignIn, Refresh, RefreshError, Register};
use portcullis_core::secret::PlainSecret;
use portcullis_core::strategy::{Carrier, StrategyName};
use portcullis_core::username::LoginName;

use super::App;
use super::answer::{HandlerResult, private};
use super::decoded_request::DecodedRequest;

/// The strategy of a route, and how its answers are formatted.
#[derive(Clone)]
pub(super) struct Route {
    app: Arc<App>,
    strategy: StrategyName,
    format: StrategyFormat,
}

impl Route {
    pub(super) fn new(app: Arc<App>, strategy: StrategyName) -> Self {
        Self { app, strategy, format: strategy_format(strategy) }
    }

    /// `POST /auth/{strategy}/register`
    pub(super) async fn register(self, request: Request) -> HandlerResult {
        let asked = DecodedRequest::of(&self.app, request).await?;
        let engine = self.app.engine.for_client(asked.address);
        let tenant = engine.tenant(&asked.tenant(&self.app)?).await?;
        let RegisterBody { email, password, name } =
            RegisterBody::read_as(self.format.names, &asked.body, &tenant.policy.password)?;
        let tenant = tenant.id.clone();
        let new = NewUser::new(email, Some(name));
        let user = engine.register(Register { tenant, strategy: self.strategy, new, password }).await?;
        // `null` where the tenant hides who has an account.
        private(StatusCode::CREATED, &user.as_ref().map(UserView::of))
    }

    /// `POST /auth/{strategy}/login`
    pub(super) async fn login(self, request: Request) -> HandlerResult {
        let app = &self.app;
        let asked = DecodedRequest::of(app, request).await?;
        let tenant = asked.tenant(app)?;
        let LoginBody { email, password, native, device_secret } = LoginBody::read(&asked.body)?;
        let shown = asked.shown(app);
        let request = PasswordSignIn {
            tenant,
            strategy: self.strategy,
            login: LoginName::Email(email),
            password,
            device: asked.device(),
            native,
            device_secret,
            replaces: shown.envelope().cookies.iter().map(|cookie| (*cookie).to_owned()).collect(),
        };
        let signed_in = app.engine.for_client(asked.address).password_sign_in(request).await?;
        let mut response = private(StatusCode::CREATED, &self.format.login(&signed_in))?;
        let grant = &signed_in.grant;
        // Any other credential is in the body.
        if grant.carrier == Carrier::Cookie {
            let set = app.cookie.set(grant.credential.reveal(), grant.expires)?;
            response.headers_mut().append(SET_COOKIE, set);
        }
        Ok(response)
    }

    /// `POST /auth/{strategy}/refresh`
    pub(super) async fn refresh(self, request: Request) -> HandlerResult {
        let app = &self.app;
        let asked = DecodedRequest::of(app, request).await?;
        let tenant = asked.tenant_named(app)?;
        let RefreshBody { token, device_secret } = RefreshBody::read(&asked.body)?;
        let shown = asked.shown(app);
        // The body first: clients that add their access token to every request send it here, too.
        let in_header = || Carrier::Bearer.find(&shown.envelope()).ok().flatten();
        let token = token.as_ref().map(PlainSecret::reveal).or_else(in_header);
        let Some(token) = token.map(str::to_owned) else {
            app.admit_refresh(None, &asked).await?;
            return Err(nothing_sent().into());
        };
        let refresh = Refresh { tenant, strategy: self.strategy, token, device_secret, cookies: Vec::new() };
        let refresh = app.engine.verify_refresh(refresh).await;
        app.admit_refresh(Some(&refresh), &asked).await?;
        let refreshed = app.engine.redeem(refresh).await?;
        private(StatusCode::CREATED, &self.format.refreshed(&refreshed))
    }

    /// `GET /auth/{strategy}/profile`
    pub(super) fn profile(&self, CurrentUser(identity): &CurrentUser) -> HandlerResult {
        private(StatusCode::OK, &self.format.profile(identity))
    }

    /// `POST /auth/{strategy}/logout`
    pub(super) async fn logout(
        self,
        CurrentUser(identity): CurrentUser,
        OtherSessions(others): OtherSessions,
        request: Request,
    ) -> HandlerResult {
        let Self { app, strategy, format } = self;
        let asked = DecodedRequest::of(&app, request).await?;
        for identity in once(&*identity).chain(&others) {
            app.engine.sign_out(identity).await?;
        }
        let mut response = private(StatusCode::CREATED, &format.logout())?;
        if strategy.strategy().carrier() == Carrier::Cookie {
            let is_one = app.cookie.values(&asked.headers).len() == 1;
            let cleared = if is_one {
                vec![app.cookie.clear()?]
            } else {
                app.cookie.clear_everywhere(&asked.headers)?
            };
            response.headers_mut().extend(cleared.into_iter().map(|set| (SET_COOKIE, set)));
        }
        Ok(response)
    }

    /// `POST /auth/{strategy}/password`
    pub(super) async fn password(
        self,
        CurrentUser(identity): CurrentUser,
        request: Request,
    ) -> HandlerResult {
        let asked = DecodedRequest::of(&self.app, request).await?;
        self.app.rates.admit_password_change(&identity, &asked.requester())?;
        let engine = self.app.engine.for_client(asked.address);
        let tenant = engine.tenant(&identity.user.tenant).await?;
        let ChangePasswordBody { current, new } =
            ChangePasswordBody::read(&asked.body, &tenant.policy.password)?;
        engine
            .change_password(ChangePassword { identity: Arc::unwrap_or_clone(identity), current, new })
            .await?;
        private(StatusCode::CREATED, &PASSWORD_CHANGED)
    }
}

/// The refusal of an invalid token, whose challenge does not say that one was sent (RFC 6750, section 3.1).
fn nothing_sent() -> Refusal {
    Refusal { invalid_token: false, ..RefreshError::Invalid.into() }
}
