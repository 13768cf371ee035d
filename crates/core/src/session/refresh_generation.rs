//! The refresh tokens of a session, as they are shown: by id, never by value.

use serde::Serialize;

use super::{Session, SessionState};
use crate::clock::Timestamp;

/// One generation of a session's refresh token, as its user and operators see it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RefreshGeneration {
    /// `{session}.{generation}`. It is no credential.
    pub id: String,
    /// When it was issued.
    pub issued: Timestamp,
    /// When it expires, or would have.
    pub expires: Timestamp,
    /// Whether it can be redeemed for the next one.
    pub active: bool,
    /// The id of the generation that it was redeemed for. `None` if it was not.
    pub replaced_by_token: Option<String>,
}

impl Session {
    /// The refresh tokens of the session that are known still, oldest first: the used one before the current one, and
    /// the current one. `state` is the state of the session now. A session without rotation has none.
    #[must_use]
    pub fn refresh_generations(&self, state: SessionState, now: Timestamp) -> Vec<RefreshGeneration> {
        let Some(rotation) = &self.rotation else { return Vec::new() };
        let id = |generation: u64| format!("{}.{generation}", self.key.id);
        let spent = rotation.previous.iter().map(|previous| RefreshGeneration {
            id: id(rotation.generation.saturating_sub(1)),
            issued: previous.issued,
            expires: previous.expires,
            active: false,
            replaced_by_token: Some(id(rotation.generation)),
        });
        let current = RefreshGeneration {
            id: id(rotation.generation),
            issued: rotation.issued,
            expires: rotation.expires,
            active: state == SessionState::Live && now < rotation.expires,
            replaced_by_token: None,
        };
        spent.chain([current]).collect()
    }
}
