//! What the service itself offers: keys and health. All of it is public.

/// An operation of the service.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum ServiceOperation {
    /// The public keys of tenant `default`.
    Jwks,
    /// The public keys of the tenant in the path.
    TenantJwks,
    /// Whether the process is up.
    Health,
    /// Whether the stores answer.
    Ready,
}

/// A row of [`SERVICE_OPERATIONS`]: public, and a GET.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct ServiceRow {
    /// The operation.
    pub kind: ServiceOperation,
    /// The path.
    pub route: &'static str,
    /// One line about it.
    pub summary: &'static str,
}

const fn row(kind: ServiceOperation, route: &'static str, summary: &'static str) -> ServiceRow {
    ServiceRow { kind, route, summary }
}

/// The operations of the service.
///
/// | request | what it does |
/// |---|---|
/// | `GET /.well-known/jwks.json` | Public keys of tenant default |
/// | `GET /t/{tenant}/.well-known/jwks.json` | Public keys of a tenant |
/// | `GET /healthz` | The process is up |
/// | `GET /readyz` | The stores answer |
pub const SERVICE_OPERATIONS: [ServiceRow; 4] = [
    row(ServiceOperation::Jwks, "/.well-known/jwks.json", "Public keys of tenant default"),
    row(ServiceOperation::TenantJwks, "/t/{tenant}/.well-known/jwks.json", "Public keys of a tenant"),
    row(ServiceOperation::Health, "/healthz", "The process is up"),
    row(ServiceOperation::Ready, "/readyz", "The stores answer"),
];
