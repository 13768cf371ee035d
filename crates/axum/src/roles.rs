//! The layer that lets only callers with one of the given roles through.

use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::middleware::{FromExtractor, from_extractor_with_state};
use axum::response::{IntoResponse, Response};
use http::request::Parts;
use portcullis_api::refusal::{Code, Refusal};
use portcullis_core::user::Role;
use tower::Layer;

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

    /// The roles.
    #[must_use]
    pub fn as_slice(&self) -> &[Role] {
        &self.0
    }

    /// Checks the user that a guard let in, for handlers that need a role only sometimes.
    ///
    /// # Errors
    /// A [`Refusal`]: no user is signed in (401), the credential names no role, or it is another one (403).
    pub fn admit(&self, who: Option<&CurrentUser>) -> Result<(), Refusal> {
        admit(&self.0, who).map(|_| ())
    }

    /// Checks the role of a user who is signed in.
    ///
    /// # Errors
    /// A [`Refusal`]: the credential names no role, or it is another one (403).
    pub fn admit_role(&self, role: Option<Role>) -> Result<(), Refusal> {
        admit_role(&self.0, role)
    }
}

/// The user, who has one of these roles.
pub(crate) fn admit<'u>(any_of: &[Role], who: Option<&'u CurrentUser>) -> Result<&'u CurrentUser, Refusal> {
    let who = who.ok_or(Refusal::plain(Code::Unauthorized))?;
    admit_role(any_of, who.0.role)?;
    Ok(who)
}

fn admit_role(any_of: &[Role], role: Option<Role>) -> Result<(), Refusal> {
    let role = role.ok_or(Refusal::plain(Code::MissingRole))?;
    if any_of.contains(&role) { Ok(()) } else { Err(Refusal::insufficient_role(any_of)) }
}

/// A refusal as the guard of the request renders it.
pub(crate) fn refused(refusal: Refusal, parts: &Parts) -> Response {
    match parts.extensions.get::<Arc<GuardConfig>>() {
        Some(config) => config.refuse(&refusal, parts),
        None => RefusalResponse(refusal).into_response(),
    }
}

impl<S> Layer<S> for Roles {
    type Service = FromExtractor<S, Admitted, Self>;

    fn layer(&self, inner: S) -> Self::Service {
        from_extractor_with_state(self.clone()).layer(inner)
    }
}

/// What [`Roles`] extract of a request before they let it through.
#[derive(Clone, Copy, Debug)]
pub struct Admitted;

impl FromRequestParts<Roles> for Admitted {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, roles: &Roles) -> Result<Self, Response> {
        match roles.admit(parts.extensions.get()) {
            Ok(()) => Ok(Self),
            Err(refusal) => Err(refused(refusal, parts)),
        }
    }
}

#[cfg(test)]
mod tests;
