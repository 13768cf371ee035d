//! `portcullis tenant set`

use clap::Args;

use super::NamedTenant;
use super::assignments::{assigned, check, help};
use crate::cli::context::CommandContext;
use crate::cli::escaped::Escaped;
use crate::cli::failure::Failure;
use crate::config::tenant::Assignment;

/// Change the settings of a tenant
///
/// KEY= unsets a setting: the configuration of the installation applies again. Tokens and sessions keep the lifetimes
/// that they were issued with.
#[derive(Args, Debug)]
#[command(after_help = help())]
pub(super) struct SetTenant {
    #[command(flatten)]
    pub(super) target: NamedTenant,
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
    SetTenant { decisions, .. }: &SetTenant,
    context: &mut CommandContext<'_>,
) -> Result<(), Failure> {
    let CommandContext { engine, config, tenant, .. } = *context;
    check(decisions, config)?;
    let wanted = decisions.clone();
    let changed = engine.change_tenant(tenant, move |settings| assigned(settings, &wanted)).await?;
    for Assignment { key, .. } in decisions {
        let now = match key.shown(&changed.settings) {
            Some(value) => format!("{}={}", key.name, Escaped(&value)),
            None => format!("the installation's {}", key.name),
        };
        context.say(format_args!("Tenant {tenant} has {now} now."))?;
    }
    Ok(())
}
