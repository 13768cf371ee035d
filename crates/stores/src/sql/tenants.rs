//! Tenants, and the installation that they belong to.

use portcullis_core::id::TenantId;
use portcullis_core::store::{Inserted, Page, StoreError, Stored, Updated};
use portcullis_core::tenant::{Installation, TenantRecord};

use super::row::RecordRow;
use super::{
    Columns, SqlConnection, SqlResult, Statement, count as counted, inserted, millis, page_of, updated,
};

const CREATE_INSTALLATION: &str =
    "INSERT INTO installation (one, issuer, created) VALUES (1, $1, $2) ON CONFLICT DO NOTHING";
const INSTALLATION: &str = "SELECT issuer, created FROM installation WHERE one = 1";
const INSERT: &str = "INSERT INTO tenants (id, created, settings, database, suspended, tokens_after, version) \
    VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING";
const UPDATE: &str = "UPDATE tenants SET created = $2, settings = $3, database = $4, suspended = $5, \
    tokens_after = $6, version = $7 WHERE id = $1 AND version = $7 - 1";
const FIND: &str = "SELECT * FROM tenants WHERE id = $1";
const LIST: &str = "SELECT * FROM tenants WHERE id > $1 ORDER BY id LIMIT $2";
const COUNT: &str = "SELECT count(*) AS tenants FROM tenants";

pub(crate) async fn get_or_create_installation(
    db: &mut impl SqlConnection,
    proposed: &Installation,
) -> SqlResult<Installation> {
    let create =
        Statement::new(CREATE_INSTALLATION).bind(proposed.issuer.as_str()).bind(proposed.created.as_millis());
    create.execute(&mut *db).await?;
    let row = Statement::new(INSTALLATION).fetch_one(db).await?;
    let row = RecordRow::of("installation", "issuer", &row);
    Ok(Installation { issuer: row.text("issuer")?, created: row.time("created")? })
}

pub(crate) async fn insert(db: &mut impl SqlConnection, tenant: &TenantRecord) -> SqlResult<Inserted> {
    Ok(inserted(bound(INSERT, tenant)?.execute(db).await?))
}

pub(crate) async fn update(db: &mut impl SqlConnection, tenant: &TenantRecord) -> SqlResult<Updated> {
    Ok(updated(bound(UPDATE, tenant)?.execute(db).await?))
}

pub(crate) async fn find(db: &mut impl SqlConnection, id: &TenantId) -> SqlResult<Option<TenantRecord>> {
    let row = Statement::new(FIND).bind(id.as_str()).fetch_optional(db).await?;
    Ok(row.as_ref().map(tenant).transpose()?)
}

pub(crate) async fn list(db: &mut impl SqlConnection, page: Page<TenantId>) -> SqlResult<Vec<TenantRecord>> {
    let after = page.after.map(|id| id.to_string()).unwrap_or_default();
    page_of(
        db,
        page.limit,
        after,
        |after: &str, limit: i64| Statement::new(LIST).bind(after).bind(limit),
        tenant,
    )
    .await
}

pub(crate) async fn count(db: &mut impl SqlConnection) -> SqlResult<u64> {
    let row = Statement::new(COUNT).fetch_one(db).await?;
    Ok(RecordRow::of("tenants", "tenants", &row).count("tenants")?)
}

fn bound(statement: &'static str, tenant: &TenantRecord) -> Stored<Statement> {
    let unwritable = |_| StoreError::corrupt("tenant", &tenant.id, "settings");
    let settings = serde_json::to_string(&tenant.settings).map_err(unwritable)?;
    let bound = Statement::new(statement)
        .bind(tenant.id.as_str())
        .bind(tenant.created.as_millis())
        .bind(settings)
        .bind(tenant.database.as_deref())
        .bind(millis(tenant.suspended))
        .bind(millis(tenant.tokens_not_before))
        .bind(counted(tenant.version));
    Ok(bound)
}

fn tenant(row: &impl Columns) -> Stored<TenantRecord> {
    let row = RecordRow::of("tenant", "id", row);
    Ok(TenantRecord {
        id: row.word("id")?,
        created: row.time("created")?,
        settings: row.read("settings", |json| serde_json::from_str(json).ok())?,
        database: row.read_optional("database", |text| Some(text.to_owned()))?,
        suspended: row.optional_time("suspended")?,
        tokens_not_before: row.optional_time("tokens_after")?,
        version: row.count("version")?,
    })
}
