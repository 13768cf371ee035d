//! The bodies of success. Members are written in the order of the fields.

pub mod device;
pub mod identity_headers;
mod strategy_format;
mod success;

use portcullis_core::clock::Timestamp;
use portcullis_core::engine::{CompletedSignIn, Grant, Identity, Refreshed};
use portcullis_core::id::{SessionId, TokenId, UserId};
use portcullis_core::secret::PlainSecret;
use portcullis_core::user::User;
use serde::Serialize;
use utoipa::ToSchema;

use strategy_format::{LoginFormat, ProfileFormat};
pub use strategy_format::{StrategyFormat, strategy_format};
pub use success::{Success, SuccessEnvelope};

/// A user, as that user sees it under the strategies.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = User)]
pub struct UserView {
    /// The id.
    #[schema(value_type = uuid::Uuid)]
    pub id: UserId,
    /// The address.
    pub email: String,
    /// The name.
    #[schema(required)]
    pub name: Option<String>,
    /// When the user signed up.
    #[schema(value_type = String, format = "date-time")]
    pub created_at: Timestamp,
    /// When the user was last changed.
    #[schema(value_type = String, format = "date-time")]
    pub updated_at: Timestamp,
}

impl UserView {
    /// What a user sees of their own record.
    #[must_use]
    pub fn of(user: &User) -> Self {
        Self {
            id: user.key.id,
            email: user.email.as_typed().to_owned(),
            name: user.name.as_ref().map(|name| name.full().to_owned()),
            created_at: user.created,
            updated_at: user.updated,
        }
    }
}

/// A user with the name in parts.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct UserInParts {
    /// The id.
    #[schema(value_type = uuid::Uuid)]
    pub id: UserId,
    /// The address.
    pub email: String,
    /// The first name; the whole name where it was not given in parts.
    #[schema(required)]
    pub first_name: Option<String>,
    /// The last name.
    #[schema(required)]
    pub last_name: Option<String>,
}

impl UserInParts {
    fn of(user: &User) -> Self {
        Self {
            id: user.key.id,
            email: user.email.as_typed().to_owned(),
            first_name: user.name.as_ref().map(|name| name.first().to_owned()),
            last_name: user.name.as_ref().and_then(|name| name.last().map(str::to_owned)),
        }
    }
}

/// An answer that is one sentence.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, ToSchema)]
pub struct MessageBody {
    /// The sentence.
    pub message: &'static str,
}

/// The answer to a sign-in whose credential is a token.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, ToSchema)]
pub struct TokenLogin {
    /// The access token, to be sent as a bearer token.
    pub access_token: String,
    /// The refresh token, to be traded for the next pair.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub refresh_token: Option<String>,
    /// The device proof, to be sent with each refresh.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub device_secret: Option<String>,
    /// The user.
    pub user: UserView,
}

/// The answer to a sign-in whose credential is a cookie.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, ToSchema)]
pub struct CookieLogin {
    /// A sentence.
    pub message: &'static str,
    /// The user.
    pub user: UserView,
}

/// The answer to a sign-in whose tokens are an object of their own.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, ToSchema)]
pub struct PairLogin {
    /// The user.
    pub user: UserInParts,
    /// The tokens.
    #[schema(inline)]
    pub tokens: Pair,
}

/// A pair of tokens.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Pair {
    /// The access token, to be sent as a bearer token.
    pub access_token: String,
    /// The refresh token, to be traded for the next pair.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub refresh_token: Option<String>,
    /// The device proof, to be sent with each refresh.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub device_secret: Option<String>,
}

/// The next pair of tokens.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, ToSchema)]
pub struct Tokens {
    /// The access token, to be sent as a bearer token.
    pub access_token: String,
    /// The refresh token, to be traded for the next pair.
    pub refresh_token: String,
}

/// What a sign-in answers.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, ToSchema)]
#[serde(untagged)]
pub enum LoginAnswer {
    /// A token.
    Token(#[schema(inline)] TokenLogin),
    /// A cookie, which travels in a header.
    Cookie(#[schema(inline)] CookieLogin),
    /// A pair that stands apart.
    Pair(#[schema(inline)] PairLogin),
}

/// What a refresh answers.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, ToSchema)]
#[serde(untagged)]
pub enum RefreshAnswer {
    /// As `access_token`, `refresh_token`.
    Tokens(#[schema(inline)] Tokens),
    /// As `accessToken`, `refreshToken`.
    Pair(#[schema(inline)] Pair),
}

/// The user of a profile, in one of its formats.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, ToSchema)]
#[serde(untagged)]
pub enum ProfileUser<'a> {
    /// Id and address.
    #[serde(rename_all = "camelCase")]
    Short {
        /// The id.
        #[schema(value_type = uuid::Uuid)]
        id: UserId,
        /// The address.
        email: &'a str,
    },
    /// With the name in parts.
    #[serde(rename_all = "camelCase")]
    Parts {
        /// The id.
        #[schema(value_type = uuid::Uuid)]
        user_id: UserId,
        /// The address.
        email: &'a str,
        /// The first name.
        first_name: Option<&'a str>,
        /// The last name.
        last_name: Option<&'a str>,
    },
    /// With the name, and what names the credential.
    #[serde(rename_all = "camelCase")]
    Named {
        /// The id.
        #[schema(value_type = uuid::Uuid)]
        user_id: UserId,
        /// The address.
        email: &'a str,
        /// The name.
        name: Option<&'a str>,
        /// The token.
        #[serde(skip_serializing_if = "Option::is_none")]
        #[schema(value_type = String, required = false, nullable = false)]
        token_id: Option<TokenId>,
        /// The session.
        #[serde(skip_serializing_if = "Option::is_none")]
        #[schema(value_type = String, required = false, nullable = false)]
        session_id: Option<SessionId>,
    },
}

/// A profile.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, ToSchema)]
pub struct StrategyProfile<'a> {
    /// A sentence.
    pub message: &'static str,
    /// The user.
    #[schema(inline)]
    pub user: ProfileUser<'a>,
    /// The name of the strategy, as its clients know it.
    pub strategy: &'static str,
    /// A remark.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub note: Option<&'static str>,
}

impl StrategyFormat {
    /// The answer to a sign-in.
    #[must_use]
    pub fn login(&self, signed_in: &CompletedSignIn) -> LoginAnswer {
        let Grant { credential, refresh, device_secret, .. } = &signed_in.grant;
        let shown = |secret: &Option<PlainSecret>| secret.as_ref().map(|secret| secret.reveal().to_owned());
        match self.login {
            LoginFormat::Token => LoginAnswer::Token(TokenLogin {
                access_token: credential.reveal().to_owned(),
                refresh_token: shown(refresh),
                device_secret: shown(device_secret),
                user: UserView::of(&signed_in.user),
            }),
            LoginFormat::Cookie(message) => {
                LoginAnswer::Cookie(CookieLogin { message, user: UserView::of(&signed_in.user) })
            }
            LoginFormat::Pair => LoginAnswer::Pair(PairLogin {
                user: UserInParts::of(&signed_in.user),
                tokens: Pair {
                    access_token: credential.reveal().to_owned(),
                    refresh_token: shown(refresh),
                    device_secret: shown(device_secret),
                },
            }),
        }
    }

    /// The answer to a refresh.
    #[must_use]
    pub fn refreshed(&self, refreshed: &Refreshed) -> RefreshAnswer {
        let access_token = refreshed.access.reveal().to_owned();
        let refresh_token = refreshed.refresh.reveal().to_owned();
        match self.login {
            LoginFormat::Pair => RefreshAnswer::Pair(Pair {
                access_token,
                refresh_token: Some(refresh_token),
                device_secret: None,
            }),
            _ => RefreshAnswer::Tokens(Tokens { access_token, refresh_token }),
        }
    }

    /// The answer to a profile.
    #[must_use]
    pub fn profile<'a>(&self, identity: &'a Identity) -> StrategyProfile<'a> {
        let ProfileFormat { message, user, strategy, note } = self.profile;
        StrategyProfile { message, user: user.view(identity), strategy, note }
    }

    /// The answer to a sign-out.
    #[must_use]
    pub const fn logout(&self) -> MessageBody {
        MessageBody { message: self.logout }
    }
}

/// The health of the device-session surface.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, ToSchema)]
pub struct AuthHealth {
    /// Always true.
    pub ok: bool,
    /// Always `auth-service`.
    pub service: &'static str,
    /// The transport of the request: `HTTP` or `TCP`.
    pub mode: &'static str,
}

impl AuthHealth {
    const fn over(mode: &'static str) -> Self {
        Self { ok: true, service: "auth-service", mode }
    }
}

/// The answer of `GET /auth/health`.
pub const AUTH_HEALTH: AuthHealth = AuthHealth::over("HTTP");

/// The answer of `auth.health` over TCP.
pub const AUTH_HEALTH_OVER_TCP: AuthHealth = AuthHealth::over("TCP");

/// The answer to a change of password.
pub const PASSWORD_CHANGED: MessageBody = MessageBody { message: "Password changed" };

#[cfg(test)]
mod tests;
