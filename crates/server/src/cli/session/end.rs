//! `portcullis session end`, `portcullis session end-all`

use clap::Args;
use portcullis_core::id::{SessionId, SessionKey};
use portcullis_core::session::{EndReason, SessionState};

use crate::cli::context::CommandContext;
use crate::cli::failure::Failure;
use crate::cli::output::{counted, moment};
use crate::cli::target::{TenantOption, UserSelector};

/// It is no failure if the session has already ended.
pub(super) async fn one(id: SessionId, context: &mut CommandContext<'_>) -> Result<(), Failure> {
    let CommandContext { engine, tenant, .. } = *context;
    let key = SessionKey { tenant: tenant.clone(), id };
    let Some(found) = engine.session(&key).await? else {
        return Err(Failure::other(format_args!(
            "there is no session {id} in tenant {tenant}; `portcullis session list --tenant {tenant}` lists its sessions"
        )));
    };
    // Also one that has expired by this machine's clock, which may be ahead of the server's.
    engine.end_session(&key).await?;
    if let SessionState::Ended(ending) = found.state {
        let (at, reason) = (moment(ending.at), ending.reason);
        return context.say(format_args!("Session {id} already ended at {at} ({reason})."));
    }
    context.say(format_args!("Session {id} has ended."))
}

/// End all sessions of a user, or of everyone
///
/// Users may sign in again; `user disable` prevents that.
#[derive(Args, Debug)]
pub(super) struct EndAllSessions {
    /// An email address, a user name, a mobile number or an id
    #[arg(value_name = "USER", required_unless_present = "everyone")]
    selector: Option<UserSelector>,
    /// End the sessions of all users of all tenants, and void their open codes and links: the last step of a restore
    #[arg(long, conflicts_with = "selector")]
    everyone: bool,
}

impl EndAllSessions {
    pub(super) fn check(&self, tenant: &TenantOption) -> Result<(), Failure> {
        if self.everyone && tenant.is_named() {
            return Err(Failure::usage("--everyone means all tenants; leave --tenant out"));
        }
        Ok(())
    }
}

pub(super) async fn all(arguments: &EndAllSessions, context: &mut CommandContext<'_>) -> Result<(), Failure> {
    let Some(selector) = &arguments.selector else {
        context.engine.end_everyone().await?;
        return context.say("All sessions of all users of all tenants have ended.");
    };
    let user = selector.find(context).await?;
    let ended = counted(context.engine.end_sessions(&user.key, EndReason::Admin).await?, "live session");
    context.say_of(&user, format_args!("had {ended}; all are ended."))
}
