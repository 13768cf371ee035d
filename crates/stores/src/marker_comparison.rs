//! Compares the marker of a Redis with the one that the database has noted.
//!
//! If Redis has lost it, sessions are lost, and everyone's epoch is counted up, once however many nodes notice:
//! verifiers in other processes hear only that way that the tokens of those sessions are over. First Redis gets another
//! marker, which names the one that it takes the place of, then the database gets it by compare-and-set, in one step
//! with the epoch. If a process dies in between, any other one finishes it.

use std::sync::Arc;
use std::time::Duration;

use portcullis_core::machine::SystemRandom;
use portcullis_core::session::{EndReason, Ending};
use portcullis_core::store::{Change, ChangeSink, StoreError, Stored, Updated, Watch};
use tokio::time::sleep;
use tracing::{error, warn};

use crate::redis::{Marker, RedisSessions};
use crate::session_placement::{PlacementStore, SessionPlacement, SessionPlacementError, move_to};

/// How often the two are compared anew because another process changes them.
const MOST_TRIES: usize = 16;
/// The pause before they are compared again after a store did not answer.
const PAUSE: Duration = Duration::from_millis(500);

/// A Redis, and the row of the database that names its marker.
#[derive(Clone)]
pub(crate) struct MarkerComparison {
    pub(crate) live: RedisSessions,
    pub(crate) noted: Arc<dyn PlacementStore>,
}

/// What a comparison says.
#[derive(PartialEq, Eq)]
enum Compared {
    /// Both have the same marker.
    Agreed,
    /// Redis has lost it. This is what it has instead.
    Lost { noted: String, found: Option<Marker> },
    /// Nothing is noted. This is what Redis has.
    NotNoted(Option<Marker>),
    /// The nodes of the database use another Redis, or none.
    Elsewhere(SessionPlacement),
}

impl MarkerComparison {
    /// Joins the nodes that use this Redis, as the first one if none has started before.
    pub(crate) async fn join(&self) -> Result<(), SessionPlacementError> {
        match self.settled().await? {
            None => Ok(()),
            Some(elsewhere) => Err(self.refused(&elsewhere)),
        }
    }

    /// Whether the nodes of the database use this Redis. Changes nothing.
    pub(crate) async fn check(&self) -> Result<(), SessionPlacementError> {
        match self.compared().await? {
            Compared::Elsewhere(placement) => Err(self.refused(&placement)),
            Compared::Agreed | Compared::Lost { .. } | Compared::NotNoted(_) => Ok(()),
        }
    }

    /// Moves live sessions to this Redis, where no node runs. It gets another marker: what it holds of old is over.
    pub(crate) async fn switch(&self, ending: Ending) -> Stored<()> {
        let found = self.live.marker().await?;
        let marker = Marker::generate(&SystemRandom, None);
        if !self.live.replace_marker(found.as_ref(), &marker).await? {
            return Err(StoreError::Overloaded);
        }
        let placement = SessionPlacement::Redis { marker: marker.name().to_owned() };
        move_to(&*self.noted, &placement, ending).await
    }

    /// Compares the two whenever the feed doubts that they agree, until the watch is dropped.
    pub(crate) fn watch(&self) -> Watch {
        let comparison = self.clone();
        Watch::new(TaskGuard(tokio::spawn(async move { comparison.run().await })))
    }

    async fn run(&self) {
        loop {
            self.live.agreement().doubted().await;
            match self.settled().await {
                Ok(elsewhere) if elsewhere.is_some() && self.live.agreement().leave() => error!(
                    "the nodes of the database keep live sessions elsewhere by now: stop this one, and start it with \
                     their `sessions`"
                ),
                Ok(_) => {}
                Err(fault) => {
                    warn!(%fault, "it is not known whether Redis has lost sessions");
                    sleep(PAUSE).await;
                    self.live.agreement().doubt();
                }
            }
        }
    }

    /// Makes the two agree; where live sessions are if that is elsewhere.
    async fn settled(&self) -> Stored<Option<SessionPlacement>> {
        for _ in 0..MOST_TRIES {
            match self.compared().await? {
                Compared::Agreed => return Ok(None),
                Compared::Elsewhere(placement) => return Ok(Some(placement)),
                Compared::NotNoted(found) => self.note(found).await?,
                Compared::Lost { noted, found } => self.replace(&noted, found).await?,
            }
        }
        Err(StoreError::Overloaded)
    }

    /// The database is read first: Redis gets each marker before the database does, so a marker that is noted and not
    /// found in Redis is not on its way.
    async fn compared(&self) -> Stored<Compared> {
        let noted = self.noted.find().await?;
        let found = self.live.marker().await?;
        Ok(match (noted, found) {
            (None, found) => Compared::NotNoted(found),
            (Some(SessionPlacement::Database), _) => Compared::Elsewhere(SessionPlacement::Database),
            (Some(SessionPlacement::Redis { marker }), Some(found)) if found.name() == marker => {
                self.live.agreement().agree(&marker);
                Compared::Agreed
            }
            (Some(SessionPlacement::Redis { marker: noted }), found)
                if self.is_loss(&noted, found.as_ref()) =>
            {
                Compared::Lost { noted, found }
            }
            (Some(placement), _) => Compared::Elsewhere(placement),
        })
    }

    /// Whether Redis has lost the marker: it has none, or one that another node has just put in its place, or not the
    /// one with which this process has used it. At a start, another marker is that of another Redis.
    fn is_loss(&self, noted: &str, found: Option<&Marker>) -> bool {
        let agreed = self.live.agreement().agreed();
        found.is_none_or(|found| found.replaces(noted) || agreed.is_some_and(|agreed| agreed != found.name()))
    }

    async fn note(&self, found: Option<Marker>) -> Stored<()> {
        let Some(found) = found else {
            let first = Marker::generate(&SystemRandom, None);
            return self.live.replace_marker(None, &first).await.map(drop);
        };
        self.noted.note(&SessionPlacement::Redis { marker: found.name().to_owned() }).await
    }

    async fn replace(&self, lost: &str, found: Option<Marker>) -> Stored<()> {
        let marker = match found {
            Some(begun) if begun.replaces(lost) => begun,
            found => {
                let marker = Marker::generate(&SystemRandom, Some(lost));
                if !self.live.replace_marker(found.as_ref(), &marker).await? {
                    return Ok(());
                }
                marker
            }
        };
        let placed = |marker: &str| SessionPlacement::Redis { marker: marker.to_owned() };
        let ending = Ending { at: self.live.clock().now(), reason: EndReason::Admin };
        let replaced = self.noted.replace(&placed(lost), &placed(marker.name()), Some(ending)).await?;
        if replaced == Updated::Done {
            warn!("Redis has lost its sessions: everyone signs in again, and the tokens of before are over");
        }
        Ok(())
    }

    fn refused(&self, placement: &SessionPlacement) -> SessionPlacementError {
        let configured = self.live.to_string();
        match placement {
            SessionPlacement::Database => SessionPlacementError::InDatabase { configured },
            SessionPlacement::Redis { .. } => SessionPlacementError::InAnotherRedis { configured },
        }
    }

    /// A sink that passes everything on, and compares the two when everyone's sessions may have ended: another node may
    /// have noted another Redis.
    pub(crate) fn noticing(&self, sink: Arc<dyn ChangeSink>) -> Arc<dyn ChangeSink> {
        Arc::new(NoticingSink { live: self.live.clone(), sink })
    }
}

struct NoticingSink {
    live: RedisSessions,
    sink: Arc<dyn ChangeSink>,
}

impl ChangeSink for NoticingSink {
    fn changed(&self, change: &Change) {
        self.sink.changed(change);
        if *change == Change::Everything && self.live.agreement().is_known() {
            self.live.agreement().doubt();
        }
    }

    fn proven(&self, sent: portcullis_core::clock::Ticks) {
        self.sink.proven(sent);
    }
}

/// Ends the task with the watch.
struct TaskGuard(tokio::task::JoinHandle<()>);

impl Drop for TaskGuard {
    fn drop(&mut self) {
        self.0.abort();
    }
}
