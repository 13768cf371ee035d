//! The stores of what was revoked, and of the keys with which verifiers ask for it.

use std::time::Duration;

use async_trait::async_trait;

use super::{Inserted, Page, Stored};
use crate::clock::Timestamp;
use crate::id::{FeedKeyId, TenantId};
use crate::revocation::{FeedKey, RevocationPlace, StoredRevocation};
use crate::secret::SecretHash;

/// A part of the list of revocations.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RevocationPage {
    /// Of this tenant alone; `None` for all.
    pub tenant: Option<TenantId>,
    /// The last place of the page before; `None` for the first page.
    pub after: Option<RevocationPlace>,
    /// The most revocations.
    pub limit: u32,
}

/// A part of the list of revocations.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct ListedRevocations {
    /// The revocations.
    pub revocations: Vec<StoredRevocation>,
    /// Behind which place the list goes on; `None` at its end.
    pub next: Option<RevocationPlace>,
}

/// What was revoked while tokens of it may live.
///
/// No verb writes a revocation. The store does, whenever something is written that revokes tokens: the end or removal
/// of a session, an epoch, another role, a user who is disabled or removed, a tenant's suspension, a signing key. It
/// [announces](super::Change::Revoked) each with its content. Times are the store's own.
#[async_trait]
pub trait RevocationStore: Send + Sync {
    /// Notes that access tokens may live so long. The longest ever noted counts: a revocation is kept for that time.
    /// The engine notes it **before** it issues such a token.
    async fn note_token_lifetime(&self, longest: Duration) -> Stored<()>;

    /// A part of the revocations that still matter, in the order of their places. One that cannot be read is left out
    /// and logged.
    async fn list(&self, page: &RevocationPage) -> Stored<ListedRevocations>;

    /// What was revoked within the last so long, of one tenant or of all, oldest first; `None` if that is more than
    /// `most`: a part of it would be taken for all. One that cannot be read is left out and logged, and counts.
    async fn latest(
        &self,
        tenant: Option<TenantId>,
        within: Duration,
        most: u32,
    ) -> Stored<Option<Vec<StoredRevocation>>>;

    /// Removes at most `limit` revocations that no longer matter, and returns how many.
    async fn purge(&self, limit: u32) -> Stored<u64>;
}

/// The keys with which verifiers in other processes ask for revocations.
#[async_trait]
pub trait FeedKeyStore: Send + Sync {
    /// Creates a key.
    async fn insert(&self, key: &FeedKey) -> Stored<Inserted>;

    /// The key whose secret has this hash.
    async fn find(&self, hash: &SecretHash) -> Stored<Option<FeedKey>>;

    /// Keys, by id.
    async fn list(&self, page: Page<FeedKeyId>) -> Stored<Vec<FeedKey>>;

    /// Records a use. It never moves back.
    async fn note_use(&self, id: FeedKeyId, now: Timestamp) -> Stored<()>;

    /// Removes a key and returns it; `None` if there is no such key. One that cannot be read stays.
    async fn remove(&self, id: FeedKeyId) -> Stored<Option<FeedKey>>;
}
