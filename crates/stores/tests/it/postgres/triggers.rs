use std::sync::Arc;

use portcullis_core::clock::{Clock as _, Ticks};
use portcullis_core::machine::SystemClock;
use portcullis_core::store::Change;

use super::feed::is_proof_after;
use super::{TestDatabase, open};
use crate::feeds::{Announcement, ChangeRecorder};

const EVERYTHING: Announcement = Announcement::Changed(Change::Everything);

/// What an operator may do in the shell, how it is undone, and what the refusal of a feed names meanwhile.
const SILENCED: [(&str, &str, &str); 3] = [
    ("ALTER SCHEMA s0 RENAME TO away", "ALTER SCHEMA away RENAME TO s0", "(sessions_written, "),
    (
        "ALTER TABLE sessions DISABLE TRIGGER sessions_written",
        "ALTER TABLE sessions ENABLE TRIGGER sessions_written",
        "(sessions_written)",
    ),
    (
        "ALTER TABLE epochs ENABLE REPLICA TRIGGER epochs_written",
        "ALTER TABLE epochs ENABLE ALWAYS TRIGGER epochs_written",
        "(epochs_written)",
    ),
];

// ASVS-map: RV2, RV3
#[tokio::test(flavor = "multi_thread")]
async fn while_a_trigger_is_away_or_switched_off_nothing_is_proven_and_no_feed_begins() {
    let database = TestDatabase::new().await;
    let stores = open(&database.fresh().await).await;
    for (silenced, undone, named) in SILENCED {
        let listener = Arc::new(ChangeRecorder::default());
        let _watch = stores.feed.watch(listener.clone()).await.unwrap();
        listener.catches_up().await;
        database.by_hand(silenced);
        let since = SystemClock.ticks();
        let refused = stores.feed.watch(Arc::new(ChangeRecorder::default())).await.err().unwrap();
        assert!(refused.to_string().contains(named), "{silenced}: {refused}");
        database.by_hand(undone);
        proves_nothing_before_everything(&listener, since).await;
    }
}

/// Both may happen between two questions of the feed.
// ASVS-map: RV2, RV3
#[tokio::test(flavor = "multi_thread")]
async fn a_trigger_that_is_switched_off_and_on_again_in_one_transaction_is_noticed() {
    let database = TestDatabase::new().await;
    let stores = open(&database.fresh().await).await;
    for (silenced, undone, _) in [SILENCED[0], SILENCED[1]] {
        let listener = Arc::new(ChangeRecorder::default());
        let _watch = stores.feed.watch(listener.clone()).await.unwrap();
        listener.catches_up().await;
        database.by_hand(&format!("BEGIN; {silenced}; {undone}; COMMIT"));
        proves_nothing_before_everything(&listener, SystemClock.ticks()).await;
    }
}

async fn proves_nothing_before_everything(listener: &ChangeRecorder, since: Ticks) {
    listener.wait_for(|told| *told == EVERYTHING).await;
    let told = listener.announcements();
    let before_it = told.iter().take_while(|told| **told != EVERYTHING);
    let too_early: Vec<_> = before_it.filter(|told| is_proof_after(told, since)).collect();
    assert!(too_early.is_empty(), "{too_early:?}");
    listener.catches_up().await;
}
