//! The extractor of a user who has one of the roles that a handler names.

use std::marker::PhantomData;

use axum::extract::FromRequestParts;
use axum::response::Response;
use http::request::Parts;
use portcullis_core::user::Role;

use crate::CurrentUser;
use crate::roles::{admit, refused};

/// The signed-in user, who has one of these roles, behind a [`Guard`](crate::Guard). Any other is answered 403, as the
/// layer [`Roles`](crate::Roles) answers. Without a guard it answers 401.
///
/// ```no_run
/// use portcullis_axum::RequireRole;
/// use portcullis_axum::role::{Admin, Manager};
///
/// async fn reports(RequireRole(user, _): RequireRole<(Manager, Admin)>) -> String {
///     format!("Reports for {}", user.0.email)
/// }
///
/// async fn erase(_: RequireRole<Admin>) -> &'static str {
///     "erased"
/// }
/// ```
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RequireRole<R: RequiredRoles>(pub CurrentUser, pub PhantomData<R>);

/// What [`RequireRole`] asks for: a marker of [`role`], or a tuple of them, of which one is enough. A type of your own
/// gives a list a name:
///
/// ```
/// use portcullis_axum::RequiredRoles;
/// use portcullis_core::user::Role;
///
/// struct Staff;
///
/// impl RequiredRoles for Staff {
///     const ANY_OF: &'static [Role] = &[Role::Manager, Role::Admin];
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` names no roles",
    label = "expected a marker of the module `role`, or a tuple of up to three of them",
    note = "write `RequireRole<Admin>` or `RequireRole<(Manager, Admin)>`, with `use portcullis_axum::role::{{Admin, Manager}}`"
)]
pub trait RequiredRoles {
    /// The roles. Any one of them is enough.
    const ANY_OF: &'static [Role];
}

pub mod role {
    //! The roles as types, for [`RequireRole`](super::RequireRole).

    use portcullis_core::user::Role;

    /// A type that stands for one role.
    pub trait RoleMarker {
        /// The role.
        const ROLE: Role;
    }

    /// The role `user`, and neither of the other two.
    #[derive(Clone, Copy, PartialEq, Eq, Debug)]
    pub enum PlainUser {}

    /// The role `manager`.
    #[derive(Clone, Copy, PartialEq, Eq, Debug)]
    pub enum Manager {}

    /// The role `admin`.
    #[derive(Clone, Copy, PartialEq, Eq, Debug)]
    pub enum Admin {}

    impl RoleMarker for PlainUser {
        const ROLE: Role = Role::User;
    }

    impl RoleMarker for Manager {
        const ROLE: Role = Role::Manager;
    }

    impl RoleMarker for Admin {
        const ROLE: Role = Role::Admin;
    }
}

use role::RoleMarker;

impl<A: RoleMarker> RequiredRoles for A {
    const ANY_OF: &'static [Role] = &[A::ROLE];
}

impl<A: RoleMarker, B: RoleMarker> RequiredRoles for (A, B) {
    const ANY_OF: &'static [Role] = &[A::ROLE, B::ROLE];
}

impl<A: RoleMarker, B: RoleMarker, C: RoleMarker> RequiredRoles for (A, B, C) {
    const ANY_OF: &'static [Role] = &[A::ROLE, B::ROLE, C::ROLE];
}

impl<S: Send + Sync, R: RequiredRoles> FromRequestParts<S> for RequireRole<R> {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Response> {
        match admit(R::ANY_OF, parts.extensions.get()) {
            Ok(user) => Ok(Self(user.clone(), PhantomData)),
            Err(refusal) => Err(refused(refusal, parts)),
        }
    }
}

#[cfg(test)]
mod tests;
