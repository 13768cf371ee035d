//! The databases of tenants that have one of their own, where a command looks at all of them.

use std::collections::BTreeMap;

use portcullis_core::id::TenantId;
use portcullis_core::store::{StoreError, Stores};
use portcullis_stores::{DatabaseUrl, DatabaseUrlError};

use crate::cli::pages;
use crate::config::Config;

/// A tenant, and the URL of its database, or what is wrong with the URL.
pub(in crate::cli) type TenantDatabase = (TenantId, Result<DatabaseUrl, DatabaseUrlError>);

/// Each database once, under the first tenant whose users it holds.
pub(in crate::cli) async fn databases(
    config: &Config,
    stores: &Stores,
) -> Result<Vec<TenantDatabase>, StoreError> {
    let mut urls: BTreeMap<String, TenantId> = BTreeMap::new();
    for tenant in pages::tenants(stores).await? {
        if let Some(url) = tenant.database {
            urls.entry(url).or_insert(tenant.id);
        }
    }
    let mut found: Vec<TenantDatabase> =
        urls.into_iter().map(|(url, tenant)| (tenant, database_at(config, &url))).collect();
    found.sort_by(|(one, _), (other, _)| one.cmp(other));
    Ok(found)
}

/// The database that a tenant's URL names.
pub(in crate::cli) fn database_at(config: &Config, url: &str) -> Result<DatabaseUrl, DatabaseUrlError> {
    DatabaseUrl::of_tenant(url, &config.data_dir)
}
