//! Feed keys.

use std::collections::BTreeSet;

use portcullis_core::clock::Timestamp;
use portcullis_core::id::{FeedKeyId, TenantId};
use portcullis_core::revocation::{FeedKey, FeedTenants};
use portcullis_core::secret::SecretHash;
use portcullis_core::store::{Inserted, Page, Stored};

use super::row::RecordRow;
use super::{Columns, SqlConnection, SqlResult, Statement, bytes, inserted, millis, page_of};

/// In place of a list of tenants.
const ALL: &str = "\"all\"";

const INSERT: &str = "INSERT INTO feed_keys (id, hash, tenants, created, last_used) VALUES ($1, $2, $3, $4, $5) \
    ON CONFLICT DO NOTHING";
const FIND: &str = "SELECT * FROM feed_keys WHERE hash = $1";
const LIST: &str = "SELECT * FROM feed_keys WHERE id > $1 ORDER BY id LIMIT $2";
const NOTE_USE: &str =
    "UPDATE feed_keys SET last_used = $2 WHERE id = $1 AND (last_used IS NULL OR last_used < $2)";
const REMOVE: &str = "DELETE FROM feed_keys WHERE id = $1 RETURNING *";

pub(crate) async fn insert(db: &mut impl SqlConnection, key: &FeedKey) -> SqlResult<Inserted> {
    let insert = Statement::new(INSERT)
        .bind(key.id.to_string())
        .bind(bytes(Some(&key.hash)))
        .bind(written(&key.tenants))
        .bind(key.created.as_millis())
        .bind(millis(key.last_used));
    Ok(inserted(insert.execute(db).await?))
}

pub(crate) async fn find(db: &mut impl SqlConnection, hash: &SecretHash) -> SqlResult<Option<FeedKey>> {
    let row = Statement::new(FIND).bind(bytes(Some(hash))).fetch_optional(db).await?;
    Ok(row.as_ref().map(feed_key).transpose()?)
}

pub(crate) async fn list(db: &mut impl SqlConnection, page: Page<FeedKeyId>) -> SqlResult<Vec<FeedKey>> {
    let after = page.after.map(|id| id.to_string()).unwrap_or_default();
    let list = |after: &str, limit: i64| Statement::new(LIST).bind(after).bind(limit);
    page_of(db, page.limit, after, list, feed_key).await
}

pub(crate) async fn note_use(db: &mut impl SqlConnection, id: FeedKeyId, now: Timestamp) -> SqlResult<()> {
    Statement::new(NOTE_USE).bind(id.to_string()).bind(now.as_millis()).execute(db).await?;
    Ok(())
}

pub(crate) async fn remove(db: &mut impl SqlConnection, id: FeedKeyId) -> SqlResult<Option<FeedKey>> {
    let removed = Statement::new(REMOVE).bind(id.to_string()).fetch_optional(db).await?;
    Ok(removed.as_ref().map(feed_key).transpose()?)
}

fn written(tenants: &FeedTenants) -> String {
    match tenants {
        FeedTenants::All => ALL.to_owned(),
        FeedTenants::Some(tenants) => {
            let quoted: Vec<String> = tenants.iter().map(|tenant| format!("\"{tenant}\"")).collect();
            format!("[{}]", quoted.join(","))
        }
    }
}

fn read_tenants(json: &str) -> Option<FeedTenants> {
    if json == ALL {
        return Some(FeedTenants::All);
    }
    let names: Vec<String> = serde_json::from_str(json).ok()?;
    let tenants: Option<BTreeSet<TenantId>> = names.iter().map(|name| name.parse().ok()).collect();
    tenants.map(FeedTenants::Some)
}

fn feed_key(row: &impl Columns) -> Stored<FeedKey> {
    let row = RecordRow::of("feed key", "id", row);
    Ok(FeedKey {
        id: row.id("id")?,
        hash: row.hash("hash")?,
        tenants: row.read("tenants", read_tenants)?,
        created: row.time("created")?,
        last_used: row.optional_time("last_used")?,
    })
}
