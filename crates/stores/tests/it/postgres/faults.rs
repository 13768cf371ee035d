use std::sync::Arc;
use std::time::Duration;

use portcullis_core::machine::SystemClock;
use portcullis_core::store::conformance::records::{NOW, at, by_id, session};
use portcullis_core::store::{Change, Page, StoreError, Updated};
use portcullis_stores::{DatabaseUrl, IfMissing};
use sqlx::{AssertSqlSafe, Connection as _, Executor as _, PgConnection};
use tokio::task::JoinSet;

use super::{TestDatabase, execute, open, own_cluster, try_open};
use crate::feeds::{Announcement, ChangeRecorder};
use crate::recovery::{found, signed_in};

// ASVS-map: RV3
#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_dies_is_an_outage_and_comes_back_with_everything_that_was_acknowledged() {
    let mut cluster = own_cluster().await;
    let stores = open(&cluster.url("portcullis", "")).await;
    let listener = Arc::new(ChangeRecorder::default());
    let _watch = stores.feed.watch(listener.clone()).await.unwrap();
    let kept = signed_in(&stores).await;
    listener.catches_up().await;

    cluster.kill();
    let away = stores.sessions.find(&by_id(&kept), NOW).await;
    assert!(matches!(away, Err(StoreError::Unavailable { .. })), "{away:?}");
    let away = stores.sessions.insert(&session(&kept.user_key())).await;
    assert!(matches!(away, Err(StoreError::Unavailable { .. })), "{away:?}");
    assert!(stores.feed.watch(Arc::new(ChangeRecorder::default())).await.is_err());

    cluster.run();
    assert_eq!(found(&stores, &kept).await.as_ref(), Some(&kept));
    listener.wait_for(|told| *told == Announcement::Changed(Change::Everything)).await;
    listener.catches_up().await;
    signed_in(&stores).await;
}

/// What a standby answers may be old: a session that has been ended on the primary lives on it for a while.
#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_has_become_a_standby_is_an_outage() {
    let mut cluster = own_cluster().await;
    let store = try_open(&cluster.url("portcullis", "")).await.unwrap();
    let stores = store.stores();
    let kept = signed_in(&stores).await;
    cluster.restart_as_standby();
    let found = stores.sessions.find(&by_id(&kept), NOW).await.map(drop);
    for answer in [found, store.ping().await] {
        let said = answer.unwrap_err().to_string();
        assert!(said.contains("a standby, which takes no writes"), "{said}");
    }
}

/// Another version of this program may add a column while this one runs.
#[tokio::test(flavor = "multi_thread")]
async fn a_table_that_gets_a_column_under_prepared_statements_is_no_outage() {
    let database = TestDatabase::new().await;
    let url = database.fresh().await;
    let stores = open(&url).await;
    let known = signed_in(&stores).await;
    let mut warm = JoinSet::new();
    for _ in 0..8 {
        let (stores, known) = (stores.clone(), known.clone());
        warm.spawn(async move { stores.sessions.find(&by_id(&known), NOW).await.unwrap() });
    }
    warm.join_all().await;
    execute(&url, "ALTER TABLE sessions ADD COLUMN later TEXT").await;
    for _ in 0..8 {
        assert_eq!(stores.sessions.find(&by_id(&known), NOW).await.unwrap().as_ref(), Some(&known));
    }
}

/// A look-up whose client has hung up leaves no connection behind that answers the next one.
#[tokio::test(flavor = "multi_thread")]
async fn a_step_that_is_dropped_on_the_way_neither_answers_another_nor_keeps_its_lock() {
    let database = TestDatabase::new().await;
    let stores = open(&database.fresh().await).await;
    let sessions = [signed_in(&stores).await, signed_in(&stores).await];
    for number in 0..200_u64 {
        let handle = by_id(&sessions[0]);
        let dropped = stores.sessions.find(&handle, NOW);
        let _ = tokio::time::timeout(Duration::from_micros(number * 20), dropped).await;
        let kept = stores.sessions.find(&by_id(&sessions[1]), NOW).await.unwrap();
        assert_eq!(kept.as_ref(), Some(&sessions[1]));
    }
    let page = Page { after: None, limit: 10 };
    let listed = stores.sessions.list(&sessions[0].user_key(), page, NOW).await.unwrap();
    assert_eq!(listed.as_slice(), &sessions[..1]);
}

/// A lock that is held for long, as by a node that hangs, does not take the connections away from all other steps.
#[tokio::test(flavor = "multi_thread")]
async fn a_step_that_waits_for_a_lock_lets_others_have_its_connection_and_is_done_afterwards() {
    let database = TestDatabase::new().await;
    let url = database.fresh().await;
    let one = DatabaseUrl::parse(&url).unwrap().with_connections(1);
    let stores = one.open(Arc::new(SystemClock), IfMissing::Create).await.unwrap().stores();
    let (held, free) = (signed_in(&stores).await, signed_in(&stores).await);
    let mut holder = PgConnection::connect(&url).await.unwrap();
    let lock = format!("BEGIN; SELECT FROM sessions WHERE id = '{}' FOR UPDATE", held.key.id);
    holder.execute(AssertSqlSafe(lock)).await.unwrap();

    let used = held.touch(at(1), None);
    let sessions = stores.sessions.clone();
    let waiting = tokio::spawn(async move { sessions.update(&used, None).await });
    // Inside a transaction, the server always shows what it showed first.
    let mut watcher = PgConnection::connect(&url).await.unwrap();
    while !is_waiting_for_a_lock(&mut watcher).await {}
    assert_eq!(stores.sessions.find(&by_id(&free), NOW).await.unwrap(), Some(free));
    holder.execute("COMMIT").await.unwrap();
    assert_eq!(waiting.await.unwrap().unwrap(), Updated::Done);
}

pub(super) async fn is_waiting_for_a_lock(db: &mut PgConnection) -> bool {
    let waiting = "SELECT EXISTS (SELECT FROM pg_stat_activity \
        WHERE datname = current_database() AND wait_event_type = 'Lock')";
    sqlx::query_scalar(waiting).fetch_one(db).await.unwrap()
}

/// While another transaction holds the row, a compare-and-set waits, and then sees what it has written.
#[tokio::test(flavor = "multi_thread")]
async fn of_two_uses_of_one_session_at_once_one_counts() {
    let database = TestDatabase::new().await;
    let stores = open(&database.fresh().await).await;
    let known = signed_in(&stores).await;
    let mut touches = JoinSet::new();
    for number in 0..16 {
        let (stores, used) = (stores.clone(), known.clone().touch(at(number + 1), None));
        touches.spawn(async move { stores.sessions.update(&used, None).await.unwrap() });
    }
    let outcomes = touches.join_all().await;
    assert_eq!(outcomes.iter().filter(|outcome| **outcome == Updated::Done).count(), 1);
}
