//! Fills the column that users are searched by where a migration of SQLite has added it.

use portcullis_core::email::Email;
use portcullis_core::id::{TenantId, UserKey};
use portcullis_core::mobile::Mobile;
use portcullis_core::user::{PersonName, Role, User};
use portcullis_core::username::Username;

use super::super::{Columns, SqlConnection, SqlResult, Statement};
use super::name;
use crate::sql::row::RecordRow;

/// How many users are read at a time.
const STEP: i64 = 500;

const UNFILLED: &str = "SELECT * FROM users WHERE (tenant, id) > ($1, $2) ORDER BY tenant, id LIMIT $3";
const FILL: &str = "UPDATE users SET search = $3 WHERE tenant = $1 AND id = $2";

/// Fills the column for users that are older than the column, or than its form. Later migrations may have added
/// columns: only those of the names are read.
pub(crate) async fn fill(db: &mut impl SqlConnection) -> SqlResult<()> {
    let (mut tenant, mut id) = (String::new(), String::new());
    loop {
        let users = Statement::new(UNFILLED)
            .bind(tenant.as_str())
            .bind(id.as_str())
            .bind(STEP)
            .fetch_all(&mut *db)
            .await?;
        if users.is_empty() {
            return Ok(());
        }
        for user in users {
            let lines = lines(&user);
            let user = RecordRow::of("user", "id", &user);
            (tenant, id) = (user.text("tenant")?, user.text("id")?);
            Statement::new(FILL)
                .bind(tenant.as_str())
                .bind(id.as_str())
                .bind(lines)
                .execute(&mut *db)
                .await?;
        }
    }
}

/// The lines of a row; none if it cannot be read, as no list shows it.
fn lines(row: &impl Columns) -> String {
    let record = RecordRow::of("user", "id", row);
    let text = |column| row.text(column).ok().flatten();
    let user = || {
        let key = UserKey { tenant: record.id::<TenantId>("tenant").ok()?, id: record.id("id").ok()? };
        let (email, now) = (Email::parse(text("email")?).ok()?, record.time("created").ok()?);
        let name: Option<PersonName> = name(record).ok()?;
        let user = User::new(key, email, name, Role::User, now);
        let username = text("username").and_then(|text| Username::parse(text).ok());
        Some(User { username, mobile: text("mobile").and_then(|text| Mobile::parse(text).ok()), ..user })
    };
    user().map(|user| user.search_lines()).unwrap_or_default()
}
