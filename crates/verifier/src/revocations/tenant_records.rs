//! The revocations of one tenant.
//!
//! A verifier may read several logs in turn, of nodes behind one balancer. Each log is in the order in which its node
//! heard, and a log that was not read for a while repeats what the others told long ago. So a record that was seen
//! before never replaces a newer one.

use std::collections::{HashMap, HashSet};

use portcullis_core::clock::{Ticks, Timestamp};
use portcullis_core::id::{SessionId, UserId};
use portcullis_core::key::Kid;
use portcullis_core::revocation::wire::{MARGIN, Revocation};
use portcullis_core::session::Epochs;
use portcullis_core::user::Role;

use super::Subject;
use super::expiries::RecordExpiries;

/// The revocations of one tenant.
#[derive(Default)]
pub(super) struct TenantRecords {
    sessions: HashMap<SessionId, Ticks>,
    users: HashMap<UserId, UserEpoch>,
    roles: HashMap<UserId, UserRoles>,
    keys: HashSet<Kid>,
    tenant: TenantEpoch,
    everyone: u64,
    expiries: RecordExpiries<RecordKey>,
}

/// The lowest epoch of a user that counts, and the sessions that are spared.
struct UserEpoch {
    epoch: u64,
    kept: Vec<SessionId>,
    end: Ticks,
}

/// The roles that a user was given, each with the `until` of its record.
struct UserRoles {
    current: (Role, Timestamp),
    seen: Vec<(Role, Timestamp)>,
    end: Ticks,
}

/// The lowest epoch of the tenant that counts, and which states were told under it.
#[derive(Default)]
struct TenantEpoch {
    epoch: u64,
    suspended: bool,
    told_active: bool,
    told_suspended: bool,
}

#[derive(Clone, Copy)]
enum RecordKey {
    Session(SessionId),
    User(UserId),
    Role(UserId),
}

/// The time of an answer, on the server's clock and on ours.
#[derive(Clone, Copy)]
pub(crate) struct RecordTime {
    pub(super) issued: Timestamp,
    pub(super) now: Ticks,
}

impl RecordTime {
    /// Until when a record is kept, on our clock: the server's own says only how long that is from now.
    fn end(&self, until: Timestamp) -> Ticks {
        self.now.plus(until.since(self.issued)).plus(MARGIN)
    }
}

impl TenantRecords {
    pub(super) fn len(&self) -> usize {
        self.sessions.len() + self.users.len() + self.roles.len() + self.keys.len()
    }

    /// Whether a record says that the subject is over.
    pub(super) fn is_dead(&self, subject: &Subject<'_>) -> bool {
        let Epochs { user, tenant, everyone } = subject.epochs;
        self.tenant.suspended
            || tenant < self.tenant.epoch
            || everyone < self.everyone
            || subject.session.is_some_and(|session| self.sessions.contains_key(&session))
            || subject.kid.is_some_and(|kid| self.keys.contains(kid))
            || self.users.get(&subject.user).is_some_and(|over| over.ends(user, subject.session))
    }

    /// The role that counts in place of the token's.
    pub(super) fn role(&self, user: UserId) -> Option<Role> {
        self.roles.get(&user).map(|roles| roles.current.0)
    }

    pub(super) fn add(&mut self, revocation: &Revocation, time: &RecordTime) {
        match revocation {
            Revocation::Session { id, until } => self.end_session(*id, time.end(*until)),
            Revocation::User { id, epoch, kept, until } => {
                self.raise_user(*id, UserEpoch { epoch: *epoch, kept: kept.clone(), end: time.end(*until) });
            }
            Revocation::Tenant { suspended, epoch } => self.tenant.raise(*epoch, *suspended),
            Revocation::Everyone { epoch } => self.everyone = self.everyone.max(*epoch),
            Revocation::Role { id, role, until } => self.give_role(*id, (*role, *until), time.end(*until)),
            Revocation::Key { kid } => {
                self.keys.insert(kid.clone());
            }
            // The feed has the keys fetched again; no token is over.
            Revocation::KeySet => {}
        }
    }

    fn end_session(&mut self, id: SessionId, end: Ticks) {
        let kept = self.sessions.entry(id).or_insert(end);
        *kept = (*kept).max(end);
        self.expiries.add(RecordKey::Session(id), end);
    }

    fn raise_user(&mut self, id: UserId, raised: UserEpoch) {
        self.expiries.add(RecordKey::User(id), raised.end);
        match self.users.get_mut(&id) {
            Some(known) => known.raise(raised),
            None => {
                self.users.insert(id, raised);
            }
        }
    }

    fn give_role(&mut self, id: UserId, given: (Role, Timestamp), end: Ticks) {
        self.expiries.add(RecordKey::Role(id), end);
        match self.roles.get_mut(&id) {
            Some(known) => known.give(given, end),
            None => {
                self.roles.insert(id, UserRoles { current: given, seen: vec![given], end });
            }
        }
    }

    /// Drops the records whose time is over.
    pub(super) fn forget_expired(&mut self, now: Ticks) {
        for key in self.expiries.due(now) {
            let is_over = |end: &Ticks| *end <= now;
            match key {
                RecordKey::Session(id) if self.sessions.get(&id).is_some_and(is_over) => {
                    self.sessions.remove(&id);
                }
                RecordKey::User(id) if self.users.get(&id).is_some_and(|user| is_over(&user.end)) => {
                    self.users.remove(&id);
                }
                RecordKey::Role(id) if self.roles.get(&id).is_some_and(|roles| is_over(&roles.end)) => {
                    self.roles.remove(&id);
                }
                _ => {}
            }
        }
    }
}

impl UserEpoch {
    fn ends(&self, epoch: u64, session: Option<SessionId>) -> bool {
        epoch < self.epoch && !session.is_some_and(|session| self.kept.contains(&session))
    }

    /// A higher epoch replaces a lower one. Under equal ones only what both spare is spared.
    fn raise(&mut self, other: Self) {
        let end = self.end.max(other.end);
        if other.epoch > self.epoch {
            *self = other;
        } else if other.epoch == self.epoch {
            self.kept.retain(|session| other.kept.contains(session));
        }
        self.end = end;
    }
}

impl UserRoles {
    /// The record with the later `until` is the newer one. Where that does not say which is newer, the lesser role
    /// counts.
    fn give(&mut self, given: (Role, Timestamp), end: Ticks) {
        let was_seen = self.seen.contains(&given);
        let (role, until) = self.current;
        if given.1 > until || (given.1 == until && !was_seen) {
            self.current = given;
        } else if (given.1 == until || !was_seen) && rank(given.0) < rank(role) {
            self.current = (given.0, until);
        }
        if !was_seen {
            self.seen.push(given);
        }
        self.end = self.end.max(end);
    }
}

const fn rank(role: Role) -> u8 {
    match role {
        Role::User => 0,
        Role::Manager => 1,
        Role::Admin => 2,
    }
}

impl TenantEpoch {
    /// A higher epoch replaces a lower one. Under equal ones a state counts when it is told first: told again, it is an
    /// old record of another log.
    fn raise(&mut self, epoch: u64, suspended: bool) {
        if epoch > self.epoch {
            *self = Self { epoch, ..Self::default() };
        }
        let told = if suspended { &mut self.told_suspended } else { &mut self.told_active };
        if epoch == self.epoch && !std::mem::replace(told, true) {
            self.suspended = suspended;
        }
    }
}
