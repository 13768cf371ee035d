//! `portcullis tenant …`

mod assignments;
mod create;
mod databases;
mod json;
mod list;
mod set;
mod show;
mod suspension;

use std::io::Write;

use clap::{Args, Subcommand};
use portcullis_core::engine::{Engine, TenantAdminError};
use portcullis_core::id::TenantId;
use portcullis_stores::IfMissing;

use super::database::with_engine;
use super::failure::Failure;
use crate::config::Config;

pub(super) use databases::{TenantDatabase, databases};

/// Create, list and change tenants
///
/// A tenant has its own users, sessions and keys. Settings that it does not have are those of the installation. A
/// running server applies a change within a second.
#[derive(Args, Debug)]
pub(super) struct TenantCommand {
    #[command(subcommand)]
    action: TenantAction,
}

#[derive(Subcommand, Debug)]
enum TenantAction {
    Create(create::CreateTenant),
    /// List the tenants with their settings
    List {
        /// Write JSON, for programs
        #[arg(long)]
        json: bool,
    },
    Show(show::ShowTenant),
    Set(set::SetTenant),
    /// Refuse all users of a tenant, at once and on every node, and end all of their sessions
    ///
    /// The server then also refuses tokens that it otherwise accepts by their signature alone.
    Suspend {
        /// The tenant
        #[arg(value_name = "NAME")]
        tenant: TenantId,
    },
    /// Let the users of a tenant sign in again
    ///
    /// Sessions that were ended stay ended, and tokens issued before stay refused.
    Resume {
        /// The tenant
        #[arg(value_name = "NAME")]
        tenant: TenantId,
    },
}

impl TenantAction {
    /// The tenant that must exist.
    fn tenant(&self) -> TenantId {
        match self {
            Self::Create(_) | Self::List { .. } => TenantId::default_tenant(),
            Self::Show(show::ShowTenant { tenant, .. })
            | Self::Set(set::SetTenant { tenant, .. })
            | Self::Suspend { tenant }
            | Self::Resume { tenant } => tenant.clone(),
        }
    }

    async fn run(
        self,
        engine: &Engine,
        config: &Config,
        out: &mut (dyn Write + Send),
    ) -> Result<(), Failure> {
        match self {
            Self::Create(arguments) => create::run(arguments, engine, config, out).await,
            Self::List { json } => list::run(json, engine, out).await,
            Self::Show(arguments) => show::run(&arguments, engine, config, out).await,
            Self::Set(arguments) => set::run(&arguments, engine, config, out).await,
            Self::Suspend { tenant } => suspension::suspend(&tenant, engine, out).await,
            Self::Resume { tenant } => suspension::resume(&tenant, engine, out).await,
        }
    }
}

pub(super) async fn run(
    TenantCommand { action }: TenantCommand,
    config: &Config,
    out: &mut (dyn Write + Send),
) -> Result<(), Failure> {
    let missing = match &action {
        TenantAction::Create(arguments) => {
            arguments.check(config)?;
            IfMissing::Create
        }
        _ => IfMissing::Refuse,
    };
    let tenant = action.tenant();
    with_engine(config, &tenant, missing, async |engine| action.run(engine, config, out).await).await
}

/// Settings that contradict each other are the operator's mistake.
impl From<TenantAdminError> for Failure {
    fn from(fault: TenantAdminError) -> Self {
        if matches!(fault, TenantAdminError::Settings(_)) { Self::usage(fault) } else { Self::other(fault) }
    }
}
