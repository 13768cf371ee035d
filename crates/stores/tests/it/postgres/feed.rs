use std::sync::Arc;
use std::time::Duration;

use portcullis_core::clock::{Clock as _, Ticks};
use portcullis_core::id::{TenantId, UserKey};
use portcullis_core::machine::SystemClock;
use portcullis_core::revocation::Revoked;
use portcullis_core::session::Session;
use portcullis_core::store::conformance::records::{new_user_key, session, tenant, user};
use portcullis_core::store::{Change, Stores};
use portcullis_stores::{DatabaseUrl, IfMissing};
use sqlx::{AssertSqlSafe, Connection as _, Executor as _, PgConnection, Row as _};
use tokio::task::JoinSet;

use super::{TestDatabase, open};
use crate::feeds::{
    Announcement, ChangeRecorder, a_dropped_watch_ends_its_thread, is_counted_by_hand, is_revoked_by_hand,
};

async fn signed_in(stores: &Stores) -> Session {
    let session = session(&new_user_key(&TenantId::default_tenant()));
    stores.sessions.insert(&session).await.unwrap();
    session
}

/// Ends the connection of the feed, as a firewall or an operator would.
const END_FEEDS: &str = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
    WHERE datname = current_database() AND query LIKE '%pg_listening_channels%' AND pid <> pg_backend_pid()";

// ASVS-map: RV2
#[tokio::test(flavor = "multi_thread")]
async fn what_is_changed_in_the_shell_is_announced_under_its_old_and_its_new_name() {
    let database = TestDatabase::new().await;
    let stores = open(&database.fresh().await).await;
    let jo = user(&tenant("acme"), "jo@example.com");
    stores.users.insert(&jo).await.unwrap();
    let (one, other) = (signed_in(&stores).await, signed_in(&stores).await);
    let listener = Arc::new(ChangeRecorder::default());
    let _watch = stores.feed.watch(listener.clone()).await.unwrap();

    database
        .by_hand("UPDATE users SET tenant = 'other'; INSERT INTO tenants (id, created) VALUES ('new', 0)");
    let moved = UserKey { tenant: tenant("other"), id: jo.key.id };
    assert_eq!(
        listener.news().await,
        [Change::User(jo.key), Change::User(moved), Change::Tenant(tenant("new"))]
    );
    database.by_hand("DELETE FROM sessions");
    let gone = listener.news().await;
    assert!(gone.len() == 2 && gone.contains(&Change::Session(one.key)), "{gone:?}");
    assert!(gone.contains(&Change::Session(other.key)), "{gone:?}");
}

// ASVS-map: RV2
#[tokio::test(flavor = "multi_thread")]
async fn a_table_that_is_truncated_and_a_name_that_makes_no_sense_could_mean_anything() {
    let database = TestDatabase::new().await;
    let stores = open(&database.fresh().await).await;
    let listener = Arc::new(ChangeRecorder::default());
    let _watch = stores.feed.watch(listener.clone()).await.unwrap();
    for table in ["sessions", "users", "epochs", "keys", "tenants"] {
        database.by_hand(&format!("TRUNCATE {table}"));
        assert_eq!(listener.news().await, [Change::Everything], "{table}");
    }
    database.by_hand("INSERT INTO tenants (id, created) VALUES ('Not A Name', 0)");
    assert_eq!(listener.news().await, [Change::Everything]);
    database.by_hand("INSERT INTO tenants (id, created) VALUES (repeat('ä', 9000), 0)");
    assert_eq!(listener.news().await, [Change::Everything]);
}

// ASVS-map: RV1
#[tokio::test(flavor = "multi_thread")]
async fn everyone_is_signed_out_when_a_table_is_truncated_whose_rows_revoke_tokens_as_they_go() {
    let database = TestDatabase::new().await;
    let stores = open(&database.fresh().await).await;
    stores.revocations.note_token_lifetime(Duration::from_hours(1)).await.unwrap();
    let jo = new_user_key(&TenantId::default_tenant());
    for (table, epoch) in ["sessions", "users", "keys", "tenants"].into_iter().zip(1..) {
        database.by_hand(&format!("TRUNCATE {table}"));
        assert_eq!(stores.epochs.read(&jo).await.unwrap().everyone, epoch, "{table}");
        let latest = stores.revocations.latest(None, Duration::from_hours(1), 100).await.unwrap();
        assert_eq!(
            latest.unwrap().into_iter().map(|it| it.what).collect::<Vec<_>>(),
            [Revoked::Everyone],
            "{table}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_written_in_another_schema_of_the_database_is_not_announced() {
    let database = TestDatabase::new().await;
    let stores = open(&database.fresh().await).await;
    let others = open(&database.fresh().await).await;
    let listener = Arc::new(ChangeRecorder::default());
    let _watch = stores.feed.watch(listener.clone()).await.unwrap();
    signed_in(&others).await;
    assert_eq!(listener.news().await, []);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_column_of_a_session_is_news_but_its_last_use_its_rotation_and_what_no_check_reads() {
    let database = TestDatabase::new().await;
    let url = database.fresh().await;
    let stores = open(&url).await;
    signed_in(&stores).await;
    let listener = Arc::new(ChangeRecorder::default());
    let _watch = stores.feed.watch(listener.clone()).await.unwrap();
    let mut db = PgConnection::connect(&url).await.unwrap();
    let columns = "SELECT column_name::TEXT, data_type::TEXT FROM information_schema.columns \
        WHERE table_schema = current_schema() AND table_name = 'sessions' ORDER BY ordinal_position";
    let columns = sqlx::query(columns).fetch_all(&mut db).await.unwrap();
    let checks = "ALTER TABLE sessions DROP CONSTRAINT sessions_check";
    db.execute(checks).await.unwrap();
    let mut no_news = Vec::new();
    for row in columns {
        let (column, kind): (String, String) = (row.get(0), row.get(1));
        let other = match kind.as_str() {
            "text" => format!("coalesce({column}, '') || 'x'"),
            "bytea" => "decode(repeat('5a', 32), 'hex')".to_owned(),
            "boolean" => format!("NOT coalesce({column}, FALSE)"),
            _ => format!("coalesce({column}, 0) + 1"),
        };
        db.execute(AssertSqlSafe(format!("UPDATE sessions SET {column} = {column}"))).await.unwrap();
        assert_eq!(listener.news().await, [], "{column} is the same");
        db.execute(AssertSqlSafe(format!("UPDATE sessions SET {column} = {other}"))).await.unwrap();
        if listener.news().await.is_empty() {
            no_news.push(column);
        }
    }
    no_news.retain(|column| !(column.starts_with("rotation_") || column.starts_with("previous_")));
    assert_eq!(
        no_news,
        ["last_seen", "idle_expires", "gave_code", "late_generation", "late_in_a_row", "version"]
    );
}

// ASVS-map: RV2, RV3
#[tokio::test(flavor = "multi_thread")]
async fn a_feed_whose_connection_is_lost_proves_nothing_until_anything_is_announced() {
    let database = TestDatabase::new().await;
    let stores = open(&database.fresh().await).await;
    let listener = Arc::new(ChangeRecorder::default());
    let _watch = stores.feed.watch(listener.clone()).await.unwrap();
    listener.catches_up().await;
    // Leaves a connection behind, for no other can be made in a moment.
    signed_in(&stores).await;

    // While the feed is away, a session is written whose announcement nobody hears.
    database.by_hand(&format!("ALTER DATABASE {} CONNECTION LIMIT 0", database.name));
    database.by_hand(END_FEEDS);
    let lost = SystemClock.ticks();
    signed_in(&stores).await;
    database.by_hand(&format!("ALTER DATABASE {} CONNECTION LIMIT -1", database.name));
    listener.wait_for(|told| *told == Announcement::Changed(Change::Everything)).await;

    let told = listener.announcements();
    let before_it = told.iter().take_while(|told| **told != Announcement::Changed(Change::Everything));
    let too_early: Vec<_> = before_it.filter(|told| is_proof_after(told, lost)).collect();
    assert!(too_early.is_empty(), "{too_early:?}");
    listener.catches_up().await;
}

pub(super) fn is_proof_after(told: &Announcement, lost: Ticks) -> bool {
    matches!(told, Announcement::Proven(sent) if *sent > lost)
}

/// The feed asks for its proof while others commit, so that some of them are between their commit and its announcement.
// ASVS-map: RV2
#[tokio::test(flavor = "multi_thread")]
async fn whatever_was_acknowledged_before_a_proof_was_asked_for_has_been_announced_by_then() {
    let database = TestDatabase::new().await;
    let stores = open(&database.fresh().await).await;
    let listener = Arc::new(ChangeRecorder::default());
    let _watch = stores.feed.watch(listener.clone()).await.unwrap();
    let mut writers = JoinSet::new();
    for _ in 0..32 {
        let (stores, listener) = (stores.clone(), listener.clone());
        writers.spawn(async move {
            for _ in 0..10 {
                let written = Announcement::Changed(Change::Session(signed_in(&stores).await.key));
                let acknowledged = SystemClock.ticks();
                listener.catches_up().await;
                let told = listener.announcements();
                let proof = told.iter().position(|told| is_proof_after(told, acknowledged)).unwrap();
                assert!(told[..proof].contains(&written), "{written:?}");
            }
        });
    }
    writers.join_all().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_watch_ends_its_thread_and_its_connection_when_it_is_dropped() {
    let (database, clock) = (TestDatabase::new().await, Arc::new(SystemClock));
    let url = DatabaseUrl::parse(&database.fresh().await).unwrap();
    let opened = url.open(clock.clone(), IfMissing::Create).await.unwrap();
    a_dropped_watch_ends_its_thread(&opened.stores(), &clock).await;
}

/// A node decides on the copy in its view, which does not know yet what was written past the program.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_changed_in_the_shell_counts_as_the_change_of_another_writer() {
    let database = TestDatabase::new().await;
    let stores = open(&database.fresh().await).await;
    is_counted_by_hand(&stores, |sql| database.by_hand(sql)).await;
}

/// A verifier in another process asks no store, so it must be told of this as well.
// ASVS-map: RV1
#[tokio::test(flavor = "multi_thread")]
async fn what_is_deleted_or_changed_in_the_shell_is_revoked() {
    let database = TestDatabase::new().await;
    let stores = open(&database.fresh().await).await;
    is_revoked_by_hand(&stores, |sql| database.by_hand(sql)).await;
}
