//! Keys of a tenant, and the days of their lives.

mod lifetime;
mod master_key;
mod shared_secrets;

use std::time::Duration;

use super::*;
use crate::clock::Timestamp;
use crate::id::TenantId;
use crate::machine::SystemRandom;

const NOW: Timestamp = Timestamp::from_seconds(1_769_638_376);

fn day(days: u64) -> Duration {
    Duration::from_hours(24 * days)
}

fn tenant(name: &str) -> TenantId {
    name.parse().unwrap()
}

fn key(usage: KeyUse, created: Timestamp, active_from: Timestamp) -> KeyRecord {
    let tenant = TenantId::default_tenant();
    KeyRecord::generate(&tenant, usage, usage.algorithm(), created, active_from, &SystemRandom).unwrap()
}

fn opened(
    records: &[KeyRecord],
    master: Option<&MasterKey>,
    shared: &SharedSecrets,
) -> Result<Keyring, KeyringFault> {
    let (tenant, lifetimes) = (&TenantId::default_tenant(), KeyLifetimes::default());
    Keyring::open(&KeyringSource { tenant, generation: 42, records, master, shared, lifetimes })
}

fn ring(records: &[KeyRecord]) -> Keyring {
    opened(records, None, &SharedSecrets::default()).unwrap()
}

fn published(ring: &Keyring, now: Timestamp) -> Vec<Kid> {
    ring.jwks(now).keys.iter().map(|jwk| jwk.kid().clone()).collect()
}
