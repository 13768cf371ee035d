use std::sync::Arc;

use portcullis_core::id::TenantId;
use portcullis_core::store::conformance::records::{NOW, by_id, new_user_key, session};
use portcullis_core::store::{Change, Inserted, StoreError};

use super::{END_CONNECTIONS, TestDatabase, execute, open};
use crate::feeds::ChangeRecorder;

/// By default the search path begins with a schema of the user's name, which need not exist.
#[tokio::test(flavor = "multi_thread")]
async fn a_schema_of_the_users_name_that_is_made_later_parts_no_node_from_the_others() {
    let database = TestDatabase::new().await;
    let (writer, reader) = (open(&database.url()).await, open(&database.url()).await);
    let listener = Arc::new(ChangeRecorder::default());
    let _watch = reader.feed.watch(listener.clone()).await.unwrap();
    listener.catches_up().await;
    database.by_hand("CREATE SCHEMA portcullis AUTHORIZATION portcullis");
    database.by_hand(END_CONNECTIONS);
    listener.news().await;

    let known = session(&new_user_key(&TenantId::default_tenant()));
    assert_eq!(writer.sessions.insert(&known).await.unwrap(), Inserted::Done);
    assert_eq!(listener.news().await, [Change::Session(known.key.clone())]);
    for node in [reader, open(&database.url()).await] {
        assert_eq!(node.sessions.find(&by_id(&known), NOW).await.unwrap().as_ref(), Some(&known));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_schema_that_is_gone_is_an_outage_even_if_another_one_in_the_path_has_tables() {
    let database = TestDatabase::new().await;
    let url = database.fresh().await;
    // A name in a search path may have capitals, quotes and spaces.
    execute(&database.url(), r#"CREATE SCHEMA "S"" 1""#).await;
    let other = open(&url.replace("s0", "%22S%22%22%5C%201%22")).await;
    let stores = open(&url.replace("s0", "s0,%22S%22%22%5C%201%22")).await;
    let known = session(&new_user_key(&TenantId::default_tenant()));
    other.sessions.insert(&known).await.unwrap();
    let found = stores.sessions.find(&by_id(&known), NOW).await;
    assert_eq!(found.unwrap().as_ref(), Some(&known), "the first with tables");
    execute(&database.url(), "CREATE TABLE s0.sessions (theirs TEXT)").await;
    execute(&database.url(), r#"ALTER SCHEMA "S"" 1" RENAME TO renamed"#).await;
    let found = stores.sessions.find(&by_id(&known), NOW).await;
    assert!(matches!(found, Err(StoreError::Unavailable { .. })), "{found:?}");
}
