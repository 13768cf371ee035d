//! How an operator mends records that an operator or another program has spoiled.

use super::{EngineTask, UserAdminError};
use crate::event::{Event, EventKind};
use crate::id::TenantId;
use crate::store::{MendOutcome, UnreadableRecord};
use crate::user::UserCorrection;

impl EngineTask {
    pub(super) async fn mend_record(
        &self,
        tenant: &TenantId,
        record: UnreadableRecord,
        correction: UserCorrection,
    ) -> Result<MendOutcome, UserAdminError> {
        let stores = &self.any_tenant(tenant).await?.stores;
        let outcome = stores.records.users.mend(tenant, &record, &correction).await?;
        let of_tenant = Event::of_tenant(tenant.clone(), EventKind::RecordMended);
        match &outcome {
            MendOutcome::Mended { user, .. } => self.report(&Event { user: Some(user.key.id), ..of_tenant }),
            MendOutcome::Discarded => self.report(&Event { session: record.id.parse().ok(), ..of_tenant }),
            MendOutcome::NothingToMend | MendOutcome::Unclear(_) | MendOutcome::Clash => {}
        }
        Ok(outcome)
    }
}
