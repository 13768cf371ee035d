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
    " WHERE tenant = $1 AND id = $21 AND NOT EXISTS (SELECT 1 FROM users WHERE tenant = $1 AND id <> $21 \
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
    let Some(Err(fault)) = found.map(|row| session(&row)) else { return Ok(MendOutcome::Readable) };
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
        return Ok(MendOutcome::Readable);
    };
    if user(&row).is_ok_and(|user| user.unreadable.is_empty()) {
        return Ok(MendOutcome::Readable);
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
    let is_stated = |column: &&str| *column == "name" && correction.name.is_some();
    lost.extend(user.unreadable.drain(..).filter(|column| !is_stated(column)));
    Ok(Some((user, lost)))
}

/// What says who the user is, and the columns of it that are lost; `None` without an address. What a client typed
/// counts, and not what it is looked up by: that is made of it anew.
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
    let username =
        stated_or(&correction.username, row, "username", |text| Username::parse(text).ok(), &mut lost);
    let mobile = stated_or(&correction.mobile, row, "mobile", |text| Mobile::parse(text).ok(), &mut lost);
    let typed = correction.email.clone().or_else(|| parsed_email(row, "email"));
    if typed.is_none() {
        lost.push("email");
    }
    let email = typed.or_else(|| parsed_email(row, "email_canonical"));
    let key = UserKey { tenant: tenant.clone(), id };
    let version = record.count("version").unwrap_or_default();
    (email.map(|email| Identifying { key, email, username, mobile, version }), lost)
}

/// A text, or `None` if there is none or it cannot be read.
fn text<'r>(row: &'r impl Columns, column: &str) -> Option<&'r str> {
    row.text(column).ok().flatten()
}

fn parsed_email(row: &impl Columns, column: &str) -> Option<Email> {
    text(row, column).and_then(|text| Email::parse(text).ok())
}

/// What the correction states, else what can be read.
fn stated_or<T: Clone>(
    stated: &Option<T>,
    row: &impl Columns,
    column: &'static str,
    parse: impl Fn(&str) -> Option<T>,
    lost: &mut Vec<&'static str>,
) -> Option<T> {
    let read = text(row, column).and_then(parse);
    let is_there = !matches!(row.text(column), Ok(None));
    if stated.is_none() && read.is_none() && is_there {
        lost.push(column);
    }
    stated.clone().or(read)
}
