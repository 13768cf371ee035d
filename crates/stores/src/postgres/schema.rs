//! The migrations, which create the tables and bring them up to date.

use ring::digest::{SHA256, digest};
use sqlx::postgres::PgRow;
use sqlx::{Executor as _, PgConnection, Row as _};

use super::open_error::PostgresOpenError;
use crate::backend::{IfMissing, MigrationState};
use crate::migration_history::{ForeignHistory, Migration, MigrationHistory, MigrationNote};

const CREATE: &str = "CREATE TABLE IF NOT EXISTS portcullis_migrations (version BIGINT PRIMARY KEY, \
    description TEXT NOT NULL, installed_on TIMESTAMPTZ NOT NULL DEFAULT pg_catalog.now(), checksum BYTEA NOT NULL)";
const NOTE: &str = "INSERT INTO portcullis_migrations (version, description, checksum) VALUES ($1, $2, $3)";
/// Not by `to_regclass`, which remembers that a table was missing while another node makes it.
const IS_THERE: &str = "SELECT EXISTS (SELECT FROM pg_catalog.pg_tables \
    WHERE schemaname = $1 AND tablename = 'portcullis_migrations')";
const APPLIED: &str = "SELECT version, description, checksum FROM portcullis_migrations ORDER BY version";
/// A migration may take its time. A node that was cut off in between must not keep the others out for long, and none
/// waits for ever for one that hangs.
const BEGIN: &str = "BEGIN; SET LOCAL statement_timeout = 0; SET LOCAL lock_timeout = '5min'; \
    SET LOCAL idle_in_transaction_session_timeout = '60s'";
/// Keeps out other nodes that start at the same time.
const LOCK: &str = "SELECT pg_catalog.pg_advisory_xact_lock(pg_catalog.hashtextextended( \
    $1::TEXT || '/portcullis_migrations', 0::BIGINT))";

const HISTORY: MigrationHistory = MigrationHistory { known: &KNOWN, checksum };
const KNOWN: [Migration; 5] = [
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
    Ok(HISTORY.states(&applied(db, schema, url).await?))
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
    if HISTORY.is_complete(&before) {
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
    for (sql, MigrationNote { version, description, checksum }) in HISTORY.pending(applied) {
        db.execute(sql).await?;
        let note = sqlx::query(NOTE).bind(version).bind(description).bind(checksum);
        note.execute(&mut *db).await?;
    }
    Ok(())
}

/// The names of what the migrations create with one of these statements, such as `CREATE TABLE`.
pub(super) fn created(by: &[&str]) -> Vec<&'static str> {
    let lines = KNOWN.iter().flat_map(|(.., sql)| sql.lines());
    let named = |line: &'static str| by.iter().find_map(|statement| line.strip_prefix(statement));
    lines.filter_map(|line| named(line)?.split_whitespace().next()).collect()
}

fn checksum(sql: &str) -> Vec<u8> {
    digest(&SHA256, sql.as_bytes()).as_ref().to_vec()
}

/// The migrations that the database has; an error if they are not this program's.
async fn applied(db: &mut PgConnection, schema: &str, url: &str) -> Result<Vec<i64>, PostgresOpenError> {
    let noted = read(db, schema).await.map_err(|fault| PostgresOpenError::of(url, fault))?;
    HISTORY.applied(&noted).map_err(|foreign| {
        let url = url.to_owned();
        match foreign {
            ForeignHistory::Newer(newer) => PostgresOpenError::Newer { url, newer },
            ForeignHistory::Altered(migration) => PostgresOpenError::Altered { url, migration },
        }
    })
}

async fn read(db: &mut PgConnection, schema: &str) -> Result<Vec<MigrationNote>, sqlx::Error> {
    if !sqlx::query_scalar::<_, bool>(IS_THERE).bind(schema).fetch_one(&mut *db).await? {
        return Ok(Vec::new());
    }
    let rows = sqlx::query(APPLIED).fetch_all(db).await?;
    let note = |row: &PgRow| {
        let (version, description) = (row.try_get("version")?, row.try_get("description")?);
        Ok(MigrationNote { version, description, checksum: row.try_get("checksum")? })
    };
    rows.iter().map(note).collect()
}
