use std::sync::Arc;

use portcullis_core::id::TenantId;
use portcullis_core::store::conformance::records::{NOW, by_id, new_user_key, session};
use portcullis_core::store::{Change, StoreError};

use super::{END_CONNECTIONS, TestDatabase, open};
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
