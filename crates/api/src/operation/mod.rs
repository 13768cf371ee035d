//! The table of what can be asked, in three parts: by strategy, of the device-session surface, of the service.
//!
//! One row an operation: its route, its TCP pattern, who may ask it, what it takes and answers. Routers, dispatch, the
//! OpenAPI document and the test that everything is denied by default are derived from it: adding an operation touches
//! this table, one engine file and one handler file.

mod device;
#[cfg(test)]
mod tests;

use portcullis_core::strategy::StrategyName;
use portcullis_core::user::Role;

pub use device::{DEVICE_OPERATIONS, DeviceOperation};

/// An HTTP method that some operation has.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Method {
    /// Changes nothing.
    Get,
    /// May change something.
    Post,
    /// Changes a part of something.
    Patch,
}

impl Method {
    /// Its name, as requests spell it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Patch => "PATCH",
        }
    }
}

/// Who may ask.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Access {
    /// Anybody.
    Public,
    /// Whoever shows a credential of the route's strategy.
    SignedIn,
    /// Whoever shows one and has this role.
    Role(Role),
}

/// What can be done under each strategy.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum StrategyOperation {
    /// Sign-up.
    Register,
    /// Sign-in.
    Login,
    /// Being recognised.
    Profile,
    /// Sign-out.
    Logout,
    /// Going on.
    Refresh,
    /// Another password.
    Password,
}

/// What the server does for everybody.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum ServiceOperation {
    /// The public keys of tenant `default`.
    Jwks,
    /// The public keys of a tenant.
    TenantJwks,
    /// Whether the process is up.
    Health,
    /// Whether the stores answer.
    Ready,
}

/// A row of the table.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Operation<K> {
    /// Which one.
    pub kind: K,
    /// Its method.
    pub method: Method,
    /// Its route; for strategies, behind `/auth/{strategy}/`.
    pub route: &'static str,
    /// What it is called over TCP, if it can be asked there.
    pub pattern: Option<&'static str>,
    /// Who may ask.
    pub access: Access,
    /// One line.
    pub summary: &'static str,
    /// The status of success.
    pub success: u16,
    /// Whether its body may be form-encoded, because a page without a script posts it.
    pub form: bool,
    /// Whether a client may ask only so often.
    pub limited: bool,
}

const fn row<K: Copy>(
    (kind, method, success): (K, Method, u16),
    route: &'static str,
    access: Access,
    summary: &'static str,
) -> Operation<K> {
    Operation { kind, method, route, pattern: None, access, summary, success, form: false, limited: false }
}

const fn get<K: Copy>(kind: K, route: &'static str, access: Access, summary: &'static str) -> Operation<K> {
    row((kind, Method::Get, 200), route, access, summary)
}

const fn post<K: Copy>(kind: K, route: &'static str, access: Access, summary: &'static str) -> Operation<K> {
    row((kind, Method::Post, 201), route, access, summary)
}

const fn patch<K: Copy>(kind: K, route: &'static str, access: Access, summary: &'static str) -> Operation<K> {
    row((kind, Method::Patch, 200), route, access, summary)
}

impl<K: Copy> Operation<K> {
    const fn limited(self) -> Self {
        Self { limited: true, ..self }
    }
}

/// What can be done under each strategy.
pub const STRATEGY_OPERATIONS: [Operation<StrategyOperation>; 6] = [
    post(StrategyOperation::Register, "register", Access::Public, "Sign up").limited(),
    post(StrategyOperation::Login, "login", Access::Public, "Sign in").limited(),
    get(StrategyOperation::Profile, "profile", Access::SignedIn, "Who is signed in"),
    post(StrategyOperation::Logout, "logout", Access::SignedIn, "Sign out"),
    post(StrategyOperation::Refresh, "refresh", Access::Public, "Trade a refresh token for the next pair")
        .limited(),
    post(
        StrategyOperation::Password,
        "password",
        Access::SignedIn,
        "Change the password and end every other session",
    ),
];

/// What the server does for everybody.
pub const SERVICE_OPERATIONS: [Operation<ServiceOperation>; 4] = [
    get(ServiceOperation::Jwks, "/.well-known/jwks.json", Access::Public, "Public keys of tenant default"),
    get(
        ServiceOperation::TenantJwks,
        "/t/{tenant}/.well-known/jwks.json",
        Access::Public,
        "Public keys of a tenant",
    ),
    get(ServiceOperation::Health, "/healthz", Access::Public, "The process is up"),
    get(ServiceOperation::Ready, "/readyz", Access::Public, "The stores answer"),
];

impl Operation<StrategyOperation> {
    /// Its path under a strategy, if it exists there: only what rotates can be refreshed.
    #[must_use]
    pub fn path(&self, strategy: StrategyName) -> Option<String> {
        let exists = self.kind != StrategyOperation::Refresh || strategy.strategy().rotates();
        let exists = exists && StrategyName::ROUTED.contains(&strategy);
        exists.then(|| format!("/auth/{strategy}/{}", self.route))
    }
}
