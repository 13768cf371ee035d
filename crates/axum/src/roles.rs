//! The layer that lets only callers with one of the given roles through.

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

/// Lets only callers with one of these roles through, behind a [`Guard`](crate::Guard). Without a guard it refuses
/// every request, because no caller is signed in.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Roles(Arc<[Role]>);

impl Roles {
    /// Any one of these roles is enough. An empty list refuses every request.
    #[must_use]
    pub fn any_of(roles: impl IntoIterator<Item = Role>) -> Self {
        Self(roles.into_iter().collect())
    }

    /// Checks the user that a guard let in, for handlers that need a role only sometimes.
    ///
    /// # Errors
    /// A [`Refusal`]: no user is signed in (401), the credential names no role, or it is another one (403).
    pub fn admit(&self, who: Option<&CurrentUser>) -> Result<(), Refusal> {
        let CurrentUser(identity) = who.ok_or(Refusal::plain(Code::Unauthorized))?;
        let role = identity.role.ok_or(Refusal::plain(Code::MissingRole))?;
        if self.0.contains(&role) { Ok(()) } else { Err(Refusal::insufficient_role(&self.0)) }
    }

    fn refused(&self, request: &Request) -> Option<Response> {
        let refusal = self.admit(request.extensions().get()).err()?;
        Some(match request.extensions().get::<Arc<GuardConfig>>() {
            Some(config) => config.refuse(&refusal, request),
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
