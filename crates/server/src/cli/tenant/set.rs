//! `portcullis tenant set`

use std::io::Write;

use clap::Args;
use portcullis_core::engine::Engine;
use portcullis_core::id::TenantId;

use super::assignments::{assigned, check, help};
use crate::cli::escaped::Escaped;
use crate::cli::failure::Failure;
use crate::config::Config;
use crate::config::tenant::Assignment;

/// Change the settings of a tenant
///
/// KEY= unsets a setting: the configuration of the installation applies again. Tokens and sessions keep the lifetimes
/// that they were issued with.
#[derive(Args, Debug)]
#[command(after_help = help())]
pub(super) struct SetTenant {
    /// The tenant
    #[arg(value_name = "NAME")]
    pub(super) tenant: TenantId,
    /// The settings; if one of them is wrong, none is changed
    #[arg(value_name = "KEY=VALUE", required = true, value_parser = decision)]
    decisions: Vec<Assignment>,
}

fn decision(text: &str) -> Result<Assignment, String> {
    if text.starts_with("database_url=") {
        return Err(
            "database_url: a tenant's database cannot be changed after the tenant is created".to_owned()
        );
    }
    Assignment::parse(text)
}

pub(super) async fn run(
    SetTenant { tenant, decisions }: &SetTenant,
    engine: &Engine,
    config: &Config,
    out: &mut (dyn Write + Send),
) -> Result<(), Failure> {
    check(decisions, config)?;
    let wanted = decisions.clone();
    let changed = engine.change_tenant(tenant, move |settings| assigned(settings, &wanted)).await?;
    for Assignment { key, .. } in decisions {
        match key.shown(&changed.settings) {
            Some(value) => writeln!(out, "Tenant {tenant} has {}={} now.", key.name, Escaped(&value))?,
            None => writeln!(out, "Tenant {tenant} has the installation's {} now.", key.name)?,
        }
    }
    Ok(())
}
