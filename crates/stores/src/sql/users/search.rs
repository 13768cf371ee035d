//! The column that users are searched by: what core makes of everything that names a user, a line each.
//!
//! The program writes it, because databases disagree about which letters have a lower case.

use portcullis_core::email::Email;
use portcullis_core::id::{TenantId, UserKey};
use portcullis_core::mobile::Mobile;
use portcullis_core::user::{PersonName, Role, User, UserSearch};
use portcullis_core::username::Username;

use super::super::{Columns, SqlConnection, SqlResult, Statement};
use super::name;
use crate::sql::row::RecordRow;

/// How many users are read at a time.
const STEP: i64 = 500;

const UNFILLED: &str = "SELECT * FROM users WHERE (tenant, id) > ($1, $2) ORDER BY tenant, id LIMIT $3";
const FILL: &str = "UPDATE users SET search = $3 WHERE tenant = $1 AND id = $2";

/// The patterns that find what was typed in such lines: one of both matches. `None` if no name can contain it.
pub(super) fn patterns(typed: &str) -> Option<[String; 2]> {
    let search = UserSearch::parse(typed)?;
    let patterns: Vec<String> = search.alternatives().map(pattern).collect();
    Some([patterns.first()?.clone(), patterns.last()?.clone()])
}

fn pattern(text: &str) -> String {
    let mut pattern = "%".to_owned();
    for c in text.chars() {
        if matches!(c, '%' | '_' | '\\') {
            pattern.push('\\');
        }
        pattern.push(c);
    }
    pattern.push('%');
    pattern
}

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_pattern_gives_a_meaning_to_is_looked_for_as_it_is() {
        let both = |pattern: &str| Some([pattern.to_owned(), pattern.to_owned()]);
        assert_eq!(patterns("50%_\\É"), both("%50\\%\\_\\\\é%"));
        assert_eq!(patterns(""), both("%%"));
        assert_eq!(patterns("170 123"), Some(["%170 123%".to_owned(), "%170123%".to_owned()]));
        assert_eq!(patterns("a\nb"), None);
    }
}
