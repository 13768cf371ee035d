//! The URLs of the database and of sessions.
//!
//! A URL may hold a password, so no message here repeats it.

use portcullis_stores::{DatabaseUrl, RedisUrl, Sessions};

use super::Parsed;

/// The database that a URL names.
pub(in super::super) fn database(text: &str) -> Parsed<DatabaseUrl> {
    DatabaseUrl::parse(text).map_err(|fault| fault.to_string())
}

/// The URL as it is shown. One that cannot be read may have its password anywhere.
pub(in super::super) fn database_without_password(text: &str) -> String {
    match (DatabaseUrl::parse(text), RedisUrl::parse(text)) {
        (Ok(url), _) if url.file().is_none() => url.to_string(),
        (Ok(_), _) => text.to_owned(),
        (_, Ok(url)) => url.to_string(),
        _ => "(set)".to_owned(),
    }
}

/// Where a URL puts the live sessions of a server with this database.
pub(in super::super) fn sessions(text: &str, database: &DatabaseUrl) -> Parsed<Sessions> {
    Sessions::parse(text, database).map_err(|fault| fault.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(text: &str) -> [String; 2] {
        let here = DatabaseUrl::preset("".as_ref());
        [database(text).unwrap_err(), sessions(text, &here).unwrap_err()]
    }

    #[test]
    fn what_no_session_can_be_kept_in_is_refused_without_its_password() {
        for (text, product) in
            [("mongodb+srv://u:hunter2@h/d", "MongoDB"), ("redis-cluster://h1:1,h2:2", "Redis Cluster")]
        {
            let [of_database, of_sessions] = refused(text);
            assert!(of_database.contains(&format!("no {product} store")), "{of_database}");
            assert!(of_sessions.contains("redis://USER"), "{of_sessions}");
            assert!(![of_database, of_sessions].concat().contains("hunter2"));
        }
        let message = sessions("redis://:hunter2@h?x=1", &DatabaseUrl::preset("".as_ref())).unwrap_err();
        assert!(message.contains("the parameter x") && !message.contains("hunter2"), "{message}");
        let message = database("redis://:hunter2@h").unwrap_err();
        assert!(message.contains("name it as `sessions`") && !message.contains("hunter2"), "{message}");
    }

    #[test]
    fn the_password_of_a_database_is_not_shown() {
        let url = "postgres://u:hunter2@db.example/d?sslmode=require";
        assert_eq!(database_without_password(url), "postgres://u@db.example/d");
        assert_eq!(database_without_password("redis://:hunter2@h"), "redis://h");
        assert_eq!(database_without_password("redis:hunter2"), "(set)");
        assert_eq!(database_without_password("sqlite:a.db"), "sqlite:a.db");
        assert!(!format!("{:?}", database(url).unwrap()).contains("hunter2"));
    }
}
