//! A tenant's keys, opened.

use std::collections::HashSet;

use thiserror::Error;

use super::lifetime::KeySequence;
use super::signing_keys::AccessKey;
use super::{
    CookieSigningKey, Jwks, KeyLifetimes, KeyRecord, KeyUse, Kid, MasterKey, RefreshKey, SealFault,
    SharedSecrets, SigningKey,
};
use crate::clock::Timestamp;
use crate::id::TenantId;
use crate::token::crypto_provider;

/// A tenant's keys, ready for use. It never changes: when the records change, open another.
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
/// let keys = Keyring::open(&KeyringParts {
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
}

/// What a key ring is made of.
#[derive(Clone, Copy, Debug)]
pub struct KeyringSource<'a> {
    /// Whose keys they are.
    pub tenant: &'a TenantId,
    /// A number that the caller changes whenever the keys change: what was verified under another one must be verified
    /// again.
    pub generation: u64,
    /// The tenant's records, of every use, in any order.
    pub records: &'a [KeyRecord],
    /// The master key, where one is configured.
    pub master: Option<&'a MasterKey>,
    /// Secrets shared with other services. They sign instead of the tenant's own keys, which still verify.
    pub shared: &'a SharedSecrets,
    /// The longest that something signed stays good.
    pub lifetimes: KeyLifetimes,
}

/// Why records make no key ring.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
pub enum KeyringFault {
    /// The key's material does not open.
    #[error("key {kid} does not open: {source}")]
    Sealed {
        /// The key.
        kid: Kid,
        /// Why.
        source: SealFault,
    },
    /// The record belongs to another tenant.
    #[error("key {kid} is another tenant's")]
    Foreign {
        /// The key.
        kid: Kid,
    },
    /// Two records have this name.
    #[error("two keys are called {kid}")]
    Twice {
        /// The name.
        kid: Kid,
    },
    /// The key has an algorithm that keys of its use do not have.
    #[error("key {kid} has an algorithm that does not fit its use")]
    WrongAlgorithm {
        /// The key.
        kid: Kid,
    },
    /// The material is no key of its algorithm: for ES256 that includes halves that do not belong together.
    #[error("key {kid} is no valid key")]
    Invalid {
        /// The key.
        kid: Kid,
    },
}

impl Keyring {
    /// Opens a tenant's records.
    ///
    /// # Errors
    ///
    /// [`KeyringFault`] for the first record that cannot be trusted: a ring without one of its keys would refuse good
    /// tokens and say nothing.
    pub fn open(parts: &KeyringSource<'_>) -> Result<Self, KeyringFault> {
        crypto_provider::install();
        check(parts.tenant, parts.records)?;
        Ok(Self {
            tenant: parts.tenant.clone(),
            generation: parts.generation,
            access: line(parts, KeyUse::Access, AccessKey::es256)?,
            shared_access: parts.shared.jwt().map(shared_access),
            refresh: line(parts, KeyUse::Refresh, RefreshKey::new)?,
            cookie: line(parts, KeyUse::Cookie, |_, secret| CookieSigningKey::new(secret))?,
            shared_cookie: parts.shared.cookie().and_then(|secret| CookieSigningKey::new(secret.as_bytes())),
        })
    }

    /// Whose keys they are.
    #[must_use]
    pub const fn tenant(&self) -> &TenantId {
        &self.tenant
    }

    /// The number that [`Keyring::open`] was given.
    #[must_use]
    pub const fn generation(&self) -> u64 {
        self.generation
    }

    /// The public keys of access tokens that verify now or will soon; no shared secret, and no other use's key.
    #[must_use]
    pub fn jwks(&self, now: Timestamp) -> Jwks {
        Jwks { keys: self.access.verifying(now).map(|key| key.jwk.clone()).collect() }
    }

    /// The key that signs access tokens now.
    pub(crate) fn access_signer(&self, now: Timestamp) -> Option<&SigningKey> {
        let own = || self.access.signer(now).map(|key| &key.signing);
        self.shared_access.as_ref().or_else(own)
    }

    /// The access key of this name.
    pub(crate) fn access_key(&self, kid: &Kid, now: Timestamp) -> Option<&SigningKey> {
        let own = || self.access.find(kid, now).map(|key| &key.signing);
        self.shared_access.as_ref().filter(|key| key.kid() == kid).or_else(own)
    }

    /// The key that signs refresh tokens now; `None` where none is active yet.
    #[must_use]
    pub fn refresh_signer(&self, now: Timestamp) -> Option<&RefreshKey> {
        self.refresh.signer(now)
    }

    /// The refresh key of this name, until it retires.
    #[must_use]
    pub fn refresh_key(&self, kid: &Kid, now: Timestamp) -> Option<&RefreshKey> {
        self.refresh.find(kid, now)
    }

    /// The key that signs cookies now; `None` where none is active yet.
    #[must_use]
    pub fn cookie_signer(&self, now: Timestamp) -> Option<&CookieSigningKey> {
        self.shared_cookie.as_ref().or_else(|| self.cookie.signer(now))
    }

    /// The key that signs what devices keep. It is never one that is shared: who changes that secret, or begins to share
    /// one, makes no device a stranger.
    #[must_use]
    pub fn device_signer(&self, now: Timestamp) -> Option<&CookieSigningKey> {
        self.cookie.signer(now)
    }

    /// Every key that a cookie may have been signed with: the shared secret, then the tenant's own, newest first.
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

fn line<K>(
    parts: &KeyringSource<'_>,
    usage: KeyUse,
    read: impl Fn(&Kid, &[u8]) -> Option<K>,
) -> Result<KeySequence<K>, KeyringFault> {
    KeySequence::open(usage, parts.records, &parts.lifetimes, |record| {
        let kid = || record.kid.clone();
        let opened =
            record.open(parts.master).map_err(|source| KeyringFault::Sealed { kid: kid(), source })?;
        read(&record.kid, &opened).ok_or_else(|| KeyringFault::Invalid { kid: kid() })
    })
}

fn shared_access(secret: &str) -> SigningKey {
    SigningKey::hs256(Kid::of_secret(secret.as_bytes()), secret.as_bytes())
}
