//! What anyone may call: sign-up, both steps of a sign-in, refresh, and what the links in mails lead to.

use portcullis_api::answer::device::{DeviceLogin, DeviceUser, PendingLogin, TokenPair};
use portcullis_api::answer::{AUTH_HEALTH, AUTH_HEALTH_OVER_TCP, Success};
use portcullis_api::operation::PublicOperation;
use portcullis_api::refusal::{Code, Refusal};
use portcullis_api::request::device::{
    DeviceLoginBody, DeviceRefreshBody, ForgotPasswordBody, ResendCodeBody, ResetPasswordBody, SignUpBody,
    UnlockBody, VerifyLoginBody,
};
use portcullis_core::engine::{
    CompletedDeviceSignIn, DeviceSignIn, DeviceSignInResult, NewUser, Refresh, Register, ResendCode,
    VerifyCode,
};
use portcullis_core::id::TicketId;
use portcullis_core::strategy::StrategyName;

use super::{Call, OperationDispatcher, OperationReply, OperationResult, Transport};

impl OperationDispatcher {
    pub(super) async fn public(&self, operation: PublicOperation, call: Call<'_>) -> OperationResult {
        match operation {
            PublicOperation::Signup => self.sign_up(call).await,
            PublicOperation::Login => self.sign_in(call).await,
            PublicOperation::VerifyLogin => self.verify_code(call).await,
            PublicOperation::ResendCode => self.resend_code(call).await,
            PublicOperation::UnlockPage | PublicOperation::Unlock => self.unlock(call).await,
            PublicOperation::Refresh => self.refresh(call).await,
            PublicOperation::Health => health(call.transport),
            PublicOperation::ForgotPassword => self.forgot_password(call).await,
            PublicOperation::ResetPassword => self.reset_password(call).await,
            // HTTP answers with a page, and TCP has no command for it.
            PublicOperation::ResetPage => Err(Refusal::no_route()),
        }
    }

    async fn sign_up(&self, call: Call<'_>) -> OperationResult {
        let tenant = self.engine.tenant(&call.tenant()).await?;
        let SignUpBody { username, email, mobile, password, name } =
            SignUpBody::read(&call.body, &tenant.policy.password)?;
        let new = NewUser { username, mobile, ..NewUser::new(email, name) };
        let tenant = tenant.id.clone();
        let request = Register { tenant, strategy: StrategyName::Device, new, password };
        let user = self.engine.register(request).await?;
        self.reply(Success::SIGNED_UP, user.as_ref().map(DeviceUser::of))
    }

    async fn sign_in(&self, call: Call<'_>) -> OperationResult {
        let DeviceLoginBody { name, password, native, device_secret } = DeviceLoginBody::read(&call.body)?;
        let (tenant, shown) = (call.tenant(), call.presented_device(device_secret, native));
        let request = DeviceSignIn { tenant, login: name, password, device: call.device, shown };
        match self.engine.device_sign_in(request).await? {
            DeviceSignInResult::Done(signed_in) => self.signed_in(*signed_in),
            DeviceSignInResult::CodeSent { login, expires, cookie } => {
                let pending = PendingLogin::by_mail(login.as_uuid(), expires);
                Ok(self.reply(Success::OTP_SENT, pending)?.with_cookie(cookie))
            }
        }
    }

    async fn verify_code(&self, call: Call<'_>) -> OperationResult {
        let VerifyLoginBody { login, otp, native, device_secret } = VerifyLoginBody::read(&call.body)?;
        let (tenant, shown) = (call.tenant(), call.presented_device(device_secret, native));
        let login = TicketId::from_uuid(login);
        let request = VerifyCode { tenant, login, code: otp, device: call.device, shown };
        self.signed_in(self.engine.verify_code(request).await?)
    }

    async fn resend_code(&self, call: Call<'_>) -> OperationResult {
        let ResendCodeBody { login } = ResendCodeBody::read(&call.body)?;
        let (tenant, shown) = (call.tenant(), call.presented_device(None, false));
        let request = ResendCode { tenant, login: TicketId::from_uuid(login), device: call.device, shown };
        let ticket = self.engine.resend_code(request).await?;
        self.reply(Success::OTP_SENT, PendingLogin::by_mail(ticket.key.id.as_uuid(), ticket.expires))
    }

    fn signed_in(&self, signed_in: CompletedDeviceSignIn) -> OperationResult {
        let CompletedDeviceSignIn { signed_in, cookie, .. } = signed_in;
        let grant = &signed_in.grant;
        // Device sessions rotate, whatever else a tenant configures.
        let refresh = grant.refresh.as_ref().ok_or_else(|| Refusal::plain(Code::InternalError))?;
        let user = DeviceUser::of(&signed_in.user);
        let tokens = (&grant.credential, refresh);
        let login = DeviceLogin::new(tokens, signed_in.session, user, grant.device_secret.as_ref());
        Ok(self.reply(Success::LOGGED_IN, login)?.with_cookie(cookie))
    }

    async fn refresh(&self, call: Call<'_>) -> OperationResult {
        let DeviceRefreshBody { token, device_secret } = DeviceRefreshBody::read(&call.body)?;
        let refresh = Refresh {
            tenant: call.tenant.clone(),
            strategy: StrategyName::Device,
            token: token.reveal().to_owned(),
            device_secret,
            cookies: call.cookies.clone(),
        };
        let refresh = self.engine.verify_refresh(refresh).await;
        let proven = self.engine.proven_session(&refresh).await;
        self.rates.admit_refresh(&call.tenant(), &call.requester, proven)?;
        let refreshed = self.engine.redeem(refresh).await.map_err(Refusal::of_device_refresh)?;
        self.reply(Success::TOKENS_REFRESHED, TokenPair::new(&refreshed.access, &refreshed.refresh))
    }

    async fn unlock(&self, call: Call<'_>) -> OperationResult {
        let UnlockBody { token } = UnlockBody::read(&call.body)?;
        self.engine.unlock(token.reveal()).await?;
        self.reply(Success::ACCOUNT_UNLOCKED, ())
    }

    async fn forgot_password(&self, call: Call<'_>) -> OperationResult {
        let ForgotPasswordBody { email } = ForgotPasswordBody::read(&call.body)?;
        self.engine.forgot_password(&call.tenant(), &email).await?;
        self.reply(Success::RESET_REQUESTED, ())
    }

    /// The password policy is that of the link's tenant, so the engine applies it once the link has been verified.
    async fn reset_password(&self, call: Call<'_>) -> OperationResult {
        let ResetPasswordBody { token, new } = ResetPasswordBody::read(&call.body)?;
        self.engine.reset_password(token.reveal(), new).await?;
        self.reply(Success::PASSWORD_RESET, ())
    }
}

fn health(transport: Transport) -> OperationResult {
    OperationReply::of(match transport {
        Transport::Http => &AUTH_HEALTH,
        Transport::Tcp => &AUTH_HEALTH_OVER_TCP,
    })
}
