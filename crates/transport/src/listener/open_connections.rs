//! The open connections of a listener, and which one is closed if the slots run short.
//!
//! The one that is closed has been idle longest of all at the address that has most, so that idle sockets of one
//! address take no slot from others. A connection is idle while none of its requests is being answered: before its
//! first one, between two, and while the next one trickles in.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use portcullis_core::client_network::ClientNetwork;
use tokio::sync::{Notify, watch};
use tokio::task::{Id, JoinSet};
use tokio::time::sleep;
use tracing::error;

use super::Peer;

/// How long a connection that is told to make room may take to end by itself. It may be in the middle of a request
/// that never comes to its end.
const LINGER: Duration = Duration::from_secs(1);

/// Since when a connection has been idle, by a counter of such moments.
#[derive(Debug)]
struct Activity {
    idle_since: AtomicU64,
    moments: Arc<AtomicU64>,
    /// Whether a request is being answered, though its client may take nothing of the answer now.
    is_answering: AtomicBool,
    /// Whether the connection is reset at its end.
    is_reset: AtomicBool,
}

/// Whether a connection must end, and when.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Debug)]
pub enum ConnectionEnd {
    /// When its client wants it to.
    #[default]
    Open,
    /// After an answer, which says so where the protocol can say it: the server stops.
    Draining,
    /// Now, if no request is in flight: the server needs its slot, or has waited long enough.
    Now,
}

/// What a connection is told of its end.
pub type Told = watch::Receiver<ConnectionEnd>;

/// Instead of a moment: a request is being answered.
const BUSY: u64 = u64::MAX;

impl Activity {
    fn counted_by(moments: Arc<AtomicU64>) -> Self {
        Self {
            idle_since: AtomicU64::new(BUSY),
            moments,
            is_answering: AtomicBool::new(false),
            is_reset: AtomicBool::new(false),
        }
    }

    fn idle_since(&self) -> Option<u64> {
        Some(self.idle_since.load(Ordering::Acquire)).filter(|since| *since != BUSY)
    }

    fn becomes_idle(&self) {
        self.idle_since.store(self.moments.fetch_add(1, Ordering::Relaxed), Ordering::Release);
    }
}

/// A connection's place among the open ones, for the function that serves it.
#[derive(Clone, Debug)]
pub struct ConnectionSlot {
    activity: Arc<Activity>,
    ending: Told,
}

impl ConnectionSlot {
    /// The slot of a connection that came to no listener.
    #[must_use]
    pub fn alone(ending: Told) -> Self {
        Self { activity: Arc::new(Activity::counted_by(Arc::default())), ending }
    }

    /// How often it has become idle.
    #[cfg(test)]
    pub(crate) fn moments(&self) -> u64 {
        self.activity.moments.load(Ordering::Relaxed)
    }

    /// What it is told of its end.
    #[must_use]
    pub fn told(&self) -> Told {
        self.ending.clone()
    }

    /// Waits until the connection must come to this end, or to an earlier one.
    pub async fn must_end(&self, ending: ConnectionEnd) {
        let mut told = self.told();
        let _ = told.wait_for(|told| *told >= ending).await;
    }

    /// Notes that a client has taken more of an answer.
    pub fn renew(&self) {
        self.note(self.activity.is_answering.load(Ordering::Relaxed));
    }

    /// Notes that a client takes nothing of an answer for now: the connection is idle, whatever the answer waits for.
    pub fn stall(&self) {
        if self.activity.idle_since().is_none() {
            self.activity.becomes_idle();
        }
    }

    /// Has the connection be reset at its end: what its client has not taken by then is lost.
    pub fn resets(&self) {
        self.activity.is_reset.store(true, Ordering::Relaxed);
    }

    /// Whether the connection is reset at its end.
    #[must_use]
    pub fn is_reset(&self) -> bool {
        self.activity.is_reset.load(Ordering::Relaxed)
    }

    /// Notes whether a request is being answered now.
    pub fn note(&self, is_answering: bool) {
        self.activity.is_answering.store(is_answering, Ordering::Relaxed);
        if is_answering {
            self.activity.idle_since.store(BUSY, Ordering::Release);
        } else {
            self.activity.becomes_idle();
        }
    }
}

/// The open connections.
#[derive(Default)]
pub(super) struct OpenConnections {
    tasks: JoinSet<()>,
    open: HashMap<Id, OpenConnection>,
    moments: Arc<AtomicU64>,
    /// How those begin that are opened now.
    ending: ConnectionEnd,
    /// How many are open that were when the server began to stop.
    earlier: usize,
}

struct OpenConnection {
    network: Option<ClientNetwork>,
    activity: Arc<Activity>,
    ending: watch::Sender<ConnectionEnd>,
    evicted: Arc<Notify>,
    /// Since when the last look found it idle, and how many looks in a row have found it so.
    seen: (Option<u64>, u32),
    /// Whether it was open when the server began to stop.
    is_earlier: bool,
}

impl OpenConnection {
    /// Tells it to end, unless it was told to do so earlier.
    fn tell(&self, ending: ConnectionEnd) {
        self.ending.send_if_modified(|told| {
            let is_more = ending > *told;
            if is_more {
                *told = ending;
            }
            is_more
        });
    }

    /// Tells it to end, and cuts it off if it does not.
    fn close(&self) {
        self.tell(ConnectionEnd::Now);
        self.evicted.notify_one();
    }
}

impl OpenConnections {
    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.tasks.len()
    }

    /// Serves a connection on a task of its own.
    pub(super) fn spawn<F>(&mut self, peer: Peer, serve: impl FnOnce(ConnectionSlot) -> F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let (ending, told) = watch::channel(self.ending);
        let activity = Arc::new(Activity::counted_by(self.moments.clone()));
        activity.becomes_idle();
        let slot = ConnectionSlot { activity: activity.clone(), ending: told };
        let evicted = Arc::new(Notify::new());
        let cut = cut_off(slot.activity.clone(), evicted.clone());
        let served = serve(slot);
        let task = self.tasks.spawn(async move {
            tokio::select! {
                () = served => (),
                () = cut => (),
            }
        });
        let network = peer.ip().map(ClientNetwork::of);
        let opened =
            OpenConnection { network, activity, ending, evicted, seen: (None, 0), is_earlier: false };
        self.open.insert(task.id(), opened);
    }

    /// Waits for the end of one; for ever if there is none.
    pub(super) async fn ended(&mut self) {
        let id = match self.tasks.join_next_with_id().await {
            Some(Ok((id, ()))) => id,
            Some(Err(fault)) => {
                error!(%fault, "a connection panicked");
                fault.id()
            }
            None => std::future::pending().await,
        };
        if self.open.remove(&id).is_some_and(|connection| connection.is_earlier) {
            self.earlier -= 1;
        }
    }

    /// Tells all to end after an answer, and those that are opened from now on, too.
    pub(super) fn drain(&mut self) {
        self.ending = ConnectionEnd::Draining;
        self.earlier = self.open.len();
        for connection in self.open.values_mut() {
            connection.is_earlier = true;
            connection.tell(ConnectionEnd::Draining);
        }
    }

    /// Whether one is open that was when [`drain`](Self::drain) was called.
    pub(super) fn has_earlier(&self) -> bool {
        self.earlier > 0
    }

    /// Tells all to end now.
    pub(super) fn stop(&self) {
        self.open.values().for_each(|connection| connection.tell(ConnectionEnd::Now));
    }

    /// Tells the longest idle one of the address with most connections to end; one of another address if that has none.
    pub(super) fn close_an_idle_one(&self) {
        let mut of_network: HashMap<Option<ClientNetwork>, usize> = HashMap::new();
        for connection in self.open.values() {
            *of_network.entry(connection.network).or_default() += 1;
        }
        let idle = self.open.values().filter(|connection| *connection.ending.borrow() < ConnectionEnd::Now);
        let idle = idle.filter_map(|connection| Some((connection.activity.idle_since()?, connection)));
        let crowd = |network| of_network.get(network).copied().unwrap_or_default();
        // The smallest moment is the longest idle.
        let chosen = idle.max_by_key(|(since, connection)| (crowd(&connection.network), BUSY - since));
        if let Some((_, connection)) = chosen {
            connection.close();
        }
    }

    /// Looks at all, and closes those that so many looks in a row have found idle since the same moment. So no
    /// request sets a timer.
    pub(super) fn look(&mut self, looks: u32) {
        for connection in self.open.values_mut() {
            let idle_since = connection.activity.idle_since();
            let (last, times) = connection.seen;
            let times = if idle_since.is_some() && idle_since == last { times + 1 } else { 0 };
            connection.seen = (idle_since, times);
            if times == looks {
                connection.close();
            }
        }
    }
}

/// Waits until a connection was told to make room, is idle, and has had the time to end by itself. A request that came
/// meanwhile is answered first.
async fn cut_off(activity: Arc<Activity>, evicted: Arc<Notify>) {
    evicted.notified().await;
    loop {
        sleep(LINGER).await;
        if activity.idle_since().is_some() {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOOKS: u32 = 16;

    /// Connections that stay until they are told to end, by their slots.
    fn opened<const N: usize>() -> (OpenConnections, [ConnectionSlot; N]) {
        let mut open = OpenConnections::default();
        let slots = [(); N].map(|()| {
            let mut slot = None;
            open.spawn(Peer { address: None }, |given| {
                slot = Some(given);
                std::future::pending()
            });
            slot.unwrap()
        });
        (open, slots)
    }

    fn is_told_to_end(slot: &ConnectionSlot) -> bool {
        *slot.ending.borrow() == ConnectionEnd::Now
    }

    // ASVS-map: OP1
    #[tokio::test]
    async fn a_connection_is_closed_after_so_many_looks_that_found_it_idle_since_the_same_moment() {
        let (mut open, [idle, used, answered, slow]) = opened();
        answered.note(true);
        for _ in 0..LOOKS {
            open.look(LOOKS);
        }
        assert!(
            ![&idle, &used, &answered, &slow].into_iter().any(is_told_to_end),
            "the first look only saw them"
        );
        used.note(true);
        used.note(false);
        // A client that takes an answer bit by bit.
        slow.renew();
        open.look(LOOKS);
        assert!(is_told_to_end(&idle));
        assert!(![&used, &answered, &slow].into_iter().any(is_told_to_end));
        for _ in 0..LOOKS {
            open.look(LOOKS);
        }
        assert!(is_told_to_end(&used) && is_told_to_end(&slow) && !is_told_to_end(&answered));
    }

    // ASVS-map: OP4
    #[tokio::test]
    async fn connections_drain_before_they_must_end_and_those_that_come_meanwhile_are_not_waited_for() {
        let mut open = OpenConnections::default();
        let (mut earlier, mut later) = (None, None);
        open.spawn(Peer { address: None }, |slot| {
            earlier = Some(slot.clone());
            async move { slot.must_end(ConnectionEnd::Draining).await }
        });
        open.drain();
        open.spawn(Peer { address: None }, |slot| {
            later = Some(slot.clone());
            async move { slot.must_end(ConnectionEnd::Now).await }
        });
        let (earlier, later) = (earlier.unwrap(), later.unwrap());
        assert!(!is_told_to_end(&earlier) && !is_told_to_end(&later));
        later.must_end(ConnectionEnd::Draining).await;
        assert!(open.has_earlier());
        open.ended().await;
        assert_eq!((open.has_earlier(), open.len()), (false, 1));
        open.stop();
        open.drain();
        assert!(is_told_to_end(&later), "the earlier end counts");
        open.ended().await;
        assert_eq!(open.len(), 0);
    }

    #[tokio::test]
    async fn a_connection_that_is_answered_is_idle_only_while_its_client_takes_nothing() {
        let (_open, [slot]) = opened();
        slot.note(true);
        slot.renew();
        assert_eq!(slot.activity.idle_since(), None);
        slot.stall();
        let stalled = slot.activity.idle_since();
        slot.stall();
        assert_eq!((stalled.is_some(), slot.activity.idle_since()), (true, stalled));
        slot.renew();
        assert_eq!(slot.activity.idle_since(), None, "the client takes more, and the answer goes on");
        slot.stall();
        slot.note(false);
        slot.renew();
        assert!(slot.activity.idle_since().is_some(), "the answer is at its end");
    }
}
