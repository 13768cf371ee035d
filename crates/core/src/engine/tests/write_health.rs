//! Whether the stores take writes is known from whatever writes, not from requests alone.

use std::sync::Arc;

use super::client::FixtureClient;
use super::mailbox::RecordingMailbox;
use crate::outgoing_mail::Notifier;
use crate::store::conformance::faults::Faults;
use crate::store::conformance::fixture::Fixture;
use crate::store::memory::MemoryStore;

#[tokio::test]
async fn a_store_that_is_away_as_a_whole_refuses_no_writes_and_any_write_proves_that_they_pass() {
    let (stores, faults) = Faults::within(MemoryStore::stores());
    let fixture = Fixture::new(stores);
    let node = fixture.node().await;
    let ann = fixture.new_user(&node).await;
    let mailbox = RecordingMailbox::new();
    let notifier: Arc<dyn Notifier> = mailbox.clone();
    faults.go_down();
    assert!(node.deliver_due(&notifier).await.is_err());
    assert!(node.purge_sessions().await.is_err());
    assert!(!node.writes_are_refused(), "there is no read either");
    faults.come_up();

    node.note_write(true, false);
    assert_eq!((mailbox.collect(&node).await, node.purge_sessions().await.unwrap()), (0, 0));
    assert!(node.writes_are_refused(), "there was nothing to write");
    FixtureClient::browser().request_code(&node, &ann).await;
    assert_eq!(mailbox.collect(&node).await, 1);
    assert!(!node.writes_are_refused());
    node.note_write(true, false);
    fixture.clock.pass(std::time::Duration::from_hours(24 * 365));
    assert!(node.purge_sessions().await.unwrap() > 0);
    assert!(!node.writes_are_refused());
}
