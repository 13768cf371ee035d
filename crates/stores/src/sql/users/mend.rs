//! Mends a record that an operator or another program has spoiled.

use portcullis_core::email::Email;
use portcullis_core::id::{TenantId, UserKey};
use portcullis_core::mobile::Mobile;
use portcullis_core::password::PasswordHash;
use portcullis_core::store::{MendOutcome, RecordKind, StoreError, Stored, UnreadableRecord};
use portcullis_core::user::{User, UserCorrection};
use portcullis_core::username::Username;

use super::super::row::RecordRow;
use super::super::sessions::session;
use super::super::{Columns, SqlConnection, SqlResult};
use super::{FIND, Identifying, assignments, bound, described, of_tenant, user};

const MEND: &str = concat!(
    "UPDATE users SET id = $2, ",
    assignments!(),
    " WHERE tenant = $1 AND id = $23 AND NOT EXISTS (SELECT 1 FROM users WHERE tenant = $1 AND id <> $23 \
    AND (id = $2 OR email_canonical = $5 OR username_canonical = $7 OR mobile = $8))"
);

const FIND_SESSION: &str = "SELECT * FROM sessions WHERE tenant = $1 AND id = $2";
const DISCARD: &str = "DELETE FROM sessions WHERE tenant = $1 AND id = $2";

pub(crate) async fn mend(
    db: &mut impl SqlConnection,
    tenant: &TenantId,
    record: &UnreadableRecord,
    correction: &UserCorrection,
) -> SqlResult<MendOutcome> {
    match record.record {
        RecordKind::User => mend_user(db, tenant, &record.id, correction).await,
        RecordKind::Session => discard(db, tenant, &record.id, correction.gives_up).await,
    }
}

/// The user of a session that cannot be read signs in again.
async fn discard(
    db: &mut impl SqlConnection,
    tenant: &TenantId,
    id: &str,
    gives_up: bool,
) -> SqlResult<MendOutcome> {
    let keyed = |sql| of_tenant(sql, tenant).bind(id);
    let found = keyed(FIND_SESSION).fetch_optional(&mut *db).await?;
    let Some(Err(fault)) = found.map(|row| session(&row)) else { return Ok(MendOutcome::NothingToMend) };
    match fault {
        StoreError::Corrupt { field, .. } if !gives_up => Ok(MendOutcome::Unclear(vec![field])),
        _ => keyed(DISCARD).execute(db).await.map(|_| Ok(MendOutcome::Discarded))?,
    }
}

async fn mend_user(
    db: &mut impl SqlConnection,
    tenant: &TenantId,
    id: &str,
    correction: &UserCorrection,
) -> SqlResult<MendOutcome> {
    let Some(row) = of_tenant(FIND, tenant).bind(id).fetch_optional(&mut *db).await? else {
        return Ok(MendOutcome::NothingToMend);
    };
    if user(&row).is_ok_and(|user| user.unreadable.is_empty()) {
        return Ok(MendOutcome::NothingToMend);
    }
    let Some((user, lost)) = salvaged(&row, tenant, correction)? else {
        return Ok(MendOutcome::Unclear(vec!["email"]));
    };
    if !(lost.is_empty() || correction.gives_up) {
        return Ok(MendOutcome::Unclear(lost));
    }
    let user = Box::new(user.corrected(correction));
    let written = bound(MEND, &user).bind(id).execute(db).await?;
    Ok(if written == 0 { MendOutcome::Clash } else { MendOutcome::Mended { user, lost } })
}

/// What can be read of the user, and the columns that are lost; `None` without an address.
fn salvaged(
    row: &impl Columns,
    tenant: &TenantId,
    correction: &UserCorrection,
) -> Stored<Option<(User, Vec<&'static str>)>> {
    let (identifying, mut lost) = identifying(row, tenant, correction);
    let Some(identifying) = identifying else { return Ok(None) };
    let mut user = described(RecordRow::of("user", "id", row), identifying)?;
    user.password = user.password.filter(PasswordHash::is_readable);
    let proven = parsed_email(row, "email_canonical");
    user.email_verified &= proven.is_some_and(|proven| proven.canonical() == user.email.canonical());
    lost.extend(user.unreadable.drain(..).filter(|column| !correction.states(column)));
    Ok(Some((user, lost)))
}

/// What says who the user is, and the columns of it that are lost; `None` without an address. What a client typed
/// counts, and what it is looked up by is made of it anew; but where both can be read and differ, one of them may be
/// another user's, and the operator must say.
fn identifying(
    row: &impl Columns,
    tenant: &TenantId,
    correction: &UserCorrection,
) -> (Option<Identifying>, Vec<&'static str>) {
    let record = RecordRow::of("user", "id", row);
    let mut lost = Vec::new();
    let id = text(row, "id").and_then(|id| id.parse().ok()).unwrap_or_else(|| {
        lost.push("id");
        correction.id
    });
    let username = correction.username.clone().or_else(|| username_of(row, &mut lost));
    let mobile = correction.mobile.clone().or_else(|| mobile_of(row, &mut lost));
    let email = correction.email.clone().or_else(|| email_of(row, &mut lost));
    let key = UserKey { tenant: tenant.clone(), id };
    let version = record.count("version").unwrap_or_default();
    (email.map(|email| Identifying { key, email, username, mobile, version }), lost)
}

/// A text, or `None` if there is none or it cannot be read.
fn text<'r>(row: &'r impl Columns, column: &str) -> Option<&'r str> {
    row.text(column).ok().flatten()
}

fn email_of(row: &impl Columns, lost: &mut Vec<&'static str>) -> Option<Email> {
    let (typed, found_by) = (parsed_email(row, "email"), parsed_email(row, "email_canonical"));
    let differ = typed
        .as_ref()
        .zip(found_by.as_ref())
        .is_some_and(|(one, other)| one.canonical() != other.canonical());
    if typed.is_none() || differ {
        lost.push("email");
    }
    typed.or(found_by).filter(|_| !differ)
}

/// A name that is only in the column that users are looked up by is lost, too: its user does not sign in by it.
fn username_of(row: &impl Columns, lost: &mut Vec<&'static str>) -> Option<Username> {
    let parsed = |column| text(row, column).and_then(|text| Username::parse(text).ok());
    let (typed, found_by) = (parsed("username"), parsed("username_canonical"));
    let is_there = !matches!((row.text("username"), row.text("username_canonical")), (Ok(None), Ok(None)));
    let agreed = typed
        .filter(|typed| found_by.as_ref().is_none_or(|found_by| found_by.canonical() == typed.canonical()));
    if is_there && agreed.is_none() {
        lost.push("username");
    }
    agreed
}

fn parsed_email(row: &impl Columns, column: &str) -> Option<Email> {
    text(row, column).and_then(|text| Email::parse(text).ok())
}

fn mobile_of(row: &impl Columns, lost: &mut Vec<&'static str>) -> Option<Mobile> {
    let read = text(row, "mobile").and_then(|text| Mobile::parse(text).ok());
    if read.is_none() && !matches!(row.text("mobile"), Ok(None)) {
        lost.push("mobile");
    }
    read
}
