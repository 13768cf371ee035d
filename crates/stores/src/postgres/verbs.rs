//! The store traits on PostgreSQL. Each verb is one statement or one transaction of [`sql`](crate::sql).

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use portcullis_core::clock::Timestamp;
use portcullis_core::id::{FeedKeyId, QueuedMailId, SessionId, SessionKey, TenantId, UserId, UserKey};
use portcullis_core::key::{KeyMaterial, KeyRecord, Kid};
use portcullis_core::lockout::{
    AttemptEffect, AttemptKey, AttemptOutcome, AttemptPermit, AttemptRecord, LockoutLimits,
};
use portcullis_core::queued_mail::QueuedMail;
use portcullis_core::revocation::{FeedKey, StoredRevocation};
use portcullis_core::secret::SecretHash;
use portcullis_core::session::{Ending, Epochs, Session};
use portcullis_core::store::{
    AttemptStore, ChangeFeed, ChangeSink, EndScope, EpochScope, EpochStore, FeedKeyStore, Inserted, KeyStore,
    ListedRevocations, MailStore, MendOutcome, Page, RevocationPage, RevocationStore, SessionHandle,
    SessionStore, Stored, TenantStore, TicketStore, UnreadableRecord, Updated, UserHandle, UserStore,
    UserVersions, Watch,
};
use portcullis_core::tenant::{Installation, TenantRecord};
use portcullis_core::ticket::{
    IssueOutcome, PresentedTicketSecret, RedeemOutcome, ReissueOutcome, Ticket, TicketKey, TicketPurpose,
    TicketSecret,
};
use portcullis_core::user::{User, UserCorrection};

use super::step::tried;
use super::{PostgresStore, feed};
use crate::sql::{attempts, epochs, feed_keys, keys, mail, revocations, sessions, tenants, tickets, users};

/// Implements a store trait with the functions of the same names in a module of `sql`. A verb that writes is one
/// statement, or it has several in one transaction. `&name: Type` is taken by reference. The text is what an error says
/// that the store was doing.
macro_rules! verbs {
    ($store:ident by $table:ident;
    reads { $($reading:literal $read:ident($(
        $(&$read_lent:ident: $read_lent_type:ident)? $($read_given:ident: $read_given_type:ty)?
    ),+) -> $found:ty;)* }
    $($kind:ident { $($writing:literal $write:ident($(
        $(&$lent:ident: $lent_type:ident)? $($given:ident: $given_type:ty)?
    ),+) -> $answer:ty;)* })*
    $(; $($by_hand:tt)*)?) => {
        #[async_trait]
        impl $store for PostgresStore {
            $(async fn $read(
                &self,
                $($($read_lent: &$read_lent_type)? $($read_given: $read_given_type)?),+
            ) -> Stored<$found> {
                tried!(self, $reading, Reading, |db| {
                    $table::$read(db, $($($read_lent)? $(Clone::clone(&$read_given))?),+)
                })
            })*

            $($(async fn $write(
                &self,
                $($($lent: &$lent_type)? $($given: $given_type)?),+
            ) -> Stored<$answer> {
                tried!(self, $writing, $kind, |db| $table::$write(db, $($($lent)? $(Clone::clone(&$given))?),+))
            })*)*

            $($($by_hand)*)?
        }
    };
}

verbs! { UserStore by users;
    reads {
        "find a user" find(&handle: UserHandle) -> Option<User>;
        "find a user and the epochs" find_with_epochs(&key: UserKey) -> Option<(User, Epochs)>;
        "list users" list(&tenant: TenantId, &search: str, page: Page<UserId>) -> Vec<User>;
        "look for records that cannot be read" unreadable(&tenant: TenantId) -> Vec<UnreadableRecord>;
    }
    Writing {
        "insert a user" insert(&user: User) -> Inserted;
        "update a user" update(&user: User) -> Updated;
    }
    Snapshot {
        "mend a record" mend(
            &tenant: TenantId, &record: UnreadableRecord, &correction: UserCorrection
        ) -> MendOutcome;
    }
}

verbs! { SessionStore by sessions;
    reads {
        "find a session" find(&handle: SessionHandle, now: Timestamp) -> Option<Session>;
        "list sessions" list(&user: UserKey, page: Page<SessionId>, now: Timestamp) -> Vec<Session>;
    }
    Writing {
        "insert a session" insert(&session: Session) -> Inserted;
        "update a session" update(&session: Session, user: Option<UserVersions>) -> Updated;
        "rename a session" rename(&key: SessionKey, &name: str, now: Timestamp) -> bool;
        "purge sessions" purge(now: Timestamp, limit: u32) -> u64;
    };

    async fn end(&self, scope: &EndScope, ending: Ending) -> Stored<Vec<SessionId>> {
        if scope.user().is_none() {
            tried!(self, "end a session", Writing, |db| sessions::end(db, scope, ending))
        } else {
            tried!(self, "end sessions", Transaction, |db| sessions::end(db, scope, ending))
        }
    }
}

verbs! { EpochStore by epochs;
    reads {
        "read epochs" read(&user: UserKey) -> Epochs;
    }
    Writing {
        "advance an epoch" advance(&scope: EpochScope, ending: Ending) -> ();
    }
}

verbs! { KeyStore by keys;
    reads {
        "list keys" list(&tenant: TenantId) -> Vec<KeyRecord>;
    }
    Writing {
        "insert a key" insert(&key: KeyRecord) -> Inserted;
        "remove a key" remove(&tenant: TenantId, &kid: Kid) -> bool;
        "rewrap a key" rewrap(&tenant: TenantId, &kid: Kid, &material: KeyMaterial) -> bool;
    }
}

verbs! { TenantStore by tenants;
    reads {
        "find a tenant" find(&id: TenantId) -> Option<TenantRecord>;
        "list tenants" list(page: Page<TenantId>) -> Vec<TenantRecord>;
    }
    Transaction {
        "create the installation" get_or_create_installation(&proposed: Installation) -> Installation;
    }
    Writing {
        "insert a tenant" insert(&tenant: TenantRecord) -> Inserted;
        "update a tenant" update(&tenant: TenantRecord) -> Updated;
    }
}

verbs! { TicketStore by tickets;
    reads {
        "find a ticket" find(&key: TicketKey) -> Option<Ticket>;
    }
    Transaction {
        "issue a ticket" issue(&ticket: Ticket, &mail: QueuedMail) -> IssueOutcome;
        "send another code" reissue(
            &key: TicketKey, device: Option<SecretHash>, &mail: QueuedMail, now: Timestamp
        ) -> ReissueOutcome;
        "arm a ticket" arm(
            &key: TicketKey, mail: QueuedMailId, &secret: TicketSecret, now: Timestamp
        ) -> Option<Ticket>;
        "redeem a ticket" redeem(
            &key: TicketKey, purpose: TicketPurpose, &secret: PresentedTicketSecret, device: Option<SecretHash>,
            now: Timestamp
        ) -> RedeemOutcome;
        "purge tickets" purge(now: Timestamp, limit: u32) -> u64;
    }
}

verbs! { AttemptStore by attempts;
    reads {
        "find guesses" find(&key: AttemptKey) -> AttemptRecord;
    }
    Transaction {
        "reserve a guess" reserve(&key: AttemptKey, &limits: LockoutLimits, now: Timestamp) -> AttemptPermit;
        "settle a guess" settle(
            &key: AttemptKey, permit: AttemptPermit, outcome: AttemptOutcome, &limits: LockoutLimits, now: Timestamp
        ) -> AttemptEffect;
        "clear guesses" clear(&user: UserKey) -> ();
    }
    Writing {
        "purge guesses" purge(now: Timestamp, limit: u32) -> u64;
    }
}

verbs! { MailStore by mail;
    reads {
        "count queued mail" waiting(now: Timestamp) -> u64;
    }
    Writing {
        "queue a mail" put(&queued: QueuedMail) -> ();
        "claim queued mail" claim(now: Timestamp, limit: u32) -> Vec<QueuedMail>;
        "put a mail off" put_off(&tenant: TenantId, id: QueuedMailId, due: Timestamp) -> bool;
        "take a mail out of the queue" done(&tenant: TenantId, id: QueuedMailId) -> bool;
        "purge queued mail" purge(now: Timestamp, limit: u32) -> u64;
    }
}

verbs! { RevocationStore by revocations;
    reads {
        "list revocations" list(&page: RevocationPage) -> ListedRevocations;
        "read the latest revocations" latest(
            tenant: Option<TenantId>, within: Duration, most: u32
        ) -> Option<Vec<StoredRevocation>>;
    }
    Writing {
        "note how long tokens live" note_token_lifetime(longest: Duration) -> ();
        "purge revocations" purge(limit: u32) -> u64;
    }
}

verbs! { FeedKeyStore by feed_keys;
    reads {
        "find a feed key" find(&hash: SecretHash) -> Option<FeedKey>;
        "list feed keys" list(page: Page<FeedKeyId>) -> Vec<FeedKey>;
    }
    Writing {
        "insert a feed key" insert(&key: FeedKey) -> Inserted;
        "note the use of a feed key" note_use(id: FeedKeyId, now: Timestamp) -> ();
    }
    Transaction {
        "remove a feed key" remove(id: FeedKeyId) -> Option<FeedKey>;
    }
}

#[async_trait]
impl ChangeFeed for PostgresStore {
    async fn watch(&self, sink: Arc<dyn ChangeSink>) -> Stored<Watch> {
        feed::watch(&self.feeds, self.connector.clone(), self.clock.clone(), sink).await
    }
}
