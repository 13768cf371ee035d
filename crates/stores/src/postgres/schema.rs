//! The migrations, which create the tables and bring them up to date.

use ring::digest::{SHA256, digest};
use sqlx::{Executor as _, PgConnection, Row as _};

use super::open_error::PostgresOpenError;
use crate::backend::{IfMissing, MigrationState};

const CREATE: &str = "CREATE TABLE IF NOT EXISTS portcullis_migrations (version BIGINT PRIMARY KEY, \
    description TEXT NOT NULL, installed_on TIMESTAMPTZ NOT NULL DEFAULT pg_catalog.now(), checksum BYTEA NOT NULL)";
const NOTE: &str = "INSERT INTO portcullis_migrations (version, description, checksum) VALUES ($1, $2, $3)";
/// Not by `to_regclass`, which remembers that a table was missing while another node makes it.
const IS_THERE: &str = "SELECT EXISTS (SELECT FROM pg_catalog.pg_tables \
    WHERE schemaname = $1 AND tablename = 'portcullis_migrations')";
const APPLIED: &str = "SELECT version, checksum FROM portcullis_migrations ORDER BY version";
/// A migration may take its time. A node that was cut off in between must not keep the others out for long, and none
/// waits for ever for one that hangs.
const BEGIN: &str = "BEGIN; SET LOCAL statement_timeout = 0; SET LOCAL lock_timeout = '5min'; \
    SET LOCAL idle_in_transaction_session_timeout = '60s'";
/// Keeps out other nodes that start at the same time.
const LOCK: &str = "SELECT pg_catalog.pg_advisory_xact_lock(pg_catalog.hashtextextended( \
    $1::TEXT || '/portcullis_migrations', 0::BIGINT))";

const HISTORY: [(i64, &str, &str); 5] = [
    (1, "records", include_str!("migrations/0001_records.sql")),
    (2, "announcements", include_str!("migrations/0002_announcements.sql")),
    (3, "revocations", include_str!("migrations/0003_revocations.sql")),
    (4, "password epoch", include_str!("migrations/0004_password_epoch.sql")),
    (5, "session placement", include_str!("migrations/0005_session_placement.sql")),
];

/// The migrations that this version knows, and whether the database has them. Changes nothing.
pub(super) async fn migrations(
    db: &mut PgConnection,
    schema: &str,
    url: &str,
) -> Result<Vec<MigrationState>, PostgresOpenError> {
    let applied = applied(db, schema, url).await?;
    let state = |(version, description, _)| MigrationState {
        version,
        description,
        applied: applied.contains(&version),
    };
    Ok(HISTORY.map(state).to_vec())
}

/// Applies pending migrations in one transaction that keeps other nodes out. Writes nothing if none is pending.
pub(super) async fn bring_up_to_date(
    db: &mut PgConnection,
    schema: &str,
    url: &str,
    if_missing: IfMissing,
) -> Result<(), PostgresOpenError> {
    let fault = |fault| PostgresOpenError::of(url, fault);
    let before = applied(db, schema, url).await?;
    if before.len() == HISTORY.len() {
        return Ok(());
    }
    if before.is_empty() && if_missing == IfMissing::Refuse {
        return Err(PostgresOpenError::Empty { url: url.to_owned() });
    }
    db.execute(BEGIN).await.map_err(fault)?;
    sqlx::query(LOCK).bind(schema).execute(&mut *db).await.map_err(fault)?;
    // Another node may have been first, and may have been newer. A fault closes the connection, which undoes all.
    let applied = applied(db, schema, url).await?;
    apply(db, &applied).await.map_err(fault)?;
    db.execute("COMMIT").await.map_err(fault)?;
    Ok(())
}

async fn apply(db: &mut PgConnection, applied: &[i64]) -> Result<(), sqlx::Error> {
    db.execute(CREATE).await?;
    for (version, description, sql) in HISTORY {
        if !applied.contains(&version) {
            db.execute(sql).await?;
            let note = sqlx::query(NOTE).bind(version).bind(description).bind(checksum(sql));
            note.execute(&mut *db).await?;
        }
    }
    Ok(())
}

fn checksum(sql: &str) -> Vec<u8> {
    digest(&SHA256, sql.as_bytes()).as_ref().to_vec()
}

/// The migrations that the database has; an error if they are not this program's.
async fn applied(db: &mut PgConnection, schema: &str, url: &str) -> Result<Vec<i64>, PostgresOpenError> {
    let noted = read(db, schema).await.map_err(|fault| PostgresOpenError::of(url, fault))?;
    let newest = HISTORY.iter().map(|(version, ..)| *version).max().unwrap_or_default();
    for (version, noted) in &noted {
        let known = HISTORY.iter().find(|(known, ..)| known == version);
        if known.is_none_or(|(.., sql)| checksum(sql) != *noted) {
            let (url, migration) = (url.to_owned(), *version);
            return Err(if migration > newest {
                PostgresOpenError::Newer { url, migration }
            } else {
                PostgresOpenError::Altered { url, migration }
            });
        }
    }
    Ok(noted.into_iter().map(|(version, _)| version).collect())
}

async fn read(db: &mut PgConnection, schema: &str) -> Result<Vec<(i64, Vec<u8>)>, sqlx::Error> {
    if !sqlx::query_scalar::<_, bool>(IS_THERE).bind(schema).fetch_one(&mut *db).await? {
        return Ok(Vec::new());
    }
    let rows = sqlx::query(APPLIED).fetch_all(db).await?;
    rows.iter().map(|row| Ok((row.try_get("version")?, row.try_get("checksum")?))).collect()
}
