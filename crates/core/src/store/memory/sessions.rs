//! Sessions, and the epochs that end them.

use std::mem;

use async_trait::async_trait;

use super::{MemoryStore, Records};
use crate::clock::Timestamp;
use crate::id::{SessionId, SessionKey, UserKey};
use crate::revocation::Revoked;
use crate::session::{Ending, Epochs, Session, SessionState};
use crate::store::{
    Change, EndScope, EpochScope, EpochStore, Inserted, Page, SessionHandle, SessionStore, Stored, Updated,
    UserVersions,
};

#[async_trait]
impl SessionStore for MemoryStore {
    async fn insert(&self, session: &Session) -> Stored<Inserted> {
        let mut records = self.records();
        if records.sessions.contains_key(&session.key) {
            return Ok(Inserted::Clash);
        }
        records.sessions.insert(session.key.clone(), session.clone());
        let revoked = (session.state != SessionState::Live).then(|| records.revoke_session(session));
        drop(records);
        self.announce(&[Change::Session(session.key.clone())]);
        self.announce(revoked.as_slice());
        Ok(Inserted::Done)
    }

    async fn find(&self, handle: &SessionHandle, now: Timestamp) -> Stored<Option<Session>> {
        let records = self.records();
        let found = match handle {
            SessionHandle::Id(key) => records.sessions.get(key),
            SessionHandle::Cookie(cookie) => records.sessions.values().find(|session| {
                session.key.tenant == cookie.tenant && session.cookie.is_some_and(|hash| hash == cookie.hash)
            }),
        };
        Ok(found.cloned().map(|session| session.with_state_at(now)))
    }

    async fn update(&self, session: &Session, user: Option<UserVersions>) -> Stored<Updated> {
        let mut records = self.records();
        let stands = user.is_none_or(|seen| records.versions_of(&session.user_key()) == Some(seen));
        let is_before = |stored: &&mut Session| {
            stored.version.checked_add(1) == Some(session.version) && stored.state == SessionState::Live
        };
        let Some(stored) = records.sessions.get_mut(&session.key).filter(is_before).filter(|_| stands) else {
            return Ok(Updated::Stale);
        };
        // No transition changes what else a record holds.
        let before = mem::replace(stored, session.clone());
        let has_ended = before.state == SessionState::Live && session.state != SessionState::Live;
        let revoked = has_ended.then(|| records.revoke_session(session));
        drop(records);
        if session.is_news(&before) {
            self.announce(&[Change::Session(session.key.clone())]);
        }
        self.announce(revoked.as_slice());
        Ok(Updated::Done)
    }

    async fn rename(&self, key: &SessionKey, name: &str, now: Timestamp) -> Stored<bool> {
        let mut records = self.records();
        let live = |session: &&mut Session| session.state_at(now, session.epochs) == SessionState::Live;
        let Some(stored) = records.sessions.get_mut(key).filter(live) else { return Ok(false) };
        name.clone_into(&mut stored.device.name);
        stored.version += 1;
        drop(records);
        self.announce(&[Change::Session(key.clone())]);
        Ok(true)
    }

    async fn end(&self, scope: &EndScope, ending: Ending) -> Stored<Vec<SessionId>> {
        let mut records = self.records();
        let mut changes = records.advance_epoch_of(scope);
        let ended = records.end(scope, ending);
        for session in &ended {
            changes.push(Change::Session(session.key.clone()));
            changes.push(records.revoke_session(session));
        }
        drop(records);
        self.announce(&changes);
        Ok(ended.into_iter().map(|session| session.key.id).collect())
    }

    async fn list(&self, user: &UserKey, page: Page<SessionId>, now: Timestamp) -> Stored<Vec<Session>> {
        let records = self.records();
        let of_user = records.sessions.values().filter(|session| session.user_key() == *user);
        let behind = of_user.filter(|session| page.after.is_none_or(|after| session.key.id > after));
        Ok(behind.take(page.limit as usize).cloned().map(|session| session.with_state_at(now)).collect())
    }

    async fn purge(&self, now: Timestamp, limit: u32) -> Stored<u64> {
        let mut records = self.records();
        let over = records.sessions.extract_if(.., |_, session| session.kept_until() <= now);
        let gone: Vec<Change> = over.take(limit as usize).map(|(key, _)| Change::Session(key)).collect();
        drop(records);
        self.announce(&gone);
        Ok(gone.len() as u64)
    }
}

#[async_trait]
impl EpochStore for MemoryStore {
    async fn read(&self, user: &UserKey) -> Stored<Epochs> {
        Ok(self.records().epochs_of(user))
    }

    async fn advance(&self, scope: &EpochScope, _ending: Ending) -> Stored<()> {
        let revoked = self.records().advance_epoch(scope);
        let change = match scope {
            EpochScope::Tenant(tenant) => Change::Tenant(tenant.clone()),
            EpochScope::Everyone => Change::Everything,
        };
        self.announce(&[change, revoked]);
        Ok(())
    }
}

impl Records {
    pub(super) fn epochs_of(&self, user: &UserKey) -> Epochs {
        Epochs {
            user: self.user_epochs.get(user).copied().unwrap_or_default(),
            tenant: self.tenant_epochs.get(&user.tenant).copied().unwrap_or_default(),
            everyone: self.everyone_epoch,
        }
    }

    fn versions_of(&self, user: &UserKey) -> Option<UserVersions> {
        let version = self.users.get(user)?.version;
        Some(UserVersions { user: version, epochs: self.epochs_of(user) })
    }

    /// Counts the user's epoch up if the scope says so, and takes over the session that is kept.
    fn advance_epoch_of(&mut self, scope: &EndScope) -> Vec<Change> {
        let (user, kept) = match scope {
            EndScope::User(user) => (user, None),
            EndScope::UserExcept(user, kept) => (user, Some(*kept)),
            EndScope::One(_) | EndScope::UserStrategy(..) | EndScope::UserBeyond(..) => return Vec::new(),
        };
        let epoch = self.user_epochs.entry(user.clone()).or_default();
        *epoch += 1;
        let mut changes = vec![Change::User(user.clone())];
        let kept = kept.map(|id| SessionKey { tenant: user.tenant.clone(), id });
        // A session that an earlier epoch has ended must not come back.
        if let Some(session) = kept.as_ref().and_then(|key| self.sessions.get_mut(key))
            && session.user == user.id
            && session.epochs.user.checked_add(1) == Some(*epoch)
        {
            session.epochs.user = *epoch;
            session.version += 1;
            changes.push(Change::Session(session.key.clone()));
        }
        let epoch = *epoch;
        let is_spared =
            |key: &SessionKey| self.sessions.get(key).is_none_or(|session| session.epochs.user == epoch);
        let kept = kept.filter(is_spared).map(|key| key.id);
        changes.push(self.revoke(Some(&user.tenant), Revoked::User { user: user.id, epoch, kept }));
        changes
    }

    fn end(&mut self, scope: &EndScope, ending: Ending) -> Vec<Session> {
        match scope {
            EndScope::One(key) => self.end_where(ending, |session| session.key == *key),
            EndScope::User(user) => self.end_live(ending, |session| session.user_key() == *user),
            EndScope::UserExcept(user, kept) => {
                self.end_live(ending, |session| session.user_key() == *user && session.key.id != *kept)
            }
            EndScope::UserStrategy(user, strategy) => {
                self.end_where(ending, |session| session.user_key() == *user && session.strategy == *strategy)
            }
            EndScope::UserBeyond(user, newest) => {
                let kept = self.newest_of(user, *newest as usize, ending.at);
                self.end_live(ending, |session| session.user_key() == *user && !kept.contains(&session.key))
            }
        }
    }

    fn end_live(&mut self, ending: Ending, doomed: impl Fn(&Session) -> bool) -> Vec<Session> {
        let is_live = |session: &Session| session.state_at(ending.at, session.epochs) == SessionState::Live;
        self.end_where(ending, |session| is_live(session) && doomed(session))
    }

    fn end_where(&mut self, ending: Ending, doomed: impl Fn(&Session) -> bool) -> Vec<Session> {
        let mut ended = Vec::new();
        for session in self.sessions.values_mut() {
            if doomed(session) && session.state == SessionState::Live {
                *session = session.clone().end(ending);
                ended.push(session.clone());
            }
        }
        ended
    }

    fn newest_of(&self, user: &UserKey, count: usize, now: Timestamp) -> Vec<SessionKey> {
        let of_user = self.sessions.values().rev().filter(|session| session.user_key() == *user);
        let live = of_user.filter(|session| session.state_at(now, session.epochs) == SessionState::Live);
        live.take(count).map(|session| session.key.clone()).collect()
    }
}
