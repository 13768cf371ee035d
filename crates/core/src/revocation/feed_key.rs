//! The keys with which verifiers in other processes ask for revocations.

use std::collections::BTreeSet;

use uuid::Builder;

use crate::clock::Timestamp;
use crate::id::{FeedKeyId, TenantId};
use crate::random::{self, Random};
use crate::secret::{PlainSecret, SecretHash};

const PURPOSE: &str = "feed key";

/// The tenants whose revocations a key is for.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum FeedTenants {
    /// All tenants, also those that are made later.
    All,
    /// These.
    Some(BTreeSet<TenantId>),
}

impl FeedTenants {
    /// Whether the tenant is one of them.
    #[must_use]
    pub fn contains(&self, tenant: &TenantId) -> bool {
        match self {
            Self::All => true,
            Self::Some(tenants) => tenants.contains(tenant),
        }
    }

    /// The tenant, if there is exactly one: then no record has to name it.
    #[must_use]
    pub fn only(&self) -> Option<&TenantId> {
        match self {
            Self::Some(tenants) if tenants.len() == 1 => tenants.first(),
            _ => None,
        }
    }
}

/// A feed key, without its secret.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FeedKey {
    /// Its public id.
    pub id: FeedKeyId,
    /// The hash of its secret.
    pub hash: SecretHash,
    /// The tenants that it is for.
    pub tenants: FeedTenants,
    /// When it was made.
    pub created: Timestamp,
    /// When it was last used, up to a minute behind.
    pub last_used: Option<Timestamp>,
}

impl FeedKey {
    /// Makes a key and its secret, which is shown once.
    #[must_use]
    pub fn generate(tenants: FeedTenants, now: Timestamp, random: &dyn Random) -> (Self, PlainSecret) {
        let secret = PlainSecret::generate(random);
        let id = FeedKeyId::from_uuid(Builder::from_random_bytes(random::bytes(random)).into_uuid());
        (Self { id, hash: Self::hash_of(&secret), tenants, created: now, last_used: None }, secret)
    }

    /// The hash by which the key of this secret is found.
    #[must_use]
    pub fn hash_of(secret: &PlainSecret) -> SecretHash {
        secret.hash(PURPOSE, b"")
    }
}
