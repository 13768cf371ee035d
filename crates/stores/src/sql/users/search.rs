//! The column that users are searched by: every name of a user, in lower case, a line each.
//!
//! This file makes the lower case, because databases disagree about which letters have one. A search must find the same
//! users as [`User::has`] finds.

use portcullis_core::mobile::Mobile;
use portcullis_core::user::{PersonName, User};
use portcullis_core::username::Username;

use super::super::row::RecordRow;
use super::super::{SqlConnection, SqlResult, Statement};

/// A longer text is in no name, and a database would refuse it as a pattern.
const LONGEST: usize = 10_000;
/// How many users are read at a time.
const STEP: i64 = 500;

const UNFILLED: &str = "SELECT tenant, id, email_canonical, name FROM users WHERE (tenant, id) > ($1, $2) \
    ORDER BY tenant, id LIMIT $3";
const FILL: &str = "UPDATE users SET search = $3 WHERE tenant = $1 AND id = $2";

pub(super) fn of(user: &User) -> String {
    let username = user.username.as_ref().map(Username::canonical);
    let mobile = user.mobile.as_ref().map(Mobile::as_str);
    let name = user.name.as_ref().map(PersonName::full);
    lines(user.email.canonical(), username, mobile, name)
}

fn lines(email: &str, username: Option<&str>, mobile: Option<&str>, name: Option<&str>) -> String {
    let name = name.map(str::to_lowercase);
    let named = [Some(email), username, mobile, name.as_deref()];
    named.into_iter().flatten().collect::<Vec<_>>().join("\n")
}

/// The pattern that finds `text` in such lines; `None` if no name can contain it. A line break is in no name: it must
/// not match the end of one and the beginning of the next.
pub(super) fn pattern(text: &str) -> Option<String> {
    if text.len() > LONGEST || text.chars().any(char::is_control) {
        return None;
    }
    let mut pattern = "%".to_owned();
    for c in text.to_lowercase().chars() {
        if matches!(c, '%' | '_' | '\\') {
            pattern.push('\\');
        }
        pattern.push(c);
    }
    pattern.push('%');
    Some(pattern)
}

/// Fills the column for users that are older than the column.
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
            let user = RecordRow::of("user", "id", &user);
            (tenant, id) = (user.text("tenant")?, user.text("id")?);
            let name = user.read_optional("name", |name| Some(name.to_owned()))?;
            let lines = lines(&user.text("email_canonical")?, None, None, name.as_deref());
            Statement::new(FILL)
                .bind(tenant.as_str())
                .bind(id.as_str())
                .bind(lines)
                .execute(&mut *db)
                .await?;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_pattern_gives_a_meaning_to_is_looked_for_as_it_is() {
        assert_eq!(pattern("50%_\\É").as_deref(), Some("%50\\%\\_\\\\é%"));
        assert_eq!(pattern("").as_deref(), Some("%%"));
        for nobodys in ["a\nb", "a\0b", &"a".repeat(LONGEST + 1)] {
            assert_eq!(pattern(nobodys), None);
        }
    }
}
