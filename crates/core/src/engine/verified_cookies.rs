//! Verifying session cookies, with a cache of those that were verified.

use super::opaque_id::OpaqueId;
use super::{AuthenticationError, EngineCore, Tenant};
use crate::bounded_cache::{BoundedCache, bounded_cache};
use crate::secret::SecretHash;
use crate::store::CookieKey;

/// Cookies whose signature is right, by the hash of tenant and value. Failures are never cached.
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
}

impl EngineCore {
    /// How stores know the session of a cookie that the tenant has signed.
    pub(super) fn verified_cookie(
        &self,
        tenant: &Tenant,
        credential: &str,
    ) -> Result<CookieKey, AuthenticationError> {
        // Another tenant has other keys.
        let hash = SecretHash::of(&[tenant.id.as_str().as_bytes(), credential.as_bytes()]);
        let generation = tenant.keyring.generation();
        if let Some(hit) = self.cookies.0.get(&hash).filter(|hit| hit.generation == generation) {
            return Ok(hit.key);
        }
        let opaque = self.opaque_id(tenant, credential).ok_or(AuthenticationError::Invalid)?;
        let key = opaque.key(&tenant.id).ok_or(AuthenticationError::Invalid)?;
        self.cookies.0.insert(hash, VerifiedCookie { key: key.clone(), generation });
        Ok(key)
    }

    /// The id in a cookie that the tenant has signed.
    pub(super) fn opaque_id(&self, tenant: &Tenant, credential: &str) -> Option<OpaqueId> {
        OpaqueId::read(credential, &tenant.keyring.cookie_keys(self.clock.now()))
    }
}
