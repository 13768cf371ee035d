//! Messages that wait to be sent.

use portcullis_core::clock::Timestamp;
use portcullis_core::id::{QueuedMailId, TenantId, UserKey};
use portcullis_core::queued_mail::{CLAIM_LEASE, QueuedMail};
use portcullis_core::store::Stored;
use tracing::warn;

use super::row::{DatabaseRow, Row};
use super::{Connection, Statement, Step, millis};

const PUT: &str = "INSERT INTO mail (tenant, id, user_id, about, ticket, device_name, address, created, expires, due, \
    tries) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) ON CONFLICT DO NOTHING";
const DUE: &str = "UPDATE mail SET was_due = due, due = $2, tries = tries + 1 WHERE (tenant, id) IN \
    (SELECT tenant, id FROM mail WHERE due <= $1 ORDER BY due, id LIMIT $3) RETURNING *";
const PUT_OFF: &str = "UPDATE mail SET due = $3 WHERE tenant = $1 AND id = $2";
const DONE: &str = "DELETE FROM mail WHERE tenant = $1 AND id = $2";
const WAITING: &str = "SELECT count(*) FROM mail";

pub(crate) async fn put(db: &mut Connection, mailing: &QueuedMail) -> Step<()> {
    let put = keyed(PUT, &mailing.user.tenant, mailing.id)
        .bind(mailing.user.id.to_string())
        .bind(mailing.kind.as_str())
        .bind(mailing.ticket.map(|id| id.to_string()))
        .bind(mailing.device.as_str())
        .bind(mailing.address.as_str())
        .bind(mailing.created.as_millis())
        .bind(mailing.expires.as_millis())
        .bind(mailing.due.as_millis())
        .bind(i64::from(mailing.tries));
    put.execute(db).await?;
    Ok(())
}

/// Those that are due, the longest due first. One that makes no sense is claimed all the same, so that it does not keep
/// everybody else's from being sent.
pub(crate) async fn claim(db: &mut Connection, now: Timestamp, limit: u32) -> Step<Vec<QueuedMail>> {
    let claim = sqlx::query(DUE).bind(now.as_millis()).bind(now.plus(CLAIM_LEASE).as_millis());
    let rows = claim.bind(i64::from(limit)).fetch_all(db).await?;
    let mut claimed: Vec<_> = rows.iter().filter_map(readable).collect();
    // What is returned by an update comes in any order.
    claimed.sort_by_key(|(was_due, mailing)| (*was_due, mailing.id));
    Ok(claimed.into_iter().map(|(_, mailing)| mailing).collect())
}

pub(crate) async fn put_off(
    db: &mut Connection,
    tenant: &TenantId,
    id: QueuedMailId,
    due: Timestamp,
) -> Step<bool> {
    let put_off = keyed(PUT_OFF, tenant, id).bind(due.as_millis());
    Ok(put_off.execute(db).await?.rows_affected() == 1)
}

pub(crate) async fn done(db: &mut Connection, tenant: &TenantId, id: QueuedMailId) -> Step<bool> {
    Ok(keyed(DONE, tenant, id).execute(db).await?.rows_affected() == 1)
}

pub(crate) async fn waiting(db: &mut Connection) -> Step<u64> {
    let waiting: i64 = sqlx::query_scalar(WAITING).fetch_one(db).await?;
    Ok(u64::try_from(waiting).unwrap_or_default())
}

fn keyed<'q>(statement: &'static str, tenant: &'q TenantId, id: QueuedMailId) -> Statement<'q> {
    sqlx::query(statement).bind(tenant.as_str()).bind(id.to_string())
}

fn readable(row: &DatabaseRow) -> Option<(Option<i64>, QueuedMail)> {
    match claimed(row) {
        Ok(claimed) => Some(claimed),
        Err(fault) => {
            warn!(%fault, "a message that waits cannot be sent");
            None
        }
    }
}

/// A message, and when it was due before it was claimed.
fn claimed(row: &DatabaseRow) -> Stored<(Option<i64>, QueuedMail)> {
    let row = Row::of("message", "id", row);
    let mailing = QueuedMail {
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
    Ok((millis(row.optional_time("was_due")?), mailing))
}
