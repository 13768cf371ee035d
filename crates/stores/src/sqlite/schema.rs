//! The migrations, which create the tables and bring them up to date.

use std::path::{Path, PathBuf};

use ring::digest::{SHA384, digest};
use rusqlite::OptionalExtension as _;

use super::connection::{SqliteConnection, at_once};
use super::file::DatabaseFile;
use super::{SqliteFault, SqliteOpenError};
use crate::backend::MigrationState;
use crate::migration_history::{ForeignHistory, Migration, MigrationHistory, MigrationNote};
use crate::sql::{DatabaseFault, Fault, SqlResult, users};

/// The history of the tables. Columns and checksums are those of sqlx, which earlier versions kept it with.
const CREATE: &str = "CREATE TABLE IF NOT EXISTS portcullis_migrations (version BIGINT PRIMARY KEY, \
    description TEXT NOT NULL, installed_on TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP, success BOOLEAN NOT NULL, \
    checksum BLOB NOT NULL, execution_time BIGINT NOT NULL)";
const NOTE: &str = "INSERT INTO portcullis_migrations (version, description, success, checksum, execution_time) \
    VALUES (?1, ?2, TRUE, ?3, 0)";
const IS_THERE: &str =
    "SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name = 'portcullis_migrations'";
/// The number of pages of a file that has content and none of this program's tables, in one look at the file.
const FOREIGN_PAGES: &str = "SELECT page_count FROM pragma_page_count WHERE page_count > 0 AND NOT EXISTS \
    (SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'portcullis_migrations')";
const APPLIED: &str = "SELECT version, description, checksum FROM portcullis_migrations ORDER BY version";

const HISTORY: MigrationHistory = MigrationHistory { known: &KNOWN, checksum };
const KNOWN: [Migration; 14] = [
    (1, "records", include_str!("migrations/0001_records.sql")),
    (2, "changes", include_str!("migrations/0002_changes.sql")),
    (3, "devices", include_str!("migrations/0003_devices.sql")),
    (4, "rotation", include_str!("migrations/0004_rotation.sql")),
    (5, "codes", include_str!("migrations/0005_codes.sql")),
    (6, "claims", include_str!("migrations/0006_claims.sql")),
    (7, "mail", include_str!("migrations/0007_mail.sql")),
    (8, "mail indexes", include_str!("migrations/0008_mail_indexes.sql")),
    (9, "search", include_str!("migrations/0009_search.sql")),
    (10, "news", include_str!("migrations/0010_news.sql")),
    (11, "session version", include_str!("migrations/0011_session_version.sql")),
    (12, "revocations", include_str!("migrations/0012_revocations.sql")),
    (13, "password epoch", include_str!("migrations/0013_password_epoch.sql")),
    (14, "session placement", include_str!("migrations/0014_session_placement.sql")),
];
/// The migrations after which the program fills a column that SQL alone cannot fill.
const SEARCH: [i64; 2] = [3, 9];

/// The migrations that this version knows, and whether the database at `path` has them. Changes nothing. A file that
/// does not exist has none.
pub(super) fn migrations(path: &Path) -> Result<Vec<MigrationState>, SqliteOpenError> {
    Ok(HISTORY.states(&applied_at(path)?))
}

fn applied_at(path: &Path) -> Result<Vec<i64>, SqliteOpenError> {
    let unusable = |source| SqliteOpenError::File { path: path.to_owned(), source };
    if !path.try_exists().map_err(unusable)? {
        return Ok(Vec::new());
    }
    let file = DatabaseFile::at(path).map_err(unusable)?;
    let at = ErrorPath(path);
    // As one that writes: one that only reads leaves `-wal` and `-shm` behind.
    let db = file.connect().map_err(|fault| at.fault(fault))?;
    let applied = applied(path, &db)?;
    db.close().map_err(|fault| at.fault(fault))?;
    Ok(applied)
}

/// The migrations that the database has; none if the file is empty. A file that has content, and none of this program's
/// tables, is another program's database, or one that was copied without its write-ahead log: a creation that broke off
/// leaves an empty file.
pub(super) fn applied(path: &Path, db: &SqliteConnection) -> Result<Vec<i64>, SqliteOpenError> {
    let at = ErrorPath(path);
    let pages = db.driver().query_row(FOREIGN_PAGES, [], |row| row.get::<_, i64>(0)).optional();
    match pages.map_err(|fault| at.fault(fault.into()))? {
        Some(_) => Err(SqliteOpenError::Foreign { path: at.path() }),
        None => at.applied(db),
    }
}

/// Applies pending migrations in one transaction that keeps other processes out. Writes nothing if none is pending.
pub(super) fn bring_up_to_date(path: &Path, db: &mut SqliteConnection) -> Result<(), SqliteOpenError> {
    let at = ErrorPath(path);
    if HISTORY.is_complete(&at.applied(db)?) {
        return Ok(());
    }
    db.run("BEGIN IMMEDIATE").map_err(|fault| at.fault(fault))?;
    // Another process may have been first, and may have been newer. A fault closes the connection, which undoes all.
    let applied = at.applied(db)?;
    let migrated = apply(db, &applied);
    let migrated = migrated.map_err(|fault| fault.while_doing("apply a migration"));
    migrated.map_err(|source| SqliteOpenError::Migration { path: at.path(), source })?;
    db.run("COMMIT").map_err(|fault| at.fault(fault))
}

fn apply(db: &mut SqliteConnection, applied: &[i64]) -> SqlResult<()> {
    let fault = |fault| Fault::from(DatabaseFault::new(SqliteFault::Database(fault)));
    db.driver().execute_batch(CREATE).map_err(fault)?;
    for (sql, MigrationNote { version, description, checksum }) in HISTORY.pending(applied) {
        db.driver().execute_batch(sql).map_err(fault)?;
        db.driver().execute(NOTE, (version, description, checksum)).map_err(fault)?;
        if SEARCH.contains(&version) {
            at_once(users::fill(db))?;
        }
    }
    Ok(())
}

fn checksum(sql: &str) -> Vec<u8> {
    digest(&SHA384, sql.as_bytes()).as_ref().to_vec()
}

/// The path of the database, for the errors.
#[derive(Clone, Copy)]
pub(super) struct ErrorPath<'a>(pub(super) &'a Path);

impl ErrorPath<'_> {
    fn path(self) -> PathBuf {
        self.0.to_owned()
    }

    /// The error for what SQLite says about the file.
    pub(super) fn fault(self, source: SqliteFault) -> SqliteOpenError {
        if source.is_no_database() {
            SqliteOpenError::NotADatabase { path: self.path() }
        } else {
            SqliteOpenError::Database { path: self.path(), source }
        }
    }

    /// The migrations that the database has; an error if they are not this program's.
    fn applied(self, db: &SqliteConnection) -> Result<Vec<i64>, SqliteOpenError> {
        let noted = read(db).map_err(|fault| self.fault(fault.into()))?;
        HISTORY.applied(&noted).map_err(|foreign| match foreign {
            ForeignHistory::Newer(newer) => SqliteOpenError::Newer { path: self.path(), newer },
            ForeignHistory::Altered(migration) => SqliteOpenError::Altered { path: self.path(), migration },
        })
    }
}

fn read(db: &SqliteConnection) -> rusqlite::Result<Vec<MigrationNote>> {
    let is_there: bool = db.driver().query_row(IS_THERE, [], |row| row.get(0))?;
    if !is_there {
        return Ok(Vec::new());
    }
    let mut applied = db.driver().prepare(APPLIED)?;
    let note = |row: &rusqlite::Row<'_>| {
        Ok(MigrationNote { version: row.get(0)?, description: row.get(1)?, checksum: row.get(2)? })
    };
    applied.query_map([], note)?.collect()
}
