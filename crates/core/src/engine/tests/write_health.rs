//! Whether the stores take writes is known from whatever writes, not from requests alone.

use std::sync::Arc;

use super::client::FixtureClient;
use super::mailbox::RecordingMailbox;
use crate::outgoing_mail::Notifier;
use crate::store::conformance::faults::Faults;
use crate::store::conformance::fixture::Fixture;
use crate::store::memory::MemoryStore;

#[tokio::test]
async fn the_mail_worker_and_the_housekeeping_say_that_writes_are_refused_until_something_was_written() {
    let (stores, faults) = Faults::within(MemoryStore::stores());
    let fixture = Fixture::new(stores);
    let node = fixture.node().await;
    let ann = fixture.new_user(&node).await;
    let (mailbox, client) = (RecordingMailbox::new(), FixtureClient::browser());
    let notifier: Arc<dyn Notifier> = mailbox.clone();
    let outage = async |by_worker: bool| {
        assert!(!node.writes_are_refused());
        faults.go_down();
        if by_worker {
            assert!(node.deliver_due(&notifier).await.is_err());
        } else {
            assert!(node.purge_sessions().await.is_err());
        }
        assert!(node.writes_are_refused());
        faults.come_up();
    };
    outage(true).await;
    assert_eq!(mailbox.collect(&node).await, 0);
    assert_eq!(node.purge_sessions().await.unwrap(), 0);
    assert!(node.writes_are_refused(), "there was nothing to write");
    client.request_code(&node, &ann).await;
    assert_eq!(mailbox.collect(&node).await, 1);
    outage(false).await;
    fixture.clock.pass(std::time::Duration::from_hours(24 * 365));
    assert!(node.purge_sessions().await.unwrap() > 0);
    assert!(!node.writes_are_refused());
}
