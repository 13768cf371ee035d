//! What is known of revocations, and how old that knowledge is.
//!
//! Requests read it, and the feed writes it. Records and stamps of a tenant lie under one lock: a stamp never says more
//! than the records beside it.

mod expiries;
mod last_told;
mod tenant_records;

use std::collections::HashMap;
use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::Duration;

use portcullis_core::clock::Ticks;
use portcullis_core::id::{SessionId, TenantId, UserId};
use portcullis_core::key::Kid;
use portcullis_core::revocation::wire::RevocationRecord;
use portcullis_core::session::Epochs;
use portcullis_core::user::Role;
use thiserror::Error;
use tokio::sync::watch;

use last_told::Order;
pub(crate) use last_told::RecordSource;
use tenant_records::TenantRecords;

/// What is known of the revocations of each tenant that is accepted.
pub(crate) struct KnownRevocations {
    tenants: HashMap<TenantId, RwLock<TenantRevocations>>,
    capacity: usize,
    max_staleness: Duration,
    /// Counts what may cut an open stream.
    changes: watch::Sender<u64>,
}

#[derive(Default)]
struct TenantRevocations {
    records: TenantRecords,
    /// Everything that was acknowledged before this is known; `None` before the first proof.
    stamp: Option<Ticks>,
    /// When the newest snapshot was asked for.
    begun: Option<Ticks>,
}

/// What a revocation is compared with.
pub(crate) struct Subject<'a> {
    pub(crate) tenant: &'a TenantId,
    pub(crate) user: UserId,
    pub(crate) session: Option<SessionId>,
    pub(crate) kid: Option<&'a Kid>,
    pub(crate) epochs: Epochs,
}

/// What is known of a subject.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Verdict {
    /// It is not revoked. The role is that of the feed, where it names one; the stamp is that of the proof.
    Live(Option<Role>, Ticks),
    /// It is revoked, for ever.
    Dead,
    /// Nothing says that it is revoked, and the knowledge is too old to say that it is not.
    Stale(Option<Role>),
}

/// Whether records fit what the logs of other nodes told.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Agreement {
    Full,
    /// It is not clear which of two values is the newer one: the database is to be asked, through any node.
    Disputed,
}

/// A record that cannot be kept: the verifier must not go on as if it had.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
pub(crate) enum RecordFault {
    #[error("there are more revocations than the verifier may keep: raise its capacity")]
    Full,
    #[error("a record names no tenant, and the verifier accepts several")]
    NoTenant,
}

impl KnownRevocations {
    pub(crate) fn new(tenants: &[TenantId], capacity: usize, max_staleness: Duration) -> Self {
        let tenants = tenants.iter().map(|tenant| (tenant.clone(), RwLock::default())).collect();
        Self { tenants, capacity, max_staleness, changes: watch::Sender::new(0) }
    }

    pub(crate) fn accepts(&self, tenant: &TenantId) -> bool {
        self.tenants.contains_key(tenant)
    }

    pub(crate) fn tenants(&self) -> impl Iterator<Item = &TenantId> {
        self.tenants.keys()
    }

    pub(crate) const fn max_staleness(&self) -> Duration {
        self.max_staleness
    }

    /// How many records may be kept.
    pub(crate) const fn capacity(&self) -> usize {
        self.capacity
    }

    /// What is known of a subject. A tenant that is not accepted has no live subject.
    pub(crate) fn judge(&self, subject: &Subject<'_>, now: Ticks) -> Verdict {
        let Some(tenant) = self.read(subject.tenant) else { return Verdict::Dead };
        if tenant.records.is_dead(subject) {
            return Verdict::Dead;
        }
        let role = tenant.records.role(subject.user);
        let young = tenant.stamp.filter(|stamp| self.is_young(Some(*stamp), now));
        young.map_or(Verdict::Stale(role), |stamp| Verdict::Live(role, stamp))
    }

    fn is_young(&self, stamp: Option<Ticks>, now: Ticks) -> bool {
        stamp.is_some_and(|stamp| now.since(stamp) <= self.max_staleness)
    }

    /// Whether the knowledge of a tenant is young enough.
    pub(crate) fn is_fresh(&self, tenant: &TenantId, now: Ticks) -> bool {
        self.is_young(self.stamp(tenant), now)
    }

    /// Whether that of any tenant is.
    pub(crate) fn is_any_fresh(&self, now: Ticks) -> bool {
        self.tenants.keys().any(|tenant| self.is_fresh(tenant, now))
    }

    /// Whether that of every tenant is.
    pub(crate) fn is_all_fresh(&self, now: Ticks) -> bool {
        self.tenants.keys().all(|tenant| self.is_fresh(tenant, now))
    }

    /// Adds records, all of one answer. Those of tenants that are not accepted are passed over.
    pub(crate) fn add(
        &self,
        records: &[RevocationRecord],
        source: &RecordSource,
    ) -> Result<Agreement, RecordFault> {
        let mut agreement = Agreement::Full;
        for record in records {
            let Some(tenant) = self.owner(record)? else { continue };
            let order = self.write(tenant, |known| known.records.add(&record.revocation, source));
            if order == Some(Order::Disputed) {
                agreement = Agreement::Disputed;
            }
        }
        for tenant in self.tenants.keys() {
            self.write(tenant, |known| known.records.forget_expired(source.now));
        }
        if !records.is_empty() {
            self.changes.send_modify(|count| *count += 1);
        }
        if self.count() > self.capacity { Err(RecordFault::Full) } else { Ok(agreement) }
    }

    /// The accepted tenant whose record it is.
    fn owner<'a>(&'a self, record: &'a RevocationRecord) -> Result<Option<&'a TenantId>, RecordFault> {
        match (&record.tenant, self.tenants.len()) {
            (Some(tenant), _) => Ok(Some(tenant).filter(|tenant| self.accepts(tenant))),
            (None, 1) => Ok(self.tenants.keys().next()),
            (None, _) => Err(RecordFault::NoTenant),
        }
    }

    /// Notes that everything before `stamp` is known of a tenant.
    pub(crate) fn prove(&self, tenant: &TenantId, stamp: Ticks) {
        self.write(tenant, |known| known.stamp = known.stamp.max(Some(stamp)));
    }

    /// Forgets everything, stamps included: nothing counts until all is read again.
    pub(crate) fn clear(&self) {
        for tenant in self.tenants.keys() {
            self.write(tenant, |known| *known = TenantRevocations::default());
        }
    }

    /// Whether the feed would have told of an end later than `since`: all that was revoked before the snapshot may have
    /// been left out of it, if it was over by then.
    pub(crate) fn covers(&self, tenant: &TenantId, since: Ticks) -> bool {
        self.read(tenant).is_some_and(|known| known.begun.is_some_and(|begun| begun <= since))
    }

    /// Notes that the snapshot was asked for at `begun`.
    pub(crate) fn begin(&self, begun: Ticks) {
        for tenant in self.tenants.keys() {
            self.write(tenant, |known| known.begun = Some(begun));
        }
    }

    /// The oldest stamp; `None` while a tenant has none.
    pub(crate) fn oldest_stamp(&self) -> Option<Ticks> {
        let stamps = self.tenants.keys().map(|tenant| self.stamp(tenant));
        stamps.min().flatten()
    }

    /// Everything of every tenant that was acknowledged before this is known, since `started` was.
    pub(crate) fn complete_since(&self, started: Ticks) -> Ticks {
        let known =
            self.tenants.keys().map(|tenant| self.stamp(tenant).map_or(started, |at| at.max(started)));
        known.min().unwrap_or(started)
    }

    pub(crate) fn stamp(&self, tenant: &TenantId) -> Option<Ticks> {
        self.read(tenant)?.stamp
    }

    /// How many records are kept.
    pub(crate) fn count(&self) -> usize {
        self.tenants.keys().filter_map(|tenant| self.read(tenant)).map(|known| known.records.len()).sum()
    }

    /// Counts what may cut an open stream: a waiter looks again when it has moved.
    pub(crate) fn changes(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }

    fn read(&self, tenant: &TenantId) -> Option<RwLockReadGuard<'_, TenantRevocations>> {
        self.tenants.get(tenant).map(|known| known.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn write<R>(&self, tenant: &TenantId, change: impl FnOnce(&mut TenantRevocations) -> R) -> Option<R> {
        let known = self.tenants.get(tenant)?;
        let mut known: RwLockWriteGuard<'_, _> = known.write().unwrap_or_else(PoisonError::into_inner);
        Some(change(&mut known))
    }
}

#[cfg(test)]
mod tests;
