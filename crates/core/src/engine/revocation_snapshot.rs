//! The snapshot of the revocation feed: all that was revoked and still matters, in pages.
//!
//! The position from which a verifier goes on is taken before the first page is read, and stands in every cursor: what
//! is revoked while the pages are read is in the log behind it.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};

use super::EngineCore;
use super::revocation_feed::{FeedError, standing_records};
use crate::revocation::log::{RevocationLog, travelling};
use crate::revocation::wire::{LogPosition, Revocation, SnapshotPage};
use crate::revocation::{FeedTenants, RevocationPlace};
use crate::store::RevocationPage;

/// How many pages a node reads at once.
pub(super) const PAGES_AT_ONCE: usize = 2;
/// How many revocations one page reads. What tenants are told of stands on the first page beside them.
const PAGE: u32 = 8_000;

/// Where a page begins. It says nothing that its reader does not know.
#[derive(Serialize, Deserialize)]
struct SnapshotCursor {
    log: String,
    to: u64,
    /// How many of the databases have been read to their end.
    done: usize,
    /// The last place that was read in the next one: tenant, kind and id.
    after: Option<(String, String, String)>,
}

impl SnapshotCursor {
    fn at(position: &LogPosition) -> Self {
        Self { log: position.log.to_string(), to: position.number, done: 0, after: None }
    }

    fn read(text: &str) -> Option<Self> {
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(text).ok()?).ok()
    }

    fn write(&self) -> Option<String> {
        serde_json::to_vec(self).ok().map(|json| URL_SAFE_NO_PAD.encode(json))
    }

    fn place(&self) -> Option<RevocationPlace> {
        let (tenant, kind, id) = self.after.clone()?;
        Some(RevocationPlace { tenant, kind, id })
    }
}

impl EngineCore {
    pub(super) async fn revocation_snapshot(
        &self,
        tenants: &FeedTenants,
        cursor: Option<String>,
    ) -> Result<SnapshotPage, FeedError> {
        let _turn = self.snapshot_turns.try_acquire().map_err(|_| FeedError::Busy)?;
        let polled = self.revocation_logs.of(tenants);
        let log = &polled.log;
        if let Some(away) = self.read_pending(&polled).await?.into_values().next() {
            // What was revoked there would be missing, and nothing would say so.
            return Err(away.into());
        }
        let (cursor, records) = match cursor {
            Some(text) => (SnapshotCursor::read(&text).ok_or(FeedError::Cursor)?, Vec::new()),
            // The position is taken before anything is read.
            None => (SnapshotCursor::at(&log.position()), standing_records(log)),
        };
        let page = SnapshotPage {
            issuer: self.issuer.to_string(),
            log: cursor.log.parse().map_err(|_| FeedError::Cursor)?,
            to: cursor.to,
            issued: self.clock.now(),
            records,
            next: None,
        };
        self.read_page(log, cursor, page).await
    }

    async fn read_page(
        &self,
        log: &RevocationLog,
        cursor: SnapshotCursor,
        page: SnapshotPage,
    ) -> Result<SnapshotPage, FeedError> {
        let databases = self.databases_of(log).await?;
        let Some((of, stores)) = databases.get(cursor.done) else { return Ok(page) };
        let question = RevocationPage { tenant: of.clone(), after: cursor.place(), limit: PAGE };
        let listed = stores.records.revocations.list(&question).await?;
        let mut records = page.records;
        records.extend(listed.revocations.iter().filter_map(|revocation| {
            let tenant = revocation.tenant.as_ref().filter(|it| log.tenants().contains(it))?;
            // A verifier that begins has just fetched the keys.
            let travels = travelling(revocation).filter(|it| *it != Revocation::KeySet)?;
            Some(log.named(tenant, travels))
        }));
        let after = listed.next.map(|RevocationPlace { tenant, kind, id }| (tenant, kind, id));
        let done = cursor.done + usize::from(after.is_none());
        let next = SnapshotCursor { done, after, ..cursor };
        let next = if next.done < databases.len() { next.write() } else { None };
        Ok(SnapshotPage { records, next, ..page })
    }
}
