//! The database that a command works on. A slip of the fingers makes none: a database that is not there, or is not up to
//! date, is refused with what to do about it.

use std::path::Path;
use std::sync::Arc;

use portcullis_core::engine::{Engine, TenantAdminError};
use portcullis_core::id::TenantId;
use portcullis_core::store::Page;
use portcullis_stores::sqlite::migrations;

use super::failure::Failure;
use crate::config::{Config, Database};
use crate::log::EventLog;
use crate::open::{Opened, open};

/// The most tenants that are named to somebody who named another.
const NAMED: u32 = 8;

/// What to do where there is no database.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Missing {
    /// Say so.
    Refuse,
    /// Make it, in development mode.
    Make,
}

/// Does `work` with the engine that `config` describes, and lets go of the database.
pub(super) async fn with_engine(
    config: &Config,
    tenant: &TenantId,
    missing: Missing,
    work: impl AsyncFnOnce(&Engine) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let Database::Sqlite(path) = &config.database;
    let may_make = missing == Missing::Make && config.is_development();
    if is_there(path)? || !may_make {
        look_at(path).await?;
    }
    let opened = open(config, Arc::new(EventLog)).await?;
    let done = match known(&opened, tenant).await {
        Ok(()) => work(&opened.engine).await,
        Err(failure) => Err(failure),
    };
    opened.close().await;
    done
}

/// Whether there is a database. Where that is hidden, it is not taken for a no.
pub(super) fn is_there(path: &Path) -> Result<bool, Failure> {
    path.try_exists().map_err(|fault| {
        let shown = path.display();
        Failure::other(format_args!(
            "{shown} cannot be looked at: {fault}; run this as the user that owns it"
        ))
    })
}

async fn look_at(path: &Path) -> Result<(), Failure> {
    if !is_there(path)? {
        return Err(Failure::Other(no_database(path)));
    }
    let pending = migrations(path).await?.iter().filter(|migration| !migration.applied).count();
    if pending > 0 {
        return Err(Failure::other(format_args!(
            "the database {} is not up to date ({pending} pending); `portcullis migrate` brings it up to date",
            path.display()
        )));
    }
    Ok(())
}

/// What to say where there is no database.
pub(super) fn no_database(path: &Path) -> String {
    format!(
        "there is no database {}; `portcullis serve` or `portcullis migrate` makes it, --database or --data-dir names \
         another",
        path.display()
    )
}

/// What to say where a tenant's own database is not there: nothing makes it a second time.
pub(super) fn no_database_of(tenant: &TenantId, path: &Path) -> String {
    format!(
        "there is no database {}, where tenant {tenant} lives; mount the volume that it is on, restore the file, or name \
         the data directory that it is in",
        path.display()
    )
}

async fn known(opened: &Opened, tenant: &TenantId) -> Result<(), Failure> {
    match opened.engine.tenant_record(tenant).await {
        Ok(_) => Ok(()),
        Err(TenantAdminError::NotFound(tenant)) => {
            let page = Page { after: None, limit: NAMED };
            let others = opened.store.stores().tenants.list(page).await?;
            let names: Vec<&str> = others.iter().map(|tenant| tenant.id.as_str()).collect();
            let more = if names.len() == NAMED as usize { ", …" } else { "" };
            Err(Failure::other(format_args!(
                "there is no tenant {tenant}; there is {}{more}",
                names.join(", ")
            )))
        }
        Err(fault) => Err(fault.into()),
    }
}
