//! `portcullis migrate`

use std::io::Write;
use std::sync::Arc;

use clap::Args;
use portcullis_core::clock::Clock;
use portcullis_core::id::TenantId;
use portcullis_core::machine::SystemClock;
use portcullis_core::session::{EndReason, Ending};
use portcullis_core::steered_clock::SteeredClock;
use portcullis_stores::{DatabaseUrl, IfMissing, MigrationState};
use serde::Serialize;

use super::database::{is_missing, no_database_of};
use super::failure::Failure;
use super::output::{Output, Table, counted, write_json};
use super::tenant::{TenantDatabase, databases};
use crate::config::{Config, Sessions};
use crate::open::open_stores;

/// Create the tables, or bring them up to date, in every database
///
/// That is the database of the installation, which is created if it does not exist, and each tenant's own. `serve` does
/// the same at its start; this command can look first, or migrate before a new version starts.
#[derive(Args, Debug)]
pub(super) struct MigrateCommand {
    /// Change nothing, only show what is pending
    #[arg(long)]
    dry_run: bool,
    /// Note that live sessions are from now on where `sessions` says; stop all nodes first
    #[arg(long, conflicts_with = "dry_run")]
    switch_sessions: bool,
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

/// A database, and its migrations.
struct MigratedDatabase {
    /// The tenant that it belongs to; `None` for the installation's.
    tenant: Option<TenantId>,
    url: DatabaseUrl,
    known: Vec<MigrationState>,
}

pub(super) async fn run(
    command: &MigrateCommand,
    config: &Config,
    out: &mut Output<'_>,
) -> Result<(), Failure> {
    let MigrateCommand { dry_run, switch_sessions: switches, json } = *command;
    let shared = MigratedDatabase::find(None, config.database.clone()).await?;
    shared.migrate(dry_run).await?;
    if switches {
        switch_sessions(config).await?;
    }
    let (mut all, mut failure) = (vec![shared], None);
    // A database that is out of reach keeps no other from being migrated.
    for found in others(config, &all, dry_run).await? {
        match MigratedDatabase::of_tenant(found, dry_run).await {
            Ok(database) => all.push(database),
            Err(fault) => failure = failure.or(Some(fault)),
        }
    }
    if json {
        write_json(&all.iter().flat_map(|database| database.records(dry_run)).collect::<Vec<_>>(), out)?;
        return failure.map_or(Ok(()), Err);
    }
    if switches {
        writeln!(out, "Live sessions are in {} from now on.\n", place(config))?;
    }
    for (number, database) in all.iter().enumerate() {
        if number > 0 {
            writeln!(out)?;
        }
        database.write(dry_run, out)?;
    }
    failure.map_or(Ok(()), Err)
}

/// Notes in the database of the installation where live sessions are from now on.
async fn switch_sessions(config: &Config) -> Result<(), Failure> {
    let clock: Arc<dyn Clock> = Arc::new(SteeredClock::over(Arc::new(SystemClock)));
    let stores = open_stores(config, clock.clone()).await?;
    let ending = Ending { at: clock.now(), reason: EndReason::Admin };
    let switched = stores.switch_sessions(ending).await;
    stores.close().await;
    Ok(switched?)
}

fn place(config: &Config) -> String {
    match &config.sessions {
        Sessions::InDatabase => config.database.location(),
        Sessions::InRedis(url) => url.to_string(),
    }
}

/// The databases of tenants; none before the tenants can be read.
async fn others(
    config: &Config,
    known: &[MigratedDatabase],
    dry_run: bool,
) -> Result<Vec<TenantDatabase>, Failure> {
    let Some(shared) = known.first().filter(|shared| !dry_run || shared.pending() == 0) else {
        return Ok(Vec::new());
    };
    let database = shared.url.open(Arc::new(SystemClock), IfMissing::Create).await?;
    let found = databases(config, &database.stores()).await;
    database.close().await;
    Ok(found?)
}

impl MigratedDatabase {
    async fn of_tenant((tenant, url): TenantDatabase, dry_run: bool) -> Result<Self, Failure> {
        let url = url.map_err(|fault| Failure::other(format_args!("the database of {tenant}: {fault}")))?;
        if is_missing(&url)? {
            return Err(Failure::Other(no_database_of(&tenant, &url)));
        }
        let database = Self::find(Some(tenant), url).await?;
        database.migrate(dry_run).await?;
        Ok(database)
    }

    async fn find(tenant: Option<TenantId>, url: DatabaseUrl) -> Result<Self, Failure> {
        let known = url.migrations().await?;
        Ok(Self { tenant, url, known })
    }

    fn pending(&self) -> u64 {
        self.known.iter().filter(|migration| !migration.applied).count() as u64
    }

    async fn migrate(&self, dry_run: bool) -> Result<(), Failure> {
        if self.pending() == 0 || dry_run {
            return Ok(());
        }
        let if_missing = if self.tenant.is_none() { IfMissing::Create } else { IfMissing::Refuse };
        self.url.open(Arc::new(SystemClock), if_missing).await?.close().await;
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
        let (path, migrations) = (self.url.location(), counted(self.pending(), "migration"));
        match (self.pending(), dry_run) {
            (0, _) => writeln!(out, "\n{path}{whose} is up to date.")?,
            (_, true) => writeln!(out, "\n{migrations} to apply to {path}{whose}.")?,
            (_, false) => writeln!(out, "\n{migrations} applied to {path}{whose}.")?,
        }
        Ok(())
    }
}
