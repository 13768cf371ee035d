//! What a [`TenantStore`](crate::store::TenantStore) must do.

use super::samples::{NOW, at, tenant};
use super::{Answered, each};
use crate::id::TenantId;
use crate::store::{Inserted, Page, Stores};
use crate::tenant::{Installation, TenantRecord};

pub(super) async fn all(make: &impl AsyncFn() -> Stores) {
    each!(make;
        the_installation_is_made_once,
        a_tenant_is_found_as_written,
        an_insert_never_replaces,
        pages_show_every_tenant_once_by_name,
    );
}

/// `found` keeps the first proposal for ever.
pub async fn the_installation_is_made_once(stores: &Stores) {
    let first = Installation { issuer: "https://one.example".to_owned(), created: NOW };
    let second = Installation { issuer: "https://two.example".to_owned(), created: at(1) };
    assert_eq!(stores.tenants.found(&first).await.answered(), first);
    assert_eq!(stores.tenants.found(&second).await.answered(), first);
}

/// `find` gives back what `insert` wrote, and nothing where nothing is.
pub async fn a_tenant_is_found_as_written(stores: &Stores) {
    let acme = TenantRecord::new(tenant("acme"), NOW);
    assert_eq!(stores.tenants.find(&acme.id).await.answered(), None);
    assert_eq!(stores.tenants.insert(&acme).await.answered(), Inserted::Done);
    assert_eq!(stores.tenants.find(&acme.id).await.answered(), Some(acme));
    assert_eq!(stores.tenants.find(&tenant("acme2")).await.answered(), None);
}

/// `insert` creates; where the name is taken, nothing is written.
pub async fn an_insert_never_replaces(stores: &Stores) {
    let acme = TenantRecord::new(tenant("acme"), NOW);
    stores.tenants.insert(&acme).await.answered();
    let again = TenantRecord { created: at(1), ..acme.clone() };
    assert_eq!(stores.tenants.insert(&again).await.answered(), Inserted::Clash);
    assert_eq!(stores.tenants.find(&acme.id).await.answered(), Some(acme));
}

/// `list` shows every tenant once, in the order of the names' bytes, whatever the size of the page.
pub async fn pages_show_every_tenant_once_by_name(stores: &Stores) {
    let mut names: Vec<TenantId> = ["b", "a", "a-b", "a_b", "ab", "a1", "z9"].map(tenant).to_vec();
    for id in &names {
        stores.tenants.insert(&TenantRecord::new(id.clone(), NOW)).await.answered();
    }
    names.sort();
    for limit in [1, 2, 7, 50] {
        let mut seen: Vec<TenantId> = Vec::new();
        loop {
            let page = Page { after: seen.last().cloned(), limit };
            let next = stores.tenants.list(page).await.answered();
            assert!(next.len() <= limit as usize);
            if next.is_empty() {
                break;
            }
            seen.extend(next.into_iter().map(|tenant| tenant.id));
        }
        assert_eq!(seen, names, "in pages of {limit}");
    }
}
