//! `portcullis session …`

mod end;
mod json;
mod list;

use std::io::Write;

use clap::{Args, Subcommand};
use portcullis_core::engine::Engine;
use portcullis_core::id::{SessionId, TenantId};
use portcullis_stores::IfMissing;

use super::database::with_engine;
use super::failure::Failure;
use super::target::{TenantOption, UserSelector};
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
    /// End all sessions of a user
    ///
    /// The user may sign in again; `user disable` prevents that.
    EndAll {
        /// An email address, a user name, a mobile number or an id
        #[arg(value_name = "USER")]
        selector: UserSelector,
    },
}

pub(super) async fn run(
    SessionCommand { tenant, action }: SessionCommand,
    config: &Config,
    out: &mut (dyn Write + Send),
) -> Result<(), Failure> {
    let tenant = tenant.id();
    let work = async |engine: &Engine| action.run(engine, &tenant, out).await;
    with_engine(config, &tenant, IfMissing::Refuse, work).await
}

impl SessionAction {
    async fn run(
        self,
        engine: &Engine,
        tenant: &TenantId,
        out: &mut (dyn Write + Send),
    ) -> Result<(), Failure> {
        match self {
            Self::List(arguments) => list::run(&arguments, engine, tenant, out).await,
            Self::End { id } => end::one(id, engine, tenant, out).await,
            Self::EndAll { selector } => end::all(&selector, engine, tenant, out).await,
        }
    }
}
