//! Where the nodes of a database keep live sessions: in the database, or in which Redis.
//!
//! A node that keeps them elsewhere knows nothing of the sessions of the others, refuses them, and ends none of them.
//! So the first node notes in the database where they are, and one that would keep them elsewhere is refused.

use async_trait::async_trait;
use portcullis_core::session::Ending;
use portcullis_core::store::{StoreError, Stored, Updated};
use thiserror::Error;

/// Where live sessions are.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum SessionPlacement {
    /// In the database itself.
    Database,
    /// In Redis.
    Redis {
        /// What that Redis has under a key that persists.
        marker: String,
    },
}

/// The row of a database that says where the live sessions of its users are.
#[async_trait]
pub trait PlacementStore: Send + Sync {
    /// What is noted; `None` before the first node has started.
    async fn find(&self) -> Stored<Option<SessionPlacement>>;

    /// Notes it, unless something is noted already.
    async fn note(&self, placement: &SessionPlacement) -> Stored<()>;

    /// Replaces what was noted `before`, and counts the epoch of everyone up in the same step if `ending` is given.
    /// [`Updated::Stale`]: another process was first, and nothing has ended.
    async fn replace(
        &self,
        before: &SessionPlacement,
        after: &SessionPlacement,
        ending: Option<Ending>,
    ) -> Stored<Updated>;
}

/// The cure where a node keeps live sessions elsewhere than the others.
const SWITCH: &str = "or stop all nodes, and switch with `portcullis migrate --switch-sessions`";

/// Why a process may not use a database with the sessions that it is configured with.
#[derive(Debug, Error)]
pub enum SessionPlacementError {
    /// They are in Redis, and not here.
    #[error(
        "sessions: the nodes of this database keep live sessions in Redis: name the Redis that they use, {SWITCH}, \
         which signs everyone out"
    )]
    InRedis,
    /// They are in the database, and not in the Redis of this process.
    #[error(
        "sessions: the nodes of this database keep live sessions in it, and not in {configured}: leave `sessions` \
         out, {SWITCH}, which signs no user out"
    )]
    InDatabase {
        /// The Redis of this process.
        configured: String,
    },
    /// They are in another Redis.
    #[error(
        "sessions: {configured} is not the Redis that the nodes of this database use, or it came back with an old copy: \
         name that one, {SWITCH}, which signs everyone out"
    )]
    InAnotherRedis {
        /// The Redis of this process.
        configured: String,
    },
    /// One of the two stores does not answer.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Joins the nodes of a database that keep live sessions in it, as the first one if none has started before.
pub(crate) async fn join(noted: &dyn PlacementStore) -> Result<(), SessionPlacementError> {
    noted.note(&SessionPlacement::Database).await?;
    check(noted).await
}

/// Whether live sessions may be in the database.
pub(crate) async fn check(noted: &dyn PlacementStore) -> Result<(), SessionPlacementError> {
    match noted.find().await? {
        Some(SessionPlacement::Redis { .. }) => Err(SessionPlacementError::InRedis),
        Some(SessionPlacement::Database) | None => Ok(()),
    }
}

/// Notes another place. What was in a Redis is over; sessions in the database go on there until they end.
pub(crate) async fn move_to(
    noted: &dyn PlacementStore,
    after: &SessionPlacement,
    ending: Ending,
) -> Stored<()> {
    noted.note(after).await?;
    let Some(before) = noted.find().await?.filter(|before| before != after) else { return Ok(()) };
    let ending = matches!(before, SessionPlacement::Redis { .. }).then_some(ending);
    match noted.replace(&before, after, ending).await? {
        Updated::Done => Ok(()),
        Updated::Stale => Err(StoreError::Overloaded),
    }
}
