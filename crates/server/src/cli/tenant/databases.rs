//! The databases of tenants that have one of their own, where a command looks at all of them.

use std::collections::BTreeMap;

use portcullis_core::id::TenantId;
use portcullis_core::store::{Page, StoreError, Stores};
use portcullis_stores::{DatabaseUrl, DatabaseUrlError};

use crate::config::Config;

/// How many tenants are read at a time.
const PAGE: u32 = 500;

/// A tenant, and the URL of its database, or what is wrong with the URL.
pub(in crate::cli) type TenantDatabase = (TenantId, Result<DatabaseUrl, DatabaseUrlError>);

/// Each database once, under the first tenant whose users it holds.
pub(in crate::cli) async fn databases(
    config: &Config,
    stores: &Stores,
) -> Result<Vec<TenantDatabase>, StoreError> {
    let mut urls: BTreeMap<String, TenantId> = BTreeMap::new();
    let mut after: Option<TenantId> = None;
    loop {
        let page = stores.tenants.list(Page { after: after.take(), limit: PAGE }).await?;
        after = page.last().map(|tenant| tenant.id.clone());
        for tenant in page {
            if let Some(url) = tenant.database {
                urls.entry(url).or_insert(tenant.id);
            }
        }
        if after.is_none() {
            break;
        }
    }
    let mut found: Vec<TenantDatabase> = urls
        .into_iter()
        .map(|(url, tenant)| (tenant, DatabaseUrl::parse(&url).map(|url| url.based_in(&config.data_dir))))
        .collect();
    found.sort_by(|(one, _), (other, _)| one.cmp(other));
    Ok(found)
}
