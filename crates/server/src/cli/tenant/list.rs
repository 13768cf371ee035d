//! `portcullis tenant list`

use portcullis_core::tenant::TenantRecord;

use super::json::{TenantJson, masked};
use crate::cli::context::CommandContext;
use crate::cli::failure::Failure;
use crate::cli::output::{Table, moment, moment_if, shortened, write_json};
use crate::cli::pages;
use crate::config::tenant::{TENANT_SETTINGS, TenantSetting};

/// The most characters of a tenant's settings in a table. JSON has all of them.
const SETTINGS_WIDTH: usize = 60;

pub(super) async fn run(json: bool, context: &mut CommandContext<'_>) -> Result<(), Failure> {
    let engine = context.engine;
    let tenants = pages::all(|tenant: &TenantRecord| tenant.id.clone(), |page| engine.tenants(page)).await?;
    if json {
        return write_json(&tenants.iter().map(TenantJson::listed).collect::<Vec<_>>(), context.out);
    }
    let mut table = Table::new(["NAME", "CREATED", "SUSPENDED", "DATABASE", "SETTINGS"]);
    for tenant in &tenants {
        let argument = |key: &TenantSetting| Some(format!("{}={}", key.name, key.shown(&tenant.settings)?));
        let assigned: Vec<String> = TENANT_SETTINGS.iter().filter_map(argument).collect();
        let assigned = if assigned.is_empty() { "-".to_owned() } else { assigned.join(" ") };
        table.push(&[
            tenant.id.to_string(),
            moment(tenant.created),
            moment_if(tenant.suspended),
            tenant.database.as_deref().map_or_else(|| "-".to_owned(), masked),
            shortened(&assigned, SETTINGS_WIDTH),
        ]);
    }
    table.write(context.out)
}
