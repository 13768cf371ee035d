//! `portcullis tenant …`

mod assignments;
mod create;
mod databases;
mod json;
mod list;
mod set;
mod show;

use clap::{Args, Subcommand};
use portcullis_core::engine::TenantAdminError;
use portcullis_core::id::TenantId;
use portcullis_stores::IfMissing;

use super::context::CommandContext;
use super::database::with_engine;
use super::failure::Failure;
use super::output::Output;
use crate::config::Config;

pub(super) use databases::{TenantDatabase, database_at, databases};

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
    Suspend(NamedTenant),
    /// Let the users of a tenant sign in again
    ///
    /// Sessions that were ended stay ended, and tokens issued before stay refused.
    Resume(NamedTenant),
}

// Without a text of its own, so that the help of each command remains.
#[derive(Args, Debug)]
struct NamedTenant {
    /// The tenant
    #[arg(value_name = "NAME")]
    tenant: TenantId,
}

impl TenantAction {
    /// The tenant that must exist.
    fn tenant(&self) -> TenantId {
        match self {
            Self::Create(_) | Self::List { .. } => TenantId::default_tenant(),
            Self::Show(show::ShowTenant { target, .. })
            | Self::Set(set::SetTenant { target, .. })
            | Self::Suspend(target)
            | Self::Resume(target) => target.tenant.clone(),
        }
    }

    async fn run(self, context: &mut CommandContext<'_>) -> Result<(), Failure> {
        let CommandContext { engine, tenant, .. } = *context;
        match self {
            Self::Create(arguments) => create::run(arguments, context).await,
            Self::List { json } => list::run(json, context).await,
            Self::Show(arguments) => show::run(&arguments, context).await,
            Self::Set(arguments) => set::run(&arguments, context).await,
            Self::Suspend(_) => {
                engine.suspend_tenant(tenant).await?;
                context.say(format_args!(
                    "Tenant {tenant} is suspended: its users cannot sign in, and all of their sessions have ended."
                ))
            }
            Self::Resume(_) => {
                engine.resume_tenant(tenant).await?;
                context.say(format_args!(
                    "Tenant {tenant} is active: its users can sign in again. Sessions that were ended stay ended."
                ))
            }
        }
    }
}

pub(super) async fn run(
    command: TenantCommand,
    config: &Config,
    out: &mut Output<'_>,
) -> Result<(), Failure> {
    let action = command.action;
    let missing = match &action {
        TenantAction::Create(arguments) => {
            arguments.check(config)?;
            IfMissing::Create
        }
        _ => IfMissing::Refuse,
    };
    let tenant = action.tenant();
    with_engine(config, &tenant, missing, out, async |context| action.run(context).await).await
}

/// Settings that contradict each other are the operator's mistake.
impl From<TenantAdminError> for Failure {
    fn from(fault: TenantAdminError) -> Self {
        if matches!(fault, TenantAdminError::Settings(_)) { Self::usage(fault) } else { Self::other(fault) }
    }
}
