//! The verbs. Each can be told to fail.

use async_trait::async_trait;

use super::Faulty;
use crate::clock::Timestamp;
use crate::id::{QueuedMailId, SessionId, SessionKey, TenantId, UserId, UserKey};
use crate::key::{KeyMaterial, KeyRecord, Kid};
use crate::lockout::{
    AttemptEffect, AttemptKey, AttemptOutcome, AttemptPermit, AttemptRecord, LockoutLimits,
};
use crate::queued_mail::QueuedMail;
use crate::secret::SecretHash;
use crate::session::{Ending, Epochs, RotationOutcome, RotationRequest, Session};
use crate::store::{
    AttemptStore, EndScope, EpochScope, EpochStore, Inserted, KeyStore, MailStore, Page, SessionHandle,
    SessionStore, Stored, TenantStore, TicketStore, Updated, UserHandle, UserStore,
};
use crate::tenant::{Installation, TenantRecord};
use crate::ticket::{IssueOutcome, RedeemOutcome, Ticket, TicketKey, TicketPurpose};
use crate::user::User;

#[async_trait]
impl UserStore for Faulty {
    async fn insert(&self, user: &User) -> Stored<Inserted> {
        self.faults.verb("insert a user", self.stores.users.insert(user)).await
    }

    async fn find(&self, handle: &UserHandle) -> Stored<Option<User>> {
        self.faults.verb("find a user", self.stores.users.find(handle)).await
    }

    async fn update(&self, user: &User) -> Stored<Updated> {
        self.faults.verb("update a user", self.stores.users.update(user)).await
    }

    async fn list(&self, tenant: &TenantId, search: &str, page: Page<UserId>) -> Stored<Vec<User>> {
        self.faults.verb("list users", self.stores.users.list(tenant, search, page)).await
    }
}

#[async_trait]
impl SessionStore for Faulty {
    async fn insert(&self, session: &Session) -> Stored<Inserted> {
        self.faults.verb("insert a session", self.stores.sessions.insert(session)).await
    }

    async fn find(&self, handle: &SessionHandle, now: Timestamp) -> Stored<Option<Session>> {
        self.faults.verb("find a session", self.stores.sessions.find(handle, now)).await
    }

    async fn rotate(&self, key: &SessionKey, redemption: &RotationRequest) -> Stored<RotationOutcome> {
        self.faults.verb("rotate a session", self.stores.sessions.rotate(key, redemption)).await
    }

    async fn touch(
        &self,
        key: &SessionKey,
        seen: Timestamp,
        idle_expires: Option<Timestamp>,
    ) -> Stored<bool> {
        self.faults.verb("touch a session", self.stores.sessions.touch(key, seen, idle_expires)).await
    }

    async fn rename(&self, key: &SessionKey, name: &str, now: Timestamp) -> Stored<bool> {
        self.faults.verb("rename a session", self.stores.sessions.rename(key, name, now)).await
    }

    async fn end(&self, scope: &EndScope, ending: Ending) -> Stored<Vec<SessionId>> {
        self.faults.verb("end sessions", self.stores.sessions.end(scope, ending)).await
    }

    async fn list(&self, user: &UserKey, page: Page<SessionId>, now: Timestamp) -> Stored<Vec<Session>> {
        self.faults.verb("list sessions", self.stores.sessions.list(user, page, now)).await
    }

    async fn purge(&self, now: Timestamp, limit: u32) -> Stored<u64> {
        self.faults.verb("purge sessions", self.stores.sessions.purge(now, limit)).await
    }
}

#[async_trait]
impl EpochStore for Faulty {
    async fn read(&self, user: &UserKey) -> Stored<Epochs> {
        self.faults.verb("read epochs", self.stores.epochs.read(user)).await
    }

    async fn advance(&self, scope: &EpochScope, ending: Ending) -> Stored<()> {
        self.faults.verb("advance an epoch", self.stores.epochs.advance(scope, ending)).await
    }
}

#[async_trait]
impl KeyStore for Faulty {
    async fn insert(&self, key: &KeyRecord) -> Stored<Inserted> {
        self.faults.verb("insert a key", self.stores.keys.insert(key)).await
    }

    async fn list(&self, tenant: &TenantId) -> Stored<Vec<KeyRecord>> {
        self.faults.verb("list keys", self.stores.keys.list(tenant)).await
    }

    async fn rewrap(&self, tenant: &TenantId, kid: &Kid, material: &KeyMaterial) -> Stored<bool> {
        self.faults.verb("rewrap a key", self.stores.keys.rewrap(tenant, kid, material)).await
    }

    async fn remove(&self, tenant: &TenantId, kid: &Kid) -> Stored<bool> {
        self.faults.verb("remove a key", self.stores.keys.remove(tenant, kid)).await
    }
}

#[async_trait]
impl TenantStore for Faulty {
    async fn get_or_create_installation(&self, proposed: &Installation) -> Stored<Installation> {
        self.faults.verb("found", self.stores.tenants.get_or_create_installation(proposed)).await
    }

    async fn insert(&self, tenant: &TenantRecord) -> Stored<Inserted> {
        self.faults.verb("insert a tenant", self.stores.tenants.insert(tenant)).await
    }

    async fn update(&self, tenant: &TenantRecord) -> Stored<Updated> {
        self.faults.verb("update a tenant", self.stores.tenants.update(tenant)).await
    }

    async fn find(&self, id: &TenantId) -> Stored<Option<TenantRecord>> {
        self.faults.verb("find a tenant", self.stores.tenants.find(id)).await
    }

    async fn list(&self, page: Page<TenantId>) -> Stored<Vec<TenantRecord>> {
        self.faults.verb("list tenants", self.stores.tenants.list(page)).await
    }
}

#[async_trait]
impl TicketStore for Faulty {
    async fn issue(&self, ticket: &Ticket, queued_mail: &QueuedMail) -> Stored<IssueOutcome> {
        self.faults.verb("issue a ticket", self.stores.tickets.issue(ticket, queued_mail)).await
    }

    async fn find(&self, key: &TicketKey) -> Stored<Option<Ticket>> {
        self.faults.verb("find a ticket", self.stores.tickets.find(key)).await
    }

    async fn arm(&self, key: &TicketKey, secret: SecretHash, now: Timestamp) -> Stored<Option<Ticket>> {
        self.faults.verb("arm a ticket", self.stores.tickets.arm(key, secret, now)).await
    }

    async fn redeem(
        &self,
        key: &TicketKey,
        purpose: TicketPurpose,
        secret: SecretHash,
        device: Option<SecretHash>,
        now: Timestamp,
    ) -> Stored<RedeemOutcome> {
        let redeem = self.stores.tickets.redeem(key, purpose, secret, device, now);
        self.faults.verb("redeem a ticket", redeem).await
    }

    async fn purge(&self, now: Timestamp, limit: u32) -> Stored<u64> {
        self.faults.verb("purge tickets", self.stores.tickets.purge(now, limit)).await
    }
}

#[async_trait]
impl AttemptStore for Faulty {
    async fn reserve(
        &self,
        key: &AttemptKey,
        limits: &LockoutLimits,
        now: Timestamp,
    ) -> Stored<AttemptPermit> {
        self.faults.verb("reserve a guess", self.stores.attempts.reserve(key, limits, now)).await
    }

    async fn settle(
        &self,
        key: &AttemptKey,
        reserved: AttemptPermit,
        outcome: AttemptOutcome,
        limits: &LockoutLimits,
        now: Timestamp,
    ) -> Stored<AttemptEffect> {
        let settle = self.stores.attempts.settle(key, reserved, outcome, limits, now);
        self.faults.verb("settle a guess", settle).await
    }

    async fn find(&self, key: &AttemptKey) -> Stored<AttemptRecord> {
        self.faults.verb("find guesses", self.stores.attempts.find(key)).await
    }

    async fn clear(&self, user: &UserKey) -> Stored<()> {
        self.faults.verb("clear guesses", self.stores.attempts.clear(user)).await
    }

    async fn purge(&self, now: Timestamp, limit: u32) -> Stored<u64> {
        self.faults.verb("purge guesses", self.stores.attempts.purge(now, limit)).await
    }
}

#[async_trait]
impl MailStore for Faulty {
    async fn put(&self, queued_mail: &QueuedMail) -> Stored<()> {
        self.faults.verb("put a message", self.stores.mail.put(queued_mail)).await
    }

    async fn claim(&self, now: Timestamp, limit: u32) -> Stored<Vec<QueuedMail>> {
        self.faults.verb("claim messages", self.stores.mail.claim(now, limit)).await
    }

    async fn put_off(&self, tenant: &TenantId, id: QueuedMailId, due: Timestamp) -> Stored<bool> {
        self.faults.verb("put a message off", self.stores.mail.put_off(tenant, id, due)).await
    }

    async fn done(&self, tenant: &TenantId, id: QueuedMailId) -> Stored<bool> {
        self.faults.verb("take a message out", self.stores.mail.done(tenant, id)).await
    }

    async fn waiting(&self) -> Stored<u64> {
        self.faults.verb("count messages", self.stores.mail.waiting()).await
    }
}
