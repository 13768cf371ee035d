//! Where the nodes of the database keep live sessions.

use async_trait::async_trait;
use portcullis_core::session::Ending;
use portcullis_core::store::{Stored, Updated};

use super::PostgresStore;
use super::step::tried;
use crate::session_placement::{PlacementStore, SessionPlacement};
use crate::sql::placement;

#[async_trait]
impl PlacementStore for PostgresStore {
    async fn find(&self) -> Stored<Option<SessionPlacement>> {
        tried!(self, "read where sessions are", Reading, |db| placement::find(db))
    }

    async fn note(&self, noted: &SessionPlacement) -> Stored<()> {
        tried!(self, "note where sessions are", Writing, |db| placement::note(db, noted))
    }

    async fn replace(
        &self,
        before: &SessionPlacement,
        after: &SessionPlacement,
        ending: Option<Ending>,
    ) -> Stored<Updated> {
        tried!(self, "note other sessions", Transaction, |db| {
            placement::replace(db, before, after, ending)
        })
    }
}
