//! Revocations, which triggers write.

use std::time::Duration;

use portcullis_core::clock::Timestamp;
use portcullis_core::id::TenantId;
use portcullis_core::revocation::{RevocationPlace, Revoked, StoredRevocation};
use portcullis_core::store::{ListedRevocations, RevocationPage, Stored};
use serde::Deserialize;

use super::row::RecordRow;
use super::{Columns, SqlConnection, SqlResult, Statement, if_readable};

const NOTE: &str = "UPDATE token_lifetime SET longest = $1 WHERE one = 1 AND longest < $1";
/// A token is accepted a little longer than it lives.
const LIST: &str = "SELECT * FROM revocations WHERE (tenant, kind, id) > ($1, $2, $3) AND ($4 = '' OR tenant = $4) \
    AND until > (SELECT now FROM token_times) - 120000 ORDER BY tenant, kind, id LIMIT $5";
const LATEST: &str = "SELECT * FROM revocations WHERE at > (SELECT now FROM token_times) - $1 \
    AND ($2 = '' OR tenant = $2) ORDER BY at LIMIT $3";
/// A verifier may ask for what was revoked some minutes ago, and clocks differ.
const PURGE: &str = "DELETE FROM revocations WHERE (tenant, kind, id) IN (SELECT tenant, kind, id FROM revocations \
    WHERE until < (SELECT now FROM token_times) - 86400000 AND at < (SELECT now FROM token_times) - 86400000 LIMIT $1)";

pub(crate) async fn note_token_lifetime(db: &mut impl SqlConnection, longest: Duration) -> SqlResult<()> {
    let millis = i64::try_from(longest.as_millis()).unwrap_or(i64::MAX);
    Statement::new(NOTE).bind(millis).execute(db).await?;
    Ok(())
}

pub(crate) async fn list(db: &mut impl SqlConnection, page: &RevocationPage) -> SqlResult<ListedRevocations> {
    let RevocationPlace { tenant, kind, id } = page.after.clone().unwrap_or_default();
    let list = Statement::new(LIST).bind(tenant).bind(kind).bind(id);
    let rows = list.bind(named(page.tenant.as_ref())).bind(i64::from(page.limit)).fetch_all(db).await?;
    let next = rows.last().filter(|_| rows.len() == page.limit as usize).map(place).transpose()?;
    let revocations = rows.iter().filter_map(|row| if_readable(revocation(row))).collect();
    Ok(ListedRevocations { revocations, next })
}

pub(crate) async fn latest(
    db: &mut impl SqlConnection,
    tenant: Option<TenantId>,
    within: Duration,
    most: u32,
) -> SqlResult<Option<Vec<StoredRevocation>>> {
    let millis = i64::try_from(within.as_millis()).unwrap_or(i64::MAX);
    let latest = Statement::new(LATEST).bind(millis).bind(named(tenant.as_ref()));
    let rows = latest.bind(i64::from(most) + 1).fetch_all(db).await?;
    let is_whole = rows.len() <= most as usize;
    Ok(is_whole.then(|| rows.iter().filter_map(|row| if_readable(revocation(row))).collect()))
}

pub(crate) async fn purge(db: &mut impl SqlConnection, limit: u32) -> SqlResult<u64> {
    Ok(Statement::new(PURGE).bind(i64::from(limit)).execute(db).await?)
}

/// No tenant has an empty name.
fn named(tenant: Option<&TenantId>) -> &str {
    tenant.map(TenantId::as_str).unwrap_or_default()
}

fn place(row: &impl Columns) -> Stored<RevocationPlace> {
    let row = RecordRow::of("revocation", "id", row);
    Ok(RevocationPlace { tenant: row.text("tenant")?, kind: row.text("kind")?, id: row.text("id")? })
}

fn revocation(row: &impl Columns) -> Stored<StoredRevocation> {
    let place = place(row)?;
    let row = RecordRow::of("revocation", "id", row);
    let announced = AnnouncedRevocation {
        kind: place.kind,
        id: place.id,
        epoch: row.count("epoch")?,
        detail: row.text("detail")?,
        until: row.time("until")?.as_millis(),
        at: row.time("at")?.as_millis(),
    };
    announced.of(&place.tenant).ok_or_else(|| row.corrupt("kind"))
}

/// A revocation without its tenant, as triggers announce it.
#[derive(Deserialize)]
pub(crate) struct AnnouncedRevocation {
    kind: String,
    id: String,
    epoch: u64,
    detail: String,
    until: i64,
    at: i64,
}

impl AnnouncedRevocation {
    /// What was announced; `None` if it makes no sense.
    pub(crate) fn read(json: &str) -> Option<Self> {
        serde_json::from_str(json).ok()
    }

    /// With its tenant; `None` if an id is none of ours: then no token names it.
    pub(crate) fn of(self, tenant: &str) -> Option<StoredRevocation> {
        let tenant = if tenant.is_empty() { None } else { Some(tenant.parse().ok()?) };
        Some(StoredRevocation {
            tenant,
            what: Revoked::read(&self.kind, &self.id, self.epoch, &self.detail)?,
            until: Timestamp::from_millis(self.until),
            at: Timestamp::from_millis(self.at),
        })
    }
}
