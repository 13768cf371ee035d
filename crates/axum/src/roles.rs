//! The layer that lets only those through whose role is one of a few.

use std::convert::Infallible;
use std::future::{Future, ready};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use portcullis_api::refusal::{Code, Refusal};
use portcullis_core::user::Role;
use tower::{Layer, Service};

use crate::guard::GuardConfig;
use crate::{CurrentUser, RefusalResponse};

/// Lets only requests through of people in one of these roles, behind a [`Guard`](crate::Guard). Where no guard stands
/// nobody is signed in, and everybody is refused.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Roles(Arc<[Role]>);

impl Roles {
    /// Any one of these roles is enough. Of none, nobody has one.
    #[must_use]
    pub fn any_of(roles: impl IntoIterator<Item = Role>) -> Self {
        Self(roles.into_iter().collect())
    }

    /// Judges whoever a guard has let in, for handlers that ask only sometimes.
    ///
    /// # Errors
    /// A [`Refusal`]: nobody is signed in (401), the credential says nothing of a role, or it is another one (403).
    pub fn admit(&self, who: Option<&CurrentUser>) -> Result<(), Refusal> {
        let CurrentUser(identity) = who.ok_or(Refusal::plain(Code::Unauthorized))?;
        let role = identity.role.ok_or(Refusal::missing_role())?;
        if self.0.contains(&role) { Ok(()) } else { Err(Refusal::insufficient_role(&self.0)) }
    }

    fn refused(&self, request: &Request) -> Option<Response> {
        let refusal = self.admit(request.extensions().get()).err()?;
        Some(match request.extensions().get::<Arc<GuardConfig>>() {
            Some(post) => post.refuse(&refusal, request),
            None => RefusalResponse(refusal).into_response(),
        })
    }
}

impl<S> Layer<S> for Roles {
    type Service = RoleGuarded<S>;

    fn layer(&self, inner: S) -> RoleGuarded<S> {
        RoleGuarded { roles: self.clone(), inner }
    }
}

/// A service behind [`Roles`].
#[derive(Clone, Debug)]
pub struct RoleGuarded<S> {
    roles: Roles,
    inner: S,
}

impl<S> Service<Request> for RoleGuarded<S>
where
    S: Service<Request, Response = Response, Error = Infallible>,
    S::Future: Send + 'static,
{
    type Response = Response;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request) -> Self::Future {
        match self.roles.refused(&request) {
            Some(response) => Box::pin(ready(Ok(response))),
            None => Box::pin(self.inner.call(request)),
        }
    }
}

#[cfg(test)]
mod tests;
