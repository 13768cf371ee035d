//! What befalls the device and the store: a client that sleeps, a rider, and writes that are lost.

use std::time::Duration;

use portcullis_core::event::EventKind;
use portcullis_core::session::SessionState;
use portcullis_core::store::Inserted;

use super::simulation::Simulation;
use super::steps::RequestFate;

/// The most generations that a rider gets: the first of them may be one that the device has repeated before.
const MOST_RIDDEN: usize = 4;

impl Simulation {
    /// The device sleeps before it has sent a retry, and answers on their way are lost.
    pub(super) fn sleep(&mut self, span: Duration) {
        if let Some(late) = self.late.take() {
            self.unanswered[late.tab] = true;
        }
        self.fixture.clock.pass(span);
    }

    /// A rider with the device's token and proof follows each of its refreshes, later than the grace window.
    pub(super) async fn ride(&mut self, tab: usize, pause: Duration) {
        if !self.device.proves {
            return;
        }
        self.is_shared_with_a_thief = true;
        let mut ridden = self.tabs[tab].clone();
        for _ in 0..MOST_RIDDEN {
            self.refresh(tab, RequestFate::Answered).await;
            // The device's own refresh may be the repeat that raises the alarm, and is judged there.
            let alarms = self.fixture.recorded_events.count(EventKind::RefreshShared);
            self.fixture.clock.pass(pause);
            let promised = self.promised(&ridden, true).await;
            let answer = self.ask(&ridden, self.secret.clone()).await;
            self.judge(&ridden, promised, &answer).await;
            let Ok(refreshed) = answer else {
                let reported = self.fixture.recorded_events.count(EventKind::RefreshShared) - alarms;
                assert_eq!(reported, usize::from(promised == Some("shared")));
                return;
            };
            refreshed.refresh.reveal().clone_into(&mut ridden);
        }
        panic!("a rider was not noticed");
    }

    /// The store comes back as it was when the record was kept, as after a restore of an old copy.
    pub(super) async fn lose_writes(&mut self) {
        let before = self.record().await;
        if before.state != SessionState::Live || self.backup.state != SessionState::Live {
            return;
        }
        let for_ever = self.backup.absolute_expires.plus(Duration::from_hours(24 * 365));
        self.truth.sessions.purge(for_ever, u32::MAX).await.unwrap();
        let restored = self.truth.sessions.insert(&self.backup).await.unwrap();
        assert_eq!(restored, Inserted::Done);
        let generation = self.backup.rotation.as_ref().unwrap().generation;
        self.has_lost_writes = true;
        self.chain.retain(|known, _| *known <= generation);
    }
}
