//! The pages of a snapshot, which are bounded whatever was revoked.

use std::collections::BTreeSet;
use std::time::Duration;

use super::super::outage::OutageFixture;
use super::page_records;
use crate::engine::FeedError;
use crate::id::UserKey;
use crate::revocation::FeedTenants;
use crate::revocation::wire::MOST_RECORDS;
use crate::session::EndReason;
use crate::store::EndScope;
use crate::store::conformance::records::{NOW, ending, new_user_key, tenant};
use crate::tenant::TenantRecord;

/// More than one page has, and less than two have.
const SUSPENDED: usize = MOST_RECORDS + 1_000;
const USERS: usize = 7_500;

async fn much_is_revoked(test: &OutageFixture) -> Vec<UserKey> {
    let stores = test.fixture.stores();
    for number in 0..SUSPENDED {
        let record = TenantRecord::new(tenant(&format!("t{number}")), NOW).suspended(NOW);
        stores.tenants.insert(&record).await.unwrap();
    }
    let users: Vec<UserKey> = (0..USERS).map(|_| new_user_key(&tenant("t7"))).collect();
    for user in &users {
        stores.sessions.end(&EndScope::User(user.clone()), ending(EndReason::Admin)).await.unwrap();
    }
    users
}

// ASVS-map: RV1
#[tokio::test]
async fn no_page_of_a_snapshot_is_longer_than_a_verifier_reads_and_all_is_told() {
    let test = OutageFixture::new().await;
    let users = much_is_revoked(&test).await;
    test.prove();
    let (mut next, mut told, mut pages) = (None, BTreeSet::new(), 0);
    loop {
        let page = test.node.revocation_snapshot(&FeedTenants::All, next).await.unwrap();
        assert!((1..=MOST_RECORDS).contains(&page.records.len()), "{}", page.records.len());
        told.extend(page_records(&page));
        (next, pages) = (page.next, pages + 1);
        if next.is_none() {
            break;
        }
    }
    assert_eq!(pages, 3);
    for number in 0..SUSPENDED {
        let record = format!(r#"["t","suspended",0,"t{number}"]"#);
        assert!(told.contains(&record), "{record}");
    }
    for user in users {
        let begins = format!(r#"["u","{}",1,"#, user.id);
        assert!(told.range(begins.clone()..).next().is_some_and(|it| it.starts_with(&begins)), "{begins}");
    }
}

/// How tenants stand is known from the feed, and the node that began the snapshot may have heard more.
// ASVS-map: RV1
#[tokio::test(start_paused = true)]
async fn a_node_that_heard_nothing_since_the_first_page_does_not_say_how_further_tenants_stand() {
    let test = OutageFixture::new().await;
    much_is_revoked(&test).await;
    test.prove();
    let first = test.node.revocation_snapshot(&FeedTenants::All, None).await.unwrap();
    test.pass(Duration::from_millis(1));
    let unproven = test.node.revocation_snapshot(&FeedTenants::All, first.next.clone()).await;
    assert!(matches!(unproven, Err(FeedError::Busy)), "{unproven:?}");
    test.prove();
    assert!(test.node.revocation_snapshot(&FeedTenants::All, first.next).await.is_ok());
}
