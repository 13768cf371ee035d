//! `portcullis key …`

mod list;
mod rotate;

use std::io::Write;

use clap::{Args, Subcommand};

use super::audience::InTenant;
use super::failure::Failure;
use super::place::{Missing, with_engine};
use crate::config::Config;

#[derive(Args, Debug)]
pub(super) struct Command {
    #[command(flatten)]
    tenant: InTenant,
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand, Debug)]
enum Action {
    /// List the keys, and what each is doing
    ///
    /// A key is published before it signs, signs until a newer one does, verifies until the last thing that it signed
    /// has expired, and is then removed. The secret of a key is never shown.
    List {
        /// Write JSON, for programs
        #[arg(long)]
        json: bool,
    },
    Rotate(rotate::Arguments),
}

pub(super) async fn run(
    Command { tenant, action }: Command,
    config: &Config,
    out: &mut (dyn Write + Send),
) -> Result<(), Failure> {
    let tenant = tenant.id();
    with_engine(config, &tenant, Missing::Refuse, async |engine| match action {
        Action::List { json } => list::run(json, engine, &tenant, out).await,
        Action::Rotate(arguments) => {
            rotate::run(&arguments, engine, &tenant, &config.shared_secrets, out).await
        }
    })
    .await
}
