//! A session and its refresh tokens as JSON: ids alone, never a token.

use portcullis_core::clock::Timestamp;
use portcullis_core::session::{Ending, Session, SessionState};
use portcullis_core::user::User;

json_object! {
    /// A session as JSON.
    SessionJson { user: &'a User, session: &'a Session, state: SessionState, now: Timestamp } => {
        "id": session.key.id,
        "tenant": session.key.tenant,
        "user": SessionOwnerJson { user },
        "strategy": session.strategy,
        "device": session.device.name,
        "address": session.device.address,
        "userAgent": session.device.user_agent,
        "created": session.created,
        "lastSeen": session.last_seen,
        "expires": session.idle_expires.min(session.absolute_expires),
        "state": ending(*state).map_or("live", |_| "ended"),
        "ended": ending(*state).map(|ending| ending.at),
        "reason": ending(*state).map(|ending| ending.reason),
        "refreshTokens": session.refresh_generations(*state, *now),
    }
}

json_object! {
    /// The user of a session as JSON.
    SessionOwnerJson { user: &'a User } => {
        "id": user.key.id,
        "email": user.email.as_typed(),
    }
}

fn ending(state: SessionState) -> Option<Ending> {
    match state {
        SessionState::Live => None,
        SessionState::Ended(ending) => Some(ending),
    }
}
