//! Signing keys and secrets.

use portcullis_core::id::TenantId;
use portcullis_core::key::{KeyMaterial, KeyRecord, Kid};
use portcullis_core::store::{Inserted, Stored};

use super::row::RecordRow;
use super::{Columns, SqlConnection, SqlResult, Statement, all, inserted};

const INSERT: &str = "INSERT INTO keys (tenant, kid, usage, algorithm, sealed, material, created, active_from) \
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT DO NOTHING";
const LIST: &str = "SELECT * FROM keys WHERE tenant = $1 ORDER BY kid";
const REWRAP: &str = "UPDATE keys SET sealed = $3, material = $4 WHERE tenant = $1 AND kid = $2";
const REMOVE: &str = "DELETE FROM keys WHERE tenant = $1 AND kid = $2";

pub(crate) async fn insert(db: &mut impl SqlConnection, key: &KeyRecord) -> SqlResult<Inserted> {
    let (sealed, material) = columns(&key.material);
    let insert = Statement::new(INSERT)
        .bind(key.tenant.as_str())
        .bind(key.kid.as_str())
        .bind(key.usage.as_str())
        .bind(key.algorithm.as_str())
        .bind(sealed)
        .bind(material)
        .bind(key.created.as_millis())
        .bind(key.active_from.as_millis());
    Ok(inserted(insert.execute(db).await?))
}

pub(crate) async fn list(db: &mut impl SqlConnection, tenant: &TenantId) -> SqlResult<Vec<KeyRecord>> {
    all(&Statement::new(LIST).bind(tenant.as_str()).fetch_all(db).await?, key)
}

pub(crate) async fn rewrap(
    db: &mut impl SqlConnection,
    tenant: &TenantId,
    kid: &Kid,
    material: &KeyMaterial,
) -> SqlResult<bool> {
    let (sealed, material) = columns(material);
    let rewrap = Statement::new(REWRAP).bind(tenant.as_str()).bind(kid.as_str()).bind(sealed).bind(material);
    Ok(rewrap.execute(db).await? == 1)
}

pub(crate) async fn remove(db: &mut impl SqlConnection, tenant: &TenantId, kid: &Kid) -> SqlResult<bool> {
    let remove = Statement::new(REMOVE).bind(tenant.as_str()).bind(kid.as_str());
    Ok(remove.execute(db).await? == 1)
}

fn columns(material: &KeyMaterial) -> (bool, &[u8]) {
    match material {
        KeyMaterial::Plain(bytes) => (false, bytes),
        KeyMaterial::Sealed(bytes) => (true, bytes),
    }
}

fn key(row: &impl Columns) -> Stored<KeyRecord> {
    let row = RecordRow::of("key", "kid", row);
    let material = row.bytes("material")?.to_vec();
    Ok(KeyRecord {
        tenant: row.word("tenant")?,
        kid: row.word("kid")?,
        usage: row.word("usage")?,
        algorithm: row.word("algorithm")?,
        material: if row.flag("sealed")? {
            KeyMaterial::Sealed(material)
        } else {
            KeyMaterial::Plain(material.into())
        },
        created: row.time("created")?,
        active_from: row.time("active_from")?,
    })
}
