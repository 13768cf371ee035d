//! A key as a store keeps it.

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

/// A key in a store. Its name is unique within its tenant.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct KeyRecord {
    /// Whose key it is.
    pub tenant: TenantId,
    /// What it is called.
    pub kid: Kid,
    /// What it is for.
    pub usage: KeyUse,
    /// How it signs.
    pub algorithm: Algorithm,
    /// The key itself.
    pub material: KeyMaterial,
    /// When it was made.
    pub created: Timestamp,
    /// When it begins to sign, if no newer one does. It verifies and is published before.
    pub active_from: Timestamp,
}

/// A key's bytes: of an ES256 key the PKCS#8 DER (RFC 5958), of a refresh key 32 random bytes, of a cookie key the
/// secret as UTF-8 text, because that is how Node's `cookie-signature` takes it.
#[derive(Clone, PartialEq, Eq)]
pub enum KeyMaterial {
    /// As it is: development mode, without a master key.
    Plain(Zeroizing<Vec<u8>>),
    /// Under the master key, bound to tenant, name, use and algorithm.
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

/// Why no key was made.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
pub enum KeyFault {
    /// Keys for this use have another algorithm ([`KeyUse::algorithm`]).
    #[error("a key for {usage} signs with {}, not with {algorithm}", .usage.algorithm())]
    NotForThisUse {
        /// The use.
        usage: KeyUse,
        /// The algorithm that was asked for.
        algorithm: Algorithm,
    },
    /// The random source failed.
    #[error("the key could not be generated")]
    NotGenerated,
}

impl KeyRecord {
    /// A new key, not sealed.
    ///
    /// Let `active_from` be late enough that every node and every reader of the JWKS has the key by then. A tenant's
    /// first key has nobody to wait for: give it a time that is past on every node.
    ///
    /// # Errors
    ///
    /// [`KeyFault::NotForThisUse`] where use and algorithm do not go together.
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

    /// The same record with its material sealed; one that is sealed already stays as it is.
    ///
    /// # Errors
    ///
    /// [`SealFault::Refused`], which material of ours never meets.
    pub fn seal(self, master: &MasterKey, random: &dyn Random) -> Result<Self, SealFault> {
        let KeyMaterial::Plain(plain) = &self.material else {
            return Ok(self);
        };
        let sealed = master.seal(&self.place(), plain, random)?;
        Ok(Self { material: KeyMaterial::Sealed(sealed), ..self })
    }

    /// The material, opened. Plain material needs no master key, so that keys from before there was one can be sealed
    /// with it.
    ///
    /// # Errors
    ///
    /// [`SealFault`]: there is no master key, it is another one, or the record was damaged or is another's.
    pub fn open(&self, master: Option<&MasterKey>) -> Result<Zeroizing<Vec<u8>>, SealFault> {
        match (&self.material, master) {
            (KeyMaterial::Plain(plain), _) => Ok(plain.clone()),
            (KeyMaterial::Sealed(sealed), Some(master)) => master.open(&self.place(), sealed),
            (KeyMaterial::Sealed(_), None) => Err(SealFault::NoMasterKey),
        }
    }

    fn place(&self) -> [&[u8]; 5] {
        let words =
            ["key", self.tenant.as_str(), self.kid.as_str(), self.usage.as_str(), self.algorithm.as_str()];
        words.map(str::as_bytes)
    }
}

fn material(usage: KeyUse, random: &dyn Random) -> Result<Zeroizing<Vec<u8>>, KeyFault> {
    let bytes = match usage {
        KeyUse::Access => {
            let source = machine::ring_random();
            EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &source)
                .map_err(|_| KeyFault::NotGenerated)?
                .as_ref()
                .to_vec()
        }
        KeyUse::Refresh => random::bytes::<32>(random).to_vec(),
        KeyUse::Cookie => PlainSecret::generate(random).reveal().as_bytes().to_vec(),
    };
    Ok(Zeroizing::new(bytes))
}
