//! A cache of credentials that were verified: on the hot path a hash and a look-up stand in for a signature, or for
//! a question.

use std::sync::Arc;

use crate::bounded_cache::{BoundedCache, bounded_cache};
use crate::secret::SecretHash;

/// What credentials that were verified say, by their hash. Failures are never cached.
pub struct VerifiedCredentials<C>(BoundedCache<SecretHash, VerifiedCredential<C>>);

struct VerifiedCredential<C> {
    claims: Arc<C>,
    /// The generation of the keys that verified it: another one may have dropped the key.
    generation: u64,
}

impl<C> Clone for VerifiedCredential<C> {
    fn clone(&self) -> Self {
        Self { claims: self.claims.clone(), generation: self.generation }
    }
}

impl<C> VerifiedCredentials<C> {
    /// A cache of at most so many credentials; one that does not fit displaces the one that was used least.
    #[must_use]
    pub fn new(capacity: u64) -> Self {
        Self(bounded_cache(capacity))
    }

    /// The hash by which a credential is known.
    #[must_use]
    pub fn hash(credential: &str) -> SecretHash {
        SecretHash::of(&[credential.as_bytes()])
    }

    /// What a credential says, and the generation of the keys that verified it. The caller compares that with the
    /// generation of the keys now, and checks the times again.
    #[must_use]
    pub fn find(&self, hash: &SecretHash) -> Option<(Arc<C>, u64)> {
        self.0.get(hash).map(|hit| (hit.claims, hit.generation))
    }

    /// Keeps what a credential says, which keys of this generation have verified.
    pub fn keep(&self, hash: SecretHash, claims: Arc<C>, generation: u64) {
        self.0.insert(hash, VerifiedCredential { claims, generation });
    }
}

impl<C> std::fmt::Debug for VerifiedCredentials<C> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "VerifiedCredentials({})", self.0.len())
    }
}
