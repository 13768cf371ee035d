//! Sessions, as their user sees them.

use portcullis_core::clock::Timestamp;
use portcullis_core::id::SessionId;
use portcullis_core::session::{Session, SessionState};
use serde::Serialize;
use utoipa::ToSchema;

use super::DeviceUser;

/// A session in a list. No token, and no hash of one.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Session)]
pub struct SessionSummary {
    /// The public id of the session.
    #[schema(value_type = Uuid)]
    pub session_id: SessionId,
    /// What the user calls the device.
    pub device_name: String,
    /// The address of the client that signed in.
    pub ip: String,
    /// The `User-Agent` of that client.
    pub ua: String,
    /// When the user signed in.
    #[schema(value_type = String, format = "date-time")]
    pub created_at: Timestamp,
    /// When the session was last used; up to a minute behind.
    #[schema(value_type = String, format = "date-time")]
    pub last_seen: Timestamp,
    /// Whether it is the caller's session.
    pub current: bool,
    /// When it ended, if it has.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = "date-time", nullable = false)]
    pub ended_at: Option<Timestamp>,
    /// Why it ended, if it has: `logout`, `logout_all`, `refresh_reuse`, `password_change`, `idle`, `absolute`,
    /// `limit`, `admin` or `tenant`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub reason: Option<&'static str>,
}

impl SessionSummary {
    /// The summary of a session in this state, for a caller whose session is `asking`.
    #[must_use]
    pub fn of(session: &Session, state: SessionState, asking: Option<SessionId>) -> Self {
        let ending = state.ending();
        Self {
            session_id: session.key.id,
            device_name: session.device.name.clone(),
            ip: session.device.address.clone(),
            ua: session.device.user_agent.clone(),
            created_at: session.created,
            last_seen: session.last_seen,
            current: asking == Some(session.key.id),
            ended_at: ending.map(|ending| ending.at),
            reason: ending.map(|ending| ending.reason.as_str()),
        }
    }
}

/// The signed-in user and the session of the request.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, ToSchema)]
#[schema(as = DeviceProfile)]
pub struct DeviceProfile {
    /// The user.
    pub user: DeviceUser,
    /// The session of the request.
    pub session: SessionSummary,
}

/// A session that has ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = RevokedSession)]
pub struct RevokedSession {
    /// The public id of the session.
    #[schema(value_type = Uuid)]
    pub session_id: SessionId,
}

/// Sessions that have ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = RevokedSessions)]
pub struct RevokedSessions {
    /// How many.
    pub revoked_count: u64,
}

/// A session whose device has another name.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = RenamedSession)]
pub struct RenamedSession {
    /// The public id of the session.
    #[schema(value_type = Uuid)]
    pub session_id: SessionId,
    /// What the user calls the device.
    pub device_name: String,
}
