//! `portcullis tenant show`

use std::io::Write;

use clap::Args;
use portcullis_core::tenant::TenantRecord;

use super::NamedTenant;
use super::json::{TenantJson, holding, masked, values};
use crate::cli::context::CommandContext;
use crate::cli::escaped::Escaped;
use crate::cli::failure::Failure;
use crate::cli::output::{Table, moment, write_json};
use crate::config::Config;
use crate::config::tenant::TENANT_SETTINGS;

/// Show a tenant with its effective settings
#[derive(Args, Debug)]
pub(super) struct ShowTenant {
    #[command(flatten)]
    pub(super) target: NamedTenant,
    /// Write JSON, for programs: its own settings in "settings", all that apply in "effective"
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(
    ShowTenant { json, .. }: &ShowTenant,
    context: &mut CommandContext<'_>,
) -> Result<(), Failure> {
    let CommandContext { engine, config, tenant, .. } = *context;
    let found = engine.tenant_record(tenant).await?;
    if *json {
        return write_json(&TenantJson::of(&found, config)?, context.out);
    }
    write(&found, config, context.out)
}

/// Writes a tenant and its effective settings, for people.
fn write(tenant: &TenantRecord, config: &Config, out: &mut dyn Write) -> Result<(), Failure> {
    let suspension = match tenant.suspended {
        Some(at) => format!(", suspended since {}", moment(at)),
        None => String::new(),
    };
    writeln!(out, "Tenant {}, created {}{suspension}.", tenant.id, moment(tenant.created))?;
    if let Some(address) = &tenant.database {
        writeln!(out, "Its users and sessions live in {}.", Escaped(&masked(address)))?;
    }
    writeln!(out)?;
    let (own, all) = (values(&tenant.settings), holding(tenant, config)?);
    let mut table = Table::new(["KEY", "VALUE", "SET BY"]);
    for key in TENANT_SETTINGS.iter() {
        let name = key.name.as_str();
        // The settings of a strategy that is not offered have no effect.
        let Some(value) = all.get(name).or_else(|| own.get(name)) else { continue };
        let by = if own.contains_key(name) { "tenant" } else { "installation" };
        table.push(&[name.to_owned(), value.clone(), by.to_owned()]);
    }
    table.write(out)
}
