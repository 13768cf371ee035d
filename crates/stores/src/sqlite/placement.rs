//! Where the nodes of the file keep live sessions.

use async_trait::async_trait;
use portcullis_core::session::Ending;
use portcullis_core::store::{Stored, Updated};

use super::SqliteStore;
use super::connection::at_once;
use crate::session_placement::{PlacementStore, SessionPlacement};
use crate::sql::placement;

#[async_trait]
impl PlacementStore for SqliteStore {
    async fn find(&self) -> Stored<Option<SessionPlacement>> {
        self.readers.read("read where sessions are", |db| at_once(placement::find(db))).await
    }

    async fn note(&self, noted: &SessionPlacement) -> Stored<()> {
        let noted = noted.clone();
        let note = move |db: &mut _| at_once(placement::note(db, &noted));
        self.writer.write("note where sessions are", note).await
    }

    async fn replace(
        &self,
        before: &SessionPlacement,
        after: &SessionPlacement,
        ending: Option<Ending>,
    ) -> Stored<Updated> {
        let (before, after) = (before.clone(), after.clone());
        let replace = move |db: &mut _| at_once(placement::replace(db, &before, &after, ending));
        self.writer.write("note other sessions", replace).await
    }
}
