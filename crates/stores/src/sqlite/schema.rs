//! The migrations, which create the tables and bring them up to date.

use std::path::{Path, PathBuf};

use sqlx::migrate::{Migrate as _, MigrateError, Migration, MigrationType};
use sqlx::{Connection as _, SqlSafeStr as _, SqliteConnection};

use super::SqliteOpenError;
use super::file::DatabaseFile;
use crate::backend::MigrationState;
use crate::sql::users;
use portcullis_core::store::{StoreError, Stored};

/// Not sqlx's own name: a program that embeds this library may keep tables of its own in the same file.
const TABLE: &str = "portcullis_migrations";
const IS_THERE: &str =
    "SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name = 'portcullis_migrations'";
/// The number of pages of a file that has content and none of this program's tables, in one look at the file.
const FOREIGN_PAGES: &str = "SELECT page_count FROM pragma_page_count WHERE page_count > 0 AND NOT EXISTS \
    (SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'portcullis_migrations')";
const APPLIED: &str = "SELECT version, checksum FROM portcullis_migrations ORDER BY version";

const HISTORY: [(i64, &str, &str); 7] = [
    (1, "records", include_str!("migrations/0001_records.sql")),
    (2, "changes", include_str!("migrations/0002_changes.sql")),
    (3, "devices", include_str!("migrations/0003_devices.sql")),
    (4, "rotation", include_str!("migrations/0004_rotation.sql")),
    (5, "codes", include_str!("migrations/0005_codes.sql")),
    (6, "claims", include_str!("migrations/0006_claims.sql")),
    (7, "mail", include_str!("migrations/0007_mail.sql")),
];
/// The migration after which the program fills a column that SQL alone cannot fill.
const SEARCH: i64 = 3;

/// The migrations that this version knows, and whether the database at `path` has them. Changes nothing. A file that
/// does not exist has none.
pub(super) async fn migrations(path: &Path) -> Stored<Vec<MigrationState>> {
    let applied =
        applied_at(path).await.map_err(|fault| StoreError::unavailable("read its migrations", fault))?;
    let state = |(version, description, _)| MigrationState {
        version,
        description,
        applied: applied.contains(&version),
    };
    Ok(HISTORY.map(state).to_vec())
}

async fn applied_at(path: &Path) -> Result<Vec<i64>, SqliteOpenError> {
    let unusable = |source| SqliteOpenError::File { path: path.to_owned(), source };
    if !path.try_exists().map_err(unusable)? {
        return Ok(Vec::new());
    }
    let file = DatabaseFile::at(path).map_err(unusable)?;
    let at = ErrorPath(path);
    // As one that writes: one that only reads leaves `-wal` and `-shm` behind.
    let mut db = file.connect().await.map_err(|fault| at.fault(fault))?;
    let applied = applied(path, &mut db).await?;
    db.close().await.map_err(|fault| at.fault(fault))?;
    Ok(applied)
}

/// The migrations that the database has; none if the file is empty. A file that has content, and none of this program's
/// tables, is another program's database, or one that was copied without its write-ahead log: a creation that broke off
/// leaves an empty file.
pub(super) async fn applied(path: &Path, db: &mut SqliteConnection) -> Result<Vec<i64>, SqliteOpenError> {
    let at = ErrorPath(path);
    let pages = sqlx::query_scalar(FOREIGN_PAGES).fetch_optional(&mut *db).await;
    match pages.map_err(|fault| at.fault(fault))? {
        Some::<i64>(_) => Err(SqliteOpenError::Foreign { path: at.path() }),
        None => at.applied(db).await,
    }
}

/// Applies pending migrations in one transaction that keeps other processes out. Writes nothing if none is pending.
pub(super) async fn bring_up_to_date(path: &Path, db: &mut SqliteConnection) -> Result<(), SqliteOpenError> {
    let at = ErrorPath(path);
    if at.applied(&mut *db).await?.len() == HISTORY.len() {
        return Ok(());
    }
    let mut transaction = db.begin_with("BEGIN IMMEDIATE").await.map_err(|fault| at.fault(fault))?;
    // Another process may have been first, and may have been newer.
    let applied = at.applied(&mut transaction).await?;
    let missing = history().filter(|migration| !applied.contains(&migration.version));
    let migrated = apply(&mut transaction, missing).await;
    migrated.map_err(|source| SqliteOpenError::Migration { path: at.path(), source })?;
    transaction.commit().await.map_err(|fault| at.fault(fault))
}

/// Does what a `Migrator` does, whose future is not `Send`.
async fn apply(
    db: &mut SqliteConnection,
    missing: impl Iterator<Item = Migration>,
) -> Result<(), MigrateError> {
    db.ensure_migrations_table(TABLE).await?;
    for migration in missing {
        db.apply(TABLE, &migration).await?;
        if migration.version == SEARCH {
            let filled = users::fill(&mut *db).await;
            filled
                .map_err(|fault| MigrateError::Source(fault.while_doing("make users searchable").into()))?;
        }
    }
    Ok(())
}

fn history() -> impl Iterator<Item = Migration> {
    HISTORY.into_iter().map(|(version, description, sql)| {
        Migration::new(version, description.into(), MigrationType::Simple, sql.into_sql_str(), false)
    })
}

/// The path of the database, for the errors.
#[derive(Clone, Copy)]
pub(super) struct ErrorPath<'a>(pub(super) &'a Path);

impl ErrorPath<'_> {
    fn path(self) -> PathBuf {
        self.0.to_owned()
    }

    /// The error for what SQLite says about the file.
    pub(super) fn fault(self, source: sqlx::Error) -> SqliteOpenError {
        const SQLITE_NOTADB: &str = "26";
        let code = source.as_database_error().and_then(sqlx::error::DatabaseError::code);
        if code.is_some_and(|code| code == SQLITE_NOTADB) {
            SqliteOpenError::NotADatabase { path: self.path() }
        } else {
            SqliteOpenError::Database { path: self.path(), source }
        }
    }

    /// The migrations that the database has; an error if they are not this program's.
    async fn applied(self, db: &mut SqliteConnection) -> Result<Vec<i64>, SqliteOpenError> {
        let applied = read(db).await.map_err(|fault| self.fault(fault))?;
        let newest = HISTORY.iter().map(|(version, ..)| *version).max().unwrap_or_default();
        for (version, checksum) in &applied {
            let known = history().find(|migration| migration.version == *version);
            if known.is_none_or(|migration| *migration.checksum != *checksum.as_slice()) {
                return Err(if *version > newest {
                    SqliteOpenError::Newer { path: self.path(), migration: *version }
                } else {
                    SqliteOpenError::Altered { path: self.path(), migration: *version }
                });
            }
        }
        Ok(applied.into_iter().map(|(version, _)| version).collect())
    }
}

async fn read(db: &mut SqliteConnection) -> Result<Vec<(i64, Vec<u8>)>, sqlx::Error> {
    let there: i64 = sqlx::query_scalar(IS_THERE).fetch_one(&mut *db).await?;
    if there == 0 {
        return Ok(Vec::new());
    }
    sqlx::query_as(APPLIED).fetch_all(db).await
}
