//! `portcullis backup`

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;
use portcullis_core::id::TenantId;
use portcullis_core::machine::SystemClock;
use portcullis_core::store::{Stored, Stores};
use portcullis_stores::{DatabaseUrl, IfMissing};

use super::database::check_up_to_date;
use super::failure::Failure;
use super::output::Output;
use super::tenant::{database_at, databases};
use crate::config::Config;

/// Copy the database into one file while the server runs
///
/// The copy is the database at one moment. It is read again before it appears as FILE, which must not exist. A tenant
/// that has a database of its own is copied with --tenant. The copy contains keys and password hashes.
#[derive(Args, Debug)]
pub(super) struct BackupCommand {
    /// The file to write
    file: PathBuf,
    /// Copy the database of this tenant, which has one of its own
    #[arg(long, value_name = "NAME")]
    tenant: Option<TenantId>,
}

pub(super) async fn run(
    BackupCommand { file, tenant }: &BackupCommand,
    config: &Config,
    out: &mut Output<'_>,
) -> Result<(), Failure> {
    let url = match tenant {
        Some(tenant) => database_of(config, tenant).await?,
        None => config.database.clone(),
    };
    url.backup(file).await?;
    let size = fs::metadata(file)?.len();
    writeln!(out, "{}: a verified copy of {}, {size} bytes", file.display(), url.location())?;
    if tenant.is_none() {
        write_others(config, out).await?;
    }
    Ok(())
}

/// Names the tenants that are not in the copy. Before a migration they are not read, because opening would migrate.
async fn write_others(config: &Config, out: &mut Output<'_>) -> Result<(), Failure> {
    if !config.database.migrations().await?.iter().all(|migration| migration.applied) {
        return Ok(());
    }
    for (tenant, _) in in_database(config, async |stores| databases(config, stores).await).await? {
        writeln!(
            out,
            "not in it: tenant {tenant}, which has a database of its own; copy it with --tenant {tenant}"
        )?;
    }
    Ok(())
}

async fn database_of(config: &Config, tenant: &TenantId) -> Result<DatabaseUrl, Failure> {
    let record = in_database(config, async |stores| stores.tenants.find(tenant).await).await?;
    let record = record.ok_or_else(|| Failure::other(format_args!("there is no tenant {tenant}")))?;
    let url = record.database.ok_or_else(|| {
        Failure::other(format_args!(
            "tenant {tenant} has no database of its own: `portcullis backup` copies it too"
        ))
    })?;
    database_at(config, &url).map_err(Failure::other)
}

/// Reads a database that is up to date: opening another one would migrate it, which a backup must not do.
async fn in_database<T>(config: &Config, read: impl AsyncFnOnce(&Stores) -> Stored<T>) -> Result<T, Failure> {
    check_up_to_date(&config.database).await?;
    let database = config.database.open(Arc::new(SystemClock), IfMissing::Refuse).await?;
    let found = read(&database.stores()).await;
    database.close().await;
    Ok(found?)
}
