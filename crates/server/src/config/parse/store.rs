//! The URLs of the database and of sessions.
//!
//! A URL may hold a password, so no message here repeats it.

use portcullis_stores::{DatabaseUrl, DatabaseUrlError};

use super::Parsed;

/// Where sessions are stored.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Sessions {
    /// In the database.
    InDatabase,
}

/// The database that a URL names.
pub(in super::super) fn database(text: &str) -> Parsed<DatabaseUrl> {
    DatabaseUrl::parse(text).map_err(|fault| fault.to_string())
}

/// The URL as it is shown. One that cannot be read may have its password anywhere.
pub(in super::super) fn database_without_password(text: &str) -> String {
    match DatabaseUrl::parse(text) {
        Ok(url) if url.file().is_none() => url.to_string(),
        Ok(_) => text.to_owned(),
        Err(_) => "(set)".to_owned(),
    }
}

/// Where a URL puts the sessions of a server with this database.
pub(in super::super) fn sessions(text: &str, database: &DatabaseUrl) -> Parsed<Sessions> {
    match DatabaseUrl::parse(text) {
        Ok(url) if url == *database => Ok(Sessions::InDatabase),
        Err(DatabaseUrlError::NoStore(product)) => Err(format!(
            "this build has no {product} store for sessions; without this setting they live in the database"
        )),
        _ => Err(
            "is not the database, which is the one place for sessions in this build; leave the setting out"
                .to_owned(),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_store_that_this_build_lacks_is_named_and_its_password_is_not() {
        for (text, product) in [
            ("mongodb+srv://u:hunter2@h/d", "MongoDB"),
            ("rediss://:hunter2@h", "Redis"),
            ("redis-cluster://h1:1,h2:2", "Redis Cluster"),
        ] {
            let here = DatabaseUrl::preset("".as_ref());
            for message in [database(text).unwrap_err(), sessions(text, &here).unwrap_err()] {
                assert!(message.contains(&format!("no {product} store")), "{message}");
                assert!(!message.contains("hunter2"), "{message}");
            }
        }
    }

    #[test]
    fn the_password_of_a_database_is_not_shown() {
        let url = "postgres://u:hunter2@db.example/d?sslmode=require";
        assert_eq!(database_without_password(url), "postgres://u@db.example/d");
        assert_eq!(database_without_password("redis://:hunter2@h"), "(set)");
        assert_eq!(database_without_password("sqlite:a.db"), "sqlite:a.db");
        assert!(!format!("{:?}", database(url).unwrap()).contains("hunter2"));
    }

    #[test]
    fn sessions_live_in_the_database_and_nowhere_else() {
        let here = DatabaseUrl::preset("".as_ref());
        assert_eq!(sessions("sqlite:portcullis.db", &here), Ok(Sessions::InDatabase));
        assert!(sessions("sqlite:b.db", &here).is_err());
        let server = database("postgres://u:hunter2@h/d").unwrap();
        assert_eq!(sessions("postgres://u:hunter2@h/d", &server), Ok(Sessions::InDatabase));
    }
}
