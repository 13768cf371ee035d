//! The key ring: the decrypted keys of one tenant.

use std::collections::HashSet;

use thiserror::Error;

use super::lifetime::KeySequence;
use super::signing_keys::AccessKey;
use super::{
    Algorithm, CodeKey, CookieSigningKey, Jwks, KeyLifetimes, KeyRecord, KeyUse, Kid, MasterKey, RefreshKey,
    SealFault, SharedSecrets, SigningKey, VerifyingKey,
};
use crate::clock::Timestamp;
use crate::id::TenantId;

/// A tenant's keys, ready for use. A key ring never changes: when the records change, open another.
///
/// ```
/// use portcullis_core::clock::Timestamp;
/// use portcullis_core::id::TenantId;
/// use portcullis_core::key::*;
/// use portcullis_core::machine::SystemRandom;
///
/// let tenant = TenantId::default_tenant();
/// let now = Timestamp::from_seconds(1_769_638_376);
/// let first = KeyRecord::generate(&tenant, KeyUse::Access, Algorithm::Es256, now, now, &SystemRandom)?;
/// let keys = Keyring::open(&KeyringSource {
///     tenant: &tenant,
///     generation: 1,
///     records: &[first.clone()],
///     master: None,
///     shared: &SharedSecrets::default(),
///     lifetimes: KeyLifetimes::default(),
/// })?;
/// assert_eq!(*keys.jwks(now).keys[0].kid(), first.kid);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Keyring {
    tenant: TenantId,
    generation: u64,
    access: KeySequence<AccessKey>,
    shared_access: Option<SigningKey>,
    refresh: KeySequence<RefreshKey>,
    cookie: KeySequence<CookieSigningKey>,
    shared_cookie: Option<CookieSigningKey>,
    code: KeySequence<CodeKey>,
}

/// What [`Keyring::open`] makes a key ring of.
#[derive(Clone, Copy, Debug)]
pub struct KeyringSource<'a> {
    /// The tenant that owns the keys.
    pub tenant: &'a TenantId,
    /// A number that the caller changes whenever the keys change. A token that was verified under another generation
    /// must be verified again.
    pub generation: u64,
    /// The tenant's records, of every use, in any order.
    pub records: &'a [KeyRecord],
    /// The master key, if one is configured.
    pub master: Option<&'a MasterKey>,
    /// Secrets shared with other services. They sign instead of the tenant's own keys, which still verify.
    pub shared: &'a SharedSecrets,
    /// The longest that anything signed stays valid.
    pub lifetimes: KeyLifetimes,
}

/// Why a key ring cannot be made of the records.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
pub enum KeyringFault {
    /// The key's material cannot be decrypted.
    #[error("key {kid} cannot be decrypted: {source}")]
    Sealed {
        /// The id of the key.
        kid: Kid,
        /// Why the material cannot be decrypted.
        source: SealFault,
    },
    /// The record belongs to another tenant.
    #[error("key {kid} belongs to another tenant")]
    Foreign {
        /// The id of the key.
        kid: Kid,
    },
    /// Two records have the same id.
    #[error("two keys have the id {kid}")]
    Twice {
        /// The id of both keys.
        kid: Kid,
    },
    /// Keys of this use must have another algorithm.
    #[error("key {kid} has an algorithm that does not fit its use")]
    WrongAlgorithm {
        /// The id of the key.
        kid: Kid,
    },
    /// The material is not a key of this algorithm. For ES256 the two halves may not belong together.
    #[error("key {kid} is not a valid key")]
    Invalid {
        /// The id of the key.
        kid: Kid,
    },
}

impl Keyring {
    /// Decrypts and checks a tenant's records.
    ///
    /// # Errors
    ///
    /// [`KeyringFault`] for the first record that cannot be trusted. A ring without one of its keys would silently
    /// refuse valid tokens.
    pub fn open(source: &KeyringSource<'_>) -> Result<Self, KeyringFault> {
        check(source.tenant, source.records)?;
        Ok(Self {
            tenant: source.tenant.clone(),
            generation: source.generation,
            access: sequence(source, KeyUse::Access, AccessKey::es256)?,
            shared_access: source.shared.jwt().map(shared_access),
            refresh: sequence(source, KeyUse::Refresh, RefreshKey::new)?,
            cookie: sequence(source, KeyUse::Cookie, |_, secret| CookieSigningKey::new(secret))?,
            shared_cookie: source.shared.cookie().and_then(|secret| CookieSigningKey::new(secret.as_bytes())),
            code: sequence(source, KeyUse::Code, CodeKey::new)?,
        })
    }

    /// The tenant that owns the keys.
    #[must_use]
    pub const fn tenant(&self) -> &TenantId {
        &self.tenant
    }

    /// The number that [`Keyring::open`] was given.
    #[must_use]
    pub const fn generation(&self) -> u64 {
        self.generation
    }

    /// The public keys that verify access tokens now or will soon, without shared secrets and keys of other uses.
    #[must_use]
    pub fn jwks(&self, now: Timestamp) -> Jwks {
        Jwks { keys: self.access.verifying(now).map(|key| key.jwk.clone()).collect() }
    }

    /// The algorithm of access tokens: HS256 where a shared secret verifies them instead of [`Keyring::jwks`].
    #[must_use]
    pub fn access_algorithm(&self) -> Algorithm {
        self.shared_access.as_ref().map_or(KeyUse::Access.algorithm(), VerifyingKey::algorithm)
    }

    /// The key that signs access tokens now.
    pub(crate) fn access_signer(&self, now: Timestamp) -> Option<&SigningKey> {
        let own = || self.access.signer(now).map(|key| &key.signing);
        self.shared_access.as_ref().or_else(own)
    }

    /// The access key with this id.
    pub(crate) fn access_key(&self, kid: &Kid, now: Timestamp) -> Option<&SigningKey> {
        let own = || self.access.find(kid, now).map(|key| &key.signing);
        self.shared_access.as_ref().filter(|key| key.kid() == kid).or_else(own)
    }

    /// The key that signs refresh tokens now. `None` if there is none.
    #[must_use]
    pub fn refresh_signer(&self, now: Timestamp) -> Option<&RefreshKey> {
        self.refresh.signer(now)
    }

    /// The refresh key with this id, until it retires.
    #[must_use]
    pub fn refresh_key(&self, kid: &Kid, now: Timestamp) -> Option<&RefreshKey> {
        self.refresh.find(kid, now)
    }

    /// The key that signs cookies now. `None` if there is none.
    #[must_use]
    pub fn cookie_signer(&self, now: Timestamp) -> Option<&CookieSigningKey> {
        self.shared_cookie.as_ref().or_else(|| self.cookie.signer(now))
    }

    /// The key that signs device cookies. It is never a shared secret, so an operator who changes that secret or begins
    /// to share one does not make known devices unknown.
    #[must_use]
    pub fn device_signer(&self, now: Timestamp) -> Option<&CookieSigningKey> {
        self.cookie.signer(now)
    }

    /// The key that hashes codes and links now. `None` if there is none.
    #[must_use]
    pub fn code_signer(&self, now: Timestamp) -> Option<&CodeKey> {
        self.code.signer(now)
    }

    /// Every key that may have hashed a code or a link that still works.
    pub(crate) fn code_keys(&self, now: Timestamp) -> impl Iterator<Item = &CodeKey> {
        self.code.verifying(now)
    }

    /// Every key that may have signed a cookie: the shared secret, then the tenant's own keys, newest first.
    #[must_use]
    pub fn cookie_keys(&self, now: Timestamp) -> Vec<&CookieSigningKey> {
        self.shared_cookie.iter().chain(self.cookie.verifying(now)).collect()
    }
}

fn check(tenant: &TenantId, records: &[KeyRecord]) -> Result<(), KeyringFault> {
    let mut names = HashSet::new();
    for record in records {
        let kid = || record.kid.clone();
        if record.tenant != *tenant {
            return Err(KeyringFault::Foreign { kid: kid() });
        }
        if record.algorithm != record.usage.algorithm() {
            return Err(KeyringFault::WrongAlgorithm { kid: kid() });
        }
        if !names.insert(&record.kid) {
            return Err(KeyringFault::Twice { kid: kid() });
        }
    }
    Ok(())
}

fn sequence<K>(
    source: &KeyringSource<'_>,
    usage: KeyUse,
    read: impl Fn(&Kid, &[u8]) -> Option<K>,
) -> Result<KeySequence<K>, KeyringFault> {
    KeySequence::open(usage, source.records, &source.lifetimes, |record| {
        let kid = || record.kid.clone();
        let opened =
            record.open(source.master).map_err(|source| KeyringFault::Sealed { kid: kid(), source })?;
        read(&record.kid, &opened).ok_or_else(|| KeyringFault::Invalid { kid: kid() })
    })
}

fn shared_access(secret: &str) -> SigningKey {
    SigningKey::hs256(Kid::of_secret(secret.as_bytes()), secret.as_bytes())
}
