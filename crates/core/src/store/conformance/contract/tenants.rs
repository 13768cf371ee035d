//! What a [`TenantStore`](crate::store::TenantStore) must do.

use std::collections::BTreeMap;
use std::time::Duration;

use super::super::records::{NOW, at, tenant};
use super::{Answered, each, rest_of_pages};
use crate::id::TenantId;
use crate::store::{Inserted, Page, Stores, Updated};
use crate::strategy::StrategyName;
use crate::tenant::{Installation, SecondStep, StrategyLifetimes, TenantRecord, TenantSettings};

pub(super) async fn all(make: &impl AsyncFn() -> Stores) {
    each!(make;
        the_installation_is_made_once,
        a_tenant_is_found_as_written,
        a_tenant_is_found_with_all_that_it_has_decided,
        an_insert_never_replaces,
        an_update_is_compare_and_set,
        a_suspension_is_kept_until_it_is_over,
        pages_show_every_tenant_once_by_name,
    );
}

/// `get_or_create_installation` keeps the first proposal.
pub async fn the_installation_is_made_once(stores: &Stores) {
    let first = Installation { issuer: "https://one.example".to_owned(), created: NOW };
    let second = Installation { issuer: "https://two.example".to_owned(), created: at(1) };
    assert_eq!(stores.tenants.get_or_create_installation(&first).await.answered(), first);
    assert_eq!(stores.tenants.get_or_create_installation(&second).await.answered(), first);
}

/// `find` returns what `insert` wrote, and `None` for an unknown tenant.
pub async fn a_tenant_is_found_as_written(stores: &Stores) {
    let acme = TenantRecord::new(tenant("acme"), NOW);
    assert_eq!(stores.tenants.find(&acme.id).await.answered(), None);
    assert_eq!(stores.tenants.insert(&acme).await.answered(), Inserted::Done);
    assert_eq!(stores.tenants.find(&acme.id).await.answered(), Some(acme));
    assert_eq!(stores.tenants.find(&tenant("acme2")).await.answered(), None);
}

/// A tenant with every setting decided, in its second version.
#[must_use]
pub fn decided(name: &str) -> TenantRecord {
    let span = |minutes| Some(Duration::from_mins(minutes));
    let lifetimes =
        StrategyLifetimes { lifetime: span(1), idle: span(2), max: span(3), ..StrategyLifetimes::default() };
    let others =
        StrategyLifetimes { access: span(4), refresh: span(5), grace: Some(Duration::ZERO), ..lifetimes };
    let settings = TenantSettings {
        strategies: Some(vec![StrategyName::Device, StrategyName::Session]),
        lifetimes: BTreeMap::from([(StrategyName::Session, lifetimes), (StrategyName::Device, others)]),
        otp: Some(SecondStep::Forced),
        lock_after: Some(3),
        lock_for: span(60),
        shortest_password: Some(12),
        session_cap: Some(5),
        client_id: Some("acme \"web\"".to_owned()),
        hide_existence: Some(true),
        sender: Some("Zoë \"漢😀\" <auth@example.com>".to_owned()),
        language: Some("de".to_owned()),
        reset_url: Some("https://example.com/?a='b'&c=%20".to_owned()),
        name: Some("Åcme & \"Söhne\"".to_owned()),
        logo_url: Some("https://example.com/logo.svg".to_owned()),
        home_url: Some("https://example.com/".to_owned()),
    };
    let database = Some("sqlite:tenants/acme.db".to_owned());
    TenantRecord {
        database,
        ..TenantRecord::new(tenant(name), at(-7)).with_settings(settings).suspended(at(3))
    }
}

/// `find` and `list` return every setting as it was inserted or updated.
pub async fn a_tenant_is_found_with_all_that_it_has_decided(stores: &Stores) {
    let (written, plain) = (decided("acme"), TenantRecord::new(tenant("globex"), NOW));
    for tenant in [&written, &plain] {
        assert_eq!(stores.tenants.insert(tenant).await.answered(), Inserted::Done);
    }
    assert_eq!(stores.tenants.find(&written.id).await.answered().as_ref(), Some(&written));
    let page = Page { after: None, limit: 9 };
    assert_eq!(stores.tenants.list(page).await.answered(), [written.clone(), plain.clone()]);

    let bare =
        TenantRecord { database: None, ..written.resumed(at(9)).with_settings(TenantSettings::default()) };
    let moved = TenantRecord { version: 3, ..bare };
    assert_eq!(stores.tenants.update(&moved).await.answered(), Updated::Done);
    assert_eq!(stores.tenants.find(&moved.id).await.answered(), Some(moved));
    assert_eq!(stores.tenants.find(&plain.id).await.answered(), Some(plain));
}

/// `update` replaces the record of the version before, once, and creates no tenant.
pub async fn an_update_is_compare_and_set(stores: &Stores) {
    let first = TenantRecord::new(tenant("acme"), NOW);
    let next =
        first.clone().with_settings(TenantSettings { session_cap: Some(5), ..TenantSettings::default() });
    let update = async |record: &TenantRecord| stores.tenants.update(record).await.answered();
    assert_eq!(update(&next).await, Updated::Stale, "there is no such tenant");
    assert_eq!(stores.tenants.find(&first.id).await.answered(), None);
    stores.tenants.insert(&first).await.answered();
    assert_eq!(update(&first).await, Updated::Stale, "the version is the stored one");
    let later = next.clone().suspended(at(1));
    assert_eq!(update(&later).await, Updated::Stale, "a version was left out");
    assert_eq!(update(&next).await, Updated::Done);
    let other = first.suspended(at(2));
    assert_eq!(update(&other).await, Updated::Stale, "another writer was first");
    assert_eq!(stores.tenants.find(&next.id).await.answered(), Some(next));
}

/// A suspension, and its end, are kept.
pub async fn a_suspension_is_kept_until_it_is_over(stores: &Stores) {
    let open = TenantRecord::new(tenant("acme"), NOW);
    stores.tenants.insert(&open).await.answered();
    let suspended = open.suspended(at(10));
    let resumed = suspended.clone().resumed(at(20));
    for next in [suspended, resumed] {
        assert_eq!(stores.tenants.update(&next).await.answered(), Updated::Done);
        assert_eq!(stores.tenants.find(&next.id).await.answered(), Some(next));
    }
}

/// `insert` creates; if the name is taken, nothing is written.
pub async fn an_insert_never_replaces(stores: &Stores) {
    let acme = TenantRecord::new(tenant("acme"), NOW);
    stores.tenants.insert(&acme).await.answered();
    let again = TenantRecord { created: at(1), ..acme.clone() };
    assert_eq!(stores.tenants.insert(&again).await.answered(), Inserted::Clash);
    assert_eq!(stores.tenants.find(&acme.id).await.answered(), Some(acme));
}

/// `list` shows every tenant once, in the order of the names' bytes, with every page size.
pub async fn pages_show_every_tenant_once_by_name(stores: &Stores) {
    let mut names: Vec<TenantId> = ["b", "a", "a-b", "a_b", "ab", "a1", "z9"].map(tenant).to_vec();
    for id in &names {
        stores.tenants.insert(&TenantRecord::new(id.clone(), NOW)).await.answered();
    }
    names.sort();
    for limit in [1, 2, 7, 50] {
        let page = async |after| -> Vec<TenantId> {
            let page = stores.tenants.list(Page { after, limit }).await.answered();
            assert!(page.len() <= limit as usize);
            page.into_iter().map(|tenant| tenant.id).collect()
        };
        assert_eq!(rest_of_pages(Vec::new(), page).await, names, "in pages of {limit}");
    }
}
