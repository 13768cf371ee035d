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

/// Let a tenant decide something for itself
///
/// KEY= takes a decision back; from then on it is as the installation is configured. What is issued already keeps the
/// lifetime that it was issued with.
#[derive(Args, Debug)]
#[command(after_help = help())]
pub(super) struct SetTenant {
    /// The tenant
    #[arg(value_name = "NAME")]
    pub(super) tenant: TenantId,
    /// What it decides; all of it, or nothing if anything is wrong
    #[arg(value_name = "KEY=VALUE", required = true, value_parser = decision)]
    decisions: Vec<Assignment>,
}

fn decision(text: &str) -> Result<Assignment, String> {
    if text.starts_with("database_url=") {
        return Err("database_url: where a tenant lives is said when it is made, and stays so".to_owned());
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
            Some(value) => writeln!(out, "Tenant {tenant} decides {}={}.", key.name, Escaped(&value))?,
            None => writeln!(out, "Tenant {tenant} leaves {} to the installation.", key.name)?,
        }
    }
    Ok(())
}
