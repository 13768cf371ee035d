use std::sync::Arc;

use portcullis_core::id::TenantId;
use portcullis_core::store::conformance::records::{NOW, by_id, new_user_key, session};
use portcullis_core::store::{Change, StoreError};
use sqlx::{Connection as _, PgConnection};

use super::{END_CONNECTIONS, TestDatabase, open, own_cluster};
use crate::feeds::{Announcement, ChangeRecorder};

/// What a server must be is asked of each connection: an operator may change it while nodes run.
#[tokio::test(flavor = "multi_thread")]
async fn a_setting_with_which_nothing_is_durable_is_an_outage_from_the_next_connection_on() {
    let database = TestDatabase::new().await;
    let stores = open(&database.url()).await;
    let listener = Arc::new(ChangeRecorder::default());
    let _watch = stores.feed.watch(listener.clone()).await.unwrap();
    let known = session(&new_user_key(&TenantId::default_tenant()));
    stores.sessions.insert(&known).await.unwrap();
    for (setting, wrong, said) in [
        (
            "synchronous_commit",
            "off",
            "synchronous_commit=off, with which an acknowledged sign-out can be lost",
        ),
        ("default_transaction_read_only", "on", "the server takes no writes"),
    ] {
        let alter = format!("ALTER ROLE portcullis IN DATABASE {}", database.name);
        database.by_hand(&format!("{alter} SET {setting} = {wrong}"));
        database.by_hand(END_CONNECTIONS);
        let away = stores.sessions.insert(&session(&known.user_key())).await.unwrap_err();
        assert!(matches!(away, StoreError::Unavailable { .. }), "{away:?}");
        let away = stores.sessions.find(&by_id(&known), NOW).await.unwrap_err().to_string();
        assert!(away.contains(said), "{away}");
        database.by_hand(&format!("{alter} RESET {setting}"));
        assert_eq!(stores.sessions.find(&by_id(&known), NOW).await.unwrap().as_ref(), Some(&known));
    }
    listener.wait_for(|told| *told == Announcement::Changed(Change::Everything)).await;
    listener.catches_up().await;
}

/// Notes what a session is inserted with.
const NOTE_SETTINGS: &str = "CREATE TABLE noted (setting TEXT); GRANT ALL ON noted TO portcullis; \
    CREATE FUNCTION note_setting() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN \
    INSERT INTO noted VALUES (current_setting('synchronous_commit')); RETURN NEW; END $$; \
    CREATE TRIGGER noted BEFORE INSERT ON sessions FOR EACH ROW EXECUTE FUNCTION note_setting()";

/// What is set for the whole server reaches open connections.
#[tokio::test(flavor = "multi_thread")]
async fn an_open_connection_keeps_the_durability_that_it_was_made_with() {
    let cluster = own_cluster().await;
    let stores = open(&cluster.url("portcullis", "")).await;
    cluster.by_hand("portcullis", NOTE_SETTINGS);
    let known = session(&new_user_key(&TenantId::default_tenant()));
    stores.sessions.insert(&known).await.unwrap();
    cluster.by_hand("portcullis", "ALTER SYSTEM SET synchronous_commit = off");
    cluster.by_hand("portcullis", "SELECT pg_reload_conf()");
    // The first may be of before the server has told the others; the second is not.
    let operator = cluster.operators_url("portcullis");
    while setting(&operator).await != "off" {}
    assert_eq!(setting(&operator).await, "off");
    stores.sessions.insert(&session(&known.user_key())).await.unwrap();
    assert_eq!(asked(&operator, "SELECT string_agg(setting, ' ') FROM noted").await, "on on");
}

async fn setting(url: &str) -> String {
    asked(url, "SELECT current_setting('synchronous_commit')").await
}

async fn asked(url: &str, question: &'static str) -> String {
    let mut db = PgConnection::connect(url).await.unwrap();
    let answer = sqlx::query_scalar(question).fetch_one(&mut db).await.unwrap();
    db.close().await.unwrap();
    answer
}
