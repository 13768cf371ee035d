//! `POST /auth/login` and `POST /auth/login/verify`, `auth.login` and `auth.verifyOtp`

use portcullis_api::answer::Success;
use portcullis_api::answer::device::{DeviceUser, Login, PendingLogin};
use portcullis_api::refusal::{Code, Refusal};
use portcullis_api::request::device;
use portcullis_core::engine::{CompletedDeviceSignIn, DeviceSignIn, DeviceSignInResult, VerifyCode};
use portcullis_core::id::TicketId;

use super::{Call, OperationDispatcher, Replied};

impl OperationDispatcher {
    pub(super) async fn login(&self, call: Call<'_>) -> Replied {
        let device::LogIn { name, password, native, device_secret } = device::LogIn::read(&call.body)?;
        let (tenant, shown) = (call.tenant(), call.shown(device_secret, native));
        let request = DeviceSignIn { tenant, login: name, password, device: call.device, shown };
        match self.engine.device_sign_in(request).await? {
            DeviceSignInResult::Done(signed_in) => self.signed_in(*signed_in),
            DeviceSignInResult::CodeSent { login, expires, cookie } => {
                let pending = PendingLogin::by_mail(login.as_uuid(), expires);
                Ok(self.reply(Success::OTP_SENT, pending)?.with_cookie(cookie))
            }
        }
    }

    pub(super) async fn verify_login(&self, call: Call<'_>) -> Replied {
        let device::VerifyLogin { login, otp, native, device_secret } =
            device::VerifyLogin::read(&call.body)?;
        let (tenant, shown) = (call.tenant(), call.shown(device_secret, native));
        let login = TicketId::from_uuid(login);
        let request = VerifyCode { tenant, login, code: otp, device: call.device, shown };
        self.signed_in(self.engine.verify_code(request).await?)
    }

    fn signed_in(&self, signed_in: CompletedDeviceSignIn) -> Replied {
        let CompletedDeviceSignIn { signed_in, cookie, .. } = signed_in;
        let grant = &signed_in.grant;
        // Device sessions rotate, whatever else a tenant decides.
        let refresh = grant.refresh.as_ref().ok_or_else(|| Refusal::plain(Code::InternalError))?;
        let user = DeviceUser::of(&signed_in.user);
        let tokens = (&grant.credential, refresh);
        let login = Login::new(tokens, signed_in.session, user, grant.device_secret.as_ref());
        Ok(self.reply(Success::LOGGED_IN, login)?.with_cookie(cookie))
    }
}
