//! The device-session surface and its administration.
//!
//! The rows stand in one file for each access: `public`, `own` and `admin`.

mod admin;
mod own;
mod public;

use portcullis_core::strategy::StrategyName;

use super::forward_auth::is_forward_auth;
use super::{Access, Method, SERVICE_OPERATIONS};
use crate::answer::Success;
use crate::refusal::{OperationTexts, Rendering};
use crate::request::RequestDoc;

pub use admin::AdminOperation;
pub use own::OwnOperation;
pub use public::PublicOperation;

/// An operation of the device-session surface. The type says who may call it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum DeviceOperation {
    /// Anyone may call it.
    Public(PublicOperation),
    /// A signed-in user calls it about their own account.
    Own(OwnOperation),
    /// An administrator of the tenant calls it about its users.
    Admin(AdminOperation),
}

impl DeviceOperation {
    /// Who may call it.
    #[must_use]
    pub const fn access(self) -> Access {
        match self {
            Self::Public(_) => Access::Public,
            Self::Own(_) => Access::SignedIn,
            Self::Admin(_) => Access::Role(AdminOperation::ROLE),
        }
    }
}

/// What names the tenant of a call.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum TenantSource {
    /// `x-tenant-id`, or `tenantId` over TCP. Without it the tenant is `default`, unless the server demands it.
    Header,
    /// The token of the link that the call carries.
    Link,
    /// Nothing: the operation concerns no tenant, and reads neither headers nor members.
    Unused,
}

/// A row of [`DEVICE_OPERATIONS`].
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct DeviceRow {
    /// The operation.
    pub kind: DeviceOperation,
    /// The HTTP method.
    pub method: Method,
    /// The path; its parts in braces are members of the request.
    pub route: &'static str,
    /// One line about it.
    pub summary: &'static str,
    /// What the summary leaves out, for the documentation.
    pub remark: Option<&'static str>,
    /// The command over TCP; `None` where microservices cannot call it.
    pub pattern: Option<&'static str>,
    /// Whether the body may be form-encoded, because a page without a script posts it.
    pub form: bool,
    /// Whether one address may call it only so often.
    pub limited: bool,
    /// What names the tenant.
    pub tenant: TenantSource,
    /// The request that it takes; `None` where it takes none.
    pub request: Option<RequestDoc>,
    /// What success says; `None` where it is a page, or bare.
    pub success: Option<Success>,
    /// How it words what may go wrong in any operation.
    pub texts: OperationTexts,
}

const fn row(kind: DeviceOperation, method: Method, route: &'static str, summary: &'static str) -> DeviceRow {
    DeviceRow {
        kind,
        method,
        route,
        summary,
        remark: None,
        pattern: None,
        form: false,
        limited: false,
        tenant: TenantSource::Header,
        request: None,
        success: None,
        texts: OperationTexts::COMMON,
    }
}

impl DeviceRow {
    /// The row of the operation that a TCP client calls by `pattern`.
    #[must_use]
    pub fn by_pattern(pattern: &str) -> Option<Self> {
        DEVICE_OPERATIONS.into_iter().find(|row| row.pattern == Some(pattern))
    }

    /// Whether it is counted before its body is read. A refresh is counted after, because its body says which session
    /// it is of.
    #[must_use]
    pub fn is_limited_at_once(&self) -> bool {
        self.limited && self.kind != PublicOperation::Refresh.into()
    }

    /// Who may call it.
    #[must_use]
    pub const fn access(&self) -> Access {
        self.kind.access()
    }

    /// Whether an administrator calls it, about other users.
    #[must_use]
    pub const fn is_administration(&self) -> bool {
        matches!(self.kind, DeviceOperation::Admin(_))
    }
}

/// Declares the operations of one access: the variant of each with its row. A row has method, route, the request that
/// it takes, what success says, one line about it, and the columns that differ from the default.
macro_rules! operations {
    (
        $(#[$about:meta])+
        $operation:ident in $access:ident {
            $(
                $(#[$documented:meta])+
                $kind:ident = $method:ident $route:literal $(($request:ty))? $(=> $success:ident)?, $summary:literal
                    $(, $column:ident: $value:expr)*;
            )+
        }
    ) => {
        $(#[$about])+
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
        pub enum $operation {
            $($(#[$documented])+ $kind,)+
        }

        impl From<$operation> for super::DeviceOperation {
            fn from(operation: $operation) -> Self {
                Self::$access(operation)
            }
        }

        pub(super) const ROWS: &[super::DeviceRow] = &[$(
            super::DeviceRow {
                $(request: Some($crate::request::RequestDoc::of::<$request>()),)?
                $(success: Some($crate::answer::Success::$success),)?
                $($column: $value,)*
                ..super::row(
                    super::DeviceOperation::$access($operation::$kind),
                    $crate::operation::Method::$method,
                    $route,
                    $summary,
                )
            }
        ),+];
    };
}

use operations;

const COUNT: usize = public::ROWS.len() + own::ROWS.len() + admin::ROWS.len();

/// The operations of the device-session surface.
#[expect(
    clippy::indexing_slicing,
    reason = "the compiler evaluates it, and an index out of bounds does not compile"
)]
pub const DEVICE_OPERATIONS: [DeviceRow; COUNT] = {
    let parts = [public::ROWS, own::ROWS, admin::ROWS];
    let mut rows = [public::ROWS[0]; COUNT];
    let (mut part, mut at, mut next) = (0, 0, 0);
    while next < COUNT {
        if at == parts[part].len() {
            (part, at) = (part + 1, 0);
        }
        rows[next] = parts[part][at];
        (at, next) = (at + 1, next + 1);
    }
    rows
};

impl Rendering {
    /// The rendering of the surface that a path belongs to.
    #[must_use]
    pub fn of_path(path: &str) -> Self {
        let mut segments = path.split('/').skip(1);
        let (surface, name) = (segments.next(), segments.next());
        // `POST /auth/refresh` is an operation, and not the strategy of that name.
        let is_operation = DEVICE_OPERATIONS.iter().any(|row| row.route == path);
        let is_strategy = StrategyName::ROUTED.iter().any(|strategy| Some(strategy.as_str()) == name);
        match surface {
            Some("auth") if is_strategy && !is_operation => Self::Plain,
            Some("auth") if is_forward_auth(path) || is_of_service(path) => Self::Plain,
            Some("auth" | "admin") => Self::Envelope,
            _ => Self::Plain,
        }
    }
}

/// Whether a path is that of an operation of the service itself, such as the revocation feed.
fn is_of_service(path: &str) -> bool {
    SERVICE_OPERATIONS.iter().any(|row| row.route == path)
}
