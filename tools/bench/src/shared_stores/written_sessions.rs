//! Copies of one session, written straight into a store: each has a user of its own. A million sign-ins would take
//! hours.
//!
//! The copies are what the server would have written, but for ids and addresses: rows are copied by the database, and
//! records of Redis byte by byte. The nodes must not run meanwhile, for a database is not told to announce what is
//! written here.

use std::net::SocketAddr;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use redis::{Client, Commands as _, Connection};
use rusqlite::params;
use sqlx::{AssertSqlSafe, Connection as _, Executor as _, PgConnection};
use uuid::Uuid;

use super::kinds::PlacedStores;
use super::session_ids::WrittenSession;
use super::template::TemplateSession;
use crate::error::BenchError;

/// How many copies one round trip to Redis writes.
const AT_ONCE: usize = 1_000;
/// SQLite waits for no disk, and keeps all pages: the ids go all over the indexes.
const IN_MEMORY: &str = "PRAGMA synchronous = OFF; PRAGMA cache_size = -4000000; PRAGMA temp_store = MEMORY";
/// Length of an id in a record of Redis.
const SHORT: usize = 22;

/// Writes users and sessions, and waits until all is where the store keeps it.
///
/// # Errors
/// [`BenchError`]
pub(super) async fn write(
    stores: &PlacedStores,
    redis: SocketAddr,
    template: &TemplateSession,
    sessions: &[WrittenSession],
) -> Result<(), BenchError> {
    let tables: &[CopiedTable] = if stores.kind.on_redis {
        &[CopiedTable::USERS]
    } else {
        &[CopiedTable::USERS, CopiedTable::SESSIONS]
    };
    if stores.kind.on_postgres {
        into_postgres(&stores.database, tables, template, sessions).await?;
    } else {
        into_sqlite(stores, tables, template, sessions)?;
    }
    if stores.kind.on_redis {
        into_redis(&stores.prefix(), redis, template, sessions)?;
    }
    Ok(())
}

/// A table, and what is not the same in copies of its rows.
struct CopiedTable {
    name: &'static str,
    changed: &'static [(&'static str, &'static str)],
}

impl CopiedTable {
    const USERS: Self = Self {
        name: "users",
        changed: &[
            ("id", "written.user_id"),
            ("email", "written.user_id || '@bench.example'"),
            ("email_canonical", "written.user_id || '@bench.example'"),
            ("search", "written.user_id || '@bench.example'"),
        ],
    };
    const SESSIONS: Self =
        Self { name: "sessions", changed: &[("id", "written.session_id"), ("user_id", "written.user_id")] };

    /// The statement that copies the row of the template.
    fn copy(&self, columns: &[String], template: &TemplateSession) -> String {
        let value = |column: &String| {
            let changed = self.changed.iter().find(|(name, _)| name == column);
            changed.map_or_else(|| format!("template.{column}"), |(_, value)| (*value).to_owned())
        };
        let values = columns.iter().map(value).collect::<Vec<_>>().join(", ");
        let (name, columns) = (self.name, columns.join(", "));
        let id = if name == "users" { template.user } else { template.session };
        format!(
            "INSERT INTO {name} ({columns}) SELECT {values} FROM {name} AS template CROSS JOIN written \
            WHERE template.id = '{id}'"
        )
    }
}

/// A row of `COPY`.
fn line(one: &WrittenSession) -> [String; 4] {
    [one.user.to_string(), "\t".to_owned(), one.session.to_string(), "\n".to_owned()]
}

async fn into_postgres(
    url: &str,
    tables: &[CopiedTable],
    template: &TemplateSession,
    sessions: &[WrittenSession],
) -> Result<(), BenchError> {
    let mut db = PgConnection::connect(url).await?;
    // No trigger announces or counts a copy, and the disk is waited for at the end.
    db.execute("SET session_replication_role = replica; SET synchronous_commit = off").await?;
    db.execute("CREATE TEMP TABLE written (user_id TEXT, session_id TEXT)").await?;
    let mut rows = db.copy_in_raw("COPY written FROM STDIN").await?;
    for few in sessions.chunks(AT_ONCE) {
        let lines: String = few.iter().flat_map(line).collect();
        rows.send(lines.into_bytes()).await?;
    }
    rows.finish().await?;
    for table in tables {
        let columns = sqlx::query_scalar(
            "SELECT column_name::TEXT FROM information_schema.columns WHERE table_schema = 'public' AND table_name = $1",
        );
        let columns: Vec<String> = columns.bind(table.name).fetch_all(&mut db).await?;
        db.execute(AssertSqlSafe(table.copy(&columns, template))).await?;
        db.execute(AssertSqlSafe(format!("VACUUM ANALYZE {}", table.name))).await?;
    }
    db.execute("CHECKPOINT").await?;
    Ok(db.close().await?)
}

fn into_sqlite(
    stores: &PlacedStores,
    tables: &[CopiedTable],
    template: &TemplateSession,
    sessions: &[WrittenSession],
) -> Result<(), BenchError> {
    let mut db = rusqlite::Connection::open(stores.file())?;
    db.execute_batch(IN_MEMORY)?;
    db.execute_batch("CREATE TEMP TABLE written (user_id TEXT, session_id TEXT)")?;
    let step = db.transaction()?;
    {
        let mut insert = step.prepare("INSERT INTO written VALUES (?1, ?2)")?;
        for one in sessions {
            insert.execute(params![one.user.to_string(), one.session.to_string()])?;
        }
        for table in tables {
            let mut columns = step.prepare("SELECT name FROM pragma_table_info(?1)")?;
            let columns = columns.query_map([table.name], |row| row.get::<_, String>(0))?;
            let columns = columns.collect::<Result<Vec<_>, _>>()?;
            step.execute_batch(&table.copy(&columns, template))?;
        }
        // Nodes that start know nothing yet: what triggers have noted is no news to them. The last note says how far.
        step.execute_batch("DELETE FROM changes WHERE seq < (SELECT max(seq) FROM changes)")?;
    }
    step.commit()?;
    db.execute_batch("PRAGMA wal_checkpoint(TRUNCATE)")?;
    Ok(db.close().map_err(|(_, fault)| fault)?)
}

/// The records of the template: what a check reads, and the pieces of what each use changes.
struct RedisTemplate {
    checked: Vec<u8>,
    pieces: Vec<(Vec<u8>, Vec<u8>)>,
    /// Milliseconds to live.
    lives: i64,
}

impl RedisTemplate {
    fn read(db: &mut Connection, prefix: &str, template: &TemplateSession) -> Result<Self, BenchError> {
        let id = short(template.session);
        let mut found = |pattern: String| -> Result<Vec<u8>, BenchError> {
            let missing = || BenchError::Written(format!("Redis has no key {pattern}"));
            db.scan_match(&pattern)?.next().transpose()?.ok_or_else(missing)
        };
        let session = found(format!("{prefix}s:*:{id}"))?;
        let user = found(format!("{prefix}u:*:{}", short(template.user)))?;
        let fields: Vec<(Vec<u8>, Vec<u8>)> = db.hgetall(&user)?;
        let ours = fields.into_iter().filter_map(|(field, value)| {
            let suffix = field.strip_prefix(id.as_bytes())?.to_vec();
            Some((suffix, value))
        });
        Ok(Self { pieces: ours.collect(), checked: db.get(&session)?, lives: db.pttl(&session)? })
    }
}

fn into_redis(
    prefix: &str,
    redis: SocketAddr,
    template: &TemplateSession,
    sessions: &[WrittenSession],
) -> Result<(), BenchError> {
    let mut db = Client::open(format!("redis://{redis}"))?.get_connection()?;
    let template = RedisTemplate::read(&mut db, prefix, template)?;
    for few in sessions.chunks(AT_ONCE) {
        let mut pipe = redis::pipe();
        for WrittenSession { user, session, bucket } in few {
            let (user, session) = (short(*user), short(*session));
            let of_session = format!("{prefix}s:{{default:{bucket:03x}}}:{session}");
            let of_user = format!("{prefix}u:{{default:{bucket:03x}}}:{user}");
            let rest = template.checked.get(SHORT..).unwrap_or_default();
            let checked = [user.as_bytes(), rest].concat();
            pipe.cmd("SET").arg(of_session).arg(checked).arg("PX").arg(template.lives).ignore();
            // One by one, as the server does: the memory that it takes depends on it.
            for (suffix, piece) in &template.pieces {
                let field = [session.as_bytes(), suffix].concat();
                pipe.hset(&of_user, field, piece).ignore();
            }
            pipe.pexpire(&of_user, template.lives).ignore();
        }
        pipe.query::<()>(&mut db)?;
    }
    Ok(())
}

/// An id as it is in the keys of Redis.
fn short(id: Uuid) -> String {
    URL_SAFE_NO_PAD.encode(id.as_bytes())
}
