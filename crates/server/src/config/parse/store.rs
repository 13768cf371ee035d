//! Where records live.
//!
//! The address of a store may hold its password, so no sentence here repeats it.

use std::path::PathBuf;

use super::Parsed;

/// The database: users, keys, tenants, and whatever else the nodes share.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Database {
    /// `sqlite:PATH`, embedded.
    Sqlite(PathBuf),
}

/// Where sessions live.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Sessions {
    /// In the database.
    InDatabase,
}

/// What people would like to state, and the name of what they mean by it.
const KNOWN: [(&str, &str); 8] = [
    ("postgres", "PostgreSQL"),
    ("postgresql", "PostgreSQL"),
    ("mongodb", "MongoDB"),
    ("mongodb+srv", "MongoDB"),
    ("redis", "Redis"),
    ("rediss", "Redis"),
    ("redis-cluster", "Redis Cluster"),
    ("mysql", "MySQL"),
];

fn known(text: &str) -> Option<&'static str> {
    let (scheme, _) = text.split_once(':')?;
    KNOWN.iter().find(|(name, _)| *name == scheme).map(|(_, product)| *product)
}

/// The database that an address names.
pub(in super::super) fn database(text: &str) -> Parsed<Database> {
    if let Some(product) = known(text) {
        return Err(format!("this build has no {product} store for the database; it has sqlite:PATH"));
    }
    let path = text.strip_prefix("sqlite:").ok_or("is not the address of a database: write sqlite:PATH")?;
    let path = path.strip_prefix("//").unwrap_or(path);
    if path.is_empty() || path.starts_with(":memory:") {
        return Err(
            "names no file: write sqlite:PATH, for everything in memory is gone at the end".to_owned()
        );
    }
    if path.contains('?') {
        return Err("has parameters, of which there are none: write sqlite:PATH".to_owned());
    }
    Ok(Database::Sqlite(PathBuf::from(path)))
}

/// Where an address puts the sessions of a server with this database.
pub(in super::super) fn sessions(text: &str, database: &Database) -> Parsed<Sessions> {
    if let Some(product) = known(text) {
        return Err(format!(
            "this build has no {product} store for sessions; without this setting they live in the database"
        ));
    }
    if self::database(text).as_ref() == Ok(database) {
        return Ok(Sessions::InDatabase);
    }
    Err("is not the database, which is the one place for sessions in this build; leave the setting out"
        .to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_database_is_a_file() {
        for (text, path) in
            [("sqlite:a.db", "a.db"), ("sqlite:/a/b.db", "/a/b.db"), ("sqlite:///a/b.db", "/a/b.db")]
        {
            assert_eq!(database(text), Ok(Database::Sqlite(PathBuf::from(path))), "{text}");
        }
        for bad in ["", "a.db", "sqlite:", "sqlite::memory:", "sqlite:a.db?mode=ro", "file:a.db"] {
            assert!(database(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_store_that_this_build_lacks_is_named_and_its_password_is_not() {
        for (text, product) in [
            ("postgres://u:hunter2@h/d", "PostgreSQL"),
            ("mongodb+srv://u:hunter2@h/d", "MongoDB"),
            ("rediss://:hunter2@h", "Redis"),
            ("redis-cluster://h1:1,h2:2", "Redis Cluster"),
        ] {
            let here = Database::Sqlite(PathBuf::from("a.db"));
            for message in [database(text).unwrap_err(), sessions(text, &here).unwrap_err()] {
                assert!(message.contains(&format!("no {product} store")), "{message}");
                assert!(!message.contains("hunter2"), "{message}");
            }
        }
    }

    #[test]
    fn sessions_live_in_the_database_and_nowhere_else() {
        let here = Database::Sqlite(PathBuf::from("a.db"));
        assert_eq!(sessions("sqlite:a.db", &here), Ok(Sessions::InDatabase));
        assert!(sessions("sqlite:b.db", &here).is_err());
    }
}
