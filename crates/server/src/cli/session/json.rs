//! A session and its refresh tokens as JSON: ids alone, never a token.

use portcullis_core::clock::Timestamp;
use portcullis_core::session::{Ending, Session, SessionState};
use portcullis_core::user::User;
use serde::Serialize;

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
        "refreshTokens": recent_generations(session, *state, *now),
    }
}

json_object! {
    /// The user of a session as JSON.
    SessionOwnerJson { user: &'a User } => {
        "id": user.key.id,
        "email": user.email.as_typed(),
    }
}

/// A generation of a session's refresh token.
#[derive(PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct RefreshTokenJson {
    id: String,
    issued: Timestamp,
    expires: Timestamp,
    active: bool,
    replaced_by_token: Option<String>,
}

fn ending(state: SessionState) -> Option<Ending> {
    match state {
        SessionState::Live => None,
        SessionState::Ended(ending) => Some(ending),
    }
}

/// The current generation, and the used one before it.
fn recent_generations(session: &Session, state: SessionState, now: Timestamp) -> Vec<RefreshTokenJson> {
    let Some(rotation) = &session.rotation else { return Vec::new() };
    let id = |generation: u64| format!("{}.{generation}", session.key.id);
    let spent = rotation.previous.iter().map(|previous| RefreshTokenJson {
        id: id(rotation.generation.saturating_sub(1)),
        issued: previous.issued,
        expires: previous.expires,
        active: false,
        replaced_by_token: Some(id(rotation.generation)),
    });
    let current = RefreshTokenJson {
        id: id(rotation.generation),
        issued: rotation.issued,
        expires: rotation.expires,
        active: state == SessionState::Live && now < rotation.expires,
        replaced_by_token: None,
    };
    spent.chain([current]).collect()
}
