//! `portcullis session …`

mod end;
mod json;
mod list;

use clap::{Args, Subcommand};
use portcullis_core::id::SessionId;
use portcullis_stores::IfMissing;

use super::database::with_engine;
use super::failure::Failure;
use super::output::Output;
use super::target::TenantOption;
use crate::config::Config;

#[derive(Args, Debug)]
pub(super) struct SessionCommand {
    #[command(flatten)]
    tenant: TenantOption,
    #[command(subcommand)]
    action: SessionAction,
}

#[derive(Subcommand, Debug)]
enum SessionAction {
    List(list::ListSessions),
    /// End one session
    ///
    /// An access token that is verified by its signature alone (strategies jwt and refresh) stays valid until it
    /// expires.
    End {
        /// Id of the session, as `session list` shows it
        #[arg(value_name = "SESSION")]
        id: SessionId,
    },
    EndAll(end::EndAllSessions),
}

pub(super) async fn run(
    command: SessionCommand,
    config: &Config,
    out: &mut Output<'_>,
) -> Result<(), Failure> {
    let SessionCommand { tenant, action } = command;
    if let SessionAction::EndAll(arguments) = &action {
        arguments.check(&tenant)?;
    }
    with_engine(config, &tenant.id(), IfMissing::Refuse, out, async |context| match action {
        SessionAction::List(arguments) => list::run(&arguments, context).await,
        SessionAction::End { id } => end::one(id, context).await,
        SessionAction::EndAll(arguments) => end::all(&arguments, context).await,
    })
    .await
}
