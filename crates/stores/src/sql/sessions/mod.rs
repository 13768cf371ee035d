//! Sessions, and the tombstones that they leave.

mod columns;

use portcullis_core::clock::Timestamp;
use portcullis_core::id::{SessionId, SessionKey, UserKey};
use portcullis_core::session::{Ending, RECORD_RETENTION, Session};
use portcullis_core::store::{EndScope, Inserted, Page, SessionHandle, Updated, UserVersions};

use super::row::RecordRow;
use super::{
    SqlConnection, SqlResult, Statement, bytes, count, epochs, if_readable, inserted, millis, page_of,
    updated,
};
pub(super) use columns::session;

const INSERT: &str = "INSERT INTO sessions (tenant, id, last_seen, idle_expires, rotation_generation, \
    rotation_issued, rotation_expires, rotation_kid, rotation_hash, previous_issued, previous_expires, \
    previous_hash, proof_hash, proof_shown, ended_at, ended_reason, late_generation, late_in_a_row, version, user_id, \
    strategy, device_name, address, user_agent, created, absolute_expires, epoch_user, epoch_tenant, \
    epoch_everyone, cookie_hash, gave_code, password_epoch) \
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, \
    $23, $24, $25, $26, $27, $28, $29, $30, $31, $32) ON CONFLICT DO NOTHING";
macro_rules! update {
    ($($and:literal),*) => {
        concat!(
            "UPDATE sessions SET last_seen = $3, idle_expires = $4, rotation_generation = $5, \
            rotation_issued = $6, rotation_expires = $7, rotation_kid = $8, rotation_hash = $9, \
            previous_issued = $10, previous_expires = $11, previous_hash = $12, proof_hash = $13, \
            proof_shown = $14, ended_at = $15, ended_reason = $16, late_generation = $17, late_in_a_row = $18, \
            version = $19 WHERE tenant = $1 AND id = $2 AND version = $19 - 1 AND ended_at IS NULL",
            $($and),*
        )
    };
}
const UPDATE: &str = update!();
const UPDATE_OF_USER: &str = update!(
    " AND (SELECT version FROM users WHERE tenant = $1 AND id = $20) = $21",
    " AND coalesce((SELECT epoch FROM epochs WHERE scope = 'user' AND tenant = $1 AND id = $20), 0) = $22",
    " AND coalesce((SELECT epoch FROM epochs WHERE scope = 'tenant' AND tenant = $1 AND id = ''), 0) = $23",
    " AND coalesce((SELECT epoch FROM epochs WHERE scope = 'everyone' AND tenant = '' AND id = ''), 0) = $24"
);
const FIND: &str = "SELECT * FROM sessions WHERE tenant = $1 AND id = $2";
const FIND_BY_COOKIE: &str = "SELECT * FROM sessions WHERE tenant = $1 AND cookie_hash = $2";
const RENAME: &str = "UPDATE sessions SET device_name = $3, version = version + 1 WHERE tenant = $1 AND id = $2 \
    AND ended_at IS NULL AND idle_expires > $4 AND absolute_expires > $4";
const TAKE_OVER: &str = "UPDATE sessions SET epoch_user = $4, version = version + 1 WHERE tenant = $1 AND user_id = $2 \
    AND id = $3 AND epoch_user = $4 - 1";
const END_ONE: &str = "UPDATE sessions SET ended_at = $1, ended_reason = $2, version = version + 1 WHERE tenant = $3 AND id = $4 \
    AND ended_at IS NULL RETURNING id";
const END_OF_USER: &str = "UPDATE sessions SET ended_at = $1, ended_reason = $2, version = version + 1 WHERE tenant = $3 AND user_id = $4 \
    AND ended_at IS NULL AND idle_expires > $1 AND absolute_expires > $1 RETURNING id";
const END_OTHERS: &str = "UPDATE sessions SET ended_at = $1, ended_reason = $2, version = version + 1 WHERE tenant = $3 AND user_id = $4 \
    AND id <> $5 AND ended_at IS NULL AND idle_expires > $1 AND absolute_expires > $1 RETURNING id";
const END_STRATEGY: &str = "UPDATE sessions SET ended_at = $1, ended_reason = $2, version = version + 1 WHERE tenant = $3 AND user_id = $4 \
    AND strategy = $5 AND ended_at IS NULL RETURNING id";
const END_OLDEST: &str = "UPDATE sessions SET ended_at = $1, ended_reason = $2, version = version + 1 WHERE tenant = $3 AND user_id = $4 \
    AND ended_at IS NULL AND idle_expires > $1 AND absolute_expires > $1 AND id NOT IN (SELECT id FROM sessions \
    WHERE tenant = $3 AND user_id = $4 AND ended_at IS NULL AND idle_expires > $1 AND absolute_expires > $1 \
    ORDER BY id DESC LIMIT $5) RETURNING id";
const LIST: &str =
    "SELECT * FROM sessions WHERE tenant = $1 AND user_id = $2 AND id > $3 ORDER BY id LIMIT $4";
const PURGE: &str = "DELETE FROM sessions WHERE (absolute_expires <= $1 OR (ended_at IS NULL AND idle_expires <= $1)) \
    AND (tenant, id) IN (SELECT tenant, id FROM sessions \
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

pub(crate) async fn update(
    db: &mut impl SqlConnection,
    session: &Session,
    user: Option<UserVersions>,
) -> SqlResult<Updated> {
    let update = |text| columns::bind_state(Statement::new(text), session);
    let update = match user {
        None => update(UPDATE),
        Some(UserVersions { user, epochs }) => update(UPDATE_OF_USER)
            .bind(session.user.to_string())
            .bind(count(user))
            .bind(count(epochs.user))
            .bind(count(epochs.tenant))
            .bind(count(epochs.everyone)),
    };
    Ok(updated(update.execute(db).await?))
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
    if let Some(user) = scope.user() {
        db.lock_user(user).await?;
    }
    let statement = match scope {
        EndScope::One(key) => ended(END_ONE, ending).bind(key.tenant.as_str()).bind(key.id.to_string()),
        EndScope::User(user) => {
            epochs::advance_user(&mut *db, user, None, ending).await?;
            ended_of(END_OF_USER, ending, user)
        }
        EndScope::UserExcept(user, kept) => {
            let epoch = epochs::advance_user(&mut *db, user, Some(*kept), ending).await?;
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
