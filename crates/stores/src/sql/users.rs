//! Users.

use portcullis_core::email::Email;
use portcullis_core::id::{TenantId, UserId, UserKey};
use portcullis_core::password::PasswordHash;
use portcullis_core::store::{Inserted, Page, Stored, Updated, UserHandle};
use portcullis_core::user::{PersonName, User};

use super::row::{DatabaseRow, Row};
use super::{Connection, Statement, Step, all, count, inserted, millis};

const INSERT: &str = "INSERT INTO users (tenant, id, version, email, email_canonical, name, given_name, \
    family_name, role, password, former_passwords, disabled, created, updated) \
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14) ON CONFLICT DO NOTHING";
const UPDATE: &str = "UPDATE users SET version = $3, email = $4, email_canonical = $5, name = $6, \
    given_name = $7, family_name = $8, role = $9, password = $10, former_passwords = $11, disabled = $12, \
    created = $13, updated = $14 WHERE tenant = $1 AND id = $2 AND version = $3 - 1 AND NOT EXISTS \
    (SELECT 1 FROM users AS taken WHERE taken.tenant = $1 AND taken.email_canonical = $5 AND taken.id <> $2)";
const FIND: &str = "SELECT * FROM users WHERE tenant = $1 AND id = $2";
const FIND_BY_EMAIL: &str = "SELECT * FROM users WHERE tenant = $1 AND email_canonical = $2";
const LIST: &str = "SELECT * FROM users WHERE tenant = $1 AND id > $2 ORDER BY id LIMIT $3";

pub(crate) async fn insert(db: &mut Connection, user: &User) -> Step<Inserted> {
    Ok(inserted(bound(INSERT, user).execute(db).await?.rows_affected()))
}

/// An address that somebody else has taken is a race that was lost, like a version that somebody else has written.
pub(crate) async fn update(db: &mut Connection, user: &User) -> Step<Updated> {
    let rows = bound(UPDATE, user).execute(db).await?.rows_affected();
    Ok(if rows == 0 { Updated::Stale } else { Updated::Done })
}

pub(crate) async fn find(db: &mut Connection, handle: &UserHandle) -> Step<Option<User>> {
    let find = match handle {
        UserHandle::Id(key) => sqlx::query(FIND).bind(key.tenant.as_str()).bind(key.id.to_string()),
        UserHandle::Email(tenant, email) => {
            sqlx::query(FIND_BY_EMAIL).bind(tenant.as_str()).bind(email.canonical())
        }
    };
    Ok(find.fetch_optional(db).await?.as_ref().map(user).transpose()?)
}

pub(crate) async fn list(db: &mut Connection, tenant: &TenantId, page: &Page<UserId>) -> Step<Vec<User>> {
    let after = page.after.map(|id| id.to_string()).unwrap_or_default();
    let list = sqlx::query(LIST).bind(tenant.as_str()).bind(after).bind(i64::from(page.limit));
    all(&list.fetch_all(db).await?, user)
}

fn bound(statement: &'static str, user: &User) -> Statement<'static> {
    let name = user.name.as_ref();
    let family = name.and_then(PersonName::last);
    sqlx::query(statement)
        .bind(user.key.tenant.as_str())
        .bind(user.key.id.to_string())
        .bind(count(user.version))
        .bind(user.email.shown())
        .bind(user.email.canonical())
        .bind(name.map(PersonName::full))
        .bind(family.and(name).map(PersonName::first))
        .bind(family)
        .bind(user.role.as_str())
        .bind(user.password.as_ref().map(PasswordHash::as_str))
        .bind(former(user))
        .bind(millis(user.disabled))
        .bind(user.created.as_millis())
        .bind(user.updated.as_millis())
}

fn former(user: &User) -> String {
    let hashes: Vec<&str> = user.former.iter().map(PasswordHash::as_str).collect();
    serde_json::json!(hashes).to_string()
}

fn user(row: &DatabaseRow) -> Stored<User> {
    let row = Row::of("user", "id", row);
    Ok(User {
        key: UserKey { tenant: row.word("tenant")?, id: row.word("id")? },
        email: email(row)?,
        name: name(row)?,
        role: row.word("role")?,
        password: row.read_optional("password", hash)?,
        former: row.read("former_passwords", hashes)?,
        disabled: row.optional_time("disabled")?,
        created: row.time("created")?,
        updated: row.time("updated")?,
        version: row.count("version")?,
    })
}

/// An address that is found by another one than it shows would make one user of two.
fn email(row: Row<'_>) -> Stored<Email> {
    let email = row.read("email", |text| Email::parse(text).ok())?;
    if row.text("email_canonical")? == email.canonical() {
        Ok(email)
    } else {
        Err(row.corrupt("email_canonical"))
    }
}

/// The parts, where there are parts; the whole name stands beside them for whoever looks at the table.
fn name(row: Row<'_>) -> Stored<Option<PersonName>> {
    let given = row.read_optional("given_name", |text| Some(text.to_owned()))?;
    match given {
        Some(given) => row.read("family_name", |family| PersonName::of_parts(&given, family).ok()).map(Some),
        None => row.read_optional("name", |text| PersonName::whole(text).ok()),
    }
}

fn hash(text: &str) -> Option<PasswordHash> {
    PasswordHash::parse(text).ok()
}

fn hashes(json: &str) -> Option<Vec<PasswordHash>> {
    let texts: Vec<String> = serde_json::from_str(json).ok()?;
    texts.iter().map(|text| hash(text)).collect()
}
