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
use tokio::time::{sleep, timeout};

use super::EngineCore;
use super::polled_log::{FeedDatabase, PolledLog};
use super::revocation_feed::{FeedError, travelling_of};
use crate::clock::Ticks;
use crate::revocation::wire::{LogPosition, Revocation, RevocationRecord, SnapshotPage};
use crate::revocation::{FeedTenants, RevocationPlace};
use crate::store::{RevocationPage, Stored};

/// How many pages a node reads at once.
pub(super) const PAGES_AT_ONCE: usize = 2;
/// How long a page waits for its turn that is not the first of its snapshot.
const PATIENCE: Duration = Duration::from_secs(5);
/// How many records one page has.
const PAGE: usize = 8_000;
/// Between two looks at the last proof.
const PROOF_PAUSE: Duration = Duration::from_millis(50);

/// Where a page begins. It names tenants of the feed key alone.
#[derive(Serialize, Deserialize)]
struct SnapshotCursor {
    log: String,
    to: u64,
    /// Behind which tenant the standings go on; `None` if all were told.
    standings: Option<String>,
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
        let (log, standings) = (position.log.to_string(), Some(String::new()));
        Self { log, to: position.number, standings, database, after: None }
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
        let (polled, is_first, asked) =
            (self.revocation_logs.of(tenants), cursor.is_none(), self.clock.ticks());
        if let Some(away) = self.read_pending(&polled).await?.into_values().next() {
            // What was revoked there would be missing, and nothing would say so.
            return Err(away.into());
        }
        let _turn = self.snapshot_turn(is_first).await?;
        let mut cursor = match cursor {
            Some(text) => SnapshotCursor::read(&text).ok_or(FeedError::Cursor)?,
            // The position is taken before anything is read.
            None => SnapshotCursor::at(&polled.log.position()),
        };
        let mut page = SnapshotPage {
            issuer: self.issuer.to_string(),
            log: cursor.log.parse().map_err(|_| FeedError::Cursor)?,
            to: cursor.to,
            issued: self.clock.now(),
            records: Vec::new(),
            tenants: Some(tenants.clone()),
            next: None,
        };
        if let Some(after) = cursor.standings.take() {
            if !is_first {
                self.wait_for_proof(&polled, asked).await?;
            }
            (page.records, cursor.standings) = standings_behind(&polled, &after);
        }
        Ok(self.filled(&polled, cursor, page).await?)
    }

    /// Returns once the log is proven to have what was acknowledged before this time. Another node may have begun the
    /// snapshot, and this one may have heard less of how tenants stand.
    async fn wait_for_proof(&self, polled: &PolledLog, asked: Ticks) -> Result<(), FeedError> {
        let proven = async {
            loop {
                let proof = self.proof_of(polled).await?;
                if proof.at >= asked && proof.behind.is_empty() {
                    return Ok(());
                }
                sleep(PROOF_PAUSE).await;
            }
        };
        timeout(PATIENCE, proven).await.unwrap_or(Err(FeedError::Busy))
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
            let room = PAGE.saturating_sub(page.records.len());
            if room == 0 || cursor.standings.is_some() {
                page.next = cursor.write();
                break;
            }
            let (records, last) = read(polled, database, cursor.place_in(database), room).await?;
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

/// How tenants stand, of which a page takes a part: from the one behind this name on, and where that goes on.
fn standings_behind(polled: &PolledLog, after: &str) -> (Vec<RevocationRecord>, Option<String>) {
    let standings = polled.log.standings();
    let mut records = Vec::new();
    let mut told = after.to_owned();
    for (tenant, standing) in standings.iter().filter(|(tenant, _)| tenant.as_str() > after) {
        let of_tenant: Vec<_> = standing.records().map(|says| polled.log.named(tenant, says)).collect();
        if records.len() + of_tenant.len() > PAGE {
            return (records, Some(told));
        }
        records.extend(of_tenant);
        tenant.as_str().clone_into(&mut told);
    }
    (records, None)
}

/// A part of what a database has of the log's tenants, and where it goes on.
async fn read(
    polled: &PolledLog,
    database: &FeedDatabase,
    after: Option<RevocationPlace>,
    room: usize,
) -> Stored<(Vec<RevocationRecord>, Option<(String, String, String)>)> {
    let limit = u32::try_from(room).unwrap_or(u32::MAX);
    let question = RevocationPage { tenant: database.tenant.clone(), after, limit };
    let listed = database.revocations.list(&question).await?;
    let mut records = travelling_of(polled, database, &listed.revocations);
    // A verifier that begins has just fetched the keys.
    records.retain(|record| record.revocation != Revocation::KeySet);
    Ok((records, listed.next.map(|RevocationPlace { tenant, kind, id }| (tenant, kind, id))))
}
