//! Sessions, and the tombstones that they leave.

mod columns;

use portcullis_core::clock::Timestamp;
use portcullis_core::id::{SessionId, SessionKey, UserKey};
use portcullis_core::session::{
    Ending, RECORD_RETENTION, RotationOutcome, RotationRequest, Session, SessionState,
};
use portcullis_core::store::{EndScope, Inserted, Page, SessionHandle};

use super::row::RecordRow;
use super::{
    SqlConnection, SqlResult, Statement, bytes, count, epochs, if_readable, inserted, millis, page_of,
};
pub(super) use columns::session;

const INSERT: &str = "INSERT INTO sessions (tenant, id, last_seen, idle_expires, rotation_generation, \
    rotation_issued, rotation_expires, rotation_kid, rotation_hash, previous_issued, previous_expires, \
    previous_hash, proof_hash, proof_shown, ended_at, ended_reason, late_generation, late_in_a_row, user_id, \
    strategy, device_name, address, user_agent, created, absolute_expires, epoch_user, epoch_tenant, \
    epoch_everyone, cookie_hash, gave_code) \
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, \
    $23, $24, $25, $26, $27, $28, $29, $30) ON CONFLICT DO NOTHING";
const ROTATE: &str = "UPDATE sessions SET last_seen = $3, idle_expires = $4, rotation_generation = $5, \
    rotation_issued = $6, rotation_expires = $7, rotation_kid = $8, rotation_hash = $9, previous_issued = $10, \
    previous_expires = $11, previous_hash = $12, proof_hash = $13, proof_shown = $14, ended_at = $15, \
    ended_reason = $16, late_generation = $17, late_in_a_row = $18 WHERE tenant = $1 AND id = $2";
const FIND: &str = "SELECT * FROM sessions WHERE tenant = $1 AND id = $2";
const FIND_BY_COOKIE: &str = "SELECT * FROM sessions WHERE tenant = $1 AND cookie_hash = $2";
const TOUCH: &str = "UPDATE sessions SET last_seen = $3, idle_expires = $4 WHERE tenant = $1 AND id = $2";
const RENAME: &str = "UPDATE sessions SET device_name = $3 WHERE tenant = $1 AND id = $2 \
    AND ended_at IS NULL AND idle_expires > $4 AND absolute_expires > $4";
const TAKE_OVER: &str = "UPDATE sessions SET epoch_user = $4 WHERE tenant = $1 AND user_id = $2 AND id = $3 \
    AND epoch_user = $4 - 1";
const END_ONE: &str = "UPDATE sessions SET ended_at = $1, ended_reason = $2 WHERE tenant = $3 AND id = $4 \
    AND ended_at IS NULL RETURNING id";
const END_OF_USER: &str = "UPDATE sessions SET ended_at = $1, ended_reason = $2 WHERE tenant = $3 AND user_id = $4 \
    AND ended_at IS NULL AND idle_expires > $1 AND absolute_expires > $1 RETURNING id";
const END_OTHERS: &str = "UPDATE sessions SET ended_at = $1, ended_reason = $2 WHERE tenant = $3 AND user_id = $4 \
    AND id <> $5 AND ended_at IS NULL AND idle_expires > $1 AND absolute_expires > $1 RETURNING id";
const END_STRATEGY: &str = "UPDATE sessions SET ended_at = $1, ended_reason = $2 WHERE tenant = $3 AND user_id = $4 \
    AND strategy = $5 AND ended_at IS NULL RETURNING id";
const END_OLDEST: &str = "UPDATE sessions SET ended_at = $1, ended_reason = $2 WHERE tenant = $3 AND user_id = $4 \
    AND ended_at IS NULL AND idle_expires > $1 AND absolute_expires > $1 AND id NOT IN (SELECT id FROM sessions \
    WHERE tenant = $3 AND user_id = $4 AND ended_at IS NULL AND idle_expires > $1 AND absolute_expires > $1 \
    ORDER BY id DESC LIMIT $5) RETURNING id";
const LIST: &str =
    "SELECT * FROM sessions WHERE tenant = $1 AND user_id = $2 AND id > $3 ORDER BY id LIMIT $4";
const PURGE: &str = "DELETE FROM sessions WHERE (tenant, id) IN (SELECT tenant, id FROM sessions \
    WHERE absolute_expires <= $1 OR (ended_at IS NULL AND idle_expires <= $1) LIMIT $2)";

pub(crate) async fn insert(db: &mut impl SqlConnection, session: &Session) -> SqlResult<Inserted> {
    let insert = columns::bind_sign_in(columns::bind_state(Statement::new(INSERT), session), session);
    Ok(inserted(insert.execute(db).await?))
}

pub(crate) async fn find(
    db: &mut impl SqlConnection,
    handle: &SessionHandle,
    now: Timestamp,
) -> SqlResult<Option<Session>> {
    let find = match handle {
        SessionHandle::Id(key) => Statement::keyed(FIND, &key.tenant, &key.id),
        SessionHandle::Cookie(cookie) => {
            Statement::new(FIND_BY_COOKIE).bind(cookie.tenant.as_str()).bind(bytes(Some(&cookie.hash)))
        }
    };
    let found = find.fetch_optional(db).await?.as_ref().map(session).transpose()?;
    Ok(found.map(|session| session.with_state_at(now)))
}

/// A retry that changes nothing writes nothing, so that no node is told of a change.
pub(crate) async fn rotate(
    db: &mut impl SqlConnection,
    key: &SessionKey,
    redemption: &RotationRequest,
) -> SqlResult<RotationOutcome> {
    let Some(stored) = find(&mut *db, &SessionHandle::Id(key.clone()), redemption.now).await? else {
        return Ok(RotationOutcome::Gone);
    };
    let rotated = stored.clone().rotate(redemption);
    if let Some(next) = rotated.written().filter(|next| **next != stored) {
        columns::bind_state(Statement::new(ROTATE), next).execute(db).await?;
    }
    Ok(rotated)
}

pub(crate) async fn touch(
    db: &mut impl SqlConnection,
    key: &SessionKey,
    seen: Timestamp,
    idle_expires: Option<Timestamp>,
) -> SqlResult<bool> {
    let found = find(&mut *db, &SessionHandle::Id(key.clone()), seen).await?;
    let Some(live) = found.filter(|session| session.state == SessionState::Live) else { return Ok(false) };
    let touched = live.touch(seen, idle_expires);
    let touch = Statement::keyed(TOUCH, &key.tenant, &key.id)
        .bind(touched.last_seen.as_millis())
        .bind(touched.idle_expires.as_millis());
    touch.execute(db).await?;
    Ok(true)
}

pub(crate) async fn rename(
    db: &mut impl SqlConnection,
    key: &SessionKey,
    name: &str,
    now: Timestamp,
) -> SqlResult<bool> {
    let rename = Statement::keyed(RENAME, &key.tenant, &key.id).bind(name).bind(now.as_millis());
    Ok(rename.execute(db).await? == 1)
}

/// Ends the sessions in the scope, and counts the user's epoch up if the scope says so.
pub(crate) async fn end(
    db: &mut impl SqlConnection,
    scope: &EndScope,
    ending: Ending,
) -> SqlResult<Vec<SessionId>> {
    let statement = match scope {
        EndScope::One(key) => ended(END_ONE, ending).bind(key.tenant.as_str()).bind(key.id.to_string()),
        EndScope::User(user) => {
            epochs::advance_user(&mut *db, user, ending).await?;
            ended_of(END_OF_USER, ending, user)
        }
        EndScope::UserExcept(user, kept) => {
            let epoch = epochs::advance_user(&mut *db, user, ending).await?;
            take_over(&mut *db, user, *kept, epoch).await?;
            ended_of(END_OTHERS, ending, user).bind(kept.to_string())
        }
        EndScope::UserStrategy(user, strategy) => {
            ended_of(END_STRATEGY, ending, user).bind(strategy.as_str())
        }
        EndScope::UserBeyond(user, newest) => ended_of(END_OLDEST, ending, user).bind(i64::from(*newest)),
    };
    let rows = statement.fetch_all(db).await?;
    // One that cannot be read has ended all the same.
    let ids = rows.iter().filter_map(|row| if_readable(RecordRow::of("session", "id", row).id("id")));
    let mut ids: Vec<SessionId> = ids.collect();
    ids.sort_unstable();
    Ok(ids)
}

/// Takes a session over into the user's new epoch. A session that an earlier epoch has ended must not come back.
async fn take_over(
    db: &mut impl SqlConnection,
    user: &UserKey,
    kept: SessionId,
    epoch: u64,
) -> SqlResult<()> {
    let take_over = Statement::keyed(TAKE_OVER, &user.tenant, &user.id);
    take_over.bind(kept.to_string()).bind(count(epoch)).execute(db).await?;
    Ok(())
}

pub(crate) async fn list(
    db: &mut impl SqlConnection,
    user: &UserKey,
    page: Page<SessionId>,
    now: Timestamp,
) -> SqlResult<Vec<Session>> {
    let after = page.after.map(|id| id.to_string()).unwrap_or_default();
    let list =
        |after: &str, limit: i64| Statement::keyed(LIST, &user.tenant, &user.id).bind(after).bind(limit);
    page_of(db, page.limit, after, list, |row| session(row).map(|session| session.with_state_at(now))).await
}

/// Removes sessions whose [`Session::kept_until`] has passed.
pub(crate) async fn purge(db: &mut impl SqlConnection, now: Timestamp, limit: u32) -> SqlResult<u64> {
    let over_before = now.minus(RECORD_RETENTION);
    let purge = Statement::new(PURGE).bind(over_before.as_millis()).bind(i64::from(limit));
    Ok(purge.execute(db).await?)
}

fn ended(statement: &'static str, ending: Ending) -> Statement {
    Statement::new(statement).bind(ending.at.as_millis()).bind(ending.reason.as_str())
}

fn ended_of(statement: &'static str, ending: Ending, user: &UserKey) -> Statement {
    ended(statement, ending).bind(user.tenant.as_str()).bind(user.id.to_string())
}
