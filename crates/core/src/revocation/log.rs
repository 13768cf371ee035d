//! The log of what was revoked, as one node has heard it, for one set of tenants.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

use super::wire::{LogId, LogPosition, MOST_RECORDS, Revocation, RevocationRecord};
use super::{FeedTenants, Revoked, StoredRevocation};
use crate::id::TenantId;

/// How many records a log keeps. A verifier that is further behind is told what was revoked lately.
const MOST_KEPT: usize = 100_000;

/// Records in the order in which the node has heard of them, numbered from 1 without holes.
///
/// What is announced without its content is [pending](PendingRead) until it was read. A poll reads the time of the last
/// proof first, then what is pending, and cuts the log last: so everything that was acknowledged before that time is in
/// the log when it is cut.
pub(crate) struct RevocationLog {
    tenants: FeedTenants,
    state: Mutex<LogState>,
    /// Wakes the polls that wait.
    news: watch::Sender<()>,
}

struct LogState {
    id: LogId,
    /// The number of the first record that is kept.
    first: u64,
    records: VecDeque<RevocationRecord>,
    /// What is to be read, and how often it was announced.
    pending: BTreeMap<PendingRead, u64>,
    announced: u64,
    /// What the log has said of its tenants.
    standings: BTreeMap<TenantId, TenantStanding>,
}

/// What was announced without its content, or what a new log has to read.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum PendingRead {
    /// Which tenants there are.
    Tenants,
    /// Whether the tenant is suspended, and its epochs.
    Tenant(TenantId),
}

/// What a check of any token of a tenant depends on.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub(crate) struct TenantStanding {
    pub(crate) suspended: bool,
    /// The epoch of the tenant.
    pub(crate) epoch: u64,
    /// The epoch of everyone in the tenant's database.
    pub(crate) everyone: u64,
}

impl TenantStanding {
    /// The records that say so; none of what holds where nothing is said.
    pub(crate) fn records(self) -> impl Iterator<Item = Revocation> {
        let Self { suspended, epoch, everyone } = self;
        let of_tenant = (suspended || epoch > 0).then_some(Revocation::Tenant { suspended, epoch });
        let of_all = (everyone > 0).then_some(Revocation::Everyone { epoch: everyone });
        of_tenant.into_iter().chain(of_all)
    }
}

/// What a verifier at a position does not have yet.
#[derive(Debug)]
pub(crate) enum LogCut {
    /// The records behind its position, as many as one answer takes.
    Known {
        /// The log.
        log: LogId,
        /// The number of the first record.
        from: u64,
        /// The records.
        records: Vec<RevocationRecord>,
        /// Whether there are more.
        more: bool,
    },
    /// The log does not know the position. Its own is this one.
    Unknown(LogPosition),
}

impl RevocationLog {
    /// An empty log. What it has to know of its tenants is pending.
    pub(crate) fn new(id: LogId, tenants: FeedTenants) -> Self {
        let mut state = LogState {
            id,
            first: 1,
            records: VecDeque::new(),
            pending: BTreeMap::new(),
            announced: 0,
            standings: BTreeMap::new(),
        };
        match &tenants {
            FeedTenants::All => state.announce(PendingRead::Tenants),
            FeedTenants::Some(named) => {
                named.iter().cloned().map(PendingRead::Tenant).for_each(|read| state.announce(read));
            }
        }
        Self { tenants, state: Mutex::new(state), news: watch::Sender::new(()) }
    }

    pub(crate) const fn tenants(&self) -> &FeedTenants {
        &self.tenants
    }

    fn state(&self) -> MutexGuard<'_, LogState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn tell(&self) {
        self.news.send_replace(());
    }

    /// Begins anew, because changes may have been missed.
    pub(crate) fn restart(&self, id: LogId) {
        let mut state = self.state();
        (state.id, state.first) = (id, 1);
        state.records.clear();
        let known: Vec<TenantId> = state.standings.keys().cloned().collect();
        known.into_iter().map(PendingRead::Tenant).for_each(|read| state.announce(read));
        if self.tenants == FeedTenants::All {
            state.announce(PendingRead::Tenants);
        }
        drop(state);
        self.tell();
    }

    /// Notes what a database has announced.
    pub(crate) fn note(&self, revocation: &StoredRevocation) {
        let Some(tenant) = revocation.tenant.as_ref().filter(|tenant| self.tenants.contains(tenant)) else {
            return;
        };
        let Some(travels) = travelling(revocation) else { return };
        let record = self.named(tenant, travels);
        self.state().append([record]);
        self.tell();
    }

    /// Notes that something must be read before the log is complete.
    pub(crate) fn note_pending(&self, read: PendingRead) {
        let concerns = match &read {
            PendingRead::Tenants => self.tenants == FeedTenants::All,
            PendingRead::Tenant(tenant) => self.tenants.contains(tenant),
        };
        if concerns {
            self.state().announce(read);
            self.tell();
        }
    }

    /// Notes of each tenant that the log knows, and that this concerns, that its epochs must be read.
    pub(crate) fn note_everyone(&self, concerns: impl Fn(&TenantId) -> bool) {
        let known = self.standings().into_keys().filter(concerns);
        known.map(PendingRead::Tenant).for_each(|read| self.note_pending(read));
    }

    /// What is to be read, and how often that was announced so far.
    pub(crate) fn pending(&self) -> Vec<(PendingRead, u64)> {
        let state = self.state();
        state.pending.iter().map(|(read, times)| (read.clone(), *times)).collect()
    }

    /// Notes that something was read after it had been announced so often. If it was announced again meanwhile, it is
    /// to be read once more.
    pub(crate) fn settle(&self, read: &PendingRead, announced: u64) {
        let mut state = self.state();
        if state.pending.get(read) == Some(&announced) {
            state.pending.remove(read);
        }
    }

    /// Notes what was read of a tenant; `None` if it is gone, which is a suspension for ever.
    pub(crate) fn stands(&self, tenant: &TenantId, read: Option<TenantStanding>) {
        let mut state = self.state();
        let before = state.standings.get(tenant).copied().unwrap_or_default();
        let standing = read.unwrap_or(TenantStanding { suspended: true, ..before });
        state.standings.insert(tenant.clone(), standing);
        if before == standing {
            return;
        }
        let TenantStanding { suspended, epoch, everyone } = standing;
        let mut said = vec![Revocation::Tenant { suspended, epoch }];
        if before.everyone != everyone {
            said.push(Revocation::Everyone { epoch: everyone });
        }
        state.append(said.into_iter().map(|said| self.named(tenant, said)));
        drop(state);
        self.tell();
    }

    /// A record as it travels: with its tenant, unless all are of one.
    pub(crate) fn named(&self, tenant: &TenantId, revocation: Revocation) -> RevocationRecord {
        let tenant = if self.tenants.only().is_some() { None } else { Some(tenant.clone()) };
        RevocationRecord { revocation, tenant }
    }

    /// The position behind the last record.
    pub(crate) fn position(&self) -> LogPosition {
        self.state().position()
    }

    /// What a verifier that knows these positions does not have yet.
    pub(crate) fn cut(&self, known: &[LogPosition]) -> LogCut {
        let state = self.state();
        match known.iter().find_map(|position| state.index_behind(position)) {
            Some(index) => state.cut_from(index),
            None => LogCut::Unknown(state.position()),
        }
    }

    /// The tenants of the log that it knows, with what holds for them.
    pub(crate) fn standings(&self) -> BTreeMap<TenantId, TenantStanding> {
        self.state().standings.clone()
    }

    /// Becomes ready when something is new from now on.
    pub(crate) fn news(&self) -> watch::Receiver<()> {
        self.news.subscribe()
    }
}

impl LogState {
    fn announce(&mut self, read: PendingRead) {
        self.announced += 1;
        self.pending.insert(read, self.announced);
    }

    fn append(&mut self, records: impl IntoIterator<Item = RevocationRecord>) {
        for record in records {
            if self.records.len() >= MOST_KEPT {
                self.records.pop_front();
                self.first += 1;
            }
            self.records.push_back(record);
        }
    }

    fn position(&self) -> LogPosition {
        LogPosition { log: self.id.clone(), number: self.first + self.records.len() as u64 - 1 }
    }

    /// The index of the first record behind a position; `None` if it was trimmed, or is of another log or life.
    fn index_behind(&self, known: &LogPosition) -> Option<usize> {
        let next = known.number.checked_add(1).filter(|_| known.log == self.id)?;
        let index = usize::try_from(next.checked_sub(self.first)?).ok()?;
        (index <= self.records.len()).then_some(index)
    }

    fn cut_from(&self, index: usize) -> LogCut {
        let records: Vec<_> = self.records.iter().skip(index).take(MOST_RECORDS).cloned().collect();
        let more = index + records.len() < self.records.len();
        LogCut::Known { log: self.id.clone(), from: self.first + index as u64, records, more }
    }
}

/// A revocation as it travels; `None` for what is read from the database when it is announced.
pub(crate) fn travelling(stored: &StoredRevocation) -> Option<Revocation> {
    let until = stored.until;
    Some(match &stored.what {
        Revoked::Session(id) => Revocation::Session { id: *id, until },
        Revoked::User { user, epoch, kept } => {
            Revocation::User { id: *user, epoch: *epoch, kept: kept.iter().copied().collect(), until }
        }
        Revoked::Role { user, role } => Revocation::Role { id: *user, role: *role, until },
        Revoked::Key(kid) => Revocation::Key { kid: kid.clone() },
        Revoked::KeySet => Revocation::KeySet,
        Revoked::Tenant | Revoked::Everyone => return None,
    })
}

#[cfg(test)]
mod tests;
