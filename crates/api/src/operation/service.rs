//! What the service itself offers: keys, metadata, health, and the revocation feed.

use portcullis_core::revocation::wire;

use super::Caller;

/// An operation of the service.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum ServiceOperation {
    /// The public keys of tenant `default`.
    Jwks,
    /// The public keys of the tenant in the path.
    TenantJwks,
    /// How tokens of tenant `default` are verified.
    Metadata,
    /// How tokens of the tenant in the path are verified.
    TenantMetadata,
    /// Whether the process is up.
    Health,
    /// Whether the stores answer.
    Ready,
    /// What was revoked since a verifier's position.
    Revocations,
    /// All that was revoked and still matters.
    RevocationSnapshot,
}

/// A row of [`SERVICE_OPERATIONS`]: a GET, public unless a server sends it with a feed key.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct ServiceRow {
    /// The operation.
    pub kind: ServiceOperation,
    /// The path.
    pub route: &'static str,
    /// One line about it.
    pub summary: &'static str,
    /// Which programs send its requests.
    pub caller: Caller,
}

impl ServiceRow {
    /// Whether the path names a tenant.
    #[must_use]
    pub fn names_tenant(&self) -> bool {
        self.route.contains("{tenant}")
    }
}

const fn row(kind: ServiceOperation, route: &'static str, summary: &'static str) -> ServiceRow {
    ServiceRow { kind, route, summary, caller: Caller::Client }
}

const fn for_servers(kind: ServiceOperation, route: &'static str, summary: &'static str) -> ServiceRow {
    ServiceRow { kind, route, summary, caller: Caller::Server }
}

/// The operations of the service.
///
/// | request | what it does |
/// |---|---|
/// | `GET /.well-known/jwks.json` | Public keys of tenant default |
/// | `GET /t/{tenant}/.well-known/jwks.json` | Public keys of a tenant |
/// | `GET /.well-known/oauth-authorization-server` | How tokens of tenant default are verified |
/// | `GET /t/{tenant}/.well-known/oauth-authorization-server` | How tokens of a tenant are verified |
/// | `GET /healthz` | The process is up |
/// | `GET /readyz` | The stores answer |
/// | `GET /auth/revocations` | What was revoked since a verifier's position |
/// | `GET /auth/revocations/snapshot` | All that was revoked and still matters |
pub const SERVICE_OPERATIONS: [ServiceRow; 8] = [
    row(ServiceOperation::Jwks, "/.well-known/jwks.json", "Public keys of tenant default"),
    row(ServiceOperation::TenantJwks, "/t/{tenant}/.well-known/jwks.json", "Public keys of a tenant"),
    row(
        ServiceOperation::Metadata,
        "/.well-known/oauth-authorization-server",
        "How tokens of tenant default are verified",
    ),
    row(
        ServiceOperation::TenantMetadata,
        "/t/{tenant}/.well-known/oauth-authorization-server",
        "How tokens of a tenant are verified",
    ),
    row(ServiceOperation::Health, "/healthz", "The process is up"),
    row(ServiceOperation::Ready, "/readyz", "The stores answer"),
    for_servers(
        ServiceOperation::Revocations,
        wire::FEED_PATH,
        "What was revoked since a verifier's position",
    ),
    for_servers(
        ServiceOperation::RevocationSnapshot,
        wire::SNAPSHOT_PATH,
        "All that was revoked and still matters",
    ),
];
