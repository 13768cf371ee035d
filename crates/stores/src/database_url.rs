//! The URL of a database. It may hold a password, so no message here repeats the URL.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf, absolute};
use std::sync::Arc;

use portcullis_core::clock::Clock;
use portcullis_core::store::Stored;
use thiserror::Error;

use crate::backend::{Backend, IfMissing, MigrationState, OpenDatabase};
#[cfg(feature = "postgres")]
use crate::postgres::PostgresUrl;
#[cfg(feature = "sqlite")]
use crate::sqlite::SqliteFile;

/// What this build accepts.
const FORMS: &str = if cfg!(all(feature = "postgres", feature = "sqlite")) {
    "sqlite:PATH or postgres://USER:PASSWORD@HOST/DATABASE"
} else if cfg!(feature = "sqlite") {
    "sqlite:PATH"
} else {
    "postgres://USER:PASSWORD@HOST/DATABASE"
};

/// Names a database: `sqlite:PATH`, or `postgres://USER:PASSWORD@HOST/DATABASE`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct DatabaseUrl(Scheme);

#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
enum Scheme {
    #[cfg(feature = "postgres")]
    Postgres(PostgresUrl),
    #[cfg(feature = "sqlite")]
    Sqlite(SqliteFile),
}

/// Why a text is not the URL of a database that this build can open.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
pub enum DatabaseUrlError {
    /// The URL names a product that this build has no store for.
    #[error("this build has no {0} store for the database; write {FORMS}")]
    NoStore(&'static str),
    /// The URL names a server that holds live sessions alone.
    #[error("is a Redis server, which holds live sessions alone: name it as `sessions`; write {FORMS} here")]
    SessionsAlone,
    /// The text has no known scheme.
    #[error("is not the address of a database: write {FORMS}")]
    NotAUrl,
    /// The URL names no file, or a database in memory.
    #[error("names no file: write sqlite:PATH, for everything in memory is gone at the end")]
    NoFile,
    /// The URL has parameters.
    #[error("has parameters, of which there are none: write sqlite:PATH")]
    Parameters,
    /// The URL of a server cannot be read.
    #[error("is not the address of a PostgreSQL database: write postgres://USER:PASSWORD@HOST:PORT/DATABASE")]
    NotPostgres,
    /// The URL names a server, and no database on it.
    #[error("names no database on its server: write postgres://USER:PASSWORD@HOST/DATABASE")]
    NoDatabase,
    /// The URL of a tenant's database names no user.
    #[error("names no user: write postgres://USER:PASSWORD@HOST/DATABASE")]
    NoUser,
    /// The URL has several ports, and another number of hosts.
    #[error("has several ports, and another number of hosts: write one port, or one for each host")]
    HostsAndPorts,
    /// The URL is content with a standby.
    #[error("has a target_session_attrs that is content with a standby: write read-write, or leave it out")]
    NotThePrimary,
    /// The environment has a setting that would count for a tenant's database.
    #[error("would get {0} of the environment, which is for the installation: write it into the URL of that")]
    OfTheInstallation(&'static str),
    /// The URL allows TLS, which is then never used.
    #[error("has sslmode=allow, with which nothing is encrypted: write sslmode=verify-full (or disable)")]
    NoTls,
    /// The URL names certificate authorities, and lets nothing be verified by them.
    #[error("has sslrootcert, by which nothing is verified in this sslmode: write sslmode=verify-full")]
    NothingVerified,
    /// The URL has a parameter that has no meaning.
    #[error("has the parameter {0}, which has no meaning here")]
    UnknownParameter(String),
}

/// Schemes that operators may try, and the product that each names.
const KNOWN_PRODUCTS: [(&str, &str); 7] = [
    ("sqlite", "SQLite"),
    ("postgres", "PostgreSQL"),
    ("postgresql", "PostgreSQL"),
    ("mongodb", "MongoDB"),
    ("mongodb+srv", "MongoDB"),
    ("redis-cluster", "Redis Cluster"),
    ("mysql", "MySQL"),
];

impl DatabaseUrl {
    /// Reads a URL.
    ///
    /// # Errors
    /// [`DatabaseUrlError`] says what to write instead.
    pub fn parse(url: &str) -> Result<Self, DatabaseUrlError> {
        let (scheme, _) = url.split_once(':').ok_or(DatabaseUrlError::NotAUrl)?;
        let product = KNOWN_PRODUCTS.iter().find(|(name, _)| *name == scheme);
        match (scheme, product) {
            #[cfg(feature = "sqlite")]
            ("sqlite", _) => SqliteFile::parse(url).map(Self::from),
            #[cfg(feature = "postgres")]
            ("postgres" | "postgresql", _) => PostgresUrl::parse(url).map(Self::from),
            ("redis" | "rediss", _) => Err(DatabaseUrlError::SessionsAlone),
            (_, Some((_, product))) => Err(DatabaseUrlError::NoStore(product)),
            _ => Err(DatabaseUrlError::NotAUrl),
        }
    }

    /// Reads the URL of a tenant's database, with a relative path based in `directory`. What the environment says of a
    /// server, as `PGPASSWORD` does, is the installation's.
    ///
    /// # Errors
    /// [`DatabaseUrlError`] says what to write instead.
    pub fn of_tenant(url: &str, directory: &Path) -> Result<Self, DatabaseUrlError> {
        match Self::parse(url)?.based_in(directory).0 {
            #[cfg(feature = "postgres")]
            Scheme::Postgres(url) => url.of_tenant().map(Self::from),
            #[cfg(feature = "sqlite")]
            Scheme::Sqlite(file) => Ok(file.into()),
        }
    }

    /// The same database, with at most so many connections, if it is on a server.
    #[cfg_attr(
        not(feature = "postgres"),
        expect(unused_variables, reason = "no kind of database is on a server")
    )]
    #[must_use]
    pub fn with_connections(&self, connections: usize) -> Self {
        match &self.0 {
            #[cfg(feature = "postgres")]
            Scheme::Postgres(url) => url.with_connections(connections).into(),
            #[cfg(feature = "sqlite")]
            Scheme::Sqlite(_) => self.clone(),
        }
    }

    /// The URL of the database that a server uses unless it is configured otherwise.
    #[cfg(feature = "sqlite")]
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
            #[cfg(feature = "postgres")]
            Scheme::Postgres(url) => url,
            #[cfg(feature = "sqlite")]
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

    /// Whether both URLs name one file, links followed, or are equal. Whether two URLs name one database on a server is
    /// known when it is open ([`OpenDatabase::identity`]).
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

#[cfg(feature = "postgres")]
impl From<PostgresUrl> for DatabaseUrl {
    fn from(url: PostgresUrl) -> Self {
        Self(Scheme::Postgres(url))
    }
}

#[cfg(feature = "sqlite")]
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
    fn a_database_on_a_server_is_shown_without_its_password() {
        for (url, shown) in [
            ("postgres://u:hunter2@h:1/d?sslmode=require", "postgres://u@h:1/d"),
            ("postgresql://h/d?user=u&password=hunter2", "postgresql://h/d"),
            ("postgres://u@%2Frun%2Fpostgresql/d", "postgres://u@%2Frun%2Fpostgresql/d"),
            ("postgres://u:hunter2@a:1,b:2/d?sslmode=require", "postgres://u@a:1,b:2/d"),
        ] {
            let url = DatabaseUrl::parse(url).unwrap();
            assert_eq!(
                (url.to_string(), url.location(), url.file()),
                (shown.to_owned(), shown.to_owned(), None)
            );
            assert!(!format!("{url:?}").contains("hunter2"));
            assert_eq!(url.with_connections(3).to_string(), shown);
            assert_eq!(url.based_in(Path::new("/d")), url);
        }
        for (url, said) in [
            ("postgres:d", "postgres://USER"),
            ("postgres://u:hunter2@h:x/d", "postgres://USER"),
            ("postgres://u:12?hunter2@h/d", "postgres://USER"),
            ("postgres://u:12#hunter2@h/d", "postgres://USER"),
            ("postgres://u@h/d#hunter2", "postgres://USER"),
            ("postgres://u@h", "names no database"),
            ("postgres://u@h/d?sslmode=maybe", "postgres://USER"),
            ("postgres://u@h/d?target=x", "the parameter target"),
            ("postgres://u:hunter2@a,b/d?target_session_attrs=any", "write read-write"),
            ("postgres://u:hunter2@a:1,b:x/d", "postgres://USER"),
            ("postgres://u@h/d?sslmode=allow", "(or disable)"),
            ("postgres://u@h/d?sslmode=require&sslrootcert=ca.pem", "write sslmode=verify-full"),
            ("postgres://u@h/d?sslrootcert=ca.pem&sslmode=prefer", "write sslmode=verify-full"),
        ] {
            let message = DatabaseUrl::parse(url).unwrap_err().to_string();
            assert!(message.contains(said) && !message.contains("hunter2"), "{url}: {message}");
        }
    }

    #[test]
    fn a_store_that_this_build_lacks_is_named_and_its_password_is_not() {
        for (url, product) in
            [("mongodb+srv://u:hunter2@h/d", "MongoDB"), ("redis-cluster://h1:1,h2:2", "Redis Cluster")]
        {
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
