//! `portcullis feed key …`

mod create;
mod list;

use clap::{Args, Subcommand};
use portcullis_core::id::{FeedKeyId, TenantId};
use portcullis_core::revocation::FeedTenants;
use portcullis_stores::IfMissing;

use super::context::CommandContext;
use super::database::with_engine;
use super::failure::Failure;
use super::output::Output;
use crate::config::Config;

/// Manage the keys with which verifiers in other processes follow the revocation feed
#[derive(Args, Debug)]
pub(super) struct FeedCommand {
    #[command(subcommand)]
    what: FeedSubject,
}

#[derive(Subcommand, Debug)]
enum FeedSubject {
    /// Create, list and revoke feed keys
    #[command(subcommand)]
    Key(FeedKeyAction),
}

#[derive(Subcommand, Debug)]
enum FeedKeyAction {
    Create(create::CreateFeedKey),
    /// List the keys, with the tenants and the last use of each
    ///
    /// The keys themselves are not kept, so they are never shown again.
    List {
        /// Write JSON, for programs
        #[arg(long)]
        json: bool,
    },
    /// Revoke a key: its holder is told nothing more after a second
    Revoke {
        /// The key's id, as `feed key list` shows it
        id: FeedKeyId,
    },
}

pub(super) async fn run(command: FeedCommand, config: &Config, out: &mut Output<'_>) -> Result<(), Failure> {
    let FeedSubject::Key(action) = command.what;
    let tenant = TenantId::default_tenant();
    with_engine(config, &tenant, IfMissing::Create, out, async |context| match action {
        FeedKeyAction::Create(arguments) => create::run(arguments, context).await,
        FeedKeyAction::List { json } => list::run(json, context).await,
        FeedKeyAction::Revoke { id } => revoke(id, context).await,
    })
    .await
}

async fn revoke(id: FeedKeyId, context: &mut CommandContext<'_>) -> Result<(), Failure> {
    if context.engine.remove_feed_key(id).await? {
        context.say(format_args!("Feed key {id} is revoked. Its holder is told nothing more after a second."))
    } else {
        Err(Failure::other(format_args!("there is no feed key {id}; `portcullis feed key list` lists them")))
    }
}

/// The tenants of a key: names, or `all`.
fn tenant_names(tenants: &FeedTenants) -> Vec<String> {
    match tenants {
        FeedTenants::All => vec!["all".to_owned()],
        FeedTenants::Some(named) => named.iter().map(TenantId::to_string).collect(),
    }
}
