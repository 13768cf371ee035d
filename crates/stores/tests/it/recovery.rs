#![cfg(test)]
//! What the tests of all servers that go away share.

use std::time::Duration;

use portcullis_core::id::TenantId;
use portcullis_core::session::Session;
use portcullis_core::store::conformance::records::{NOW, by_id, new_user_key, session};
use portcullis_core::store::{Inserted, StoreError, Stores};
use tokio::time::sleep;

pub(crate) async fn signed_in(stores: &Stores) -> Session {
    let session = session(&new_user_key(&TenantId::default_tenant()));
    assert_eq!(stores.sessions.insert(&session).await.unwrap(), Inserted::Done);
    session
}

/// Tries until the server answers again.
pub(crate) async fn found(stores: &Stores, wanted: &Session) -> Option<Session> {
    for _ in 0..6_000 {
        match stores.sessions.find(&by_id(wanted), NOW).await {
            Ok(found) => return found,
            Err(StoreError::Unavailable { .. }) => sleep(Duration::from_millis(10)).await,
            Err(fault) => panic!("{fault}"),
        }
    }
    panic!("the store does not recover");
}
