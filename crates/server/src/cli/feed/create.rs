//! `portcullis feed key create`

use clap::Args;
use portcullis_core::id::TenantId;
use portcullis_core::revocation::{FeedKey, FeedTenants};

use super::tenant_names;
use crate::cli::context::CommandContext;
use crate::cli::failure::Failure;
use crate::cli::output::write_json;

/// Create a key, and show it once
///
/// A verifier shows it as `Authorization: Bearer …` at `/auth/revocations`. Its holder learns which sessions of
/// its tenants have ended, and can sign nothing and open nothing. Keep it like a password, in a file that the service
/// alone can read.
#[derive(Args, Debug)]
pub(super) struct CreateFeedKey {
    /// A tenant whose revocations the key is for; may be given several times [default: default]
    #[arg(long = "tenant", value_name = "NAME", conflicts_with = "all")]
    tenants: Vec<TenantId>,
    /// The revocations of all tenants, also of those that are made later
    #[arg(long)]
    all: bool,
    /// Write JSON, for programs: id, tenants and key
    #[arg(long)]
    json: bool,
}

impl CreateFeedKey {
    fn feed_tenants(&self) -> FeedTenants {
        if self.all {
            return FeedTenants::All;
        }
        let named = self.tenants.iter().cloned();
        let default = self.tenants.is_empty().then(TenantId::default_tenant);
        FeedTenants::Some(named.chain(default).collect())
    }
}

json_object! {
    /// A new feed key as JSON.
    NewFeedKeyJson { made: &'a FeedKey, secret: &'a str } => {
        "id": made.id,
        "tenants": tenant_names(&made.tenants),
        "key": secret,
    }
}

pub(super) async fn run(arguments: CreateFeedKey, context: &mut CommandContext<'_>) -> Result<(), Failure> {
    let (made, secret) = context.engine.create_feed_key(&arguments.feed_tenants()).await?;
    if arguments.json {
        return write_json(&NewFeedKeyJson { made: &made, secret: secret.reveal() }, context.out);
    }
    context.say(secret.reveal())?;
    let tenants = tenant_names(&made.tenants).join(", ");
    context.say(format_args!("This is feed key {} for {tenants}. It is not shown again.", made.id))
}
