//! What users are searched by: everything that names one, in lower case, a line each.
//!
//! Lower case is made here, for databases disagree about which letters have one. It must find whom
//! [`User::has`] finds.

use portcullis_core::mobile::Mobile;
use portcullis_core::user::{PersonName, User};
use portcullis_core::username::Username;
use sqlx::Row as _;

use super::super::Connection;

/// A longer text names nobody, and a database would refuse it as a pattern.
const LONGEST: usize = 10_000;
/// How many users are brought up to date at once.
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

/// What such lines must be like to have `text` in them; nothing if none can be. A line break is in no name, and must not
/// find the end of one and the beginning of the next.
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

/// Writes the lines of all users who were there before there were any.
pub(crate) async fn fill(db: &mut Connection) -> Result<(), sqlx::Error> {
    let (mut tenant, mut id) = (String::new(), String::new());
    loop {
        let users = sqlx::query(UNFILLED).bind(&tenant).bind(&id).bind(STEP).fetch_all(&mut *db).await?;
        if users.is_empty() {
            return Ok(());
        }
        for user in users {
            (tenant, id) = (user.try_get("tenant")?, user.try_get("id")?);
            let (email, name): (String, Option<String>) =
                (user.try_get("email_canonical")?, user.try_get("name")?);
            let lines = lines(&email, None, None, name.as_deref());
            sqlx::query(FILL).bind(&tenant).bind(&id).bind(lines).execute(&mut *db).await?;
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
