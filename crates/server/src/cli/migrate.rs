//! `portcullis migrate`

use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;
use portcullis_core::id::TenantId;
use portcullis_core::machine::SystemClock;
use portcullis_stores::sqlite::{MigrationState, SqliteStore, migrations};
use serde::Serialize;

use super::failure::Failure;
use super::place::{is_there, no_database_of};
use super::printable::{Table, counted, write_json};
use super::tenant::databases;
use crate::config::{Config, Database};

/// Make the database's tables, or bring them up to date, and those of tenants' own databases
///
/// Makes the database of the installation where there is none; that of a tenant is made with the tenant, and then is
/// there. `serve` does the same at its start; here it can be looked at first, or done before a new version is started.
#[derive(Args, Debug)]
pub(super) struct MigrateCommand {
    /// Change nothing, only show what is pending
    #[arg(long)]
    dry_run: bool,
    /// Write JSON, for programs
    #[arg(long)]
    json: bool,
}

/// A migration of a database, for programs.
#[derive(Serialize)]
struct Record {
    tenant: Option<TenantId>,
    version: i64,
    description: &'static str,
    state: &'static str,
}

/// A database, and what there is to be done to it.
struct Place {
    /// Whose it is; the installation's else.
    tenant: Option<TenantId>,
    path: PathBuf,
    known: Vec<MigrationState>,
}

pub(super) async fn run(
    MigrateCommand { dry_run, json }: &MigrateCommand,
    config: &Config,
    out: &mut (dyn Write + Send),
) -> Result<(), Failure> {
    let Database::Sqlite(path) = &config.database;
    let shared = Place::find(None, path.clone()).await?;
    shared.migrate(*dry_run).await?;
    let (mut places, mut failure) = (vec![shared], None);
    // One that is away keeps no other from what there is to be done.
    for found in others(config, &places, *dry_run).await? {
        match Place::of_tenant(found, *dry_run).await {
            Ok(place) => places.push(place),
            Err(fault) => failure = failure.or(Some(fault)),
        }
    }
    if *json {
        write_json(&places.iter().flat_map(|place| place.records(*dry_run)).collect::<Vec<_>>(), out)?;
        return failure.map_or(Ok(()), Err);
    }
    for (number, place) in places.iter().enumerate() {
        if number > 0 {
            writeln!(out)?;
        }
        place.write(*dry_run, out)?;
    }
    failure.map_or(Ok(()), Err)
}

/// The database of a tenant, or what is wrong with its address.
type Named = (TenantId, Result<PathBuf, String>);

/// The databases of tenants; nothing is known of them where the tenants cannot be read yet.
async fn others(config: &Config, known: &[Place], dry_run: bool) -> Result<Vec<Named>, Failure> {
    let Some(shared) = known.first().filter(|shared| !dry_run || shared.pending() == 0) else {
        return Ok(Vec::new());
    };
    let store = SqliteStore::open(&shared.path, Arc::new(SystemClock)).await?;
    let found = databases(config, &store.stores()).await;
    store.close().await;
    Ok(found?)
}

impl Place {
    async fn of_tenant((tenant, path): Named, dry_run: bool) -> Result<Self, Failure> {
        let path = path.map_err(|fault| Failure::other(format_args!("the database of {tenant}: {fault}")))?;
        if !is_there(&path)? {
            return Err(Failure::Other(no_database_of(&tenant, &path)));
        }
        let place = Self::find(Some(tenant), path).await?;
        place.migrate(dry_run).await?;
        Ok(place)
    }

    async fn find(tenant: Option<TenantId>, path: PathBuf) -> Result<Self, Failure> {
        let known = migrations(&path).await?;
        Ok(Self { tenant, path, known })
    }

    fn pending(&self) -> u64 {
        self.known.iter().filter(|migration| !migration.applied).count() as u64
    }

    async fn migrate(&self, dry_run: bool) -> Result<(), Failure> {
        if self.pending() == 0 || dry_run {
            return Ok(());
        }
        let clock = Arc::new(SystemClock);
        let store = match self.tenant {
            None => SqliteStore::open(&self.path, clock).await?,
            Some(_) => SqliteStore::open_existing(&self.path, clock).await?,
        };
        store.close().await;
        Ok(())
    }

    fn records(&self, dry_run: bool) -> impl Iterator<Item = Record> {
        self.known.iter().map(move |migration| Record {
            tenant: self.tenant.clone(),
            version: migration.version,
            description: migration.description,
            state: match (migration.applied, dry_run) {
                (true, _) => "applied",
                (false, true) => "pending",
                (false, false) => "applied now",
            },
        })
    }

    fn write(&self, dry_run: bool, out: &mut dyn Write) -> Result<(), Failure> {
        let mut table = Table::new(["VERSION", "MIGRATION", "STATE"]);
        for Record { version, description, state, .. } in self.records(dry_run) {
            table.push(&[version.to_string(), description.to_owned(), state.to_owned()]);
        }
        table.write(out)?;
        let whose = self.tenant.as_ref().map_or_else(String::new, |tenant| format!(", of tenant {tenant}"));
        let (path, migrations) = (self.path.display(), counted(self.pending(), "migration"));
        match (self.pending(), dry_run) {
            (0, _) => writeln!(out, "\n{path}{whose} is up to date.")?,
            (_, true) => writeln!(out, "\n{migrations} to apply to {path}{whose}.")?,
            (_, false) => writeln!(out, "\n{migrations} applied to {path}{whose}.")?,
        }
        Ok(())
    }
}
