//! `portcullis tenant create`

use clap::Args;
use portcullis_core::engine::TenantAdminError;
use portcullis_core::id::TenantId;
use portcullis_core::tenant::TenantSettings;
use portcullis_stores::DatabaseUrl;

use super::assignments::{assigned, check, help};
use super::json::{TenantJson, masked};
use crate::cli::context::CommandContext;
use crate::cli::escaped::Escaped;
use crate::cli::failure::Failure;
use crate::cli::output::write_json;
use crate::config::tenant::Assignment;
use crate::config::{Config, Origin};

/// The argument that names the tenant's own database.
const DATABASE: &str = "database_url=";

/// Create a tenant, with its own keys
///
/// Its users and sessions are stored in the database of the installation, or in a database of its own, which
/// database_url=sqlite:PATH names. That choice is final. A path that does not begin with / begins in the data
/// directory. In development mode the command creates the database of the installation if it does not exist.
#[derive(Args, Debug)]
#[expect(clippy::doc_markdown, reason = "it is shown on a terminal")]
#[command(after_help = help())]
pub(super) struct CreateTenant {
    /// The tenant: 1 to 63 of a-z, 0-9, - and _
    #[arg(value_name = "NAME")]
    tenant: TenantId,
    /// Settings of the tenant, and database_url=sqlite:PATH
    #[arg(value_name = "KEY=VALUE", value_parser = argument)]
    arguments: Vec<TenantArgument>,
    /// Write the tenant as JSON, for programs
    #[arg(long)]
    json: bool,
}

/// An argument for a new tenant.
#[derive(Clone, Debug)]
enum TenantArgument {
    Database(String),
    Assignment(Box<Assignment>),
}

fn argument(text: &str) -> Result<TenantArgument, String> {
    let Some(address) = text.strip_prefix(DATABASE) else {
        return Assignment::parse(text).map(|assignment| TenantArgument::Assignment(Box::new(assignment)));
    };
    DatabaseUrl::parse(address).map_err(|message| format!("database_url: {message}"))?;
    Ok(TenantArgument::Database(address.to_owned()))
}

impl CreateTenant {
    /// Checks the arguments before a database is created for them.
    pub(super) fn check(&self, config: &Config) -> Result<(), Failure> {
        check(&self.decisions(), config)?;
        let shared = &config.database;
        if let Some(own) = self.database().and_then(|own| DatabaseUrl::parse(own).ok())
            && own.based_in(&config.data_dir).is_same_database(shared)
        {
            return Err(Failure::usage(
                "database_url: that is the database of the installation; leave it out to live there",
            ));
        }
        let is_by_flag =
            config.report().row("database").is_some_and(|row| matches!(row.origin, Origin::Flag(_)));
        if is_by_flag && shared.is_missing().unwrap_or(true) {
            return Err(Failure::other(format_args!(
                "{}; for a database of the tenant's own, write database_url=sqlite:PATH",
                crate::cli::database::no_database(shared)
            )));
        }
        Ok(())
    }

    fn decisions(&self) -> Vec<Assignment> {
        let decision = |argument: &TenantArgument| match argument {
            TenantArgument::Assignment(assignment) => Some((**assignment).clone()),
            TenantArgument::Database(_) => None,
        };
        self.arguments.iter().filter_map(decision).collect()
    }

    fn database(&self) -> Option<&str> {
        self.arguments.iter().rev().find_map(|argument| match argument {
            TenantArgument::Database(address) => Some(address.as_str()),
            TenantArgument::Assignment(_) => None,
        })
    }
}

pub(super) async fn run(arguments: CreateTenant, context: &mut CommandContext<'_>) -> Result<(), Failure> {
    let settings = assigned(TenantSettings::default(), &arguments.decisions());
    let database = arguments.database().map(str::to_owned);
    let CreateTenant { tenant, json, .. } = arguments;
    let made =
        context.engine.create_tenant(tenant, settings, database).await.map_err(|fault| match fault {
            TenantAdminError::Taken(id) => Failure::other(format_args!(
                "tenant {id} already exists; `portcullis tenant set {id} KEY=VALUE` changes its settings"
            )),
            fault => fault.into(),
        })?;
    if json {
        return write_json(&TenantJson::of(&made, context.config)?, context.out);
    }
    context.say(format_args!("Created tenant {}, with its own keys.", made.id))?;
    if let Some(address) = &made.database {
        context.say(format_args!("Its users and sessions live in {}.", Escaped(&masked(address))))?;
    }
    Ok(())
}
