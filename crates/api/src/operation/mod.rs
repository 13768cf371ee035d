//! The operations table, in four parts: by strategy, of the device-session surface, of the service itself, of
//! forward-auth.
//!
//! A row has exactly the columns that its router honours, and who may call it is the type of its kind. Routers, the
//! dispatcher, the OpenAPI document and the tests that everything is denied by default are derived from the rows.

mod device;
mod forward_auth;
mod service;
mod strategy;
#[cfg(test)]
mod tests;

use portcullis_core::user::Role;

pub use device::{
    AdminOperation, DEVICE_OPERATIONS, DeviceOperation, DeviceRow, OwnOperation, PublicOperation,
    TenantSource,
};
pub use forward_auth::{FORWARD_AUTH_OPERATIONS, ForwardAuthOperation, ForwardAuthRow};
pub use service::{SERVICE_OPERATIONS, ServiceOperation, ServiceRow};
pub use strategy::{
    OwnStrategyOperation, PublicStrategyOperation, STRATEGY_OPERATIONS, StrategyOperation, StrategyRow,
};

/// The HTTP methods of operations.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Method {
    /// Changes nothing; its members are in the query.
    Get,
    /// May change something.
    Post,
    /// Changes a part of a resource.
    Patch,
    /// Removes a resource.
    Delete,
}

impl Method {
    /// The name, as requests spell it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Patch => "PATCH",
            Self::Delete => "DELETE",
        }
    }

    /// The status of success.
    #[must_use]
    pub const fn success(self) -> u16 {
        match self {
            Self::Get | Self::Patch | Self::Delete => 200,
            Self::Post => 201,
        }
    }
}

/// Which programs send the requests of an operation.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub enum Caller {
    /// Apps, and the pages of browsers: CORS applies, and a page of another site may change nothing.
    #[default]
    Client,
    /// Servers: no page of a browser calls it, so CORS does not apply.
    Server,
}

/// Who may call an operation. No row states it: it follows from the type of the row's kind.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Access {
    /// Anyone.
    Public,
    /// A caller with a credential of the route's strategy.
    SignedIn,
    /// A caller with such a credential and this role.
    Role(Role),
}
