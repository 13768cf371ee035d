use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use portcullis_core::id::{SessionId, TenantId};
use portcullis_core::session::{EndReason, Epochs, SessionState};
use portcullis_core::store::conformance::records::{
    NOW, by_cookie, by_id, ending, key, new_user_key, session, tenant, user,
};
use portcullis_core::store::{EndScope, EpochScope, Inserted, Page, StoreError, UserHandle};
use portcullis_core::tenant::{Installation, TenantRecord};
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::{TestDirectory, open};

const FIRST: Page<SessionId> = Page { after: None, limit: 1000 };

#[tokio::test]
async fn everything_is_there_when_the_file_is_opened_again() {
    let directory = TestDirectory::new();
    let path = directory.fresh();
    let acme = tenant("acme");
    let (jo, kid) = (user(&acme, "Jo@example.com"), key(&acme, "kid"));
    let signed_in = session(&jo.key);
    let record = TenantRecord::new(acme.clone(), NOW);
    let installation = Installation { issuer: "urn:first".into(), created: NOW };

    let store = open(&path).await;
    let stores = store.stores();
    stores.users.insert(&jo).await.unwrap();
    stores.sessions.insert(&signed_in).await.unwrap();
    stores.keys.insert(&kid).await.unwrap();
    stores.tenants.insert(&record).await.unwrap();
    stores.tenants.get_or_create_installation(&installation).await.unwrap();
    stores.epochs.advance(&EpochScope::Tenant(acme.clone()), ending(EndReason::Tenant)).await.unwrap();
    store.close().await;

    let stores = open(&path).await.stores();
    let other = Installation { issuer: "urn:second".into(), created: NOW };
    assert_eq!(stores.users.find(&UserHandle::Id(jo.key.clone())).await.unwrap(), Some(jo.clone()));
    assert_eq!(stores.sessions.find(&by_id(&signed_in), NOW).await.unwrap(), Some(signed_in.clone()));
    assert_eq!(stores.sessions.find(&by_cookie(&signed_in), NOW).await.unwrap(), Some(signed_in));
    assert_eq!(stores.keys.list(&acme).await.unwrap(), [kid]);
    assert_eq!(stores.tenants.find(&acme).await.unwrap(), Some(record));
    assert_eq!(stores.tenants.get_or_create_installation(&other).await.unwrap(), installation);
    assert_eq!(stores.epochs.read(&jo.key).await.unwrap(), Epochs { user: 0, tenant: 1, everyone: 0 });
}

// ASVS-map: RV4
#[tokio::test]
async fn an_acknowledged_end_is_in_the_file_before_the_store_is_closed() {
    let directory = TestDirectory::new();
    let path = directory.fresh();
    let signed_in = session(&new_user_key(&TenantId::default_tenant()));
    let stores = open(&path).await.stores();
    stores.sessions.insert(&signed_in).await.unwrap();
    stores.sessions.end(&EndScope::One(signed_in.key.clone()), ending(EndReason::Logout)).await.unwrap();

    let copy = copied(&path);
    let found = open(&copy).await.stores().sessions.find(&by_id(&signed_in), NOW).await.unwrap();
    assert_eq!(found.map(|found| found.state), Some(SessionState::Ended(ending(EndReason::Logout))));
}

/// A copy of the files as a crash at this moment would leave them.
fn copied(path: &Path) -> PathBuf {
    let copy = path.with_file_name("copy.db");
    fs::copy(path, &copy).unwrap();
    fs::copy(path.with_extension("db-wal"), copy.with_extension("db-wal")).unwrap();
    copy
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_hundred_sign_ins_at_once_are_all_acknowledged_and_all_there() {
    let directory = TestDirectory::new();
    let path = directory.fresh();
    let jo = new_user_key(&TenantId::default_tenant());
    let store = open(&path).await;
    let stores = store.stores();
    let mut sign_ins = JoinSet::new();
    for _ in 0..200 {
        let (sessions, signed_in) = (stores.sessions.clone(), session(&jo));
        sign_ins.spawn(async move { (sessions.insert(&signed_in).await.unwrap(), signed_in.key.id) });
    }
    let mut acknowledged: Vec<SessionId> = Vec::new();
    for (inserted, id) in sign_ins.join_all().await {
        assert_eq!(inserted, Inserted::Done);
        acknowledged.push(id);
    }
    store.close().await;

    let found = open(&path).await.stores().sessions.list(&jo, FIRST, NOW).await.unwrap();
    acknowledged.sort_unstable();
    assert_eq!(found.into_iter().map(|found| found.key.id).collect::<Vec<_>>(), acknowledged);
}

/// The other process is a command, and the busy one a server.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_process_that_writes_without_a_pause_lets_another_one_write() {
    let directory = TestDirectory::new();
    let path = directory.fresh();
    let (busy, other) = (open(&path).await.stores(), open(&path).await.stores());
    let jo = new_user_key(&TenantId::default_tenant());
    let mut writers = JoinSet::new();
    for _ in 0..64 {
        let (sessions, signed_in) = (busy.sessions.clone(), session(&jo));
        writers.spawn(async move {
            sessions.insert(&signed_in).await.unwrap();
            loop {
                sessions.rename(&signed_in.key, "again", NOW).await.unwrap();
            }
        });
    }
    for _ in 0..50 {
        assert_eq!(other.sessions.insert(&session(&jo)).await.unwrap(), Inserted::Done);
    }
}

#[tokio::test]
async fn a_write_is_done_even_if_its_caller_no_longer_waits() {
    let directory = TestDirectory::new();
    let path = directory.fresh();
    let store = open(&path).await;
    let sessions = store.stores().sessions;
    // Until one is still waiting for the disk when the caller goes: on a busy machine the first may be done by then.
    let abandoned = loop {
        let signed_in = session(&new_user_key(&TenantId::default_tenant()));
        if timeout(Duration::ZERO, sessions.insert(&signed_in)).await.is_err() {
            break signed_in;
        }
    };
    store.close().await;

    let found = open(&path).await.stores().sessions.find(&by_id(&abandoned), NOW).await.unwrap();
    assert_eq!(found, Some(abandoned));
}

#[tokio::test]
async fn a_closed_store_finishes_its_work_and_is_then_out_of_reach() {
    let directory = TestDirectory::new();
    let path = directory.fresh();
    let store = open(&path).await;
    let stores = store.stores();
    let signed_in = session(&new_user_key(&TenantId::default_tenant()));
    let (inserted, ()) = tokio::join!(stores.sessions.insert(&signed_in), store.close());
    assert_eq!(inserted.unwrap(), Inserted::Done);
    assert!(!path.with_extension("db-wal").exists(), "the write-ahead log is left behind");

    let late = stores.sessions.insert(&signed_in).await;
    assert!(matches!(late, Err(StoreError::Unavailable { .. })), "{late:?}");
    let late = stores.sessions.find(&by_id(&signed_in), NOW).await;
    assert!(matches!(late, Err(StoreError::Unavailable { .. })), "{late:?}");
    assert!(store.ping().await.is_err());
}
