//! `portcullis session …`

mod end;
mod list;
mod record;

use std::io::Write;

use clap::{Args, Subcommand};
use portcullis_core::engine::Engine;
use portcullis_core::id::{SessionId, TenantId};

use super::audience::{InTenant, Who};
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
    List(list::Arguments),
    /// End one session
    ///
    /// A token that is believed by its signature alone (of the strategies jwt and refresh) lives out its minutes.
    End {
        /// The id that `session list` shows
        #[arg(value_name = "SESSION")]
        id: SessionId,
    },
    /// End all sessions of a user
    ///
    /// The user may sign in again; `user disable` is for one who may not.
    EndAll {
        /// An email address, a user name, a mobile number or an id
        #[arg(value_name = "USER")]
        who: Who,
    },
}

pub(super) async fn run(
    Command { tenant, action }: Command,
    config: &Config,
    out: &mut (dyn Write + Send),
) -> Result<(), Failure> {
    let tenant = tenant.id();
    let work = async |engine: &Engine| action.run(engine, &tenant, out).await;
    with_engine(config, &tenant, Missing::Refuse, work).await
}

impl Action {
    async fn run(
        self,
        engine: &Engine,
        tenant: &TenantId,
        out: &mut (dyn Write + Send),
    ) -> Result<(), Failure> {
        match self {
            Self::List(arguments) => list::run(&arguments, engine, tenant, out).await,
            Self::End { id } => end::one(id, engine, tenant, out).await,
            Self::EndAll { who } => end::all(&who, engine, tenant, out).await,
        }
    }
}
