//! A log, and where what its tenants are told of comes from.
//!
//! A tenant's own database speaks of that tenant alone, and the shared one of all others: what is written into another
//! database by hand, or was left there when a tenant moved, counts for nothing.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Mutex as AsyncMutex;

use crate::clock::Ticks;
use crate::id::TenantId;
use crate::liveness::SessionView;
use crate::revocation::log::{PendingRead, RevocationLog};
use crate::revocation::wire::LogId;
use crate::revocation::{FeedTenants, Revoked, StoredRevocation};
use crate::store::{Change, RevocationStore, StoreError};

/// A log, and what its polls share.
pub(super) struct PolledLog {
    pub(super) log: RevocationLog,
    /// What is pending is read by one poll at a time.
    pub(super) reading: AsyncMutex<()>,
    places: Mutex<TenantPlaces>,
}

#[derive(Default)]
struct TenantPlaces {
    /// The tenants with a database of their own.
    elsewhere: BTreeMap<TenantId, OwnDatabase>,
    /// The tenants who could not be read, and when.
    failed: BTreeMap<TenantId, (Ticks, StoreError)>,
}

/// The database of one tenant.
#[derive(Clone)]
pub(super) struct OwnDatabase {
    pub(super) url: String,
    pub(super) view: Arc<SessionView>,
    pub(super) revocations: Arc<dyn RevocationStore>,
}

/// A database to be asked for revocations.
pub(super) struct FeedDatabase {
    /// Of this tenant alone; `None` for all.
    pub(super) tenant: Option<TenantId>,
    /// The URL of the tenant's own database; `None` for the shared one.
    pub(super) origin: Option<String>,
    pub(super) revocations: Arc<dyn RevocationStore>,
}

impl PolledLog {
    pub(super) fn new(id: LogId, tenants: FeedTenants) -> Self {
        Self {
            log: RevocationLog::new(id, tenants),
            reading: AsyncMutex::default(),
            places: Mutex::default(),
        }
    }

    fn places(&self) -> MutexGuard<'_, TenantPlaces> {
        self.places.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes what the feed of a database has announced: that of the shared one, or of the one with this URL.
    pub(super) fn hear(&self, origin: Option<&str>, change: &Change, next_life: impl FnOnce() -> LogId) {
        match change {
            Change::Revoked(revocation) if revocation.what == Revoked::Everyone => {
                self.log.note_everyone(|tenant| self.is_at(tenant, origin));
            }
            Change::Revoked(revocation) if self.is_told_by(origin, revocation) => self.log.note(revocation),
            Change::Tenant(tenant) => self.log.note_pending(PendingRead::Tenant(tenant.clone())),
            Change::Everything if origin.is_none() || self.is_any_at(origin) => self.log.restart(next_life()),
            // Another database's, or announced as a revocation, too.
            Change::Revoked(_)
            | Change::Everything
            | Change::Session(_)
            | Change::AllSessions
            | Change::User(_) => (),
        }
    }

    /// Whether a database may say this of a tenant. Keys are in the shared one.
    pub(super) fn is_told_by(&self, origin: Option<&str>, revocation: &StoredRevocation) -> bool {
        match (&revocation.tenant, &revocation.what) {
            (_, Revoked::Key(_) | Revoked::KeySet) => origin.is_none(),
            (Some(tenant), _) => self.is_at(tenant, origin),
            (None, _) => true,
        }
    }

    fn is_at(&self, tenant: &TenantId, origin: Option<&str>) -> bool {
        self.places().elsewhere.get(tenant).map(|database| database.url.as_str()) == origin
    }

    fn is_any_at(&self, origin: Option<&str>) -> bool {
        self.places().elsewhere.values().any(|database| Some(database.url.as_str()) == origin)
    }

    /// Notes where a tenant is. Returns whether the log has heard nothing from there so far.
    pub(super) fn is_moved(&self, tenant: &TenantId, to: Option<OwnDatabase>) -> bool {
        let mut places = self.places();
        places.failed.remove(tenant);
        let now = to.as_ref().map(|database| database.url.clone());
        let before = match to {
            Some(database) => places.elsewhere.insert(tenant.clone(), database),
            None => places.elsewhere.remove(tenant),
        };
        before.map(|database| database.url) != now
    }

    /// Notes that a tenant could not be read. Its database is asked again after a while, as one of which nothing was
    /// heard.
    pub(super) fn failed(&self, tenant: &TenantId, at: Ticks, fault: StoreError) {
        let mut places = self.places();
        places.elsewhere.remove(tenant);
        places.failed.insert(tenant.clone(), (at, fault));
        drop(places);
        self.log.note_pending(PendingRead::Tenant(tenant.clone()));
    }

    /// The tenants who could not be read within the last so long.
    pub(super) fn unread(&self, now: Ticks, within: Duration) -> BTreeMap<TenantId, StoreError> {
        let places = self.places();
        let lately = places.failed.iter().filter(|(_, (at, _))| now.since(*at) < within);
        lately.map(|(tenant, (_, fault))| (tenant.clone(), fault.clone())).collect()
    }

    /// The tenants with a database of their own.
    pub(super) fn elsewhere(&self) -> BTreeMap<TenantId, OwnDatabase> {
        self.places().elsewhere.clone()
    }

    /// The databases that hold revocations of the log's tenants: the shared one first, then those of tenants by name.
    pub(super) fn databases(&self, shared: &Arc<dyn RevocationStore>) -> Vec<FeedDatabase> {
        let of_shared = |tenant| FeedDatabase { tenant, origin: None, revocations: shared.clone() };
        let mut databases: Vec<FeedDatabase> = match self.log.tenants() {
            FeedTenants::All => vec![of_shared(None)],
            FeedTenants::Some(named) => named.iter().cloned().map(Some).map(of_shared).collect(),
        };
        databases.extend(self.elsewhere().into_iter().map(|(tenant, own)| FeedDatabase {
            tenant: Some(tenant),
            origin: Some(own.url),
            revocations: own.revocations,
        }));
        databases
    }
}
