//! The generation of a key ring: what the verification of a token depends on, as one number.

use std::iter::once;

use super::{KeyLifetimes, KeyMaterial, KeyRecord};
use crate::secret::SecretHash;

/// Equal for equal keys, lifetimes and audience. So reading the same keys again does not void the tokens that were
/// verified with them.
pub(crate) fn generation(records: &[KeyRecord], lifetimes: &KeyLifetimes, audience: &str) -> u64 {
    let mut records: Vec<&KeyRecord> = records.iter().collect();
    records.sort_by(|one, other| one.kid.cmp(&other.kid));
    let active: Vec<[u8; 8]> =
        records.iter().map(|record| record.active_from.as_millis().to_be_bytes()).collect();
    let lasts =
        [lifetimes.access, lifetimes.refresh, lifetimes.cookie].map(|span| span.as_millis().to_be_bytes());
    let parts = records.iter().zip(&active).flat_map(|(record, active)| {
        [
            record.kid.as_str().as_bytes(),
            record.usage.as_str().as_bytes(),
            active.as_slice(),
            bytes(&record.material),
        ]
    });
    let parts: Vec<&[u8]> =
        once(audience.as_bytes()).chain(lasts.iter().map(<[u8; 16]>::as_slice)).chain(parts).collect();
    SecretHash::of(&parts).as_bytes().first_chunk().map_or(0, |first| u64::from_be_bytes(*first))
}

fn bytes(material: &KeyMaterial) -> &[u8] {
    match material {
        KeyMaterial::Plain(plain) => plain,
        KeyMaterial::Sealed(sealed) => sealed,
    }
}
