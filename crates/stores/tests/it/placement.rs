//! Where the nodes of a database keep live sessions, as the database has it.
#![cfg(test)]

use portcullis_core::session::EndReason;
use portcullis_core::store::Updated;
use portcullis_core::store::conformance::records::{ending, new_user_key, tenant};
use portcullis_stores::{OpenDatabase, SessionPlacement};

/// What both kinds of database must do.
pub(crate) async fn is_noted_once_and_replaced_by_compare_and_set(database: &dyn OpenDatabase) {
    let (noted, jo) = (database.placement(), new_user_key(&tenant("acme")));
    let everyone = async || database.stores().epochs.read(&jo).await.unwrap().everyone;
    let redis = |marker: &str| SessionPlacement::Redis { marker: marker.to_owned() };
    assert_eq!(noted.find().await.unwrap(), None);
    let absent = noted.replace(&redis("a"), &redis("b"), Some(ending(EndReason::Admin))).await;
    assert_eq!((absent.unwrap(), everyone().await), (Updated::Stale, 0));

    noted.note(&redis("a")).await.unwrap();
    noted.note(&SessionPlacement::Database).await.unwrap();
    assert_eq!(noted.find().await.unwrap(), Some(redis("a")), "the first note stays");

    let (first, next, by) = (redis("a"), redis("b"), Some(ending(EndReason::Admin)));
    let both = tokio::join!(noted.replace(&first, &next, by), noted.replace(&first, &next, by));
    let mut both = [both.0.unwrap(), both.1.unwrap()];
    both.sort_by_key(|updated| *updated == Updated::Stale);
    assert_eq!((both, everyone().await), ([Updated::Done, Updated::Stale], 1));
    let moved = noted.replace(&redis("b"), &SessionPlacement::Database, None).await.unwrap();
    assert_eq!((moved, everyone().await), (Updated::Done, 1));
    assert_eq!(noted.find().await.unwrap(), Some(SessionPlacement::Database));
}
