//! What a server must be for its answers to be trusted, and where in its database the tables are.

use portcullis_core::clock::{Clock, DatabaseTime, Timestamp};
use sqlx::{Connection as _, Executor as _, PgConnection, Row as _};

use super::connector::{ConnectFault, Connector};
use super::open_error::PostgresOpenError;
use super::schema::created;
use super::step::DEADLINE;

/// The oldest major version that works.
const OLDEST: i64 = 14;

// Functions are named with their schema: one of the same name in the search path may fit the arguments better.
const SERVER: &str = "SELECT pg_catalog.current_setting('server_version_num')::BIGINT AS number, \
    pg_catalog.current_setting('server_version') AS version, \
    pg_catalog.current_setting('server_encoding') AS encoding";
/// The first schema of the search path that has the tables, else the first one: a schema that is made later, as one of
/// the user's name, must not come before the one with the tables.
const SCHEMA: &str = "SELECT coalesce( \
    (SELECT path.name::TEXT FROM pg_catalog.unnest(pg_catalog.current_schemas(FALSE)) \
    WITH ORDINALITY AS path (name, place) JOIN pg_catalog.pg_tables ON schemaname = path.name \
    WHERE tablename = 'portcullis_migrations' ORDER BY path.place LIMIT 1), pg_catalog.current_schema()::TEXT)";
/// The number that a cluster keeps on all its standbys, and that of the database in it.
const IDENTITY: &str = "SELECT 'system ' || system_identifier::TEXT || ', database ' || oid::TEXT \
    || ', schema ' || $1::TEXT FROM pg_catalog.pg_control_system(), pg_catalog.pg_database \
    WHERE datname = pg_catalog.current_database()";
const TIME: &str = concat!("SELECT ", milliseconds!());
/// How often the time is asked for before anything is written: so many answers must agree.
const ASKED_FOR_TIME: usize = 3;
const PROCESS: &str = "SELECT pg_catalog.pg_backend_pid()";
const DESCRIBED: &str = "SELECT 'PostgreSQL ' \
    || pg_catalog.split_part(pg_catalog.current_setting('server_version'), ' ', 1) || ', primary' \
    || pg_catalog.string_agg(', ' || name || '=' || pg_catalog.current_setting(name), '' ORDER BY place) \
    FROM pg_catalog.unnest(ARRAY['synchronous_commit', 'fsync', 'full_page_writes']) \
    WITH ORDINALITY AS settings (name, place)";
/// A right that is missing on a table of this program, or on a view, which is only read.
const MISSING_RIGHT: &str = "SELECT needed || ' on ' || relation.relname::TEXT FROM pg_catalog.pg_class AS relation \
    JOIN pg_catalog.pg_namespace AS place ON place.oid = relation.relnamespace, \
    pg_catalog.unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE']) AS needed \
    WHERE place.nspname = $1 AND relation.relname = ANY ($2::TEXT[]::NAME[]) \
    AND (relation.relkind <> 'v' OR needed = 'SELECT') \
    AND NOT pg_catalog.has_table_privilege(relation.oid, needed) ORDER BY relation.relname, needed LIMIT 1";

/// What a server says of itself.
struct ServerFacts {
    number: i64,
    version: String,
    encoding: String,
}

impl ServerFacts {
    async fn of(db: &mut PgConnection) -> Result<Self, sqlx::Error> {
        let row = sqlx::query(SERVER).fetch_one(db).await?;
        let (number, version) = (row.try_get("number")?, row.try_get("version")?);
        Ok(Self { number, version, encoding: row.try_get("encoding")? })
    }

    fn check(self, url: &str) -> Result<(), PostgresOpenError> {
        let (Self { number, version, encoding }, url) = (self, url.to_owned());
        if number < OLDEST * 10_000 {
            return Err(PostgresOpenError::TooOld { url, version, oldest: OLDEST });
        }
        if encoding != "UTF8" {
            return Err(PostgresOpenError::Encoding { url, encoding });
        }
        Ok(())
    }
}

/// A connection to a server that may be used, and the way to more of them, into the schema of the tables.
pub(super) async fn checked(
    connector: &Connector,
    url: &str,
) -> Result<(PgConnection, Connector), PostgresOpenError> {
    let fault = |fault| PostgresOpenError::of(url, fault);
    let mut db = connect(connector, url).await?;
    ServerFacts::of(&mut db).await.map_err(fault)?.check(url)?;
    let schema: Option<String> = sqlx::query_scalar(SCHEMA).fetch_one(&mut db).await.map_err(fault)?;
    let schema = schema.ok_or_else(|| PostgresOpenError::NoSchema { url: url.to_owned() })?;
    let connector = connector.in_schema(schema);
    connector.set_up(&mut db).await.map_err(|fault| PostgresOpenError::of_connecting(url, fault))?;
    Ok((db, connector))
}

async fn connect(connector: &Connector, url: &str) -> Result<PgConnection, PostgresOpenError> {
    connector.connect(DEADLINE).await.map_err(|fault| PostgresOpenError::of_connecting(url, fault))
}

/// Lets the clock know the server's time before anything is written by it.
pub(super) async fn compare_clocks(
    db: &mut PgConnection,
    clock: &dyn Clock,
    url: &str,
) -> Result<(), PostgresOpenError> {
    for _ in 0..ASKED_FOR_TIME {
        let asked = clock.ticks();
        let shown = sqlx::query_scalar(TIME).fetch_one(&mut *db).await;
        let shown = shown.map_err(|fault| PostgresOpenError::of(url, fault))?;
        let (answered, shown) = (clock.ticks(), Timestamp::from_millis(shown));
        clock.compare(&DatabaseTime { asked, answered, shown });
    }
    Ok(())
}

/// What is the same for every opening of these tables; `None` where the user may not ask for it.
pub(super) async fn identity(db: &mut PgConnection, schema: &str) -> Option<String> {
    sqlx::query_scalar(IDENTITY).bind(schema).fetch_one(db).await.ok()
}

/// Version, and the settings that durability depends on.
pub(super) async fn described(connector: &Connector) -> Result<String, ConnectFault> {
    let mut db = connector.connect(DEADLINE).await?;
    let described = sqlx::query_scalar(DESCRIBED).fetch_one(&mut db).await?;
    db.close().await?;
    Ok(described)
}

/// Refuses a user who may not do everything with the tables.
pub(super) async fn check_rights(
    db: &mut PgConnection,
    schema: &str,
    url: &str,
) -> Result<(), PostgresOpenError> {
    let relations = created(&["CREATE TABLE", "CREATE VIEW"]);
    let missing = sqlx::query_scalar(MISSING_RIGHT).bind(schema).bind(relations).fetch_optional(db).await;
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
    connector: &Connector,
    url: &str,
) -> Result<(), PostgresOpenError> {
    let mut other = connect(connector, url).await?;
    let first = process(db, url).await?;
    let second = process(&mut other, url).await?;
    let again = process(db, url).await?;
    if first == second || first != again {
        return Err(PostgresOpenError::TransactionPooler { url: url.to_owned() });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_that_is_older_than_what_works_is_refused_with_its_version() {
        let facts = |number, version: &str| {
            let (version, encoding) = (version.to_owned(), "UTF8".to_owned());
            ServerFacts { number, version, encoding }.check("postgres://h/d")
        };
        let said = facts(130_022, "13.22 (Debian)").unwrap_err().to_string();
        assert!(said.contains("PostgreSQL 13.22") && said.contains("to 14 or later"), "{said}");
        assert!(facts(140_000, "14.0").is_ok());
    }
}
