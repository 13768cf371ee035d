//! Sign-in with a code by mail, for users of the [fixture](super::fixture).

use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;

use super::Answered;
use crate::email::Email;
use crate::engine::{CompletedSignIn, DeviceSignIn, DeviceSignInResult, Engine, VerifyCode};
use crate::outgoing_mail::{DeliveryError, MailContent, Notifier, OutgoingMail};
use crate::secret::PlainSecret;
use crate::user::User;

/// The mailbox of one user, which keeps the newest code.
struct CodeMailbox {
    owner: Email,
    newest: Mutex<Option<PlainSecret>>,
}

#[async_trait]
impl Notifier for CodeMailbox {
    async fn deliver(&self, mail: &OutgoingMail) -> Result<(), DeliveryError> {
        if let (MailContent::Code { code, .. }, true) = (&mail.message, mail.to == self.owner) {
            *self.newest.lock().unwrap_or_else(PoisonError::into_inner) = Some(code.clone());
        }
        Ok(())
    }
}

/// Signs a user in under `device`: sends the right password and, unless the tenant asks for none, the code from the
/// mail. Delivers what mail is due.
#[expect(clippy::panic, reason = "a user who is wrongly rejected has found a fault")]
pub(super) async fn signed_in_with_code(
    engine: &Engine,
    user: &User,
    request: DeviceSignIn,
) -> CompletedSignIn {
    let (tenant, device, shown) = (request.tenant.clone(), request.device.clone(), request.shown.clone());
    let login = match engine.device_sign_in(request).await.answered() {
        DeviceSignInResult::CodeSent { login, .. } => login,
        DeviceSignInResult::Done(done) => return done.signed_in,
    };
    let mailbox = Arc::new(CodeMailbox { owner: user.email.clone(), newest: Mutex::default() });
    let notifier: Arc<dyn Notifier> = mailbox.clone();
    engine.deliver_due(&notifier).await.answered();
    let code = mailbox.newest.lock().unwrap_or_else(PoisonError::into_inner).take();
    let code = code.unwrap_or_else(|| panic!("no code was mailed to {}", user.email));
    engine.verify_code(VerifyCode { tenant, login, code, device, shown }).await.answered().signed_in
}
