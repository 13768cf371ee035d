//! How each strategy's answers are worded and spelled: existing clients were written against these, to the letter.
//!
//! The strategies are alike in what they mean and differ only here, so the differences are a table.

use portcullis_core::engine::Identity;
use portcullis_core::strategy::StrategyName;

use super::ProfileUser;
use crate::request::Names;

/// How one strategy's answers are spelled.
#[derive(Clone, Copy, Debug)]
pub struct Shape {
    /// Whose they are.
    pub strategy: StrategyName,
    /// Whether a sign-up may give the name in parts.
    pub names: Names,
    pub(super) login: LoginShape,
    pub(super) profile: ProfileShape,
    pub(super) logout: &'static str,
}

#[derive(Clone, Copy, Debug)]
pub(super) enum LoginShape {
    Token,
    Cookie(&'static str),
    Pair,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct ProfileShape {
    pub(super) message: &'static str,
    pub(super) user: UserShape,
    pub(super) strategy: &'static str,
    pub(super) note: Option<&'static str>,
}

#[derive(Clone, Copy, Debug)]
pub(super) enum UserShape {
    Short,
    Parts,
    Named,
    NamedWithToken,
    NamedWithSession,
}

impl UserShape {
    pub(super) fn view(self, identity: &Identity) -> ProfileUser {
        let (user_id, email) = (identity.user_id(), identity.email.clone());
        let named = |token_id, session_id| ProfileUser::Named {
            user_id,
            email: email.clone(),
            name: identity.name.clone(),
            token_id,
            session_id,
        };
        match self {
            Self::Short => ProfileUser::Short { id: user_id, email },
            Self::Parts => ProfileUser::Parts {
                user_id,
                email,
                first_name: identity.given_name.clone(),
                last_name: identity.family_name.clone(),
            },
            Self::Named => named(None, None),
            Self::NamedWithToken => named(identity.token.map(|token| token.to_string()), None),
            Self::NamedWithSession => named(None, Some(identity.session.to_string())),
        }
    }
}

const fn profile(message: &'static str, user: UserShape, strategy: &'static str) -> ProfileShape {
    ProfileShape { message, user, strategy, note: None }
}

const SHAPES: [Shape; 6] = [
    Shape {
        strategy: StrategyName::Jwt,
        names: Names::Whole,
        login: LoginShape::Token,
        profile: profile("JWT authentication successful", UserShape::Named, "jwt"),
        logout: "JWT logout successful, remove token from client",
    },
    Shape {
        strategy: StrategyName::Session,
        names: Names::Whole,
        login: LoginShape::Cookie("Session login successful"),
        profile: profile("Session authentication successful", UserShape::Short, "session"),
        logout: "Session logout successful",
    },
    Shape {
        strategy: StrategyName::Hybrid,
        names: Names::Whole,
        login: LoginShape::Token,
        profile: ProfileShape {
            note: Some("Token is validated AND checked against Redis whitelist"),
            ..profile("Hybrid Authentication successful", UserShape::NamedWithToken, "hybrid")
        },
        logout: "Logout successful. Token removed from whitelist.",
    },
    Shape {
        strategy: StrategyName::Refresh,
        names: Names::Whole,
        login: LoginShape::Token,
        profile: ProfileShape {
            note: Some("Use short-lived access token for API calls"),
            ..profile("Access token validated", UserShape::Named, "refresh-token")
        },
        logout: "Logout successful",
    },
    Shape {
        strategy: StrategyName::Denylist,
        names: Names::Parts,
        login: LoginShape::Pair,
        profile: profile("Access token validated", UserShape::Parts, "denylist"),
        logout: "Logout successful",
    },
    Shape {
        strategy: StrategyName::SessionJwt,
        names: Names::Whole,
        login: LoginShape::Token,
        profile: profile(
            "Session over JWT authentication successful",
            UserShape::NamedWithSession,
            "session-jwt",
        ),
        logout: "Logout successful",
    },
];

/// How the answers of `strategy` are spelled.
#[must_use]
pub fn shape_of(strategy: StrategyName) -> Shape {
    let [first, ..] = SHAPES;
    SHAPES.into_iter().find(|shape| shape.strategy == strategy).unwrap_or(first)
}
