//! The table of what can be asked.
//!
//! One row an operation: its route, who may ask it, what it takes and answers. Routers, the OpenAPI document and the test
//! that everything is denied by default are derived from it: adding an operation touches this table, one engine file and
//! one handler file.

use portcullis_core::strategy::StrategyName;

/// An HTTP method that some operation has.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Method {
    /// Changes nothing.
    Get,
    /// May change something.
    Post,
}

impl Method {
    /// Its name, as requests spell it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
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
    /// The health of the device-session surface.
    AuthHealth,
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
    /// Who may ask.
    pub access: Access,
    /// One line.
    pub summary: &'static str,
    /// The status of success.
    pub success: u16,
}

const fn get<K: Copy>(kind: K, route: &'static str, access: Access, summary: &'static str) -> Operation<K> {
    Operation { kind, method: Method::Get, route, access, summary, success: 200 }
}

const fn post<K: Copy>(kind: K, route: &'static str, access: Access, summary: &'static str) -> Operation<K> {
    Operation { kind, method: Method::Post, route, access, summary, success: 201 }
}

/// What can be done under each strategy.
pub const STRATEGY_OPERATIONS: [Operation<StrategyOperation>; 6] = [
    post(StrategyOperation::Register, "register", Access::Public, "Sign up"),
    post(StrategyOperation::Login, "login", Access::Public, "Sign in"),
    get(StrategyOperation::Profile, "profile", Access::SignedIn, "Who is signed in"),
    post(StrategyOperation::Logout, "logout", Access::SignedIn, "Sign out"),
    post(StrategyOperation::Refresh, "refresh", Access::Public, "Trade a refresh token for the next pair"),
    post(
        StrategyOperation::Password,
        "password",
        Access::SignedIn,
        "Change the password and end every other session",
    ),
];

/// What the server does for everybody.
pub const SERVICE_OPERATIONS: [Operation<ServiceOperation>; 5] = [
    get(ServiceOperation::Jwks, "/.well-known/jwks.json", Access::Public, "Public keys of tenant default"),
    get(
        ServiceOperation::TenantJwks,
        "/t/{tenant}/.well-known/jwks.json",
        Access::Public,
        "Public keys of a tenant",
    ),
    get(ServiceOperation::Health, "/healthz", Access::Public, "The process is up"),
    get(ServiceOperation::Ready, "/readyz", Access::Public, "The stores answer"),
    get(ServiceOperation::AuthHealth, "/auth/health", Access::Public, "The device-session surface is up"),
];

impl Operation<StrategyOperation> {
    /// Its path under a strategy, if it exists there: only what rotates can be refreshed.
    #[must_use]
    pub fn path(&self, strategy: StrategyName) -> Option<String> {
        let exists = self.kind != StrategyOperation::Refresh || strategy.strategy().rotates();
        exists.then(|| format!("/auth/{strategy}/{}", self.route))
    }
}
