//! Lists that are read page by page.

use portcullis_core::store::{Page, StoreError, Stores};
use portcullis_core::tenant::TenantRecord;

/// Records read at a time.
const PAGE: u32 = 500;

/// All records of a list that `read` reads a page of; `id` is what the list is sorted by.
pub(super) async fn all<R, I, E>(
    id: impl Fn(&R) -> I,
    read: impl AsyncFn(Page<I>) -> Result<Vec<R>, E>,
) -> Result<Vec<R>, E> {
    let mut all = Vec::new();
    loop {
        let page = read(Page { after: all.last().map(&id), limit: PAGE }).await?;
        let is_last = page.len() < PAGE as usize;
        all.extend(page);
        if is_last {
            return Ok(all);
        }
    }
}

/// All tenants.
pub(super) async fn tenants(stores: &Stores) -> Result<Vec<TenantRecord>, StoreError> {
    all(|tenant: &TenantRecord| tenant.id.clone(), |page| stores.tenants.list(page)).await
}
