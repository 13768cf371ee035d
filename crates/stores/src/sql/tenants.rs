//! Tenants, and the installation.

use portcullis_core::id::TenantId;
use portcullis_core::store::{Inserted, Page, Stored};
use portcullis_core::tenant::{Installation, TenantRecord};

use super::row::{DatabaseRow, Row};
use super::{Connection, Step, all, inserted};

const FOUND: &str =
    "INSERT INTO installation (one, issuer, created) VALUES (1, $1, $2) ON CONFLICT DO NOTHING";
const INSTALLATION: &str = "SELECT issuer, created FROM installation WHERE one = 1";
const INSERT: &str = "INSERT INTO tenants (id, created) VALUES ($1, $2) ON CONFLICT DO NOTHING";
const FIND: &str = "SELECT * FROM tenants WHERE id = $1";
const LIST: &str = "SELECT * FROM tenants WHERE id > $1 ORDER BY id LIMIT $2";
const COUNT: &str = "SELECT count(*) FROM tenants";

pub(crate) async fn found(db: &mut Connection, proposed: &Installation) -> Step<Installation> {
    let found = sqlx::query(FOUND).bind(&proposed.issuer).bind(proposed.created.as_millis());
    found.execute(&mut *db).await?;
    let row = sqlx::query(INSTALLATION).fetch_one(db).await?;
    let row = Row::of("installation", "issuer", &row);
    Ok(Installation { issuer: row.text("issuer")?, created: row.time("created")? })
}

pub(crate) async fn insert(db: &mut Connection, tenant: &TenantRecord) -> Step<Inserted> {
    let insert = sqlx::query(INSERT).bind(tenant.id.as_str()).bind(tenant.created.as_millis());
    Ok(inserted(insert.execute(db).await?.rows_affected()))
}

pub(crate) async fn find(db: &mut Connection, id: &TenantId) -> Step<Option<TenantRecord>> {
    let row = sqlx::query(FIND).bind(id.as_str()).fetch_optional(db).await?;
    Ok(row.as_ref().map(tenant).transpose()?)
}

pub(crate) async fn list(db: &mut Connection, page: &Page<TenantId>) -> Step<Vec<TenantRecord>> {
    let after = page.after.as_ref().map_or("", TenantId::as_str);
    all(&sqlx::query(LIST).bind(after).bind(i64::from(page.limit)).fetch_all(db).await?, tenant)
}

pub(crate) async fn count(db: &mut Connection) -> Step<i64> {
    Ok(sqlx::query_scalar(COUNT).fetch_one(db).await?)
}

fn tenant(row: &DatabaseRow) -> Stored<TenantRecord> {
    let row = Row::of("tenant", "id", row);
    Ok(TenantRecord { id: row.word("id")?, created: row.time("created")? })
}
