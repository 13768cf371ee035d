//! Verifying access tokens, with a cache of those that were verified.

use std::sync::Arc;

use super::{AuthenticationError, EngineCore, Tenant, TenantError};
use crate::clock::Timestamp;
use crate::id::TenantId;
use crate::token::access::{AccessClaims, verify_access};
use crate::token::{ExpectedClaims, TokenFault, VerifiedCredentials, claimed_tenant};

impl EngineCore {
    /// The claims of a token, and its tenant, which is not looked up if it is `found` already. A request that names no
    /// tenant gets the token's.
    pub(super) async fn verified_claims(
        &self,
        named: Option<&TenantId>,
        found: Option<Arc<Tenant>>,
        token: &str,
    ) -> Result<(Arc<Tenant>, Arc<AccessClaims>), AuthenticationError> {
        let hash = VerifiedCredentials::<AccessClaims>::hash(token);
        let cached = self.verified.find(&hash);
        let owner =
            cached.as_ref().map_or_else(|| claimed_tenant(token), |(claims, _)| Ok(claims.tid.clone()))?;
        if named.is_some_and(|named| *named != owner) {
            return Err(AuthenticationError::OtherTenant);
        }
        let tenant = match found.filter(|tenant| tenant.id == owner) {
            Some(tenant) => tenant,
            None => self.tenant_of_token(&owner).await?,
        };
        let now = self.clock.now();
        if let Some((claims, _)) = cached.filter(|(_, verified)| *verified == tenant.keyring.generation()) {
            claims.check_time(now, tenant.policy.leeway)?;
            refuse_from_before_suspension(&tenant, &claims)?;
            return Ok((tenant, claims));
        }
        // Boxed, because it is rare: its state would make the future of every check large.
        let (tenant, claims) = Box::pin(self.verify(tenant, token, now)).await?;
        refuse_from_before_suspension(&tenant, &claims)?;
        let (claims, generation) = (Arc::new(claims), tenant.keyring.generation());
        self.verified.keep(hash, claims.clone(), generation);
        Ok((tenant, claims))
    }

    /// A tenant that only a token names, and that does not exist, is a bad token.
    async fn tenant_of_token(&self, owner: &TenantId) -> Result<Arc<Tenant>, AuthenticationError> {
        self.tenant(owner).await.map_err(|refused| refused.or_unknown(AuthenticationError::Invalid))
    }

    /// Verifies a token; one of a key that is not known yet, with keys that were just loaded.
    async fn verify(
        &self,
        tenant: Arc<Tenant>,
        token: &str,
        now: Timestamp,
    ) -> Result<(Arc<Tenant>, AccessClaims), AuthenticationError> {
        let verify = |tenant: &Tenant| {
            let expected =
                ExpectedClaims { issuer: &self.issuer, audience: tenant.audience(), tenant: &tenant.id };
            verify_access(&tenant.keyring, token, now, tenant.policy.leeway, &expected)
        };
        match verify(&tenant) {
            Ok(claims) => Ok((tenant, claims)),
            Err(TokenFault::UnknownKey { .. }) => {
                let tenant = self.reloaded(&tenant).await?;
                if tenant.record.suspended.is_some() {
                    return Err(TenantError::Suspended.into());
                }
                let claims = verify(&tenant)?;
                Ok((tenant, claims))
            }
            Err(fault) => Err(fault.into()),
        }
    }
}

/// Refuses a token that was issued before its tenant was suspended, whatever its check.
fn refuse_from_before_suspension(tenant: &Tenant, claims: &AccessClaims) -> Result<(), AuthenticationError> {
    let worthless = tenant.record.tokens_not_before.is_some_and(|moment| claims.iat <= moment);
    if worthless { Err(AuthenticationError::NotLive(None)) } else { Ok(()) }
}
