//! What each strategy's routes do.

use portcullis_core::strategy::StrategyName;

use super::{Access, Method};

/// An operation under each strategy. The type says who may call it, and the router has an arm for each type.
///
/// No variant takes a role, because the router enforces none here:
///
/// ```
/// use portcullis_api::operation::{Access, OwnStrategyOperation, StrategyOperation};
///
/// let profile = StrategyOperation::Own(OwnStrategyOperation::Profile);
/// assert_eq!(profile.access(), Access::SignedIn);
/// ```
///
/// So a row that asks for a role does not compile. A variant that did would not compile either, until the router's
/// `match` puts `portcullis_axum::Roles` in front of its handlers:
///
/// ```compile_fail,E0599
/// use portcullis_api::operation::{Access, OwnStrategyOperation, StrategyOperation};
/// use portcullis_core::user::Role;
///
/// let profile = StrategyOperation::Role(Role::Admin, OwnStrategyOperation::Profile);
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum StrategyOperation {
    /// Anyone may call it.
    Public(PublicStrategyOperation),
    /// A signed-in user calls it about their own account.
    Own(OwnStrategyOperation),
}

/// What anyone may call under each strategy.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum PublicStrategyOperation {
    /// Sign-up.
    Register,
    /// Sign-in.
    Login,
    /// Refresh token rotation.
    Refresh,
}

/// What a signed-in user may call under each strategy.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum OwnStrategyOperation {
    /// Shows who is signed in.
    Profile,
    /// Sign-out.
    Logout,
    /// Changes the password.
    Password,
}

impl StrategyOperation {
    /// Who may call it.
    #[must_use]
    pub const fn access(self) -> Access {
        match self {
            Self::Public(_) => Access::Public,
            Self::Own(_) => Access::SignedIn,
        }
    }
}

/// A row of [`STRATEGY_OPERATIONS`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct StrategyRow {
    /// The operation.
    pub kind: StrategyOperation,
    /// The HTTP method.
    pub method: Method,
    /// What follows `/auth/{strategy}/`.
    pub route: &'static str,
    /// One line about it.
    pub summary: &'static str,
    /// What success means, for the documentation.
    pub success: &'static str,
    /// Whether one address may call it only so often: whatever anyone may call, and whatever costs a password hash.
    pub limited: bool,
}

const fn row(
    kind: StrategyOperation,
    (method, route): (Method, &'static str),
    summary: &'static str,
    success: &'static str,
) -> StrategyRow {
    let limited = matches!(kind, StrategyOperation::Public(_) | Own(Password));
    StrategyRow { kind, method, route, summary, success, limited }
}

use Method::{Get, Post};
use OwnStrategyOperation::{Logout, Password, Profile};
use PublicStrategyOperation::{Login, Refresh, Register};
use StrategyOperation::{Own, Public};

/// The operations under each strategy, at `/auth/{strategy}/…`; `refresh` under the two that rotate. *Limited*: one
/// address may call it only so often.
///
/// | request | who | | what it does |
/// |---|---|---|---|
/// | `POST register` | anyone | limited | Sign up |
/// | `POST login` | anyone | limited | Sign in |
/// | `GET profile` | signed in | | Who is signed in |
/// | `POST logout` | signed in | | Sign out |
/// | `POST refresh` | anyone | limited | Trade a refresh token for the next pair |
/// | `POST password` | signed in | limited | Change the password and end every other session |
pub const STRATEGY_OPERATIONS: [StrategyRow; 6] = [
    row(Public(Register), (Post, "register"), "Sign up", "Signed up."),
    row(Public(Login), (Post, "login"), "Sign in", "Signed in."),
    row(Own(Profile), (Get, "profile"), "Who is signed in", "Recognised."),
    row(Own(Logout), (Post, "logout"), "Sign out", "Signed out."),
    row(Public(Refresh), (Post, "refresh"), "Trade a refresh token for the next pair", "The next pair."),
    row(Own(Password), (Post, "password"), "Change the password and end every other session", "Changed."),
];

impl StrategyRow {
    /// Who may call it.
    #[must_use]
    pub const fn access(&self) -> Access {
        self.kind.access()
    }

    /// The path under a strategy; `None` where the strategy does not have the operation: only those that rotate
    /// refresh.
    #[must_use]
    pub fn path(&self, strategy: StrategyName) -> Option<String> {
        let is_refresh = self.kind == Public(Refresh);
        let exists = !is_refresh || strategy.strategy().rotates();
        let exists = exists && StrategyName::ROUTED.contains(&strategy);
        exists.then(|| format!("/auth/{strategy}/{}", self.route))
    }
}
