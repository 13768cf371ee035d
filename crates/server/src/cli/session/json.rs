//! A session and its refresh tokens as JSON: ids alone, never a token.

use portcullis_core::clock::Timestamp;
use portcullis_core::engine::ListedSession;
use portcullis_core::id::{SessionId, TenantId, UserId};
use portcullis_core::session::{EndReason, Ending, Session, SessionState};
use portcullis_core::strategy::StrategyName;
use portcullis_core::user::User;
use serde::Serialize;

/// A session as JSON.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct SessionJson<'a> {
    id: SessionId,
    tenant: &'a TenantId,
    user: SessionOwnerJson<'a>,
    strategy: StrategyName,
    device: &'a str,
    address: &'a str,
    user_agent: &'a str,
    created: Timestamp,
    last_seen: Timestamp,
    expires: Timestamp,
    state: &'static str,
    ended: Option<Timestamp>,
    reason: Option<EndReason>,
    refresh_tokens: Vec<RefreshTokenJson>,
}

#[derive(Serialize)]
struct SessionOwnerJson<'a> {
    id: UserId,
    email: &'a str,
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

impl<'a> SessionJson<'a> {
    pub(super) fn of(
        user: &'a User,
        ListedSession { session, state }: &'a ListedSession,
        now: Timestamp,
    ) -> Self {
        let (name, ending) = match state {
            SessionState::Live => ("live", None),
            SessionState::Ended(ending) => ("ended", Some(ending)),
        };
        Self {
            id: session.key.id,
            tenant: &session.key.tenant,
            user: SessionOwnerJson { id: user.key.id, email: user.email.as_typed() },
            strategy: session.strategy,
            device: &session.device.name,
            address: &session.device.address,
            user_agent: &session.device.user_agent,
            created: session.created,
            last_seen: session.last_seen,
            expires: session.idle_expires.min(session.absolute_expires),
            state: name,
            ended: ending.map(|Ending { at, .. }| *at),
            reason: ending.map(|Ending { reason, .. }| *reason),
            refresh_tokens: recent_generations(session, *state, now),
        }
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
