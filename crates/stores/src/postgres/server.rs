//! What a server must be for its answers to be trusted.

use sqlx::postgres::PgConnectOptions;
use sqlx::{Connection as _, Executor as _, PgConnection, Row as _};

use super::open_error::PostgresOpenError;
use super::pool::connect;

/// The oldest major version that works.
const OLDEST: i64 = 14;

// Functions are named with their schema: one of the same name in the search path may fit the arguments better.
const SERVER: &str = "SELECT pg_catalog.current_setting('server_version_num')::BIGINT AS number, \
    pg_catalog.current_setting('server_version') AS version, pg_catalog.pg_is_in_recovery() AS is_standby, \
    pg_catalog.current_setting('synchronous_commit') AS synchronous_commit, \
    pg_catalog.current_setting('server_encoding') AS encoding, pg_catalog.current_schema()::TEXT AS schema";
const PROCESS: &str = "SELECT pg_catalog.pg_backend_pid()";
const DESCRIBED: &str = "SELECT 'PostgreSQL ' \
    || pg_catalog.split_part(pg_catalog.current_setting('server_version'), ' ', 1) \
    || CASE WHEN pg_catalog.pg_is_in_recovery() THEN ', standby' ELSE ', primary' END \
    || pg_catalog.string_agg(', ' || name || '=' || pg_catalog.current_setting(name), '' ORDER BY place) \
    FROM pg_catalog.unnest(ARRAY['synchronous_commit', 'fsync', 'full_page_writes']) \
    WITH ORDINALITY AS settings (name, place)";
/// A right that is missing on a table of this program.
const MISSING_RIGHT: &str = "SELECT needed || ' on ' || tablename::TEXT FROM pg_catalog.pg_tables, \
    pg_catalog.unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE']) AS needed \
    WHERE schemaname = pg_catalog.current_schema() AND tablename = ANY (ARRAY['tenants', 'installation', 'users', \
    'sessions', 'epochs', 'keys', 'tickets', 'guesses', 'mail']) AND NOT pg_catalog.has_table_privilege( \
    pg_catalog.quote_ident(schemaname::TEXT) || '.' || pg_catalog.quote_ident(tablename::TEXT), needed) \
    ORDER BY tablename, needed LIMIT 1";

/// A connection to a server that may be used.
pub(super) async fn checked(
    options: &PgConnectOptions,
    url: &str,
) -> Result<PgConnection, PostgresOpenError> {
    let fault = |fault| PostgresOpenError::of(url, fault);
    let mut db = connect(options).await.map_err(fault)?;
    let server = sqlx::query(SERVER).fetch_one(&mut db).await.map_err(fault)?;
    let text = |column| server.try_get::<String, _>(column).map_err(fault);
    let url = url.to_owned();
    if server.try_get::<i64, _>("number").map_err(fault)? < OLDEST * 10_000 {
        return Err(PostgresOpenError::TooOld { url, version: text("version")?, oldest: OLDEST });
    }
    if server.try_get("is_standby").map_err(fault)? {
        return Err(PostgresOpenError::Standby { url });
    }
    match (text("synchronous_commit")?, text("encoding")?) {
        (setting, _) if setting == "off" => Err(PostgresOpenError::NotDurable { url, setting }),
        (_, encoding) if encoding != "UTF8" => Err(PostgresOpenError::Encoding { url, encoding }),
        _ if server.try_get::<Option<String>, _>("schema").map_err(fault)?.is_none() => {
            Err(PostgresOpenError::NoSchema { url })
        }
        _ => Ok(db),
    }
}

/// Version, role, and the settings that durability depends on.
pub(super) async fn described(options: &PgConnectOptions) -> Result<String, sqlx::Error> {
    let mut db = connect(options).await?;
    let described = sqlx::query_scalar(DESCRIBED).fetch_one(&mut db).await?;
    db.close().await?;
    Ok(described)
}

/// Refuses a user who may not do everything with the tables.
pub(super) async fn check_rights(db: &mut PgConnection, url: &str) -> Result<(), PostgresOpenError> {
    let missing = sqlx::query_scalar(MISSING_RIGHT).fetch_optional(db).await;
    match missing.map_err(|fault| PostgresOpenError::of(url, fault))? {
        Some(right) => Err(PostgresOpenError::Rights { url: url.to_owned(), right }),
        None => Ok(()),
    }
}

/// The server's process of a connection, asked by a message that every proxy passes on.
async fn process(db: &mut PgConnection, url: &str) -> Result<i32, PostgresOpenError> {
    let answer = db.fetch_one(PROCESS).await.and_then(|row| row.try_get(0));
    answer.map_err(|fault| PostgresOpenError::of(url, fault))
}

/// Refuses a proxy that gives two connections one process of the server in turn.
pub(super) async fn refuse_transaction_pooler(
    db: &mut PgConnection,
    options: &PgConnectOptions,
    url: &str,
) -> Result<(), PostgresOpenError> {
    let fault = |fault| PostgresOpenError::of(url, fault);
    let mut other = connect(options).await.map_err(fault)?;
    let first = process(db, url).await?;
    let second = process(&mut other, url).await?;
    let again = process(db, url).await?;
    if first == second || first != again {
        return Err(PostgresOpenError::TransactionPooler { url: url.to_owned() });
    }
    Ok(())
}
