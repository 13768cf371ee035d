//! Records that an operator or another program has written, and that cannot be read.

use portcullis_core::id::TenantId;
use portcullis_core::store::{StoreError, Stores};

use super::{Finding, Stopwatch};
use crate::cli::output::counted;
use crate::cli::pages;

/// How many records are named.
const NAMED: usize = 8;

/// The finding about each tenant in this database.
pub(super) async fn examine(stores: &Stores) -> Result<Vec<Finding>, StoreError> {
    let mut findings = Vec::new();
    for tenant in pages::tenants(stores).await? {
        findings.extend(examine_in(stores, &tenant.id).await?);
    }
    Ok(findings)
}

/// The finding about one tenant; `None` if all records can be read.
pub(super) async fn examine_in(stores: &Stores, tenant: &TenantId) -> Result<Option<Finding>, StoreError> {
    let watch = Stopwatch::start();
    let unreadable = stores.users.unreadable(tenant).await?;
    if unreadable.is_empty() {
        return Ok(None);
    }
    let named = unreadable.iter().take(NAMED);
    let named: Vec<String> = named.map(|it| format!("{} of {} {}", it.field, it.record, it.id)).collect();
    let more = if unreadable.len() > NAMED { ", …" } else { "" };
    let detail = format!(
        "{} cannot be read: {}{more}; `portcullis mend --tenant {tenant}` mends spellings, and `portcullis mend \
         --tenant {tenant} RECORD` one record",
        counted(unreadable.len() as u64, "column"),
        named.join(", ")
    );
    Ok(Some(Finding::broken(format!("records of {tenant}"), detail).took(watch.elapsed())))
}
