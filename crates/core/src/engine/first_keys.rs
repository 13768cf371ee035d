//! The keys that a tenant begins with.

use std::time::Duration;

use super::tenant_directory::TenantDirectory;
use crate::clock::Timestamp;
use crate::id::TenantId;
use crate::key::{KeyFault, KeyRecord, KeyUse, SealFault};
use crate::random::Random;
use crate::store::{KeyStore, StoreError};

/// A first key signs from this long before it was made: no node's clock may be behind it.
const FIRST_KEYS_ARE_OLDER: Duration = Duration::from_hours(1);

/// Makes the keys that a tenant lacks.
pub(super) async fn make_missing_keys<E>(
    keys: &dyn KeyStore,
    directory: &TenantDirectory,
    tenant: &TenantId,
    now: Timestamp,
    random: &dyn Random,
) -> Result<(), E>
where
    E: From<StoreError> + From<KeyFault> + From<SealFault>,
{
    let held = keys.list(tenant).await?;
    let active_from = now.minus(FIRST_KEYS_ARE_OLDER);
    for usage in KeyUse::ALL {
        if !held.iter().any(|key| key.usage == usage) {
            let key = KeyRecord::generate(tenant, usage, usage.algorithm(), now, active_from, random)?;
            keys.insert(&directory.sealed(key, random)?).await?;
        }
    }
    Ok(())
}
