//! `portcullis session end`, `portcullis session end-all`

use portcullis_core::id::{SessionId, SessionKey};
use portcullis_core::session::{EndReason, SessionState};

use crate::cli::context::CommandContext;
use crate::cli::failure::Failure;
use crate::cli::output::{counted, moment};
use crate::cli::target::UserSelector;

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

pub(super) async fn all(selector: &UserSelector, context: &mut CommandContext<'_>) -> Result<(), Failure> {
    let user = selector.find(context).await?;
    let ended = counted(context.engine.end_sessions(&user.key, EndReason::Admin).await?, "live session");
    context.say_of(&user, format_args!("had {ended}; all are ended."))
}
