//! Reading a snapshot: all that has ended and whose tokens may live, page by page.

use std::time::Duration;

use portcullis_core::clock::Ticks;
use portcullis_core::id::TenantId;
use portcullis_core::revocation::FeedTenants;
use portcullis_core::revocation::wire::{SNAPSHOT_PATH, SnapshotPage};

use super::{FeedFault, FeedReader};
use crate::revocations::RecordSource;

/// The longest wait for a page.
const PATIENCE: Duration = Duration::from_secs(10);

impl FeedReader {
    /// Reads all pages. Their records count at once; the position counts once the last page has come.
    pub(super) async fn read_snapshot(&mut self) -> Result<(), FeedFault> {
        // What was known is as old as what made the snapshot necessary, and no record says which of two is the newer.
        self.core.revocations.clear();
        let sent = self.core.clock.ticks();
        let first = self.read_page(SNAPSHOT_PATH).await?;
        let came = self.core.clock.ticks();
        let (mut next, mut read) = (first.next.clone(), first.records.len());
        while let Some(cursor) = next {
            let page = self.read_page(&format!("{SNAPSHOT_PATH}?cursor={}", escaped(&cursor))).await?;
            read += page.records.len();
            self.check_page(&first, &page, read)?;
            next = page.next;
        }
        self.follower.start(&first, sent, came);
        self.core.revocations.begin(sent);
        self.core.counts.snapshot();
        Ok(())
    }

    /// All pages are of one snapshot, which comes to an end.
    fn check_page(&self, first: &SnapshotPage, page: &SnapshotPage, read: usize) -> Result<(), FeedFault> {
        let is_endless = page.records.is_empty() && page.next.is_some();
        // Every record is kept once, but a row that changes while the pages are read may come twice.
        let is_too_long = read > self.core.revocations.capacity().saturating_mul(2);
        if (&page.log, page.to) != (&first.log, first.to) || is_endless || is_too_long {
            return Err(FeedFault::MixedPages);
        }
        Ok(())
    }

    /// A key of other tenants hears nothing of ours: to go on would be to take silence for proof.
    fn check_tenants(&self, of_key: Option<&FeedTenants>) -> Result<(), FeedFault> {
        let is_foreign = |tenant: &&TenantId| of_key.is_some_and(|of_key| !of_key.contains(tenant));
        match self.core.revocations.tenants().find(is_foreign) {
            Some(tenant) => Err(FeedFault::OtherTenants(tenant.clone())),
            None => Ok(()),
        }
    }

    async fn read_page(&self, path: &str) -> Result<SnapshotPage, FeedFault> {
        let page: SnapshotPage = self.read(path, PATIENCE).await?;
        self.check_issuer(&page.issuer)?;
        self.check_tenants(page.tenants.as_ref())?;
        let now = self.core.clock.ticks();
        let source = RecordSource { log: None, since: Ticks::START, issued: page.issued, now };
        if let Err(fault) = self.core.revocations.add(&page.records, &source) {
            // What cannot be kept must not be missed.
            self.core.revocations.clear();
            return Err(fault.into());
        }
        Ok(page)
    }
}

/// A cursor as a parameter's value.
fn escaped(cursor: &str) -> String {
    percent_encoding::utf8_percent_encode(cursor, percent_encoding::NON_ALPHANUMERIC).to_string()
}
