//! Password attempts.

use portcullis_core::clock::Timestamp;
use portcullis_core::id::UserKey;
use portcullis_core::lockout::{
    self, AttemptEffect, AttemptKey, AttemptOutcome, AttemptPermit, AttemptRecord, LockoutLimits,
};
use portcullis_core::store::Stored;

use super::row::RecordRow;
use super::{Columns, SqlConnection, SqlResult, Statement, bytes, millis};

const FIND: &str = "SELECT * FROM guesses WHERE tenant = $1 AND user_id = $2 AND device = $3";
const WRITE: &str = "INSERT INTO guesses (tenant, user_id, device, in_row, in_round, locked_until, in_lock, pending, \
    changed) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT (tenant, user_id, device) DO UPDATE \
    SET in_row = excluded.in_row, in_round = excluded.in_round, locked_until = excluded.locked_until, \
    in_lock = excluded.in_lock, pending = excluded.pending, changed = excluded.changed";
const REMOVE: &str = "DELETE FROM guesses WHERE tenant = $1 AND user_id = $2 AND device = $3";
const CLEAR: &str = "DELETE FROM guesses WHERE tenant = $1 AND user_id = $2";
const PURGE: &str = "DELETE FROM guesses WHERE changed <= $1 AND (tenant, user_id, device) IN \
    (SELECT tenant, user_id, device FROM guesses WHERE changed <= $1 LIMIT $2)";

/// An attempt that is turned away writes nothing, so that a client that makes a million of them costs no disk.
pub(crate) async fn reserve(
    db: &mut impl SqlConnection,
    key: &AttemptKey,
    limits: &LockoutLimits,
    now: Timestamp,
) -> SqlResult<AttemptPermit> {
    db.lock_user(&key.user).await?;
    let stored = find(&mut *db, key).await?;
    let (permit, next) = stored.clone().reserve(now, limits);
    if next != stored {
        write(db, key, &next, now).await?;
    }
    Ok(permit)
}

pub(crate) async fn settle(
    db: &mut impl SqlConnection,
    key: &AttemptKey,
    permit: AttemptPermit,
    outcome: AttemptOutcome,
    limits: &LockoutLimits,
    now: Timestamp,
) -> SqlResult<AttemptEffect> {
    db.lock_user(&key.user).await?;
    let stored = find(&mut *db, key).await?;
    let (settled, next) = stored.settle(permit, outcome, now, limits);
    if next.is_empty() {
        keyed(REMOVE, key).execute(db).await?;
    } else {
        write(db, key, &next, now).await?;
    }
    Ok(settled)
}

pub(crate) async fn find(db: &mut impl SqlConnection, key: &AttemptKey) -> SqlResult<AttemptRecord> {
    let row = keyed(FIND, key).fetch_optional(db).await?;
    Ok(row.as_ref().map(record).transpose()?.unwrap_or_default())
}

pub(crate) async fn clear(db: &mut impl SqlConnection, user: &UserKey) -> SqlResult<()> {
    db.lock_user(user).await?;
    Statement::keyed(CLEAR, &user.tenant, &user.id).execute(db).await?;
    Ok(())
}

pub(crate) async fn purge(db: &mut impl SqlConnection, now: Timestamp, limit: u32) -> SqlResult<u64> {
    let untouched_since = now.minus(lockout::ATTEMPT_RETENTION).as_millis();
    let purge = Statement::new(PURGE).bind(untouched_since).bind(i64::from(limit));
    Ok(purge.execute(db).await?)
}

async fn write(
    db: &mut impl SqlConnection,
    key: &AttemptKey,
    record: &AttemptRecord,
    now: Timestamp,
) -> SqlResult<()> {
    let pending: Vec<i64> = record.pending.iter().map(|reserved| reserved.as_millis()).collect();
    let write = keyed(WRITE, key)
        .bind(i64::from(record.failures))
        .bind(i64::from(record.failures_since_unlock))
        .bind(millis(record.locked_until))
        .bind(i64::from(record.attempts_while_locked))
        .bind(serde_json::json!(pending).to_string())
        .bind(now.as_millis());
    write.execute(db).await?;
    Ok(())
}

fn keyed(statement: &'static str, key: &AttemptKey) -> Statement {
    let user = Statement::keyed(statement, &key.user.tenant, &key.user.id);
    user.bind(bytes(key.device.as_ref()).unwrap_or_default())
}

fn record(row: &impl Columns) -> Stored<AttemptRecord> {
    let row = RecordRow::of("guesses of user", "user_id", row);
    Ok(AttemptRecord {
        failures: row.number("in_row")?,
        failures_since_unlock: row.number("in_round")?,
        locked_until: row.optional_time("locked_until")?,
        attempts_while_locked: row.number("in_lock")?,
        pending: row.read("pending", pending)?,
    })
}

fn pending(json: &str) -> Option<Vec<Timestamp>> {
    let times: Vec<i64> = serde_json::from_str(json).ok()?;
    Some(times.into_iter().map(Timestamp::from_millis).collect())
}
