//! Users and what a sign-in gives them.

use portcullis_core::clock::Timestamp;
use portcullis_core::id::{SessionId, UserId};
use portcullis_core::secret::PlainSecret;
use portcullis_core::user::User;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::request::member::RoleSchema;

/// A user of the device-session surface.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct DeviceUser {
    /// The id.
    #[schema(value_type = Uuid)]
    pub id: UserId,
    /// The user name.
    #[schema(required)]
    pub username: Option<String>,
    /// The address.
    pub email: String,
    /// The mobile number.
    #[schema(required)]
    pub mobile: Option<String>,
    /// The name.
    #[schema(required)]
    pub name: Option<String>,
    /// What the user may do.
    #[schema(value_type = RoleSchema)]
    pub role: &'static str,
    /// When the user signed up.
    #[schema(value_type = String, format = "date-time")]
    pub created_at: Timestamp,
    /// When the user was last changed.
    #[schema(value_type = String, format = "date-time")]
    pub updated_at: Timestamp,
}

impl DeviceUser {
    /// What the user sees of their own record.
    #[must_use]
    pub fn of(user: &User) -> Self {
        Self {
            id: user.key.id,
            username: user.username.as_ref().map(|username| username.as_typed().to_owned()),
            email: user.email.as_typed().to_owned(),
            mobile: user.mobile.as_ref().map(|mobile| mobile.as_str().to_owned()),
            name: user.name.as_ref().map(|name| name.full().to_owned()),
            role: user.role.as_str(),
            created_at: user.created,
            updated_at: user.updated,
        }
    }
}

/// A user, as an administrator sees it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AdminUser {
    /// What the user also sees.
    #[serde(flatten)]
    pub user: DeviceUser,
    /// When the user was disabled; null if the user is enabled.
    #[schema(value_type = Option<String>, format = "date-time", required)]
    pub disabled: Option<Timestamp>,
    /// When the lockout of the account ends; null without one.
    #[schema(value_type = Option<String>, format = "date-time", required)]
    pub locked_until: Option<Timestamp>,
}

impl AdminUser {
    /// The record of a user whose account is locked until `locked_until`.
    #[must_use]
    pub fn of(user: &User, locked_until: Option<Timestamp>) -> Self {
        Self { user: DeviceUser::of(user), disabled: user.disabled, locked_until }
    }
}

/// A sign-in that waits for its code.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PendingLogin {
    /// The id to send with the code.
    pub login_id: Uuid,
    /// How the code was sent: `email`.
    channel: &'static str,
    /// When the code expires.
    #[schema(value_type = String, format = "date-time")]
    pub expires_at: Timestamp,
}

impl PendingLogin {
    /// The sign-in whose code was mailed.
    #[must_use]
    pub const fn by_mail(login_id: Uuid, expires_at: Timestamp) -> Self {
        Self { login_id, channel: "email", expires_at }
    }
}

/// The answer to a completed sign-in.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = DeviceLogin)]
pub struct DeviceLogin {
    /// The access token, to be sent as a bearer token.
    access_token: String,
    /// The refresh token, to be traded for the next pair.
    refresh_token: String,
    /// The public id of the session; it is no credential.
    #[schema(value_type = Uuid)]
    session_id: SessionId,
    /// The user.
    user: DeviceUser,
    /// The device proof, to be sent with each refresh; only for a native client.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    device_secret: Option<String>,
}

impl DeviceLogin {
    /// The answer for this user, with access and refresh token, and the device proof of a native client.
    #[must_use]
    pub fn new(
        (access, refresh): (&PlainSecret, &PlainSecret),
        session_id: SessionId,
        user: DeviceUser,
        device_secret: Option<&PlainSecret>,
    ) -> Self {
        Self {
            access_token: access.reveal().to_owned(),
            refresh_token: refresh.reveal().to_owned(),
            session_id,
            user,
            device_secret: device_secret.map(|secret| secret.reveal().to_owned()),
        }
    }
}

/// The next pair of tokens.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct TokenPair {
    /// The access token, to be sent as a bearer token.
    access_token: String,
    /// The refresh token, to be traded for the next pair.
    refresh_token: String,
}

impl TokenPair {
    /// The pair of these tokens.
    #[must_use]
    pub fn new(access: &PlainSecret, refresh: &PlainSecret) -> Self {
        Self { access_token: access.reveal().to_owned(), refresh_token: refresh.reveal().to_owned() }
    }
}
