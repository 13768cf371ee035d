//! The URL of a database. It may hold a password, so no message here repeats the URL.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf, absolute};
use std::sync::Arc;

use portcullis_core::clock::Clock;
use portcullis_core::store::Stored;
use thiserror::Error;

use crate::backend::{Backend, IfMissing, MigrationState, OpenDatabase};
use crate::sqlite::SqliteFile;

/// Names a database. This build accepts `sqlite:PATH`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct DatabaseUrl(Scheme);

#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
enum Scheme {
    Sqlite(SqliteFile),
}

/// Why a text is not the URL of a database that this build can open.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
pub enum DatabaseUrlError {
    /// The URL names a product that this build has no store for.
    #[error("this build has no {0} store for the database; it has sqlite:PATH")]
    NoStore(&'static str),
    /// The text has no known scheme.
    #[error("is not the address of a database: write sqlite:PATH")]
    NotAUrl,
    /// The URL names no file, or a database in memory.
    #[error("names no file: write sqlite:PATH, for everything in memory is gone at the end")]
    NoFile,
    /// The URL has parameters.
    #[error("has parameters, of which there are none: write sqlite:PATH")]
    Parameters,
}

/// Schemes that operators may try, and the product that each names.
const KNOWN_PRODUCTS: [(&str, &str); 8] = [
    ("postgres", "PostgreSQL"),
    ("postgresql", "PostgreSQL"),
    ("mongodb", "MongoDB"),
    ("mongodb+srv", "MongoDB"),
    ("redis", "Redis"),
    ("rediss", "Redis"),
    ("redis-cluster", "Redis Cluster"),
    ("mysql", "MySQL"),
];

impl DatabaseUrl {
    /// Reads a URL.
    ///
    /// # Errors
    /// [`DatabaseUrlError`] says what to write instead.
    pub fn parse(url: &str) -> Result<Self, DatabaseUrlError> {
        let (scheme, rest) = url.split_once(':').ok_or(DatabaseUrlError::NotAUrl)?;
        let product = KNOWN_PRODUCTS.iter().find(|(name, _)| *name == scheme);
        match (scheme, product) {
            ("sqlite", _) => SqliteFile::parse(rest).map(Self::from),
            (_, Some((_, product))) => Err(DatabaseUrlError::NoStore(product)),
            _ => Err(DatabaseUrlError::NotAUrl),
        }
    }

    /// The URL of the database that a server uses unless it is configured otherwise.
    #[must_use]
    pub fn preset(data_dir: &Path) -> Self {
        SqliteFile(data_dir.join("portcullis.db")).into()
    }

    /// The same database, with a relative path based in `directory`.
    #[must_use]
    pub fn based_in(&self, directory: &Path) -> Self {
        self.backend().based_in(directory)
    }

    fn backend(&self) -> &dyn Backend {
        match &self.0 {
            Scheme::Sqlite(file) => file,
        }
    }

    /// The name of the product, as in `SQLite`.
    #[must_use]
    pub fn product(&self) -> &'static str {
        self.backend().product()
    }

    /// The file that holds the database; `None` if a server does.
    #[must_use]
    pub fn file(&self) -> Option<&Path> {
        self.backend().file()
    }

    /// Where the database is, for messages, without a password.
    #[must_use]
    pub fn location(&self) -> String {
        self.file().map_or_else(|| self.to_string(), |file| file.display().to_string())
    }

    /// Whether the database is a file that does not exist. Whether a server has the database is known when it is
    /// opened.
    ///
    /// # Errors
    /// The directory cannot be read.
    pub fn is_missing(&self) -> io::Result<bool> {
        self.file().map_or(Ok(false), |file| file.try_exists().map(|exists| !exists))
    }

    /// Whether both URLs name one file, links followed, or are equal.
    #[must_use]
    pub fn is_same_database(&self, other: &Self) -> bool {
        let resolvers: [fn(&Path) -> io::Result<PathBuf>; 2] =
            [|path| path.canonicalize(), |path| absolute(path)];
        let resolved = |url: &Self, resolve: fn(&Path) -> io::Result<PathBuf>| resolve(url.file()?).ok();
        let equal = |resolve| Some(resolved(self, resolve)? == resolved(other, resolve)?);
        resolvers.into_iter().find_map(equal).unwrap_or(self == other)
    }

    /// The migrations that this version knows, and whether the database has them. The database is not changed; one that
    /// does not exist has none.
    ///
    /// # Errors
    /// The database cannot be read, was not made by this program, or was made by a newer version.
    pub async fn migrations(&self) -> Stored<Vec<MigrationState>> {
        self.backend().migrations().await
    }

    /// Writes a copy of the database to a file that does not exist yet, and verifies it. The database may be in use
    /// meanwhile; the copy is the database at one moment.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`](portcullis_core::store::StoreError::Unavailable) says why there is no copy.
    pub async fn backup(&self, to: &Path) -> Stored<()> {
        self.backend().backup(to).await
    }

    /// Opens the database and applies pending migrations. Its writer is a task of the runtime that this is called on.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`](portcullis_core::store::StoreError::Unavailable) says what is wrong.
    pub async fn open(&self, clock: Arc<dyn Clock>, if_missing: IfMissing) -> Stored<Arc<dyn OpenDatabase>> {
        self.backend().open(clock, if_missing).await
    }
}

impl From<SqliteFile> for DatabaseUrl {
    fn from(file: SqliteFile) -> Self {
        Self(Scheme::Sqlite(file))
    }
}

/// The URL without a password.
impl fmt::Display for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.backend().url())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_database_is_a_file() {
        for (url, path) in
            [("sqlite:a.db", "a.db"), ("sqlite:/a/b.db", "/a/b.db"), ("sqlite:///a/b.db", "/a/b.db")]
        {
            assert_eq!(DatabaseUrl::parse(url).unwrap().file(), Some(Path::new(path)), "{url}");
        }
        for (url, fault) in [
            ("", DatabaseUrlError::NotAUrl),
            ("a.db", DatabaseUrlError::NotAUrl),
            ("SQLITE:a.db", DatabaseUrlError::NotAUrl),
            ("file:a.db", DatabaseUrlError::NotAUrl),
            ("sqlite:", DatabaseUrlError::NoFile),
            ("sqlite::memory:", DatabaseUrlError::NoFile),
            ("sqlite:a.db?mode=ro", DatabaseUrlError::Parameters),
        ] {
            assert_eq!(DatabaseUrl::parse(url), Err(fault), "{url}");
        }
    }

    #[test]
    fn a_store_that_this_build_lacks_is_named_and_its_password_is_not() {
        for (url, product) in [
            ("postgres://u:hunter2@h/d", "PostgreSQL"),
            ("mongodb+srv://u:hunter2@h/d", "MongoDB"),
            ("rediss://:hunter2@h", "Redis"),
            ("redis-cluster://h1:1,h2:2", "Redis Cluster"),
        ] {
            let message = DatabaseUrl::parse(url).unwrap_err().to_string();
            assert!(message.contains(&format!("no {product} store")), "{message}");
            assert!(!message.contains("hunter2"), "{message}");
        }
    }

    #[test]
    fn two_spellings_of_one_path_are_one_database() {
        let url = |path: &str| DatabaseUrl::parse(&format!("sqlite:{path}")).unwrap();
        let here = std::env::current_dir().unwrap().join("a.db");
        assert!(url("a.db").is_same_database(&url(here.to_str().unwrap())));
        assert!(!url("a.db").is_same_database(&url("b.db")));
        assert_eq!(url("a.db").based_in(Path::new("/d")), url("/d/a.db"));
        assert_eq!(url("/a.db").based_in(Path::new("/d")), url("/a.db"));
    }
}
