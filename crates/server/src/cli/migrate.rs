//! `portcullis migrate`

use std::io::Write;
use std::sync::Arc;

use clap::Args;
use portcullis_core::machine::SystemClock;
use portcullis_stores::sqlite::{MigrationState, SqliteStore, migrations};
use serde::Serialize;

use super::failure::Failure;
use super::shown::{Table, counted, write_json};
use crate::config::{Config, Database};

/// Make the database's tables, or bring them up to date
///
/// Makes the database where there is none. `serve` does the same at its start; here it can be looked at first, or done
/// before a new version is started.
#[derive(Args, Debug)]
pub(super) struct Command {
    /// Change nothing, only show what is pending
    #[arg(long)]
    dry_run: bool,
    /// Write JSON, for programs
    #[arg(long)]
    json: bool,
}

/// A migration, for programs.
#[derive(Serialize)]
struct Record {
    version: i64,
    description: &'static str,
    state: &'static str,
}

pub(super) async fn run(
    Command { dry_run, json }: &Command,
    config: &Config,
    out: &mut (dyn Write + Send),
) -> Result<(), Failure> {
    let Database::Sqlite(path) = &config.database;
    let before = migrations(path).await?;
    let pending = before.iter().filter(|migration| !migration.applied).count() as u64;
    if pending > 0 && !dry_run {
        SqliteStore::open(path, Arc::new(SystemClock)).await?.close().await;
    }
    let records: Vec<Record> = before.iter().map(|migration| Record::of(migration, *dry_run)).collect();
    if *json {
        return write_json(&records, out);
    }
    let mut table = Table::new(["VERSION", "MIGRATION", "STATE"]);
    for Record { version, description, state } in records {
        table.push(&[version.to_string(), description.to_owned(), state.to_owned()]);
    }
    table.write(out)?;
    let migrations = counted(pending, "migration");
    match (pending, dry_run) {
        (0, _) => writeln!(out, "\n{} is up to date.", path.display())?,
        (_, true) => writeln!(out, "\n{migrations} to apply to {}.", path.display())?,
        (_, false) => writeln!(out, "\n{migrations} applied to {}.", path.display())?,
    }
    Ok(())
}

impl Record {
    fn of(migration: &MigrationState, dry_run: bool) -> Self {
        let state = match (migration.applied, dry_run) {
            (true, _) => "applied",
            (false, true) => "pending",
            (false, false) => "applied now",
        };
        Self { version: migration.version, description: migration.description, state }
    }
}
