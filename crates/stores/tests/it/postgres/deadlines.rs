use std::sync::Arc;
use std::time::Duration;

use portcullis_core::clock::{Clock, Ticks, Timestamp};
use portcullis_core::id::TenantId;
use portcullis_core::machine::SystemClock;
use portcullis_core::store::conformance::records::{NOW, by_id, new_user_key, session};
use portcullis_core::store::{StoreError, Stores};
use portcullis_stores::{DatabaseUrl, IfMissing};
use tokio::time::{Instant, advance, pause};

use super::own_cluster;

/// The clock of the test's runtime, which is stopped, and goes on by itself to the next timer that a task waits for.
struct RuntimeClock(Instant);

impl Clock for RuntimeClock {
    fn now(&self) -> Timestamp {
        SystemClock.now()
    }

    fn ticks(&self) -> Ticks {
        Ticks::new(self.0.elapsed())
    }
}

/// How long a look-up takes in the runtime's time, in which only waiting takes any.
async fn waited_for_an_outage(stores: &Stores) -> Duration {
    let known = by_id(&session(&new_user_key(&TenantId::default_tenant())));
    let begun = Instant::now();
    let found = stores.sessions.find(&known, NOW).await;
    assert!(matches!(found, Err(StoreError::Unavailable { .. })), "{found:?}");
    begun.elapsed()
}

/// The wait for a turn, for an idle connection and for a new one are each shorter than the deadline, and their sum is
/// not.
#[tokio::test]
async fn a_server_that_hangs_takes_no_more_than_the_deadline_of_any_verb() {
    let cluster = own_cluster().await;
    let one = DatabaseUrl::parse(&cluster.url("portcullis", "")).unwrap().with_connections(1);
    let clock = Arc::new(RuntimeClock(Instant::now()));
    let stores = one.open(clock, IfMissing::Create).await.unwrap().stores();
    let known = session(&new_user_key(&TenantId::default_tenant()));
    stores.sessions.insert(&known).await.unwrap();
    let _paused = cluster.pause();
    pause();
    // The connection has been idle for longer than it is trusted.
    advance(Duration::from_secs(2)).await;
    let waited = tokio::join!(waited_for_an_outage(&stores), waited_for_an_outage(&stores));
    let deadline = Duration::from_secs(5);
    // The runtime's timers have a resolution of a millisecond.
    let late = [waited.0, waited.1].map(|waited| waited.saturating_sub(deadline).as_millis() > 1);
    assert_eq!(late, [false, false], "{waited:?}");
}
