//! Tickets: secrets that are sent and work once.

use std::time::Duration;

use portcullis_core::clock::Timestamp;
use portcullis_core::id::{QueuedMailId, UserKey};
use portcullis_core::key::Kid;
use portcullis_core::queued_mail::QueuedMail;
use portcullis_core::secret::SecretHash;
use portcullis_core::store::Stored;
use portcullis_core::ticket::{
    IssueOutcome, PresentedTicketSecret, RedeemOutcome, RedeemRequest, ReissueOutcome, Ticket, TicketKey,
    TicketPurpose, TicketSecret, TicketState,
};

use super::row::RecordRow;
use super::{Columns, SqlConnection, SqlResult, Statement, bytes, count, mail, millis};

const INSERT: &str = "INSERT INTO tickets (tenant, id, user_id, purpose, created, expires, secret_hash, device_hash, \
    epoch_user, epoch_tenant, epoch_everyone, wrong, last_wrong, state, kid, password_epoch) \
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)";
const FIND: &str = "SELECT * FROM tickets WHERE tenant = $1 AND id = $2";
const WRITE: &str = "UPDATE tickets SET secret_hash = $3, wrong = $4, last_wrong = $5, state = $6, kid = $7, \
    expires = $8 \
    WHERE tenant = $1 AND id = $2";
const OLDEST: &str = "SELECT created FROM tickets \
    WHERE tenant = $1 AND user_id = $2 AND purpose = $3 AND created > $4 ORDER BY created DESC LIMIT 1 OFFSET $5";
const CLOSE: &str = "UPDATE tickets SET state = 'closed' WHERE tenant = $1 AND id IN (SELECT id FROM tickets \
    WHERE tenant = $1 AND user_id = $2 AND purpose = $3 AND state = 'open' AND expires > $4 AND id <> $5 \
    ORDER BY created DESC, id DESC LIMIT $6 OFFSET $7)";
const WRONG: &str = "SELECT CAST(coalesce(sum(wrong), 0) AS BIGINT) AS wrong FROM tickets \
    WHERE tenant = $1 AND user_id = $2 AND purpose = $3 AND last_wrong > $4";
const PURGE: &str = "DELETE FROM tickets WHERE expires <= $2 AND (tenant, id) IN (SELECT tenant, id FROM tickets \
    WHERE purpose = $1 AND expires <= $2 LIMIT $3)";

/// Issues nothing if too many were issued lately.
pub(crate) async fn issue(
    db: &mut impl SqlConnection,
    ticket: &Ticket,
    queued: &QueuedMail,
) -> SqlResult<IssueOutcome> {
    db.lock_user(&user_of(ticket)).await?;
    if let Some(wait) = wait(db, ticket, ticket.created).await? {
        return Ok(IssueOutcome::TooMany { wait });
    }
    close_oldest(db, ticket, ticket.created).await?;
    insert(db, ticket).await?;
    mail::put(db, queued).await?;
    Ok(IssueOutcome::Done)
}

/// Decides and writes. The mail takes the place of older ones of the ticket, sent or not.
pub(crate) async fn reissue(
    db: &mut impl SqlConnection,
    key: &TicketKey,
    device: Option<SecretHash>,
    queued: &QueuedMail,
    now: Timestamp,
) -> SqlResult<ReissueOutcome> {
    let Some(stored) = find_locked(&mut *db, key).await? else { return Ok(ReissueOutcome::Gone) };
    let wrong_before = wrong_guesses(db, &stored, now).await?;
    let next = match stored.reissued(device.as_ref(), wrong_before, now) {
        Ok(next) => next,
        Err(refused) => return Ok(refused),
    };
    if let Some(wait) = wait(db, &next, now).await? {
        return Ok(ReissueOutcome::TooMany { wait });
    }
    close_oldest(db, &next, now).await?;
    write(db, &next).await?;
    insert(db, &next.counting_ticket(queued.id, now)).await?;
    mail::remove_of_ticket(db, key).await?;
    mail::put(db, queued).await?;
    Ok(ReissueOutcome::Done(next))
}

/// How long until another ticket may be issued like this one; `None` if one may be now.
async fn wait(db: &mut impl SqlConnection, like: &Ticket, now: Timestamp) -> SqlResult<Option<Duration>> {
    let limits = like.purpose.limits();
    let since = now.minus(limits.within).as_millis();
    let oldest = of_user(OLDEST, like).bind(since).bind(i64::from(limits.issued.saturating_sub(1)));
    let Some(oldest) = oldest.fetch_optional(db).await? else { return Ok(None) };
    let oldest = RecordRow::of("ticket", "created", &oldest).time("created")?;
    Ok(Some(limits.wait_since(oldest, now)))
}

/// Closes the user's oldest open tickets beyond the limit, to which this one counts.
async fn close_oldest(db: &mut impl SqlConnection, beside: &Ticket, now: Timestamp) -> SqlResult<()> {
    let left = beside.purpose.limits().open.saturating_sub(1);
    let close = of_user(CLOSE, beside).bind(now.as_millis()).bind(beside.key.id.to_string());
    close.bind(i64::from(u32::MAX)).bind(i64::from(left)).execute(db).await?;
    Ok(())
}

async fn insert(db: &mut impl SqlConnection, ticket: &Ticket) -> SqlResult<()> {
    let insert = Statement::keyed(INSERT, &ticket.key.tenant, &ticket.key.id)
        .bind(ticket.user.to_string())
        .bind(ticket.purpose.as_str())
        .bind(ticket.created.as_millis())
        .bind(ticket.expires.as_millis())
        .bind(bytes(hash(ticket)))
        .bind(bytes(ticket.device.as_ref()))
        .bind(count(ticket.epochs.user))
        .bind(count(ticket.epochs.tenant))
        .bind(count(ticket.epochs.everyone))
        .bind(i64::from(ticket.wrong))
        .bind(millis(ticket.last_wrong))
        .bind(ticket.state.as_str())
        .bind(kid(ticket))
        .bind(count(ticket.password_epoch));
    insert.execute(db).await?;
    Ok(())
}

pub(crate) async fn arm(
    db: &mut impl SqlConnection,
    key: &TicketKey,
    queued: QueuedMailId,
    secret: &TicketSecret,
    now: Timestamp,
) -> SqlResult<Option<Ticket>> {
    let found = find_locked(&mut *db, key).await?;
    if !mail::is_queued(db, &key.tenant, queued).await? {
        return Ok(None);
    }
    let armed = found.and_then(|ticket| ticket.armed(secret.clone(), now));
    if let Some(armed) = &armed {
        write(db, armed).await?;
    }
    Ok(armed)
}

/// Decides and writes. A guess that was turned away writes nothing.
pub(crate) async fn redeem(
    db: &mut impl SqlConnection,
    key: &TicketKey,
    purpose: TicketPurpose,
    secret: &PresentedTicketSecret,
    device: Option<SecretHash>,
    now: Timestamp,
) -> SqlResult<RedeemOutcome> {
    let found = find_locked(&mut *db, key).await?.filter(|ticket| ticket.purpose == purpose);
    let Some(stored) = found else { return Ok(RedeemOutcome::Gone) };
    let wrong_before = wrong_guesses(&mut *db, &stored, now).await?;
    let secret = secret.clone();
    let (redeemed, next) = stored.clone().redeem(&RedeemRequest { secret, device, now, wrong_before });
    if next != stored {
        write(db, &next).await?;
    }
    Ok(redeemed)
}

/// How many wrong guesses at the user's tickets of this purpose were made lately.
async fn wrong_guesses(db: &mut impl SqlConnection, ticket: &Ticket, now: Timestamp) -> SqlResult<u32> {
    let since = now.minus(ticket.purpose.limits().within).as_millis();
    let row = of_user(WRONG, ticket).bind(since).fetch_one(db).await?;
    Ok(RecordRow::of("tickets", "wrong", &row).number("wrong")?)
}

/// Removes tickets whose [`Ticket::kept_until`] has passed.
pub(crate) async fn purge(db: &mut impl SqlConnection, now: Timestamp, limit: u32) -> SqlResult<u64> {
    let mut removed = 0;
    for purpose in TicketPurpose::ALL {
        let over_before = now.minus(purpose.limits().within).as_millis();
        let left = i64::from(limit).saturating_sub_unsigned(removed);
        let purge = Statement::new(PURGE).bind(purpose.as_str()).bind(over_before).bind(left);
        removed += purge.execute(&mut *db).await?;
    }
    Ok(removed)
}

pub(crate) async fn find(db: &mut impl SqlConnection, key: &TicketKey) -> SqlResult<Option<Ticket>> {
    let row = Statement::keyed(FIND, &key.tenant, &key.id).fetch_optional(db).await?;
    Ok(row.as_ref().map(ticket).transpose()?)
}

/// The ticket, with every other step of its user kept out.
async fn find_locked(db: &mut impl SqlConnection, key: &TicketKey) -> SqlResult<Option<Ticket>> {
    let Some(found) = find(&mut *db, key).await? else { return Ok(None) };
    if db.lock_user(&user_of(&found)).await? { find(db, key).await } else { Ok(Some(found)) }
}

fn user_of(ticket: &Ticket) -> UserKey {
    UserKey { tenant: ticket.key.tenant.clone(), id: ticket.user }
}

async fn write(db: &mut impl SqlConnection, ticket: &Ticket) -> SqlResult<()> {
    let write = Statement::keyed(WRITE, &ticket.key.tenant, &ticket.key.id)
        .bind(bytes(hash(ticket)))
        .bind(i64::from(ticket.wrong));
    let write = write.bind(millis(ticket.last_wrong)).bind(ticket.state.as_str()).bind(kid(ticket));
    write.bind(ticket.expires.as_millis()).execute(db).await?;
    Ok(())
}

fn hash(ticket: &Ticket) -> Option<&SecretHash> {
    ticket.secret.as_ref().map(|secret| &secret.hash)
}

fn kid(ticket: &Ticket) -> Option<&str> {
    ticket.secret.as_ref()?.kid.as_ref().map(Kid::as_str)
}

fn of_user(statement: &'static str, ticket: &Ticket) -> Statement {
    let user = Statement::keyed(statement, &ticket.key.tenant, &ticket.user);
    user.bind(ticket.purpose.as_str())
}

fn ticket(row: &impl Columns) -> Stored<Ticket> {
    let row = RecordRow::of("ticket", "id", row);
    Ok(Ticket {
        key: TicketKey { tenant: row.word("tenant")?, id: row.word("id")? },
        user: row.word("user_id")?,
        purpose: row.word("purpose")?,
        created: row.time("created")?,
        expires: row.time("expires")?,
        secret: secret(row)?,
        device: row.optional_hash("device_hash")?,
        epochs: row.epochs()?,
        password_epoch: row.count("password_epoch")?,
        wrong: row.number("wrong")?,
        last_wrong: row.optional_time("last_wrong")?,
        state: row.read("state", |text| TicketState::ALL.into_iter().find(|state| state.as_str() == text))?,
    })
}

fn secret(row: RecordRow<'_>) -> Stored<Option<TicketSecret>> {
    let Some(hash) = row.optional_hash("secret_hash")? else { return Ok(None) };
    Ok(Some(TicketSecret { hash, kid: row.optional_word("kid")? }))
}
