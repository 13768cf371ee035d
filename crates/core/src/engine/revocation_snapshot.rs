//! The snapshot of the revocation feed: all that was revoked and still matters, in pages.
//!
//! The position from which a verifier goes on is taken before the first page is read, and stands in every cursor: what
//! is revoked while the pages are read is in the log behind it.

use std::collections::VecDeque;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use tokio::sync::SemaphorePermit;
use tokio::time::timeout;

use super::EngineCore;
use super::polled_log::{FeedDatabase, PolledLog};
use super::revocation_feed::{FeedError, standing_records, travelling_of};
use crate::revocation::wire::{LogPosition, Revocation, RevocationRecord, SnapshotPage};
use crate::revocation::{FeedTenants, RevocationPlace};
use crate::store::{RevocationPage, Stored};

/// How many pages a node reads at once.
pub(super) const PAGES_AT_ONCE: usize = 2;
/// How long a page waits for its turn that is not the first of its snapshot.
const PATIENCE: Duration = Duration::from_secs(5);
/// How many revocations one page reads. What tenants are told of stands on the first page beside them.
const PAGE: u32 = 8_000;

/// Where a page begins. It names tenants of the feed key alone.
#[derive(Serialize, Deserialize)]
struct SnapshotCursor {
    log: String,
    to: u64,
    /// Whether the next database is a tenant's own, and the tenant that it is asked for; empty for all.
    database: (bool, String),
    /// The last kind and id that were read there, and their tenant.
    after: Option<(String, String, String)>,
}

/// The place of a database in the order in which they are read.
fn order(database: &FeedDatabase) -> (bool, String) {
    let tenant = database.tenant.as_ref().map(ToString::to_string).unwrap_or_default();
    (database.origin.is_some(), tenant)
}

impl SnapshotCursor {
    fn at(position: &LogPosition) -> Self {
        let database = (false, String::new());
        Self { log: position.log.to_string(), to: position.number, database, after: None }
    }

    fn read(text: &str) -> Option<Self> {
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(text).ok()?).ok()
    }

    fn write(&self) -> Option<String> {
        serde_json::to_vec(self).ok().map(|json| URL_SAFE_NO_PAD.encode(json))
    }

    /// Behind which place the list of this database goes on.
    fn place_in(&self, database: &FeedDatabase) -> Option<RevocationPlace> {
        let (tenant, kind, id) = self.after.clone().filter(|_| self.database == order(database))?;
        Some(RevocationPlace { tenant, kind, id })
    }
}

impl EngineCore {
    pub(super) async fn revocation_snapshot(
        &self,
        tenants: &FeedTenants,
        cursor: Option<String>,
    ) -> Result<SnapshotPage, FeedError> {
        let polled = self.revocation_logs.of(tenants);
        if let Some(away) = self.read_pending(&polled).await?.into_values().next() {
            // What was revoked there would be missing, and nothing would say so.
            return Err(away.into());
        }
        let _turn = self.snapshot_turn(cursor.is_none()).await?;
        let (cursor, records) = match cursor {
            Some(text) => (SnapshotCursor::read(&text).ok_or(FeedError::Cursor)?, Vec::new()),
            // The position is taken before anything is read.
            None => (SnapshotCursor::at(&polled.log.position()), standing_records(&polled.log)),
        };
        let page = SnapshotPage {
            issuer: self.issuer.to_string(),
            log: cursor.log.parse().map_err(|_| FeedError::Cursor)?,
            to: cursor.to,
            issued: self.clock.now(),
            records,
            tenants: Some(tenants.clone()),
            next: None,
        };
        Ok(self.filled(&polled, cursor, page).await?)
    }

    /// A snapshot that has begun is read to its end; only its first page is refused at once.
    async fn snapshot_turn(&self, is_first: bool) -> Result<SemaphorePermit<'_>, FeedError> {
        if is_first {
            return self.snapshot_turns.try_acquire().map_err(|_| FeedError::Busy);
        }
        match timeout(PATIENCE, self.snapshot_turns.acquire()).await {
            Ok(Ok(turn)) => Ok(turn),
            Ok(Err(_)) | Err(_) => Err(FeedError::Busy),
        }
    }

    /// Reads on until the page has something, or nothing is left.
    async fn filled(
        &self,
        polled: &PolledLog,
        mut cursor: SnapshotCursor,
        mut page: SnapshotPage,
    ) -> Stored<SnapshotPage> {
        let mut left: VecDeque<FeedDatabase> = polled.databases(&self.stores.revocations).into();
        left.retain(|database| order(database) >= cursor.database);
        while let Some(database) = left.front() {
            let (records, last) = read(polled, database, cursor.place_in(database)).await?;
            page.records.extend(records);
            if last.is_none() {
                left.pop_front();
            }
            let next = left.front().map(order);
            cursor = SnapshotCursor { database: next.clone().unwrap_or_default(), after: last, ..cursor };
            page.next = next.and_then(|_| cursor.write());
            if !page.records.is_empty() {
                break;
            }
        }
        Ok(page)
    }
}

/// A part of what a database has of the log's tenants, and where it goes on.
async fn read(
    polled: &PolledLog,
    database: &FeedDatabase,
    after: Option<RevocationPlace>,
) -> Stored<(Vec<RevocationRecord>, Option<(String, String, String)>)> {
    let question = RevocationPage { tenant: database.tenant.clone(), after, limit: PAGE };
    let listed = database.revocations.list(&question).await?;
    let mut records = travelling_of(polled, database, &listed.revocations);
    // A verifier that begins has just fetched the keys.
    records.retain(|record| record.revocation != Revocation::KeySet);
    Ok((records, listed.next.map(|RevocationPlace { tenant, kind, id }| (tenant, kind, id))))
}
