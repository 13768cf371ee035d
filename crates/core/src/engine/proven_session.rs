//! Which session a refresh comes from, before it is redeemed.

use super::device_proof::bare;
use super::{EngineCore, Refresh};
use crate::id::SessionKey;
use crate::session::DeviceProof;

impl EngineCore {
    pub(super) async fn proven_session(&self, request: &Refresh) -> Option<SessionKey> {
        let presented = self.authentic(request).await.ok()?;
        let key = SessionKey { tenant: presented.tenant.id.clone(), id: presented.claims.session };
        let seen = presented.tenant.stores.view.session(&key).await.ok()??;
        let held = seen.session().proof?;
        let cookies = request.cookies.iter().filter(|_| request.strategy.has_second_step());
        let mut shown = request.device_secret.iter().chain(cookies);
        shown.any(|secret| DeviceProof::hash_of(&bare(secret), &key) == held.hash).then_some(key)
    }
}
