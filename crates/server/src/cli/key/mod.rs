//! `portcullis key …`

mod list;
mod rotate;

use std::io::Write;

use clap::{Args, Subcommand};
use portcullis_stores::IfMissing;

use super::database::with_engine;
use super::failure::Failure;
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

pub(super) async fn run(
    KeyCommand { tenant, action }: KeyCommand,
    config: &Config,
    out: &mut (dyn Write + Send),
) -> Result<(), Failure> {
    let tenant = tenant.id();
    with_engine(config, &tenant, IfMissing::Refuse, async |engine| match action {
        KeyAction::List { json } => list::run(json, engine, &tenant, out).await,
        KeyAction::Rotate(arguments) => {
            rotate::run(&arguments, engine, &tenant, &config.shared_secrets, out).await
        }
    })
    .await
}
