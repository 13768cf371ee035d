//! `portcullis tenant list`

use std::io::Write;

use portcullis_core::engine::Engine;
use portcullis_core::store::Page;
use portcullis_core::tenant::TenantRecord;

use super::json::{TenantJson, masked};
use crate::cli::failure::Failure;
use crate::cli::output::{Table, moment, moment_if, shortened, write_json};
use crate::config::tenant::{TENANT_SETTINGS, TenantSetting};

/// Tenants read at a time.
const PAGE: u32 = 500;

/// The most characters of a tenant's settings in a table. JSON has all of them.
const SETTINGS_WIDTH: usize = 60;

pub(super) async fn run(json: bool, engine: &Engine, out: &mut (dyn Write + Send)) -> Result<(), Failure> {
    let tenants = all(engine).await?;
    if json {
        return write_json(&tenants.iter().map(TenantJson::listed).collect::<Vec<_>>(), out);
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
    table.write(out)
}

async fn all(engine: &Engine) -> Result<Vec<TenantRecord>, Failure> {
    let mut all: Vec<TenantRecord> = Vec::new();
    loop {
        let after = all.last().map(|tenant| tenant.id.clone());
        let page = engine.tenants(Page { after, limit: PAGE }).await?;
        let is_last = page.len() < PAGE as usize;
        all.extend(page);
        if is_last {
            return Ok(all);
        }
    }
}
