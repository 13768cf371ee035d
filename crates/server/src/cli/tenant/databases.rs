//! The databases of tenants that have one of their own, where a command looks at all of them.

use std::collections::BTreeMap;
use std::path::PathBuf;

use portcullis_core::id::TenantId;
use portcullis_core::store::{Page, StoreError, Stores};

use crate::config::{Config, Database, store_address};

/// How many tenants are read at a time.
const PAGE: u32 = 500;

/// Where such a database is, or what is wrong with its address.
pub(in crate::cli) type Place = Result<PathBuf, String>;

/// Each of them once, under the first tenant that lives in it.
pub(in crate::cli) async fn databases(
    config: &Config,
    stores: &Stores,
) -> Result<Vec<(TenantId, Place)>, StoreError> {
    let mut addresses: BTreeMap<String, TenantId> = BTreeMap::new();
    let mut after: Option<TenantId> = None;
    loop {
        let page = stores.tenants.list(Page { after: after.take(), limit: PAGE }).await?;
        after = page.last().map(|tenant| tenant.id.clone());
        for tenant in page {
            if let Some(address) = tenant.database {
                addresses.entry(address).or_insert(tenant.id);
            }
        }
        if after.is_none() {
            break;
        }
    }
    let mut found: Vec<(TenantId, Place)> = addresses
        .into_iter()
        .map(|(address, tenant)| {
            let place = store_address(&address);
            (tenant, place.map(|Database::Sqlite(path)| config.data_dir.join(path)))
        })
        .collect();
    found.sort_by(|(one, _), (other, _)| one.cmp(other));
    Ok(found)
}
