//! The handlers of the routes under each strategy, the same for all strategies.

use std::iter::once;
use std::sync::Arc;

use axum::response::{IntoResponse as _, Response};
use http::StatusCode;
use http::header::SET_COOKIE;
use portcullis_api::answer::{PASSWORD_CHANGED, StrategyFormat, UserView, strategy_format};
use portcullis_api::operation::OwnStrategyOperation::{self, Logout, Password, Profile};
use portcullis_api::operation::PublicStrategyOperation::{self, Login, Refresh, Register};
use portcullis_api::operation::{StrategyOperation, StrategyRow};
use portcullis_api::refusal::Refusal;
use portcullis_api::request::{ChangePasswordBody, LoginBody, RefreshBody, RegisterBody};
use portcullis_axum::{Guard, OtherSessions, RefusalResponse};
use portcullis_core::engine::{self, ChangePassword, Identity, NewUser, PasswordSignIn, RefreshError};
use portcullis_core::secret::PlainSecret;
use portcullis_core::strategy::{Carrier, StrategyName};
use portcullis_core::username::LoginName;

use crate::AuthApp;
use crate::answer::{HandlerResult, delay_if_busy};
use crate::decoded_request::DecodedRequest;
use crate::routed_request::RoutedRequest;

/// An operation under a strategy.
pub(crate) struct StrategyEndpoint {
    app: Arc<AuthApp>,
    row: StrategyRow,
    strategy: StrategyName,
    /// How its answers are formatted.
    format: StrategyFormat,
    /// Lets users in to their own operations.
    guard: Guard,
}

impl StrategyEndpoint {
    pub(crate) fn new(app: Arc<AuthApp>, row: StrategyRow, strategy: StrategyName) -> Self {
        let guard = Guard::with(app.engine.clone(), strategy, app.cookie.clone(), app.requires_tenant);
        let guard = guard.origins(app.origins.clone());
        let guard = if row.kind == StrategyOperation::Own(Logout) { guard.for_sign_out() } else { guard };
        Self { app, row, strategy, format: strategy_format(strategy), guard }
    }

    /// Answers a request, behind what the row and its type ask for.
    ///
    /// A check is answered in place, because there are so many of them. The futures of all others are boxed: they are
    /// larger, and each connection would have room for them.
    pub(crate) async fn answer(&self, asked: &mut RoutedRequest) -> Response {
        // A refresh is counted once its body has said which session it is of.
        let is_refresh = self.row.kind == StrategyOperation::Public(Refresh);
        if self.row.limited
            && !is_refresh
            && let Err(refusal) = self.app.admit(asked)
        {
            return RefusalResponse(refusal).into_response();
        }
        match self.row.kind {
            StrategyOperation::Own(kind) => self.own(kind, asked).await,
            StrategyOperation::Public(kind) => Box::pin(self.public(kind, asked)).await.into_response(),
        }
    }

    async fn public(&self, kind: PublicStrategyOperation, asked: &mut RoutedRequest) -> HandlerResult {
        match kind {
            Register => delay_if_busy(self.register(asked)).await,
            Login => delay_if_busy(self.login(asked)).await,
            Refresh => self.refresh(asked).await,
        }
    }

    async fn own(&self, kind: OwnStrategyOperation, asked: &mut RoutedRequest) -> Response {
        let (identity, others) = match self.guard.admit(&asked.parts).await {
            Ok(admitted) => admitted,
            Err(refused) => return refused,
        };
        let renewed = identity.renewed.clone();
        let answer = match kind {
            Profile => self.profile(&identity),
            Logout => Box::pin(self.logout(identity, others, asked)).await,
            Password => Box::pin(delay_if_busy(self.password(identity, asked))).await,
        };
        let mut response = answer.into_response();
        self.guard.renew(renewed.as_ref(), &mut response);
        response
    }

    /// `POST /auth/{strategy}/register`
    async fn register(&self, asked: &mut RoutedRequest) -> HandlerResult {
        let asked = DecodedRequest::of(&self.app, asked).await?;
        let engine = self.app.engine.for_client(asked.address);
        let tenant = engine.tenant(&asked.tenant(&self.app)?).await?;
        let RegisterBody { email, password, name } =
            RegisterBody::read_as(self.format.names, &asked.body, &tenant.policy.password)?;
        let tenant = tenant.id.clone();
        let new = NewUser::new(email, Some(name));
        let user =
            engine.register(engine::Register { tenant, strategy: self.strategy, new, password }).await?;
        // `null` where the tenant hides who has an account.
        self.app.private(StatusCode::CREATED, &user.as_ref().map(UserView::of))
    }

    /// `POST /auth/{strategy}/login`
    async fn login(&self, asked: &mut RoutedRequest) -> HandlerResult {
        let app = &self.app;
        let asked = DecodedRequest::of(app, asked).await?;
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
        let mut response = app.private(StatusCode::CREATED, &self.format.login(&signed_in))?;
        let grant = &signed_in.grant;
        // Any other credential is in the body.
        if grant.carrier == Carrier::Cookie {
            let set = app.cookie.set(grant.credential.reveal(), grant.expires)?;
            response.headers_mut().append(SET_COOKIE, set);
        }
        Ok(response)
    }

    /// `POST /auth/{strategy}/refresh`
    async fn refresh(&self, asked: &mut RoutedRequest) -> HandlerResult {
        let app = &self.app;
        let asked = DecodedRequest::of(app, asked).await?;
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
        let refresh =
            engine::Refresh { tenant, strategy: self.strategy, token, device_secret, cookies: Vec::new() };
        let refresh = app.engine.verify_refresh(refresh).await;
        app.admit_refresh(Some(&refresh), &asked).await?;
        let refreshed = app.engine.redeem(refresh).await?;
        self.app.private(StatusCode::CREATED, &self.format.refreshed(&refreshed))
    }

    fn profile(&self, identity: &Identity) -> HandlerResult {
        self.app.private(StatusCode::OK, &self.format.profile(identity))
    }

    /// `POST /auth/{strategy}/logout`
    async fn logout(
        &self,
        identity: Identity,
        OtherSessions(others): OtherSessions,
        asked: &mut RoutedRequest,
    ) -> HandlerResult {
        let Self { app, strategy, format, .. } = self;
        let asked = DecodedRequest::of(app, asked).await?;
        for identity in once(&identity).chain(&others) {
            app.engine.sign_out(identity).await?;
        }
        let mut response = app.private(StatusCode::CREATED, &format.logout())?;
        if strategy.strategy().carrier() == Carrier::Cookie {
            let is_one = app.cookie.values(asked.headers).len() == 1;
            let cleared = if is_one {
                vec![app.cookie.clear()?]
            } else {
                app.cookie.clear_everywhere(asked.headers)?
            };
            response.headers_mut().extend(cleared.into_iter().map(|set| (SET_COOKIE, set)));
        }
        Ok(response)
    }

    /// `POST /auth/{strategy}/password`
    async fn password(&self, identity: Identity, asked: &mut RoutedRequest) -> HandlerResult {
        let asked = DecodedRequest::of(&self.app, asked).await?;
        self.app.rates.admit_password_change(&identity, &asked.requester())?;
        let engine = self.app.engine.for_client(asked.address);
        let tenant = engine.tenant(&identity.user.tenant).await?;
        let ChangePasswordBody { current, new } =
            ChangePasswordBody::read(&asked.body, &tenant.policy.password)?;
        engine.change_password(ChangePassword { identity, current, new }).await?;
        self.app.private(StatusCode::CREATED, &PASSWORD_CHANGED)
    }
}

/// The refusal of an invalid token, whose challenge does not say that one was sent (RFC 6750, section 3.1).
fn nothing_sent() -> Refusal {
    Refusal { invalid_token: false, ..RefreshError::Invalid.into() }
}
