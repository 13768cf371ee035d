//! The revocations of one tenant.

use std::collections::{HashMap, HashSet};

use portcullis_core::clock::Ticks;
use portcullis_core::id::{SessionId, UserId};
use portcullis_core::key::Kid;
use portcullis_core::revocation::wire::Revocation;
use portcullis_core::session::Epochs;
use portcullis_core::user::Role;

use super::Subject;
use super::expiries::RecordExpiries;
use super::last_told::{LastTold, Order, RecordSource};

/// The revocations of one tenant.
#[derive(Default)]
pub(super) struct TenantRecords {
    sessions: HashMap<SessionId, Ticks>,
    users: HashMap<UserId, UserEpoch>,
    roles: HashMap<UserId, UserRole>,
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

/// The role that a user was given.
struct UserRole {
    role: LastTold<Role>,
    end: Ticks,
}

/// The lowest epoch of the tenant that counts, and whether the tenant is suspended.
#[derive(Default)]
struct TenantEpoch {
    epoch: u64,
    suspended: Option<LastTold<bool>>,
}

#[derive(Clone, Copy)]
enum RecordKey {
    Session(SessionId),
    User(UserId),
    Role(UserId),
}

impl TenantRecords {
    pub(super) fn len(&self) -> usize {
        self.sessions.len() + self.users.len() + self.roles.len() + self.keys.len()
    }

    /// How many records are to be forgotten some day.
    #[cfg(test)]
    pub(super) fn expiries(&self) -> usize {
        self.expiries.len()
    }

    /// Whether a record says that the subject is over.
    pub(super) fn is_dead(&self, subject: &Subject<'_>) -> bool {
        let Epochs { user, tenant, everyone } = subject.epochs;
        self.tenant.is_suspended()
            || tenant < self.tenant.epoch
            || everyone < self.everyone
            || subject.session.is_some_and(|session| self.sessions.contains_key(&session))
            || subject.kid.is_some_and(|kid| self.keys.contains(kid))
            || self.users.get(&subject.user).is_some_and(|over| over.ends(user, subject.session))
    }

    /// The role that counts in place of the token's.
    pub(super) fn role(&self, user: UserId) -> Option<Role> {
        self.roles.get(&user).map(|given| given.role.value)
    }

    pub(super) fn add(&mut self, revocation: &Revocation, source: &RecordSource) -> Order {
        match revocation {
            Revocation::Session { id, until } => self.end_session(*id, source.end(*until)),
            Revocation::User { id, epoch, kept, until } => {
                let raised = UserEpoch { epoch: *epoch, kept: kept.clone(), end: source.end(*until) };
                self.raise_user(*id, raised);
            }
            Revocation::Tenant { suspended, epoch } => return self.tenant.raise(*epoch, *suspended, source),
            Revocation::Everyone { epoch } => self.everyone = self.everyone.max(*epoch),
            Revocation::Role { id, role, until } => {
                return self.give_role(*id, *role, source.end(*until), source);
            }
            Revocation::Key { kid } => {
                self.keys.insert(kid.clone());
            }
            // The feed has the keys fetched again; no token is over.
            Revocation::KeySet => {}
        }
        Order::Clear
    }

    fn end_session(&mut self, id: SessionId, end: Ticks) {
        if let Some(kept) = self.sessions.get_mut(&id) {
            *kept = (*kept).max(end);
            return;
        }
        self.expiries.add(RecordKey::Session(id), end);
        self.sessions.insert(id, end);
    }

    fn raise_user(&mut self, id: UserId, raised: UserEpoch) {
        if let Some(known) = self.users.get_mut(&id) {
            known.raise(raised);
            return;
        }
        self.expiries.add(RecordKey::User(id), raised.end);
        self.users.insert(id, raised);
    }

    fn give_role(&mut self, id: UserId, role: Role, end: Ticks, source: &RecordSource) -> Order {
        if let Some(known) = self.roles.get_mut(&id) {
            known.end = known.end.max(end);
            let is_stricter = rank(role) < rank(known.role.value);
            return known.role.tell(role, source, is_stricter);
        }
        self.expiries.add(RecordKey::Role(id), end);
        self.roles.insert(id, UserRole { role: LastTold::new(role, source), end });
        Order::Clear
    }

    /// Drops the records whose time is over. Each record has one place among the expiries, however often it was told: a
    /// record that was given a later end since is put there again.
    pub(super) fn forget_expired(&mut self, now: Ticks) {
        for key in self.expiries.due(now) {
            match self.end(key) {
                Some(end) if end > now => self.expiries.add(key, end),
                _ => self.forget(key),
            }
        }
    }

    fn end(&self, key: RecordKey) -> Option<Ticks> {
        match key {
            RecordKey::Session(id) => self.sessions.get(&id).copied(),
            RecordKey::User(id) => self.users.get(&id).map(|user| user.end),
            RecordKey::Role(id) => self.roles.get(&id).map(|role| role.end),
        }
    }

    fn forget(&mut self, key: RecordKey) {
        match key {
            RecordKey::Session(id) => drop(self.sessions.remove(&id)),
            RecordKey::User(id) => drop(self.users.remove(&id)),
            RecordKey::Role(id) => drop(self.roles.remove(&id)),
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

const fn rank(role: Role) -> u8 {
    match role {
        Role::User => 0,
        Role::Manager => 1,
        Role::Admin => 2,
    }
}

impl TenantEpoch {
    fn is_suspended(&self) -> bool {
        self.suspended.as_ref().is_some_and(|told| told.value)
    }

    /// A higher epoch replaces a lower one, with the state that is told under it.
    fn raise(&mut self, epoch: u64, suspended: bool, source: &RecordSource) -> Order {
        match &mut self.suspended {
            Some(_) if epoch < self.epoch => Order::Clear,
            Some(told) if epoch == self.epoch => told.tell(suspended, source, suspended),
            _ => {
                *self = Self { epoch, suspended: Some(LastTold::new(suspended, source)) };
                Order::Clear
            }
        }
    }
}
