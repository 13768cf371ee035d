//! The rate limit of routes: a request over it is refused before its body is read or a password hashed.

use portcullis_api::refusal::Refusal;
use portcullis_axum::tenant_named;
use portcullis_core::engine::VerifiedRefresh;
use portcullis_core::id::TenantId;

use crate::AuthApp;
use crate::decoded_request::DecodedRequest;
use crate::rate_limit::Requester;
use crate::routed_request::RoutedRequest;

impl AuthApp {
    /// Counts a request against its address.
    ///
    /// # Errors
    /// A [`Refusal`] with `Retry-After`: the limit is reached.
    pub fn admit(&self, asked: &RoutedRequest) -> Result<(), Refusal> {
        // A request without a valid tenant is refused later, but counts here as one of `default`.
        let tenant = tenant_named(&asked.parts.headers, false).ok().flatten();
        let tenant = tenant.unwrap_or_else(TenantId::default_tenant);
        self.rates.admit(&tenant, &Requester::at(asked.client(self)))
    }

    /// Counts a refresh. Its body says which session it is of, so it was read before.
    pub(crate) async fn admit_refresh(
        &self,
        refresh: Option<&VerifiedRefresh>,
        asked: &DecodedRequest<'_>,
    ) -> Result<(), Refusal> {
        let tenant = asked.tenant(self).unwrap_or_else(|_| TenantId::default_tenant());
        let proven = match refresh {
            Some(refresh) => self.engine.proven_session(refresh).await,
            None => None,
        };
        self.rates.admit_refresh(&tenant, &asked.requester(), proven)
    }
}
