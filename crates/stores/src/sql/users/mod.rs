//! Users.

mod devices;
#[cfg(feature = "sqlite")]
mod fill;
mod former_passwords;
mod mend;
mod search;
mod unreadable;

use portcullis_core::email::Email;
use portcullis_core::id::{TenantId, UserId, UserKey};
use portcullis_core::mobile::Mobile;
use portcullis_core::password::PasswordHash;
use portcullis_core::session::Epochs;
use portcullis_core::store::{Inserted, Page, Stored, Updated, UserHandle};
use portcullis_core::user::{PersonName, User};
use portcullis_core::username::Username;

use super::row::RecordRow;
use super::{Columns, SqlConnection, SqlResult, Statement, count, inserted, millis, page_of, updated};
#[cfg(feature = "sqlite")]
pub(crate) use fill::fill;
pub(crate) use mend::mend;
pub(crate) use unreadable::unreadable;

/// All columns of a row but its key.
macro_rules! assignments {
    () => {
        "version = $3, email = $4, email_canonical = $5, username = $6, \
        username_canonical = $7, mobile = $8, name = $9, given_name = $10, family_name = $11, role = $12, \
        password = $13, former_passwords = $14, devices = $15, disabled = $16, created = $17, updated = $18, \
        search = $19, email_verified = $20, password_epoch = $21, kept_session = $22"
    };
}
use assignments;

const INSERT: &str = "INSERT INTO users (tenant, id, version, email, email_canonical, username, username_canonical, \
    mobile, name, given_name, family_name, role, password, former_passwords, devices, disabled, created, updated, \
    search, email_verified, password_epoch, kept_session) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, \
    $14, $15, $16, $17, $18, $19, $20, $21, $22) \
    ON CONFLICT DO NOTHING";
const UPDATE: &str = concat!(
    "UPDATE users SET ",
    assignments!(),
    " WHERE tenant = $1 AND id = $2 AND version = $3 - 1 \
    AND NOT EXISTS (SELECT 1 FROM users WHERE tenant = $1 AND email_canonical = $5 AND id <> $2) \
    AND NOT EXISTS (SELECT 1 FROM users WHERE tenant = $1 AND username_canonical = $7 AND id <> $2) \
    AND NOT EXISTS (SELECT 1 FROM users WHERE tenant = $1 AND mobile = $8 AND id <> $2)"
);
const FIND: &str = "SELECT * FROM users WHERE tenant = $1 AND id = $2";
const FIND_WITH_EPOCHS: &str = "SELECT users.*, \
    coalesce((SELECT epoch FROM epochs WHERE scope = 'user' AND tenant = $1 AND id = $2), 0) AS epoch_user, \
    coalesce((SELECT epoch FROM epochs WHERE scope = 'tenant' AND tenant = $1 AND id = ''), 0) AS epoch_tenant, \
    coalesce((SELECT epoch FROM epochs WHERE scope = 'everyone' AND tenant = '' AND id = ''), 0) AS epoch_everyone \
    FROM users WHERE tenant = $1 AND id = $2";
const FIND_BY_EMAIL: &str = "SELECT * FROM users WHERE tenant = $1 AND email_canonical = $2";
const FIND_BY_USERNAME: &str = "SELECT * FROM users WHERE tenant = $1 AND username_canonical = $2";
const FIND_BY_MOBILE: &str = "SELECT * FROM users WHERE tenant = $1 AND mobile = $2";
const LIST: &str = "SELECT * FROM users WHERE tenant = $1 AND id > $2 \
    AND (search LIKE $4 ESCAPE '\\' OR search LIKE $5 ESCAPE '\\') ORDER BY id LIMIT $3";

pub(crate) async fn insert(db: &mut impl SqlConnection, user: &User) -> SqlResult<Inserted> {
    Ok(inserted(bound(INSERT, user).execute(db).await?))
}

/// A unique name that another user has taken is a lost race, like a version that another writer has replaced.
pub(crate) async fn update(db: &mut impl SqlConnection, user: &User) -> SqlResult<Updated> {
    Ok(updated(bound(UPDATE, user).execute(db).await?))
}

pub(crate) async fn find(db: &mut impl SqlConnection, handle: &UserHandle) -> SqlResult<Option<User>> {
    let find = match handle {
        UserHandle::Id(key) => Statement::keyed(FIND, &key.tenant, &key.id),
        UserHandle::Email(tenant, email) => of_tenant(FIND_BY_EMAIL, tenant).bind(email.canonical()),
        UserHandle::Username(tenant, name) => of_tenant(FIND_BY_USERNAME, tenant).bind(name.canonical()),
        UserHandle::Mobile(tenant, mobile) => of_tenant(FIND_BY_MOBILE, tenant).bind(mobile.as_str()),
    };
    Ok(find.fetch_optional(db).await?.as_ref().map(user).transpose()?)
}

pub(crate) async fn find_with_epochs(
    db: &mut impl SqlConnection,
    key: &UserKey,
) -> SqlResult<Option<(User, Epochs)>> {
    let found = Statement::keyed(FIND_WITH_EPOCHS, &key.tenant, &key.id).fetch_optional(db).await?;
    let Some(row) = found else { return Ok(None) };
    Ok(Some((user(&row)?, RecordRow::of("user", "id", &row).epochs()?)))
}

pub(crate) async fn list(
    db: &mut impl SqlConnection,
    tenant: &TenantId,
    search: &str,
    page: Page<UserId>,
) -> SqlResult<Vec<User>> {
    let Some([text, number]) = search::patterns(search) else { return Ok(Vec::new()) };
    let after = page.after.map(|id| id.to_string()).unwrap_or_default();
    let list = |after: &str, limit: i64| {
        of_tenant(LIST, tenant).bind(after).bind(limit).bind(text.as_str()).bind(number.as_str())
    };
    page_of(db, page.limit, after, list, user).await
}

fn of_tenant(statement: &'static str, tenant: &TenantId) -> Statement {
    Statement::new(statement).bind(tenant.as_str())
}

fn bound(statement: &'static str, user: &User) -> Statement {
    let name = user.name.as_ref();
    Statement::keyed(statement, &user.key.tenant, &user.key.id)
        .bind(count(user.version))
        .bind(user.email.as_typed())
        .bind(user.email.canonical())
        .bind(user.username.as_ref().map(Username::as_typed))
        .bind(user.username.as_ref().map(Username::canonical))
        .bind(user.mobile.as_ref().map(Mobile::as_str))
        .bind(name.map(PersonName::full))
        .bind(name.and_then(PersonName::given))
        .bind(name.and_then(PersonName::last))
        .bind(user.role.as_str())
        .bind(user.password.as_ref().map(PasswordHash::as_str))
        .bind(former_passwords::written(&user.former_passwords))
        .bind(devices::written(&user.devices))
        .bind(millis(user.disabled))
        .bind(user.created.as_millis())
        .bind(user.updated.as_millis())
        .bind(user.search_lines())
        .bind(user.email_verified)
        .bind(count(user.password_epoch))
        .bind(user.kept_session.map(|session| session.to_string()))
}

/// What says who a user is, and which record of the user it is.
struct Identifying {
    key: UserKey,
    email: Email,
    username: Option<Username>,
    mobile: Option<Mobile>,
    version: u64,
}

/// What says who a user is must be read. For the rest there is a value that permits nothing.
fn user(row: &impl Columns) -> Stored<User> {
    let row = RecordRow::of("user", "id", row);
    let identifying = Identifying {
        key: UserKey { tenant: row.id("tenant")?, id: row.id("id")? },
        email: email(row)?,
        username: username(row)?,
        mobile: row.read_optional("mobile", mobile)?,
        version: row.count("version")?,
    };
    described(row, identifying)
}

/// The user with what the row says beside it.
fn described(row: RecordRow<'_>, identifying: Identifying) -> Stored<User> {
    let Identifying { key, email, username, mobile, version } = identifying;
    let mut unreadable = Vec::new();
    let password = row.read_optional("password", |text| Some(PasswordHash::stored(text)));
    let password = or_default(password, "password", &mut unreadable);
    if password.as_ref().is_some_and(|hash| !hash.is_readable()) {
        unreadable.push("password");
    }
    Ok(User {
        key,
        email,
        username,
        mobile,
        name: or_default(name(row), "name", &mut unreadable),
        role: or_default(row.word("role"), "role", &mut unreadable),
        password,
        password_epoch: row.count("password_epoch")?,
        kept_session: or_default(row.optional_word("kept_session"), "kept_session", &mut unreadable),
        former_passwords: or_default(
            row.read("former_passwords", former_passwords::read),
            "former_passwords",
            &mut unreadable,
        ),
        devices: or_default(row.read("devices", devices::read), "devices", &mut unreadable),
        disabled: row.optional_time("disabled")?,
        created: row.time("created")?,
        updated: row.time("updated")?,
        version,
        email_verified: row.flag("email_verified")?,
        unreadable,
    })
}

fn or_default<T: Default>(read: Stored<T>, column: &'static str, unreadable: &mut Vec<&'static str>) -> T {
    read.unwrap_or_else(|_| {
        unreadable.push(column);
        T::default()
    })
}

/// If the stored address and its canonical form disagreed, one user could sign in as another.
fn email(row: RecordRow<'_>) -> Stored<Email> {
    let email = row.read("email", |text| Email::parse(text).ok())?;
    if row.text("email_canonical")? == email.canonical() {
        Ok(email)
    } else {
        Err(row.corrupt("email_canonical"))
    }
}

/// The same check for the user name.
fn username(row: RecordRow<'_>) -> Stored<Option<Username>> {
    let username = row.read_optional("username", |text| Username::parse(text).ok())?;
    let canonical = row.read_optional("username_canonical", |text| Some(text.to_owned()))?;
    if canonical.as_deref() == username.as_ref().map(Username::canonical) {
        Ok(username)
    } else {
        Err(row.corrupt("username_canonical"))
    }
}

/// A number that is not stored in the form that it is looked up by is corrupt.
fn mobile(text: &str) -> Option<Mobile> {
    Mobile::parse(text).ok().filter(|mobile| mobile.as_str() == text)
}

/// Of two parts, the full name stands beside them for an operator who reads the table.
fn name(row: RecordRow<'_>) -> Stored<Option<PersonName>> {
    let part = |column| row.read_optional(column, |text| Some(text.to_owned()));
    match (part("given_name")?, part("family_name")?) {
        (Some(given), Some(_)) => {
            row.read("family_name", |family| PersonName::from_parts(&given, family).ok()).map(Some)
        }
        (given, family) => row.read_optional("name", |name| {
            PersonName::with_part(name, given.as_deref(), family.as_deref()).ok()
        }),
    }
}
