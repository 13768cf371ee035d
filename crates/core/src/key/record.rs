//! Keys as a store keeps them.

use std::fmt;

use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
use thiserror::Error;
use zeroize::Zeroizing;

use super::{Algorithm, KeyUse, Kid, MasterKey, SealFault};
use crate::clock::Timestamp;
use crate::id::TenantId;
use crate::machine;
use crate::random::{self, Random};
use crate::secret::PlainSecret;

/// A key in a store. Its `kid` is unique within its tenant.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct KeyRecord {
    /// The tenant that owns the key.
    pub tenant: TenantId,
    /// The key id (RFC 7517, section 4.5).
    pub kid: Kid,
    /// The one purpose the key serves.
    pub usage: KeyUse,
    /// The signature algorithm, which follows from `usage`.
    pub algorithm: Algorithm,
    /// The secret bytes, encrypted or not.
    pub material: KeyMaterial,
    /// When the key was generated.
    pub created: Timestamp,
    /// From when on the key signs, unless a newer one does. Before that it is published and verifies.
    pub active_from: Timestamp,
}

/// A key's bytes: of an ES256 key the PKCS#8 DER (RFC 5958), of a refresh key 32 random bytes, of a cookie key the
/// secret as UTF-8 text, because that is how Node's `cookie-signature` takes it.
#[derive(Clone, PartialEq, Eq)]
pub enum KeyMaterial {
    /// Not encrypted: development mode, where there is no master key.
    Plain(Zeroizing<Vec<u8>>),
    /// Encrypted under the master key, bound to tenant, `kid`, use and algorithm.
    Sealed(Vec<u8>),
}

impl fmt::Debug for KeyMaterial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Plain(_) => "Plain",
            Self::Sealed(_) => "Sealed",
        })
    }
}

/// Why a key was not generated.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
pub enum KeyFault {
    /// Keys for this use must have another algorithm ([`KeyUse::algorithm`]).
    #[error("a key for {usage} signs with {}, not with {algorithm}", .usage.algorithm())]
    NotForThisUse {
        /// The use of the requested key.
        usage: KeyUse,
        /// The requested algorithm.
        algorithm: Algorithm,
    },
    /// The random source failed.
    #[error("the key could not be generated")]
    NotGenerated,
}

impl KeyRecord {
    /// Generates a key, not encrypted.
    ///
    /// `active_from` must be late enough that every node and every reader of the JWKS has the key by then. A tenant's
    /// first key need not wait: give it a time that is past on every node.
    ///
    /// # Errors
    ///
    /// [`KeyFault::NotForThisUse`] if keys for this use have another algorithm.
    pub fn generate(
        tenant: &TenantId,
        usage: KeyUse,
        algorithm: Algorithm,
        now: Timestamp,
        active_from: Timestamp,
        random: &dyn Random,
    ) -> Result<Self, KeyFault> {
        if algorithm != usage.algorithm() {
            return Err(KeyFault::NotForThisUse { usage, algorithm });
        }
        Ok(Self {
            tenant: tenant.clone(),
            kid: Kid::generate(random),
            usage,
            algorithm,
            material: KeyMaterial::Plain(material(usage, random)?),
            created: now,
            active_from,
        })
    }

    /// The record with its material encrypted. It does not change if it is encrypted already or there is no master key.
    ///
    /// # Errors
    ///
    /// [`SealFault::Refused`] for material that is too long. Generated material never is.
    pub fn seal(self, master: Option<&MasterKey>, random: &dyn Random) -> Result<Self, SealFault> {
        let (KeyMaterial::Plain(plain), Some(master)) = (&self.material, master) else {
            return Ok(self);
        };
        let sealed = master.seal(&self.context(), plain, random)?;
        Ok(Self { material: KeyMaterial::Sealed(sealed), ..self })
    }

    /// The material, decrypted. Plain material needs no master key, so that an operator can introduce one later.
    ///
    /// # Errors
    ///
    /// [`SealFault`] if the master key is missing or another one, or if the record was damaged or moved.
    pub fn open(&self, master: Option<&MasterKey>) -> Result<Zeroizing<Vec<u8>>, SealFault> {
        match (&self.material, master) {
            (KeyMaterial::Plain(plain), _) => Ok(plain.clone()),
            (KeyMaterial::Sealed(sealed), Some(master)) => master.open(&self.context(), sealed),
            (KeyMaterial::Sealed(_), None) => Err(SealFault::NoMasterKey),
        }
    }

    fn context(&self) -> [&[u8]; 5] {
        let words =
            ["key", self.tenant.as_str(), self.kid.as_str(), self.usage.as_str(), self.algorithm.as_str()];
        words.map(str::as_bytes)
    }
}

pub(super) fn material(usage: KeyUse, random: &dyn Random) -> Result<Zeroizing<Vec<u8>>, KeyFault> {
    let bytes = match usage {
        KeyUse::Access => {
            let source = machine::ring_random();
            EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &source)
                .map_err(|_| KeyFault::NotGenerated)?
                .as_ref()
                .to_vec()
        }
        KeyUse::Refresh | KeyUse::Code => random::bytes::<32>(random).to_vec(),
        KeyUse::Cookie => PlainSecret::generate(random).reveal().as_bytes().to_vec(),
    };
    Ok(Zeroizing::new(bytes))
}
