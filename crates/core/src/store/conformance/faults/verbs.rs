//! The verbs. Each can be told to fail.

use std::time::Duration;

use async_trait::async_trait;

use super::Faulty;
use crate::clock::Timestamp;
use crate::id::{FeedKeyId, QueuedMailId, SessionId, SessionKey, TenantId, UserId, UserKey};
use crate::key::{KeyMaterial, KeyRecord, Kid};
use crate::lockout::{
    AttemptEffect, AttemptKey, AttemptOutcome, AttemptPermit, AttemptRecord, LockoutLimits,
};
use crate::queued_mail::QueuedMail;
use crate::revocation::{FeedKey, StoredRevocation};
use crate::secret::SecretHash;
use crate::session::{Ending, Epochs, Session};
use crate::store::{
    AttemptStore, EndScope, EpochScope, EpochStore, FeedKeyStore, Inserted, KeyStore, ListedRevocations,
    MailStore, MendOutcome, Page, RevocationPage, RevocationStore, SessionHandle, SessionStore, Stored,
    TenantStore, TicketStore, UnreadableRecord, Updated, UserHandle, UserStore, UserVersions,
};
use crate::tenant::{Installation, TenantRecord};
use crate::ticket::{
    IssueOutcome, PresentedTicketSecret, RedeemOutcome, ReissueOutcome, Ticket, TicketKey, TicketPurpose,
    TicketSecret,
};
use crate::user::{User, UserCorrection};

/// Implements a store trait with the stores inside. `&name: Type` is taken by reference. The text is what
/// [`Faults::heard`](super::Faults::heard) calls the verb.
macro_rules! verbs {
    ($store:ident in $field:ident { $($doing:literal $verb:ident($(
        $(&$lent:ident: $lent_type:ident)? $($given:ident: $given_type:ty)?
    ),+) -> $answer:ty;)* }) => {
        #[async_trait]
        impl $store for Faulty {
            $(async fn $verb(
                &self,
                $($($lent: &$lent_type)? $($given: $given_type)?),+
            ) -> Stored<$answer> {
                self.faults.verb($doing, self.stores.$field.$verb($($($lent)? $($given)?),+)).await
            })*
        }
    };
}

verbs! { UserStore in users {
    "insert a user" insert(&user: User) -> Inserted;
    "find a user" find(&handle: UserHandle) -> Option<User>;
    "find a user and the epochs" find_with_epochs(&key: UserKey) -> Option<(User, Epochs)>;
    "update a user" update(&user: User) -> Updated;
    "list users" list(&tenant: TenantId, &search: str, page: Page<UserId>) -> Vec<User>;
    "mend a record" mend(&tenant: TenantId, &record: UnreadableRecord, &correction: UserCorrection) -> MendOutcome;
} }

verbs! { SessionStore in sessions {
    "insert a session" insert(&session: Session) -> Inserted;
    "find a session" find(&handle: SessionHandle, now: Timestamp) -> Option<Session>;
    "update a session" update(&session: Session, user: Option<UserVersions>) -> Updated;
    "rename a session" rename(&key: SessionKey, &name: str, now: Timestamp) -> bool;
    "end sessions" end(&scope: EndScope, ending: Ending) -> Vec<SessionId>;
    "list sessions" list(&user: UserKey, page: Page<SessionId>, now: Timestamp) -> Vec<Session>;
    "purge sessions" purge(now: Timestamp, limit: u32) -> u64;
} }

verbs! { EpochStore in epochs {
    "read epochs" read(&user: UserKey) -> Epochs;
    "advance an epoch" advance(&scope: EpochScope, ending: Ending) -> ();
} }

verbs! { KeyStore in keys {
    "insert a key" insert(&key: KeyRecord) -> Inserted;
    "list keys" list(&tenant: TenantId) -> Vec<KeyRecord>;
    "rewrap a key" rewrap(&tenant: TenantId, &kid: Kid, &material: KeyMaterial) -> bool;
    "remove a key" remove(&tenant: TenantId, &kid: Kid) -> bool;
} }

verbs! { TenantStore in tenants {
    "found" get_or_create_installation(&proposed: Installation) -> Installation;
    "insert a tenant" insert(&tenant: TenantRecord) -> Inserted;
    "update a tenant" update(&tenant: TenantRecord) -> Updated;
    "find a tenant" find(&id: TenantId) -> Option<TenantRecord>;
    "list tenants" list(page: Page<TenantId>) -> Vec<TenantRecord>;
} }

verbs! { TicketStore in tickets {
    "issue a ticket" issue(&ticket: Ticket, &mail: QueuedMail) -> IssueOutcome;
    "find a ticket" find(&key: TicketKey) -> Option<Ticket>;
    "send another code" reissue(
        &key: TicketKey, device: Option<SecretHash>, &mail: QueuedMail, now: Timestamp
    ) -> ReissueOutcome;
    "arm a ticket" arm(&key: TicketKey, mail: QueuedMailId, &secret: TicketSecret, now: Timestamp) -> Option<Ticket>;
    "redeem a ticket" redeem(
        &key: TicketKey, purpose: TicketPurpose, &secret: PresentedTicketSecret, device: Option<SecretHash>,
            now: Timestamp
    ) -> RedeemOutcome;
    "purge tickets" purge(now: Timestamp, limit: u32) -> u64;
} }

verbs! { AttemptStore in attempts {
    "reserve a guess" reserve(&key: AttemptKey, &limits: LockoutLimits, now: Timestamp) -> AttemptPermit;
    "settle a guess" settle(
        &key: AttemptKey, permit: AttemptPermit, outcome: AttemptOutcome, &limits: LockoutLimits, now: Timestamp
    ) -> AttemptEffect;
    "find guesses" find(&key: AttemptKey) -> AttemptRecord;
    "clear guesses" clear(&user: UserKey) -> ();
    "purge guesses" purge(now: Timestamp, limit: u32) -> u64;
} }

verbs! { MailStore in mail {
    "put a message" put(&mail: QueuedMail) -> ();
    "claim messages" claim(now: Timestamp, limit: u32) -> Vec<QueuedMail>;
    "put a message off" put_off(&tenant: TenantId, id: QueuedMailId, due: Timestamp) -> bool;
    "take a message out" done(&tenant: TenantId, id: QueuedMailId) -> bool;
    "count messages" waiting(now: Timestamp) -> u64;
    "purge messages" purge(now: Timestamp, limit: u32) -> u64;
} }

verbs! { RevocationStore in revocations {
    "note how long tokens live" note_token_lifetime(longest: Duration) -> ();
    "list revocations" list(&page: RevocationPage) -> ListedRevocations;
    "read the latest revocations" latest(
        tenant: Option<TenantId>, within: Duration, most: u32
    ) -> Option<Vec<StoredRevocation>>;
    "purge revocations" purge(limit: u32) -> u64;
} }

verbs! { FeedKeyStore in feed_keys {
    "insert a feed key" insert(&key: FeedKey) -> Inserted;
    "find a feed key" find(&hash: SecretHash) -> Option<FeedKey>;
    "list feed keys" list(page: Page<FeedKeyId>) -> Vec<FeedKey>;
    "note the use of a feed key" note_use(id: FeedKeyId, now: Timestamp) -> ();
    "remove a feed key" remove(id: FeedKeyId) -> Option<FeedKey>;
} }
