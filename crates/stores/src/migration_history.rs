//! The migrations that this program knows, compared with those that a database has noted.

use std::fmt;

use crate::backend::MigrationState;

/// The version of this program.
const PROGRAM: &str = concat!("portcullis ", env!("CARGO_PKG_VERSION"));

/// A migration: its number, what it creates, and its SQL.
pub(crate) type Migration = (i64, &'static str, &'static str);

/// All migrations of a kind of database, in order.
pub(crate) struct MigrationHistory {
    pub(crate) known: &'static [Migration],
    pub(crate) checksum: fn(&str) -> Vec<u8>,
}

/// What a database notes of a migration that it has.
pub(crate) struct MigrationNote {
    pub(crate) version: i64,
    pub(crate) description: String,
    pub(crate) checksum: Vec<u8>,
}

/// A database whose migrations are not those of this program.
pub(crate) enum ForeignHistory {
    /// A newer version has brought it up to date.
    Newer(NewerDatabase),
    /// The migration of this number is another one.
    Altered(i64),
}

/// A database that a newer version has brought up to date.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NewerDatabase {
    /// Its newest migration.
    pub migration: i64,
    /// What the database notes of it: what it creates, and which program applied it.
    pub description: String,
    /// The newest migration that this program knows.
    pub known: i64,
}

impl fmt::Display for NewerDatabase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { migration, description, known } = self;
        write!(
            f,
            "is of a newer version: it has migration {migration}, {description:?}, and this is {PROGRAM}, which knows \
             migrations up to {known}: upgrade this program, or restore the backup from before the upgrade"
        )
    }
}

impl MigrationHistory {
    /// The migrations that a database has, by its notes.
    pub(crate) fn applied(&self, noted: &[MigrationNote]) -> Result<Vec<i64>, ForeignHistory> {
        let newest = self.known.iter().map(|(version, ..)| *version).max().unwrap_or_default();
        for note in noted {
            let known = self.known.iter().find(|(version, ..)| *version == note.version);
            if known.is_none_or(|(.., sql)| (self.checksum)(sql) != note.checksum) {
                let last = noted.iter().max_by_key(|note| note.version).filter(|_| note.version > newest);
                return Err(last.map_or(ForeignHistory::Altered(note.version), |last| {
                    let (migration, description) = (last.version, last.description.clone());
                    ForeignHistory::Newer(NewerDatabase { migration, description, known: newest })
                }));
            }
        }
        Ok(noted.iter().map(|note| note.version).collect())
    }

    /// Each migration, and whether it is among those that are applied.
    pub(crate) fn states(&self, applied: &[i64]) -> Vec<MigrationState> {
        let state = |(version, description, _): &Migration| MigrationState {
            version: *version,
            description,
            applied: applied.contains(version),
        };
        self.known.iter().map(state).collect()
    }

    /// Whether nothing is pending.
    pub(crate) const fn is_complete(&self, applied: &[i64]) -> bool {
        applied.len() == self.known.len()
    }

    /// The SQL of each pending migration, with what is noted of it: a later error names the program that applied it.
    pub(crate) fn pending(&self, applied: &[i64]) -> impl Iterator<Item = (&'static str, MigrationNote)> {
        let is_pending = |(version, ..): &&Migration| !applied.contains(version);
        self.known.iter().filter(is_pending).map(|(version, description, sql)| {
            let description = format!("{description} ({PROGRAM})");
            (*sql, MigrationNote { version: *version, description, checksum: (self.checksum)(sql) })
        })
    }
}
