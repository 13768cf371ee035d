//! The store traits on SQLite. Each verb is one statement or one transaction of [`sql`](crate::sql).

mod attempts;
mod keys;
mod mail;
mod sessions;
mod tenants;
mod tickets;
mod users;

use std::sync::Arc;

use portcullis_core::store::{ChangeFeed, ChangeSink, Stored, Watch};

use super::{SqliteStore, feed};

impl ChangeFeed for SqliteStore {
    fn watch(&self, sink: Arc<dyn ChangeSink>) -> Stored<Watch> {
        feed::watch(self.file.clone(), self.clock.clone(), sink)
    }
}
