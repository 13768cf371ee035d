//! Queued mail.

use portcullis_core::clock::Timestamp;
use portcullis_core::id::{QueuedMailId, TenantId, UserKey};
use portcullis_core::queued_mail::{CLAIM_LEASE, KEPT_PAST_EXPIRY, QueuedMail};
use portcullis_core::store::Stored;
use portcullis_core::ticket::TicketKey;
use tracing::warn;

use super::row::RecordRow;
use super::{Columns, SqlConnection, SqlResult, Statement, millis};

const PUT: &str = "INSERT INTO mail (tenant, id, user_id, about, ticket, device_name, address, created, expires, due, \
    tries) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) ON CONFLICT DO NOTHING";
macro_rules! claim {
    ($($and:literal)?) => {
        concat!(
            "WITH claimed AS (SELECT tenant, id FROM mail WHERE due <= $1 AND expires > $1 ORDER BY due, id LIMIT $3",
            $($and,)?
            ") UPDATE mail SET was_due = due, due = $2, tries = tries + 1 \
            WHERE (tenant, id) IN (SELECT tenant, id FROM claimed) RETURNING *"
        )
    };
}
const CLAIM: &str = claim!();
const CLAIM_UNLOCKED: &str = claim!(" FOR UPDATE SKIP LOCKED");
const PUT_OFF: &str = "UPDATE mail SET due = $3 WHERE tenant = $1 AND id = $2";
const DONE: &str = "DELETE FROM mail WHERE tenant = $1 AND id = $2";
const REMOVE_OF_TICKET: &str = "DELETE FROM mail WHERE tenant = $1 AND ticket = $2";
const IS_QUEUED: &str = "SELECT 1 AS queued FROM mail WHERE tenant = $1 AND id = $2";
const WAITING: &str = "SELECT count(*) AS waiting FROM mail WHERE expires > $1";
const PURGE: &str =
    "DELETE FROM mail WHERE (tenant, id) IN (SELECT tenant, id FROM mail WHERE expires <= $1 LIMIT $2)";

pub(crate) async fn put(db: &mut impl SqlConnection, mail: &QueuedMail) -> SqlResult<()> {
    let put = Statement::keyed(PUT, &mail.user.tenant, &mail.id)
        .bind(mail.user.id.to_string())
        .bind(mail.kind.as_str())
        .bind(mail.ticket.map(|id| id.to_string()))
        .bind(mail.device.as_str())
        .bind(mail.address.as_str())
        .bind(mail.created.as_millis())
        .bind(mail.expires.as_millis())
        .bind(mail.due.as_millis())
        .bind(i64::from(mail.tries));
    put.execute(db).await?;
    Ok(())
}

/// Claims the mails that are due, the longest due first. A row that cannot be read is claimed as well, so that it does
/// not hold up the others.
pub(crate) async fn claim<C: SqlConnection>(
    db: &mut C,
    now: Timestamp,
    limit: u32,
) -> SqlResult<Vec<QueuedMail>> {
    let claim = if C::LOCKS_ROWS { CLAIM_UNLOCKED } else { CLAIM };
    let claim = Statement::new(claim).bind(now.as_millis()).bind(now.plus(CLAIM_LEASE).as_millis());
    let rows = claim.bind(i64::from(limit)).fetch_all(db).await?;
    let mut claimed: Vec<_> = rows.iter().filter_map(readable).collect();
    // An update returns its rows in any order.
    claimed.sort_by_key(|(was_due, mail)| (*was_due, mail.id));
    Ok(claimed.into_iter().map(|(_, mail)| mail).collect())
}

pub(crate) async fn put_off(
    db: &mut impl SqlConnection,
    tenant: &TenantId,
    id: QueuedMailId,
    due: Timestamp,
) -> SqlResult<bool> {
    let put_off = Statement::keyed(PUT_OFF, tenant, &id).bind(due.as_millis());
    Ok(put_off.execute(db).await? == 1)
}

pub(crate) async fn done(
    db: &mut impl SqlConnection,
    tenant: &TenantId,
    id: QueuedMailId,
) -> SqlResult<bool> {
    Ok(Statement::keyed(DONE, tenant, &id).execute(db).await? == 1)
}

pub(crate) async fn remove_of_ticket(db: &mut impl SqlConnection, ticket: &TicketKey) -> SqlResult<()> {
    Statement::keyed(REMOVE_OF_TICKET, &ticket.tenant, &ticket.id).execute(db).await?;
    Ok(())
}

pub(crate) async fn is_queued(
    db: &mut impl SqlConnection,
    tenant: &TenantId,
    id: QueuedMailId,
) -> SqlResult<bool> {
    Ok(Statement::keyed(IS_QUEUED, tenant, &id).fetch_optional(db).await?.is_some())
}

pub(crate) async fn waiting(db: &mut impl SqlConnection, now: Timestamp) -> SqlResult<u64> {
    let row = Statement::new(WAITING).bind(now.as_millis()).fetch_one(db).await?;
    Ok(RecordRow::of("mail queue", "waiting", &row).count("waiting")?)
}

pub(crate) async fn purge(db: &mut impl SqlConnection, now: Timestamp, limit: u32) -> SqlResult<u64> {
    let expired_by = now.minus(KEPT_PAST_EXPIRY).as_millis();
    Ok(Statement::new(PURGE).bind(expired_by).bind(i64::from(limit)).execute(db).await?)
}

fn readable(row: &impl Columns) -> Option<(Option<i64>, QueuedMail)> {
    match claimed(row) {
        Ok(claimed) => Some(claimed),
        Err(fault) => {
            warn!(%fault, "a queued mail cannot be read");
            None
        }
    }
}

/// A mail, and when it was due before it was claimed.
fn claimed(row: &impl Columns) -> Stored<(Option<i64>, QueuedMail)> {
    let row = RecordRow::of("mail", "id", row);
    let mail = QueuedMail {
        id: row.word("id")?,
        user: UserKey { tenant: row.word("tenant")?, id: row.word("user_id")? },
        kind: row.word("about")?,
        ticket: row.optional_word("ticket")?,
        device: row.text("device_name")?,
        address: row.text("address")?,
        created: row.time("created")?,
        expires: row.time("expires")?,
        due: row.time("due")?,
        tries: row.number("tries")?,
    };
    Ok((millis(row.optional_time("was_due")?), mail))
}
