//! The format of each strategy's answers: existing clients were written against exactly these texts and members.
//!
//! The strategies mean the same and differ only in format, so the differences are a table.

use portcullis_core::engine::Identity;
use portcullis_core::strategy::StrategyName;

use super::ProfileUser;
use crate::request::NameForm;

/// The format of one strategy's answers.
#[derive(Clone, Copy, Debug)]
pub struct StrategyFormat {
    /// The strategy.
    pub strategy: StrategyName,
    /// How a sign-up gives the user's name.
    pub names: NameForm,
    pub(super) login: LoginFormat,
    pub(super) profile: ProfileFormat,
    pub(super) logout: &'static str,
}

#[derive(Clone, Copy, Debug)]
pub(super) enum LoginFormat {
    Token,
    Cookie(&'static str),
    Pair,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct ProfileFormat {
    pub(super) message: &'static str,
    pub(super) user: UserFormat,
    pub(super) strategy: &'static str,
    pub(super) note: Option<&'static str>,
}

#[derive(Clone, Copy, Debug)]
pub(super) enum UserFormat {
    Short,
    Parts,
    Named,
    NamedWithToken,
    NamedWithSession,
}

impl UserFormat {
    pub(super) fn view(self, identity: &Identity) -> ProfileUser<'_> {
        let (user_id, profile) = (identity.user_id(), &*identity.profile);
        let email = profile.email.as_str();
        let named = |token_id, session_id| ProfileUser::Named {
            user_id,
            email,
            name: profile.name.as_deref(),
            token_id,
            session_id,
        };
        match self {
            Self::Short => ProfileUser::Short { id: user_id, email },
            Self::Parts => ProfileUser::Parts {
                user_id,
                email,
                first_name: profile.given_name.as_deref(),
                last_name: profile.family_name.as_deref(),
            },
            Self::Named => named(None, None),
            Self::NamedWithToken => named(identity.token, None),
            Self::NamedWithSession => named(None, Some(identity.session)),
        }
    }
}

const fn profile(message: &'static str, user: UserFormat, strategy: &'static str) -> ProfileFormat {
    ProfileFormat { message, user, strategy, note: None }
}

const FORMATS: [StrategyFormat; 6] = [
    StrategyFormat {
        strategy: StrategyName::Jwt,
        names: NameForm::Full,
        login: LoginFormat::Token,
        profile: profile("JWT authentication successful", UserFormat::Named, "jwt"),
        logout: "JWT logout successful, remove token from client",
    },
    StrategyFormat {
        strategy: StrategyName::Session,
        names: NameForm::Full,
        login: LoginFormat::Cookie("Session login successful"),
        profile: profile("Session authentication successful", UserFormat::Short, "session"),
        logout: "Session logout successful",
    },
    StrategyFormat {
        strategy: StrategyName::Hybrid,
        names: NameForm::Full,
        login: LoginFormat::Token,
        profile: ProfileFormat {
            note: Some("Token is validated AND checked against Redis whitelist"),
            ..profile("Hybrid Authentication successful", UserFormat::NamedWithToken, "hybrid")
        },
        logout: "Logout successful. Token removed from whitelist.",
    },
    StrategyFormat {
        strategy: StrategyName::Refresh,
        names: NameForm::Full,
        login: LoginFormat::Token,
        profile: ProfileFormat {
            note: Some("Use short-lived access token for API calls"),
            ..profile("Access token validated", UserFormat::Named, "refresh-token")
        },
        logout: "Logout successful",
    },
    StrategyFormat {
        strategy: StrategyName::Denylist,
        names: NameForm::Parts,
        login: LoginFormat::Pair,
        profile: profile("Access token validated", UserFormat::Parts, "denylist"),
        logout: "Logout successful",
    },
    StrategyFormat {
        strategy: StrategyName::SessionJwt,
        names: NameForm::Full,
        login: LoginFormat::Token,
        profile: profile(
            "Session over JWT authentication successful",
            UserFormat::NamedWithSession,
            "session-jwt",
        ),
        logout: "Logout successful",
    },
];

/// The format of the answers of `strategy`.
#[must_use]
pub fn strategy_format(strategy: StrategyName) -> StrategyFormat {
    let [first, ..] = FORMATS;
    FORMATS.into_iter().find(|format| format.strategy == strategy).unwrap_or(first)
}
