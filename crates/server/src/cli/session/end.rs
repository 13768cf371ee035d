//! `portcullis session end`, `portcullis session end-all`

use std::io::Write;

use portcullis_core::engine::Engine;
use portcullis_core::id::{SessionId, SessionKey, TenantId};
use portcullis_core::session::{EndReason, SessionState};

use crate::cli::escaped::Escaped;
use crate::cli::failure::Failure;
use crate::cli::output::{counted, moment};
use crate::cli::target::UserSelector;

/// It is no failure if the session has already ended.
pub(super) async fn one(
    id: SessionId,
    engine: &Engine,
    tenant: &TenantId,
    out: &mut (dyn Write + Send),
) -> Result<(), Failure> {
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
        return Ok(writeln!(out, "Session {id} already ended at {at} ({reason}).")?);
    }
    Ok(writeln!(out, "Session {id} has ended.")?)
}

pub(super) async fn all(
    selector: &UserSelector,
    engine: &Engine,
    tenant: &TenantId,
    out: &mut (dyn Write + Send),
) -> Result<(), Failure> {
    let user = selector.find(engine, tenant).await?;
    let ended = counted(engine.end_sessions(&user.key, EndReason::Admin).await?, "live session");
    Ok(writeln!(out, "{} had {ended}; all are ended.", Escaped(user.email.as_typed()))?)
}
