//! Ends the sessions of all users of all tenants: the last step of a restore, whose copy knows no later end.

use std::collections::BTreeSet;

use super::EngineTask;
use super::tenant_directory::stores_unavailable;
use crate::event::{Event, EventKind};
use crate::session::{EndReason, Ending};
use crate::store::{EpochScope, StoreError, Stored};

impl EngineTask {
    /// Counts the epoch of everyone up in the shared database, then in each tenant's own. A database that is away keeps
    /// none of the others from it; asking again ends what is left.
    pub(super) async fn end_everyone(&self) -> Result<(), StoreError> {
        let (mut reached, mut fault) = (BTreeSet::new(), None);
        self.end_everyone_in(None, &mut reached).await?;
        for id in self.all_tenants().await? {
            let database = self.stores.tenants.find(&id).await?.and_then(|tenant| tenant.database);
            match self.end_everyone_in(database, &mut reached).await {
                Ok(()) => self.report(&Event::of_tenant(id, EventKind::EveryoneSignedOut)),
                Err(away) => fault = fault.or(Some(stores_unavailable(&id, away))),
            }
        }
        fault.map_or(Ok(()), Err)
    }

    async fn end_everyone_in(
        &self,
        database: Option<String>,
        reached: &mut BTreeSet<Option<String>>,
    ) -> Stored<()> {
        if reached.contains(&database) {
            return Ok(());
        }
        let stores = self.directory.registry.at(database.as_deref()).await?;
        let ending = Ending { at: self.clock.now(), reason: EndReason::Admin };
        stores.records.epochs.advance(&EpochScope::Everyone, ending).await?;
        reached.insert(database);
        Ok(())
    }
}
