//! The public verbs of the engine that ask and change nothing.
//!
//! `&name: Type` is taken by reference. A verb of the table is dropped with its caller. [`Engine::authenticate`] is
//! such a check, too: where a session slides it writes one end by compare-and-set, which owes no audit event and no
//! mail.

use std::sync::Arc;

use super::{
    AuthenticationError, CheckedCredential, Engine, FeedError, KeyError, KeyInfo, ListedSession, Refresh,
    Tenant, TenantAdminError, TenantError, UserAdminError, VerifiedRefresh,
};
use crate::clock::Timestamp;
use crate::email::Email;
use crate::id::{FeedKeyId, SessionId, SessionKey, TenantId, UserId, UserKey};
use crate::revocation::wire::{FeedAnswer, FeedQuery, SnapshotPage};
use crate::revocation::{FeedKey, FeedTenants};
use crate::secret::PlainSecret;
use crate::session::{RefreshGeneration, Session};
use crate::store::{Page, StoreError, UnreadableRecord};
use crate::strategy::PresentedCredentials;
use crate::tenant::TenantRecord;
use crate::user::User;
use crate::username::LoginName;

macro_rules! verbs_that_ask {
    ($($(#[$doc:meta])* $name:ident($(&$lent:ident: $lent_type:ty),*; $($given:ident: $given_type:ty),*)
        -> $answer:ty;)*) => {
        impl Engine {
            $($(#[$doc])*
            pub async fn $name(&self, $($lent: &$lent_type,)* $($given: $given_type),*) -> $answer {
                self.core.$name($($lent,)* $($given),*).await
            })*
        }
    };
}

verbs_that_ask! {
    /// The tenant of this name.
    ///
    /// # Errors
    /// There is none, it is suspended, its keys cannot be opened, or the store had to be asked and did not answer.
    tenant(&id: TenantId;) -> Result<Arc<Tenant>, TenantError>;

    /// The tenant as it is stored, suspended or not.
    ///
    /// # Errors
    /// [`TenantAdminError::NotFound`], or the store's.
    tenant_record(&id: TenantId;) -> Result<TenantRecord, TenantAdminError>;

    /// Tenants, by name.
    ///
    /// # Errors
    /// The store's.
    tenants(; page: Page<TenantId>) -> Result<Vec<TenantRecord>, StoreError>;

    /// A tenant's keys, by use and age.
    ///
    /// # Errors
    /// The tenant's or the store's.
    keys(&tenant: TenantId;) -> Result<Vec<KeyInfo>, KeyError>;

    /// The user of this id.
    ///
    /// # Errors
    /// [`UserAdminError::NotFound`], or the store's.
    user(&key: UserKey;) -> Result<User, UserAdminError>;

    /// The user of this address.
    ///
    /// # Errors
    /// [`UserAdminError::NotFound`], or the store's.
    user_by_email(&tenant: TenantId, &email: Email;) -> Result<User, UserAdminError>;

    /// The user who signs in by this name: an address, a user name or a mobile number.
    ///
    /// # Errors
    /// [`UserAdminError::NotFound`], or the store's.
    user_by_login(&tenant: TenantId, &name: LoginName;) -> Result<User, UserAdminError>;

    /// Users of a tenant, by id, whose names contain `search`.
    ///
    /// # Errors
    /// The tenant's or the store's.
    users(&tenant: TenantId, &search: str; page: Page<UserId>) -> Result<Vec<User>, UserAdminError>;

    /// Checks a credential of whatever strategy its tenant offers. A token says of which tenant it is; a cookie does
    /// not, and is of tenant `default`.
    ///
    /// # Errors
    /// An [`AuthenticationError`].
    check_credential(&shown: PresentedCredentials<'_>;) -> Result<CheckedCredential, AuthenticationError>;

    /// Verifies the token of a refresh. Nothing is redeemed.
    verify_refresh(; request: Refresh) -> VerifiedRefresh;

    /// The session of a refresh whose token is valid and whose device proof is right, to count requests by; `None` of
    /// any other.
    proven_session(&refresh: VerifiedRefresh;) -> Option<SessionKey>;

    /// Until when a user's account is locked, because of passwords or of codes; `None` if it is not.
    ///
    /// # Errors
    /// The tenant's or the store's.
    locked_until(&user: UserKey;) -> Result<Option<Timestamp>, UserAdminError>;

    /// The users and sessions of a tenant whose records cannot be read.
    ///
    /// # Errors
    /// The tenant's or the store's.
    unreadable(&tenant: TenantId;) -> Result<Vec<UnreadableRecord>, UserAdminError>;

    /// A user's sessions and the tombstones of ended ones, oldest first.
    ///
    /// # Errors
    /// The tenant's or the store's.
    sessions(&user: UserKey; page: Page<SessionId>) -> Result<Vec<ListedSession>, UserAdminError>;

    /// Those of a user's sessions that are live, or those that have ended, oldest first: a page of them.
    ///
    /// # Errors
    /// The tenant's or the store's.
    sessions_that(&user: UserKey; have_ended: bool, page: Page<SessionId>)
        -> Result<Vec<ListedSession>, UserAdminError>;

    /// The refresh tokens of a user's sessions that are known still, by session and oldest first: those of ended
    /// sessions, too. They are ids, and no credentials.
    ///
    /// # Errors
    /// The tenant's or the store's.
    refresh_tokens(&user: UserKey;) -> Result<Vec<RefreshGeneration>, UserAdminError>;

    /// The session of this id, or its tombstone.
    ///
    /// # Errors
    /// The tenant's or the store's.
    session(&key: SessionKey;) -> Result<Option<ListedSession>, UserAdminError>;

    /// The live session of this id, if it is the user's; `None` for another user's.
    ///
    /// # Errors
    /// The tenant's or the store's.
    session_of(&user: UserKey; id: SessionId) -> Result<Option<Session>, UserAdminError>;

    /// How many mails wait to be sent.
    ///
    /// # Errors
    /// The store's.
    mail_waiting(;) -> Result<u64, StoreError>;

    /// Whether the stores answer.
    ///
    /// # Errors
    /// That of the store that does not.
    ping(;) -> Result<(), StoreError>;

    /// The feed key of this text, if there is one.
    ///
    /// # Errors
    /// The store's.
    feed_key(&shown: PlainSecret;) -> Result<Option<FeedKey>, StoreError>;

    /// The same for one of many that strangers show: the store is asked for all keys at most once a second, however
    /// many are shown, and the answer waits for that.
    ///
    /// # Errors
    /// The store's.
    listed_feed_key(&shown: PlainSecret;) -> Result<Option<FeedKey>, StoreError>;

    /// Feed keys, by id.
    ///
    /// # Errors
    /// The store's.
    feed_keys(; page: Page<FeedKeyId>) -> Result<Vec<FeedKey>, StoreError>;

    /// What was revoked of the tenants of a feed key since a verifier's position. Answers at once if something is new,
    /// otherwise when something is, and at the latest after the wait.
    ///
    /// # Errors
    /// [`FeedError::TooOld`], [`FeedError::Busy`], or the store's.
    poll_revocations(&key: FeedKey, &query: FeedQuery;) -> Result<FeedAnswer, FeedError>;

    /// A page of all that was revoked of these tenants and still matters: the first, or that of a cursor.
    ///
    /// # Errors
    /// [`FeedError::Cursor`], [`FeedError::Busy`], or the store's.
    revocation_snapshot(&tenants: FeedTenants; cursor: Option<String>) -> Result<SnapshotPage, FeedError>;
}
