//! `portcullis key …`

mod list;
mod rotate;

use clap::{Args, Subcommand};
use portcullis_stores::IfMissing;

use super::database::with_engine;
use super::failure::Failure;
use super::output::Output;
use super::target::TenantOption;
use crate::config::Config;

#[derive(Args, Debug)]
pub(super) struct KeyCommand {
    #[command(flatten)]
    tenant: TenantOption,
    #[command(subcommand)]
    action: KeyAction,
}

#[derive(Subcommand, Debug)]
enum KeyAction {
    /// List the keys with the status of each
    ///
    /// A key is published before it signs. It signs until a newer key does, verifies until everything that it signed
    /// has expired, and is then removed. The secret of a key is never shown.
    List {
        /// Write JSON, for programs
        #[arg(long)]
        json: bool,
    },
    Rotate(rotate::RotateKeys),
}

pub(super) async fn run(command: KeyCommand, config: &Config, out: &mut Output<'_>) -> Result<(), Failure> {
    let KeyCommand { tenant, action } = command;
    with_engine(config, &tenant.id(), IfMissing::Refuse, out, async |context| match action {
        KeyAction::List { json } => list::run(json, context).await,
        KeyAction::Rotate(arguments) => rotate::run(&arguments, context).await,
    })
    .await
}
