//! The store traits on SQLite. Each verb is one statement or one transaction of [`sql`](crate::sql).

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
use tracing::warn;

use super::connection::at_once;
use super::{SqliteStore, elsewhere, feed};
use crate::sql::{attempts, epochs, feed_keys, keys, mail, revocations, sessions, tenants, tickets, users};

/// Implements a store trait with the functions of the same names in a module of `sql`. A verb that reads runs on the
/// thread of its caller; one that scans a table, on another. One that writes is a job of the writer. The last two own
/// their arguments. `&name: Type` is taken by reference. The text is what an error says that the store was doing.
macro_rules! verbs {
    ($store:ident by $table:ident;
    $(scans { $($scanning:literal $scan:ident($(
        $(&$scan_lent:ident: $scan_lent_type:ident)? $($scan_given:ident: $scan_given_type:ty)?
    ),+) -> $listed:ty;)* })?
    reads { $($reading:literal $read:ident($(
        $(&$read_lent:ident: $read_lent_type:ident)? $($read_given:ident: $read_given_type:ty)?
    ),+) -> $found:ty;)* }
    writes { $($writing:literal $write:ident($(
        $(&$lent:ident: $lent_type:ident)? $($given:ident: $given_type:ty)?
    ),+) -> $answer:ty;)* }
    $($by_hand:tt)*) => {
        #[async_trait]
        impl $store for SqliteStore {
            $($(async fn $scan(
                &self,
                $($($scan_lent: &$scan_lent_type)? $($scan_given: $scan_given_type)?),+
            ) -> Stored<$listed> {
                $($(let $scan_lent = $scan_lent.to_owned();)?)+
                let scan = move |db: &mut _| at_once($table::$scan(db, $($(&$scan_lent)? $(Clone::clone(&$scan_given))?),+));
                self.readers.scan($scanning, scan).await
            })*)?

            $(async fn $read(
                &self,
                $($($read_lent: &$read_lent_type)? $($read_given: $read_given_type)?),+
            ) -> Stored<$found> {
                let read = |db: &mut _| at_once($table::$read(db, $($($read_lent)? $(Clone::clone(&$read_given))?),+));
                self.readers.read($reading, read).await
            })*

            $(async fn $write(
                &self,
                $($($lent: &$lent_type)? $($given: $given_type)?),+
            ) -> Stored<$answer> {
                $($(let $lent = $lent.to_owned();)?)+
                let write = move |db: &mut _| at_once($table::$write(db, $($(&$lent)? $($given)?),+));
                self.writer.write($writing, write).await
            })*

            $($by_hand)*
        }
    };
}

verbs! { UserStore by users;
    scans {
        "list users" list(&tenant: TenantId, &search: str, page: Page<UserId>) -> Vec<User>;
        "look for records that cannot be read" unreadable(&tenant: TenantId) -> Vec<UnreadableRecord>;
    }
    reads {
        "find a user" find(&handle: UserHandle) -> Option<User>;
        "find a user and the epochs" find_with_epochs(&key: UserKey) -> Option<(User, Epochs)>;
    }
    writes {
        "insert a user" insert(&user: User) -> Inserted;
        "update a user" update(&user: User) -> Updated;
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
    writes {
        "insert a session" insert(&session: Session) -> Inserted;
        "update a session" update(&session: Session, user: Option<UserVersions>) -> Updated;
        "rename a session" rename(&key: SessionKey, &name: str, now: Timestamp) -> bool;
        "end sessions" end(&scope: EndScope, ending: Ending) -> Vec<SessionId>;
        "purge sessions" purge(now: Timestamp, limit: u32) -> u64;
    }
}

verbs! { EpochStore by epochs;
    reads {
        "read epochs" read(&user: UserKey) -> Epochs;
    }
    writes {
        "advance an epoch" advance(&scope: EpochScope, ending: Ending) -> ();
    }
}

verbs! { KeyStore by keys;
    reads {
        "list keys" list(&tenant: TenantId) -> Vec<KeyRecord>;
    }
    writes {
        "insert a key" insert(&key: KeyRecord) -> Inserted;
        "remove a key" remove(&tenant: TenantId, &kid: Kid) -> bool;
    }

    async fn rewrap(&self, tenant: &TenantId, kid: &Kid, material: &KeyMaterial) -> Stored<bool> {
        let (tenant, kid, material) = (tenant.clone(), kid.clone(), material.clone());
        let rewrap = move |db: &mut _| at_once(keys::rewrap(db, &tenant, &kid, &material));
        let rewrapped = self.writer.write("rewrap a key", rewrap).await?;
        let file = self.file.clone();
        let emptied = elsewhere("empty the write-ahead log", move || file.empty_log());
        if rewrapped && let Err(fault) = emptied.await {
            warn!(%fault, "the write-ahead log still holds a key as it was before it was encrypted");
        }
        Ok(rewrapped)
    }
}

verbs! { TenantStore by tenants;
    reads {
        "find a tenant" find(&id: TenantId) -> Option<TenantRecord>;
        "list tenants" list(page: Page<TenantId>) -> Vec<TenantRecord>;
    }
    writes {
        "create the installation" get_or_create_installation(&proposed: Installation) -> Installation;
        "insert a tenant" insert(&tenant: TenantRecord) -> Inserted;
        "update a tenant" update(&tenant: TenantRecord) -> Updated;
    }
}

verbs! { TicketStore by tickets;
    reads {
        "find a ticket" find(&key: TicketKey) -> Option<Ticket>;
    }
    writes {
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
    writes {
        "reserve a guess" reserve(&key: AttemptKey, &limits: LockoutLimits, now: Timestamp) -> AttemptPermit;
        "settle a guess" settle(
            &key: AttemptKey, permit: AttemptPermit, outcome: AttemptOutcome, &limits: LockoutLimits, now: Timestamp
        ) -> AttemptEffect;
        "clear guesses" clear(&user: UserKey) -> ();
        "purge guesses" purge(now: Timestamp, limit: u32) -> u64;
    }
}

verbs! { MailStore by mail;
    scans {
        "count queued mail" waiting(now: Timestamp) -> u64;
    }
    reads {}
    writes {
        "queue a mail" put(&queued: QueuedMail) -> ();
        "claim queued mail" claim(now: Timestamp, limit: u32) -> Vec<QueuedMail>;
        "put a mail off" put_off(&tenant: TenantId, id: QueuedMailId, due: Timestamp) -> bool;
        "take a mail out of the queue" done(&tenant: TenantId, id: QueuedMailId) -> bool;
        "purge queued mail" purge(now: Timestamp, limit: u32) -> u64;
    }
}

verbs! { RevocationStore by revocations;
    scans {
        "list revocations" list(&page: RevocationPage) -> ListedRevocations;
        "read the latest revocations" latest(
            tenant: Option<TenantId>, within: Duration, most: u32
        ) -> Option<Vec<StoredRevocation>>;
    }
    reads {}
    writes {
        "note how long tokens live" note_token_lifetime(longest: Duration) -> ();
        "purge revocations" purge(limit: u32) -> u64;
    }
}

verbs! { FeedKeyStore by feed_keys;
    reads {
        "find a feed key" find(&hash: SecretHash) -> Option<FeedKey>;
        "list feed keys" list(page: Page<FeedKeyId>) -> Vec<FeedKey>;
    }
    writes {
        "insert a feed key" insert(&key: FeedKey) -> Inserted;
        "note the use of a feed key" note_use(id: FeedKeyId, now: Timestamp) -> ();
        "remove a feed key" remove(id: FeedKeyId) -> Option<FeedKey>;
    }
}

#[async_trait]
impl ChangeFeed for SqliteStore {
    async fn watch(&self, sink: Arc<dyn ChangeSink>) -> Stored<Watch> {
        feed::watch(&self.feeds, self.file.clone(), self.clock.clone(), sink).await
    }
}
