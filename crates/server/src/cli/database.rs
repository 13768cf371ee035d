//! The database that a command works on. A mistyped path creates no database: one that is missing, or not up to date,
//! is refused with the cure.

use std::sync::Arc;

use portcullis_core::engine::TenantAdminError;
use portcullis_core::id::TenantId;
use portcullis_core::machine::SystemClock;
use portcullis_core::store::Page;
use portcullis_stores::{DatabaseUrl, IfMissing};

use super::context::CommandContext;
use super::failure::Failure;
use super::output::Output;
use crate::config::Config;
use crate::log::EventLog;
use crate::open::{OpenedEngine, OpenedFor, open};

/// The most tenants that are listed for an operator who named an unknown one.
const NAMED: u32 = 8;

/// Does `work` in this tenant with the engine that `config` describes, and closes the database. A missing database is
/// created in development mode alone, whatever `if_missing` says.
pub(super) async fn with_engine(
    config: &Config,
    tenant: &TenantId,
    if_missing: IfMissing,
    out: &mut Output<'_>,
    work: impl AsyncFnOnce(&mut CommandContext<'_>) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let may_create = if_missing == IfMissing::Create && config.is_development();
    if !is_missing(&config.database)? || !may_create {
        check_up_to_date(&config.database).await?;
    }
    let opened = open(config, OpenedFor::Command, Arc::new(EventLog), Arc::new(SystemClock)).await?;
    let done = match known(&opened, tenant).await {
        Ok(()) => work(&mut CommandContext { engine: &opened.engine, config, tenant, out }).await,
        Err(failure) => Err(failure),
    };
    opened.close().await;
    done
}

/// Whether the database does not exist. A directory that cannot be read is a failure, not a yes.
pub(super) fn is_missing(url: &DatabaseUrl) -> Result<bool, Failure> {
    url.is_missing().map_err(|fault| {
        let shown = url.location();
        Failure::other(format_args!(
            "{shown} cannot be looked at: {fault}; run this as the user that owns it"
        ))
    })
}

/// Refuses a database that does not exist or lacks migrations, with the cure.
pub(super) async fn check_up_to_date(url: &DatabaseUrl) -> Result<(), Failure> {
    if is_missing(url)? {
        return Err(Failure::Other(no_database(url)));
    }
    let pending = url.migrations().await?.iter().filter(|migration| !migration.applied).count();
    if pending > 0 {
        return Err(Failure::other(format_args!(
            "the database {} is not up to date ({pending} pending); `portcullis migrate` brings it up to date",
            url.location()
        )));
    }
    Ok(())
}

/// What a command says if there is no database.
pub(super) fn no_database(url: &DatabaseUrl) -> String {
    format!(
        "there is no database {}; `portcullis serve` or `portcullis migrate` makes it, --database or --data-dir names \
         another",
        url.location()
    )
}

/// What a command says if a tenant's own database is missing: no command creates it a second time.
pub(super) fn no_database_of(tenant: &TenantId, url: &DatabaseUrl) -> String {
    format!(
        "there is no database {}, where tenant {tenant} lives; mount the volume that it is on, restore the file, or name \
         the data directory that it is in",
        url.location()
    )
}

async fn known(opened: &OpenedEngine, tenant: &TenantId) -> Result<(), Failure> {
    match opened.engine.tenant_record(tenant).await {
        Ok(_) => Ok(()),
        Err(TenantAdminError::NotFound(tenant)) => {
            let page = Page { after: None, limit: NAMED };
            let others = opened.stores.stores().tenants.list(page).await?;
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
