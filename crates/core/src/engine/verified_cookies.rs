//! Verifying session cookies, with a cache of those that were verified.

use super::opaque_id::{OpaqueId, is_spelled_as_sent};
use super::{AuthenticationError, EngineCore, Tenant};
use crate::bounded_cache::{BoundedCache, bounded_cache};
use crate::id::TenantId;
use crate::secret::SecretHash;
use crate::store::CookieKey;

/// Cookies whose signature is right, by the hash of their value. Failures are never cached.
///
/// An entry says nothing of the session: the session view does. A key retires once every session has ended whose cookie
/// it signed, so an entry needs no end of its own.
pub(super) struct VerifiedCookies(BoundedCache<SecretHash, VerifiedCookie>);

#[derive(Clone)]
struct VerifiedCookie {
    key: CookieKey,
    /// The generation of the key ring that verified it: another one may have dropped the key.
    generation: u64,
}

impl VerifiedCookies {
    pub(super) fn new(capacity: u64) -> Self {
        Self(bounded_cache(capacity))
    }

    /// How stores know the session of a cookie that this tenant has verified under this generation of its key ring.
    pub(super) fn get(&self, tenant: &TenantId, generation: u64, cookie: &str) -> Option<CookieKey> {
        let hit = self.0.get(&SecretHash::of(&[cookie.as_bytes()]))?;
        // Another tenant has other sessions, even where it verifies with the same secret.
        (hit.key.tenant == *tenant && hit.generation == generation).then_some(hit.key)
    }

    /// Remembers a cookie that was verified, unless it is spelled otherwise than it was sent: percent-encoding has many
    /// spellings of one text, and a client could fill the cache with those of one cookie.
    pub(super) fn remember(&self, generation: u64, cookie: &str, key: &CookieKey) {
        if is_spelled_as_sent(cookie) {
            let hash = SecretHash::of(&[cookie.as_bytes()]);
            self.0.insert(hash, VerifiedCookie { key: key.clone(), generation });
        }
    }
}

impl EngineCore {
    /// How stores know the session of a cookie that the tenant has signed.
    pub(super) fn verified_cookie(
        &self,
        tenant: &Tenant,
        credential: &str,
    ) -> Result<CookieKey, AuthenticationError> {
        let generation = tenant.keyring.generation();
        if let Some(key) = self.cookies.get(&tenant.id, generation, credential) {
            return Ok(key);
        }
        let opaque = self.opaque_id(tenant, credential).ok_or(AuthenticationError::Invalid)?;
        let key = opaque.key(&tenant.id).ok_or(AuthenticationError::Invalid)?;
        self.cookies.remember(generation, credential, &key);
        Ok(key)
    }

    /// The id in a cookie that the tenant has signed.
    pub(super) fn opaque_id(&self, tenant: &Tenant, credential: &str) -> Option<OpaqueId> {
        OpaqueId::read(credential, &tenant.keyring.cookie_keys(self.clock.now()))
    }
}
