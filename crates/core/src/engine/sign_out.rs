//! Sign-out.

use super::{EngineTask, Identity, Tenant, TenantError};
use crate::event::{Event, EventKind};
use crate::session::EndReason;
use crate::store::EndScope;
use crate::strategy::Check;

impl EngineTask {
    pub(super) async fn sign_out(&self, identity: &Identity) -> Result<(), TenantError> {
        let tenant = self.tenant(&identity.user.tenant).await?;
        let Some(scope) = scope_of_sign_out(&tenant, identity) else { return Ok(()) };
        let ended = tenant.stores.view.end(&scope, EndReason::Logout).await?;
        self.report(&Event {
            session: Some(identity.session),
            strategy: Some(identity.strategy),
            ..Event::of_user(
                &identity.user,
                EventKind::Ended { reason: EndReason::Logout, count: ended.len() as u64 },
            )
        });
        Ok(())
    }
}

fn scope_of_sign_out(tenant: &Tenant, identity: &Identity) -> Option<EndScope> {
    match tenant.strategy(identity.strategy) {
        Some(strategy) if !strategy.keeps_session() => None,
        Some(strategy) if strategy.check() == Check::SignedUnlessRevoked => {
            Some(EndScope::UserStrategy(identity.user.clone(), identity.strategy))
        }
        _ => Some(EndScope::One(identity.session_key())),
    }
}
