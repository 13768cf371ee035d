//! What a [`KeyStore`](crate::store::KeyStore) must do.

use zeroize::Zeroizing;

use super::super::records::{at, key, parsed, tenant};
use super::{Answered, each};
use crate::id::TenantId;
use crate::key::{Algorithm, KeyMaterial, KeyRecord, KeyUse, Kid};
use crate::store::{Inserted, Stores};

pub(super) async fn all(make: &impl AsyncFn() -> Stores) {
    each!(make;
        keys_are_listed_as_written,
        an_insert_never_replaces,
        a_key_is_wrapped_otherwise_and_stays_the_same,
        a_key_is_removed_once,
    );
}

async fn listed(stores: &Stores, tenant: &TenantId) -> Vec<KeyRecord> {
    let mut keys = stores.keys.list(tenant).await.answered();
    keys.sort_by(|one, other| one.kid.cmp(&other.kid));
    keys
}

/// `list` gives back what `insert` wrote: of every use, sealed and plain.
pub async fn keys_are_listed_as_written(stores: &Stores) {
    let acme = tenant("acme");
    assert_eq!(listed(stores, &acme).await, []);
    let mut written = Vec::new();
    for (number, usage) in KeyUse::ALL.into_iter().enumerate() {
        let plain = KeyMaterial::Plain(Zeroizing::new(vec![0, 200, b'\'']));
        let sealed = KeyRecord { usage, algorithm: usage.algorithm(), ..key(&acme, &format!("s{number}")) };
        let plain = KeyRecord { kid: parsed(&format!("p{number}")), material: plain, ..sealed.clone() };
        written.extend([sealed, plain]);
    }
    for key in &written {
        assert_eq!(stores.keys.insert(key).await.answered(), Inserted::Done);
    }
    written.sort_by(|one, other| one.kid.cmp(&other.kid));
    assert_eq!(listed(stores, &acme).await, written);
}

/// `insert` creates; if the name is taken, nothing is written.
pub async fn an_insert_never_replaces(stores: &Stores) {
    let acme = tenant("acme");
    let first = key(&acme, "one");
    assert_eq!(stores.keys.insert(&first).await.answered(), Inserted::Done);
    let again = KeyRecord {
        usage: KeyUse::Access,
        algorithm: Algorithm::Es256,
        material: KeyMaterial::Sealed(vec![9]),
        active_from: at(9),
        ..first.clone()
    };
    assert_eq!(stores.keys.insert(&again).await.answered(), Inserted::Clash);
    assert_eq!(listed(stores, &acme).await, [first]);
}

/// `rewrap` changes the material of one key and nothing else.
pub async fn a_key_is_wrapped_otherwise_and_stays_the_same(stores: &Stores) {
    let acme = tenant("acme");
    let (one, other) = (key(&acme, "one"), key(&acme, "other"));
    stores.keys.insert(&one).await.answered();
    stores.keys.insert(&other).await.answered();
    let material = KeyMaterial::Sealed(vec![9, 9]);
    assert!(stores.keys.rewrap(&acme, &one.kid, &material).await.answered());
    assert_eq!(listed(stores, &acme).await, [KeyRecord { material: material.clone(), ..one }, other]);
    assert!(!stores.keys.rewrap(&acme, &parsed::<Kid>("none"), &material).await.answered());
}

/// `remove` removes a key, and says whether it did.
pub async fn a_key_is_removed_once(stores: &Stores) {
    let acme = tenant("acme");
    let (one, other) = (key(&acme, "one"), key(&acme, "other"));
    stores.keys.insert(&one).await.answered();
    stores.keys.insert(&other).await.answered();
    assert!(stores.keys.remove(&acme, &one.kid).await.answered());
    assert!(!stores.keys.remove(&acme, &one.kid).await.answered());
    assert_eq!(listed(stores, &acme).await, [other]);
}
