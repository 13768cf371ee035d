//! `portcullis tenant set`

use std::io::Write;

use clap::Args;
use portcullis_core::engine::Engine;
use portcullis_core::id::TenantId;

use super::keys::{check, decided, help};
use crate::cli::failure::Failure;
use crate::cli::printable::Shown;
use crate::config::Config;
use crate::config::tenant::Decision;

/// Let a tenant decide something for itself
///
/// KEY= takes a decision back; from then on it is as the installation is configured. What is issued already keeps the
/// lifetime that it was issued with.
#[derive(Args, Debug)]
#[command(after_help = help())]
pub(super) struct Arguments {
    /// The tenant
    #[arg(value_name = "NAME")]
    pub(super) tenant: TenantId,
    /// What it decides; all of it, or nothing if anything is wrong
    #[arg(value_name = "KEY=VALUE", required = true, value_parser = decision)]
    decisions: Vec<Decision>,
}

fn decision(text: &str) -> Result<Decision, String> {
    if text.starts_with("database_url=") {
        return Err("database_url: where a tenant lives is said when it is made, and stays so".to_owned());
    }
    Decision::parse(text)
}

pub(super) async fn run(
    Arguments { tenant, decisions }: &Arguments,
    engine: &Engine,
    config: &Config,
    out: &mut (dyn Write + Send),
) -> Result<(), Failure> {
    check(decisions, config)?;
    let changed = engine.change_tenant(tenant, |settings| decided(settings, decisions)).await?;
    for Decision { key, .. } in decisions {
        match key.shown(&changed.settings) {
            Some(value) => writeln!(out, "Tenant {tenant} decides {}={}.", key.name, Shown(&value))?,
            None => writeln!(out, "Tenant {tenant} leaves {} to the installation.", key.name)?,
        }
    }
    Ok(())
}
