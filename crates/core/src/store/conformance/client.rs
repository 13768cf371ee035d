//! Clients of the device-session surface: a browser that keeps cookies, an app that keeps a secret, and one that keeps
//! nothing.

use std::sync::{Arc, Mutex, PoisonError};

use super::fixture::{Held, Member, PASSWORD, password};
use super::mailbox::RecordingMailbox;
use crate::engine::{
    CompletedDeviceSignIn, DeviceSignIn, DeviceSignInError, DeviceSignInResult, Engine, PresentedDevice,
    Refresh, RefreshError, Refreshed, VerifyCode, VerifyCodeError,
};
use crate::id::{TenantId, TicketId};
use crate::secret::PlainSecret;
use crate::session::Device;
use crate::strategy::StrategyName;
use crate::username::LoginName;

/// What somebody signs in with.
#[derive(Debug)]
pub struct Client {
    device: Device,
    native: bool,
    keeps: bool,
    /// The cookie of a browser, the secret of an app.
    kept: Mutex<Option<PlainSecret>>,
}

impl Client {
    fn with(name: &str, native: bool, keeps: bool) -> Self {
        Self { device: Device::described("192.0.2.7", name), native, keeps, kept: Mutex::default() }
    }

    /// One that keeps cookies.
    #[must_use]
    pub fn browser() -> Self {
        Self::with("a browser", false, true)
    }

    /// One that keeps a secret of its own.
    #[must_use]
    pub fn app() -> Self {
        Self::with("an app", true, true)
    }

    /// One that is given a cookie and drops it.
    #[must_use]
    pub fn forgetful() -> Self {
        Self::with("curl/8.7.1", false, false)
    }

    /// A browser with this cookie.
    #[must_use]
    pub fn with_cookie(cookie: &str) -> Self {
        let browser = Self::browser();
        browser.keep(Some(PlainSecret::presented(cookie)));
        browser
    }

    /// What it keeps.
    pub fn kept(&self) -> Option<PlainSecret> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn keep(&self, given: Option<PlainSecret>) {
        if given.is_some() && self.keeps {
            *self.kept.lock().unwrap_or_else(PoisonError::into_inner) = given;
        }
    }

    /// What it shows of itself.
    pub fn shown(&self) -> PresentedDevice {
        let (cookie, secret) = if self.native { (None, self.kept()) } else { (self.kept(), None) };
        PresentedDevice { cookie, secret, native: self.native, keeps_cookies: true }
    }

    /// Takes the first step.
    ///
    /// # Errors
    /// The engine's.
    pub async fn device_sign_in(
        &self,
        engine: &Engine,
        tenant: &TenantId,
        name: &str,
        with: &str,
    ) -> Result<DeviceSignInResult, DeviceSignInError> {
        #[expect(clippy::panic, reason = "a mistake in the story itself")]
        let login = LoginName::parse(name).unwrap_or_else(|_| panic!("{name} is nobody's name"));
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

    /// Takes the first step for somebody who knows the password: which sign-in it is.
    #[expect(clippy::panic, reason = "whoever should be let in and is not has found a fault")]
    pub async fn asks_for_code(&self, engine: &Engine, member: &Member) -> TicketId {
        let user = &member.user;
        match self.device_sign_in(engine, &user.key.tenant, user.email.as_typed(), PASSWORD).await {
            Ok(DeviceSignInResult::CodeSent { login, .. }) => login,
            answer => panic!("no code was sent: {answer:?}"),
        }
    }

    /// Takes the second step.
    ///
    /// # Errors
    /// The engine's.
    pub async fn verify(
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

    /// Takes both steps.
    #[expect(clippy::panic, reason = "whoever should be let in and is not has found a fault")]
    pub async fn comes_in(&self, engine: &Engine, post: &Arc<RecordingMailbox>, member: &Member) -> Held {
        let tenant = &member.user.key.tenant;
        let login = self.asks_for_code(engine, member).await;
        match self.verify(engine, tenant, login, &post.code(engine).await).await {
            Ok(done) => Self::held(&done),
            Err(refused) => panic!("{} is not let in: {refused}", member.user.email),
        }
    }

    /// What somebody holds who was let in.
    #[must_use]
    pub fn held(done: &CompletedDeviceSignIn) -> Held {
        let CompletedDeviceSignIn { signed_in, session, .. } = done.clone();
        Held { strategy: StrategyName::Device, tenant: session.key.tenant, signed_in }
    }

    /// Trades a refresh token, with whatever it keeps.
    ///
    /// # Errors
    /// The engine's.
    pub async fn refresh(&self, engine: &Engine, token: &str) -> Result<Refreshed, RefreshError> {
        let PresentedDevice { cookie, secret: device_secret, .. } = self.shown();
        let strategy = StrategyName::Device;
        let token = token.to_owned();
        engine.refresh(Refresh { tenant: None, strategy, token, device_secret, cookie }).await
    }
}
