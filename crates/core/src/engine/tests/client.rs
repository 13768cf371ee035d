//! Clients that sign in under `device`: a browser that keeps cookies, an app that keeps a secret, and a client that
//! keeps nothing.

use std::sync::{Arc, Mutex, PoisonError};

use super::mailbox::RecordingMailbox;
use crate::engine::{
    CompletedDeviceSignIn, DeviceSignIn, DeviceSignInError, DeviceSignInResult, Engine, PresentedDevice,
    Refresh, RefreshError, Refreshed, ResendCode, ResendCodeError, VerifyCode, VerifyCodeError,
};
use crate::id::{TenantId, TicketId};
use crate::secret::PlainSecret;
use crate::session::Device;
use crate::store::conformance::fixture::{HeldCredentials, PASSWORD, RegisteredUser, password};
use crate::strategy::StrategyName;
use crate::ticket::Ticket;
use crate::username::LoginName;

/// A client that a user signs in with.
#[derive(Debug)]
pub(super) struct FixtureClient {
    device: Device,
    native: bool,
    keeps: bool,
    /// The device cookie of a browser, or the device secret of an app.
    kept: Mutex<Option<PlainSecret>>,
}

impl FixtureClient {
    fn with(name: &str, native: bool, keeps: bool) -> Self {
        Self { device: Device::described("192.0.2.7", name), native, keeps, kept: Mutex::default() }
    }

    /// A browser, which keeps cookies.
    pub(super) fn browser() -> Self {
        Self::with("a browser", false, true)
    }

    /// An app, which keeps its device secret.
    pub(super) fn app() -> Self {
        Self::with("an app", true, true)
    }

    /// A client that drops the cookies that it is given.
    pub(super) fn forgetful() -> Self {
        Self::with("curl/8.7.1", false, false)
    }

    /// A browser with this cookie.
    pub(super) fn with_cookie(cookie: &str) -> Self {
        let browser = Self::browser();
        browser.keep(Some(PlainSecret::presented(cookie)));
        browser
    }

    /// An app with this device secret.
    pub(super) fn app_with(secret: &str) -> Self {
        let app = Self::app();
        app.keep(Some(PlainSecret::presented(secret)));
        app
    }

    /// The cookie or secret that it keeps.
    pub(super) fn kept(&self) -> Option<PlainSecret> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn keep(&self, given: Option<PlainSecret>) {
        if given.is_some() && self.keeps {
            *self.kept.lock().unwrap_or_else(PoisonError::into_inner) = given;
        }
    }

    /// What it presents as its device.
    pub(super) fn shown(&self) -> PresentedDevice {
        let (cookie, secret) = if self.native { (None, self.kept()) } else { (self.kept(), None) };
        PresentedDevice {
            cookies: cookie.into_iter().collect(),
            secret,
            native: self.native,
            keeps_cookies: true,
        }
    }

    /// Sends the password, the first step of a sign-in.
    pub(super) async fn device_sign_in(
        &self,
        engine: &Engine,
        tenant: &TenantId,
        name: &str,
        with: &str,
    ) -> Result<DeviceSignInResult, DeviceSignInError> {
        let login = LoginName::parse(name).unwrap_or_else(|_| panic!("{name} names no user"));
        let (tenant, device, shown) = (tenant.clone(), self.device.clone(), self.shown());
        let answer = engine
            .device_sign_in(DeviceSignIn { tenant, login, password: password(with), device, shown })
            .await?;
        match &answer {
            DeviceSignInResult::CodeSent { cookie, .. } => self.keep(cookie.clone()),
            DeviceSignInResult::Done(done) => self.take(done),
        }
        Ok(answer)
    }

    /// Sends the right password, and returns the ticket of the sign-in.
    pub(super) async fn request_code(&self, engine: &Engine, member: &RegisteredUser) -> TicketId {
        let user = &member.user;
        match self.device_sign_in(engine, &user.key.tenant, user.email.as_typed(), PASSWORD).await {
            Ok(DeviceSignInResult::CodeSent { login, .. }) => login,
            answer => panic!("no code was sent: {answer:?}"),
        }
    }

    /// Asks for another code for a sign-in.
    pub(super) async fn resend(
        &self,
        engine: &Engine,
        tenant: &TenantId,
        login: TicketId,
    ) -> Result<Ticket, ResendCodeError> {
        let (tenant, device, shown) = (tenant.clone(), self.device.clone(), self.shown());
        engine.resend_code(ResendCode { tenant, login, device, shown }).await
    }

    /// Sends the code, the second step of a sign-in.
    pub(super) async fn verify(
        &self,
        engine: &Engine,
        tenant: &TenantId,
        login: TicketId,
        code: &str,
    ) -> Result<CompletedDeviceSignIn, VerifyCodeError> {
        let (tenant, device, shown) = (tenant.clone(), self.device.clone(), self.shown());
        let code = PlainSecret::presented(code);
        let done = engine.verify_code(VerifyCode { tenant, login, code, device, shown }).await?;
        self.take(&done);
        Ok(done)
    }

    fn take(&self, done: &CompletedDeviceSignIn) {
        let secret = done.signed_in.grant.device_secret.clone();
        self.keep(if self.native { secret } else { done.cookie.clone() });
    }

    /// Signs in with password and code.
    pub(super) async fn sign_in_with_code(
        &self,
        engine: &Engine,
        post: &Arc<RecordingMailbox>,
        member: &RegisteredUser,
    ) -> HeldCredentials {
        let tenant = &member.user.key.tenant;
        let login = self.request_code(engine, member).await;
        match self.verify(engine, tenant, login, &post.code(engine).await).await {
            Ok(done) => Self::held(&done),
            Err(refused) => panic!("{} is not let in: {refused}", member.user.email),
        }
    }

    /// The credentials of a completed sign-in.
    pub(super) fn held(done: &CompletedDeviceSignIn) -> HeldCredentials {
        let CompletedDeviceSignIn { signed_in, session, .. } = done.clone();
        HeldCredentials { strategy: StrategyName::Device, tenant: session.key.tenant, signed_in }
    }

    /// Redeems a refresh token, with the device proof that it keeps.
    pub(super) async fn refresh(&self, engine: &Engine, token: &str) -> Result<Refreshed, RefreshError> {
        let PresentedDevice { cookies, secret: device_secret, .. } = self.shown();
        let strategy = StrategyName::Device;
        let token = token.to_owned();
        engine.refresh(Refresh { tenant: None, strategy, token, device_secret, cookies }).await
    }
}
