use std::sync::Arc;

use portcullis_core::clock::Clock as _;
use portcullis_core::machine::SystemClock;
use portcullis_core::session::{EndReason, SessionState};
use portcullis_core::store::conformance::records::{NOW, by_id, ending, session};
use portcullis_core::store::{Change, EndScope, StoreError, Stores};

use super::server::RedisServer;
use super::{Database, fresh, open};
use crate::feeds::{Announcement, ChangeRecorder};
use crate::recovery::{found, signed_in};

async fn watched(stores: &Stores) -> (Arc<ChangeRecorder>, impl Sized + use<>) {
    let recorder = Arc::new(ChangeRecorder::default());
    let watch = stores.feed.watch(recorder.clone()).await.unwrap();
    recorder.catches_up().await;
    (recorder, watch)
}

const APPENDS: [&str; 4] = ["--appendonly", "yes", "--appendfsync", "always"];

// ASVS-map: RV3
#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_dies_is_an_outage_and_nothing_needs_a_restart() {
    let (database, mut server) = (Database::new(), RedisServer::start(&APPENDS).await);
    let stores = open(&database.fresh(), &fresh(&server)).await;
    let (recorder, _watch) = watched(&stores).await;
    let kept = signed_in(&stores).await;

    server.kill();
    let away = stores.sessions.find(&by_id(&kept), NOW).await;
    assert!(matches!(away, Err(StoreError::Unavailable { .. })), "{away:?}");
    let one = EndScope::One(kept.key.clone());
    let away = stores.sessions.end(&one, ending(EndReason::Logout)).await;
    assert!(matches!(away, Err(StoreError::Unavailable { .. })), "{away:?}");
    assert!(stores.feed.watch(Arc::new(ChangeRecorder::default())).await.is_err());

    server.run();
    assert_eq!(found(&stores, &kept).await.as_ref(), Some(&kept));
    recorder.wait_for(|told| *told == Announcement::Changed(Change::AllSessions)).await;
    recorder.catches_up().await;
    assert_eq!(stores.sessions.end(&one, ending(EndReason::Logout)).await.unwrap(), [kept.key.id]);
}

/// The snapshot is of a time before the sign-out.
// ASVS-map: RV1 RV4
#[tokio::test(flavor = "multi_thread")]
async fn what_has_ended_stays_so_when_redis_comes_back_with_an_old_copy() {
    let (database, mut server) = (Database::new(), RedisServer::start(&[]).await);
    let (database, sessions) = (database.fresh(), fresh(&server));
    let stores = open(&database, &sessions).await;
    let (ended, of_user, kept) =
        (signed_in(&stores).await, signed_in(&stores).await, signed_in(&stores).await);
    server.by_hand(&["SAVE"]);
    let (one, user) = (EndScope::One(ended.key.clone()), EndScope::User(of_user.user_key()));
    for scope in [one, user] {
        assert_eq!(stores.sessions.end(&scope, ending(EndReason::Logout)).await.unwrap().len(), 1);
    }
    let lost = signed_in(&stores).await;
    server.kill();
    server.run();
    assert_eq!(found(&stores, &kept).await, Some(kept));
    assert_eq!(found(&stores, &lost).await, None, "Redis had not written it down");
    for ended in [ended, of_user] {
        let state = found(&stores, &ended).await.map(|found| found.state);
        assert_eq!(state, Some(SessionState::Ended(ending(EndReason::Logout))));
    }
}

// ASVS-map: RV3
#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_paused_proves_nothing() {
    let (database, server) = (Database::new(), RedisServer::start(&[]).await);
    let stores = open(&database.fresh(), &fresh(&server)).await;
    let (recorder, _watch) = watched(&stores).await;
    let kept = signed_in(&stores).await;

    server.signal("STOP");
    let paused = SystemClock.ticks();
    let away = stores.sessions.find(&by_id(&kept), NOW).await;
    assert!(matches!(away, Err(StoreError::Unavailable { .. })), "{away:?}");
    let ran_ahead = |told: &Announcement| matches!(told, Announcement::Proven(sent) if *sent > paused);
    assert!(!recorder.announcements().iter().any(ran_ahead));
    server.signal("CONT");
    assert_eq!(found(&stores, &kept).await, Some(kept));
    recorder.catches_up().await;
}

/// The connection of the feed dies alone, while the verbs have another.
#[tokio::test(flavor = "multi_thread")]
async fn a_feed_that_was_cut_announces_that_any_session_may_have_changed() {
    let (database, server) = (Database::new(), RedisServer::start(&[]).await);
    let stores = open(&database.fresh(), &fresh(&server)).await;
    let (recorder, _watch) = watched(&stores).await;
    let clients = server.by_hand(&["CLIENT", "LIST"]);
    let fields = |client: &str, name: &str| {
        client.split(' ').find_map(|field| field.strip_prefix(name)).unwrap_or_default().to_owned()
    };
    let tracking = clients.lines().filter(|client| fields(client, "flags=").contains('B'));
    let feeds: Vec<String> = tracking.map(|client| fields(client, "id=")).collect();
    assert_eq!(feeds.len(), 1, "{clients}");
    server.by_hand(&["CLIENT", "KILL", "ID", &feeds[0]]);
    recorder.wait_for(|told| *told == Announcement::Changed(Change::AllSessions)).await;
    recorder.catches_up().await;
    let next = signed_in(&stores).await;
    recorder.wait_for(|told| *told == Announcement::Changed(Change::Session(next.key.clone()))).await;
}

// ASVS-map: RV1
#[tokio::test(flavor = "multi_thread")]
async fn what_an_operator_removes_by_hand_is_announced_and_gone() {
    let (database, server) = (Database::new(), RedisServer::start(&[]).await);
    let stores = open(&database.fresh(), &server.url("byhand:")).await;
    let (recorder, _watch) = watched(&stores).await;
    let one = signed_in(&stores).await;
    let key = server.by_hand(&["KEYS", "byhand:s:*"]);
    let other = signed_in(&stores).await;
    recorder.forget_all().await;
    assert_eq!(server.by_hand(&["DEL", key.trim()]).trim(), "1");
    recorder.wait_for(|told| *told == Announcement::Changed(Change::Session(one.key.clone()))).await;
    assert_eq!(stores.sessions.find(&by_id(&one), NOW).await.unwrap(), None);
    assert!(stores.sessions.find(&by_id(&other), NOW).await.unwrap().is_some());

    recorder.forget_all().await;
    server.by_hand(&["FLUSHALL"]);
    recorder.wait_for(|told| *told == Announcement::Changed(Change::AllSessions)).await;
    assert_eq!(stores.sessions.find(&by_id(&other), NOW).await.unwrap(), None);
}

/// What is in memory is still proven, and nothing is lost; sign-ins are refused.
#[tokio::test(flavor = "multi_thread")]
async fn a_server_whose_memory_is_full_still_proves_and_ends() {
    let (database, server) = (Database::new(), RedisServer::start(&[]).await);
    let stores = open(&database.fresh(), &fresh(&server)).await;
    let (recorder, _watch) = watched(&stores).await;
    let kept = signed_in(&stores).await;
    server.by_hand(&["CONFIG", "SET", "maxmemory", "1"]);
    recorder.catches_up().await;
    let full = stores.sessions.insert(&session(&kept.user_key())).await;
    assert!(matches!(full, Err(StoreError::Unavailable { .. })), "{full:?}");
    assert_eq!(stores.sessions.find(&by_id(&kept), NOW).await.unwrap().as_ref(), Some(&kept));
    let one = EndScope::One(kept.key.clone());
    assert_eq!(stores.sessions.end(&one, ending(EndReason::Logout)).await.unwrap(), [kept.key.id]);
    assert!(!recorder.changes().contains(&Change::AllSessions));
}

/// After a failover a node may still be connected to the old primary, which knows nothing of the newest sessions.
// ASVS-map: RV3
#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_has_become_a_replica_is_an_outage_and_no_refusal() {
    let (database, server) = (Database::new(), RedisServer::start(&[]).await);
    let stores = open(&database.fresh(), &fresh(&server)).await;
    let kept = signed_in(&stores).await;
    let unknown = session(&kept.user_key());
    assert_eq!(stores.sessions.find(&by_id(&unknown), NOW).await.unwrap(), None);
    server.by_hand(&["REPLICAOF", "127.0.0.1", "1"]);
    for session in [&unknown, &kept] {
        let away = stores.sessions.find(&by_id(session), NOW).await;
        assert!(matches!(away, Err(StoreError::Unavailable { .. })), "{away:?}");
    }
    server.by_hand(&["REPLICAOF", "NO", "ONE"]);
    assert_eq!(found(&stores, &kept).await, Some(kept));
}
