//! What a server must be for its answers to be trusted.

use sqlx::postgres::PgConnectOptions;
use sqlx::{PgConnection, Row as _};

use super::open_error::PostgresOpenError;
use super::pool::connect;

/// The oldest major version that works.
const OLDEST: i64 = 14;

const SERVER: &str = "SELECT current_setting('server_version_num')::BIGINT AS number, \
    current_setting('server_version') AS version, pg_is_in_recovery() AS is_standby, \
    current_setting('synchronous_commit') AS synchronous_commit, current_setting('server_encoding') AS encoding, \
    current_schema()::TEXT AS schema";
const PROCESS: &str = "SELECT pg_backend_pid()";

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

/// Refuses a proxy that gives two connections one process of the server in turn.
pub(super) async fn refuse_transaction_pooler(
    db: &mut PgConnection,
    options: &PgConnectOptions,
    url: &str,
) -> Result<(), PostgresOpenError> {
    let fault = |fault| PostgresOpenError::of(url, fault);
    let mut other = connect(options).await.map_err(fault)?;
    let first: i32 = sqlx::query_scalar(PROCESS).fetch_one(&mut *db).await.map_err(fault)?;
    let second: i32 = sqlx::query_scalar(PROCESS).fetch_one(&mut other).await.map_err(fault)?;
    let again: i32 = sqlx::query_scalar(PROCESS).fetch_one(&mut *db).await.map_err(fault)?;
    if first == second || first != again {
        return Err(PostgresOpenError::TransactionPooler { url: url.to_owned() });
    }
    Ok(())
}
