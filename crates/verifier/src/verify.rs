//! How one credential is verified: what every request goes through.
//!
//! On the hot path a token is hashed, found among those that were verified, and compared with what is revoked. There is
//! no I/O unless something is new, or the knowledge is too old.

use std::sync::Arc;
use std::time::Duration;

use portcullis_core::clock::Ticks;
use portcullis_core::id::TenantId;
use portcullis_core::secret::SecretHash;
use portcullis_core::token::access::{PublishedAccess, verify_published};
use portcullis_core::token::{ExpectedClaims, LEEWAY, TokenFault, claimed_tenant};
use portcullis_core::user::Role;

use crate::ask::AskedUser;
use crate::cookies::session_cookies;
use crate::keys::{KeyDocuments, KeyReading};
use crate::revocations::{Subject, Verdict};
use crate::verifier_core::VerifierCore;
use crate::{OnStale, SentCredential, VerifiedUser, VerifyError};

impl VerifierCore {
    pub(crate) async fn verify(
        &self,
        credential: SentCredential<'_>,
        on_stale: OnStale,
    ) -> Result<VerifiedUser, VerifyError> {
        let verified = match credential {
            SentCredential::Bearer(token) => self.verify_token(token.trim(), on_stale).await,
            SentCredential::Cookie(line) => self.verify_cookie(line, on_stale).await,
        };
        if let Err(VerifyError::Unavailable { .. }) = verified {
            self.counts.unavailable();
        }
        verified
    }

    async fn verify_token(&self, token: &str, on_stale: OnStale) -> Result<VerifiedUser, VerifyError> {
        if token.is_empty() {
            return Err(VerifyError::Missing);
        }
        let hash = SecretHash::of(&[b"token", token.as_bytes()]);
        let credential = SentCredential::Bearer(token);
        // Boxed, like what else is rare here: its state would make the future of every check large.
        let access = match self.known_token(&hash)? {
            Some(access) => Some(access),
            None => Box::pin(self.read_token(token, hash)).await?,
        };
        let Some(access) = access else {
            // Its tenant is one that is accepted: `read_token` has seen to that.
            let tenant = claimed_tenant(token)?;
            let may_ask = on_stale == OnStale::Ask || self.revocations.is_fresh(&tenant, self.clock.ticks());
            return Box::pin(self.by_question(credential, hash, may_ask)).await;
        };
        let user = VerifiedUser::of_token(&access).ok_or(TokenFault::BadClaim("strategy"))?;
        let now = self.clock.ticks();
        match self.revocations.judge(&user.subject(), now) {
            Verdict::Dead => Err(VerifyError::Revoked),
            Verdict::Live(role, stamp) => Ok(user.proven(role, now.since(stamp))),
            Verdict::Stale(_) => Box::pin(self.by_question(credential, hash, on_stale == OnStale::Ask)).await,
        }
    }

    /// What a token says that was verified before with the keys of now.
    fn known_token(&self, hash: &SecretHash) -> Result<Option<Arc<PublishedAccess>>, VerifyError> {
        let Some((access, generation)) = self.verified.find(hash) else { return Ok(None) };
        let current = self.keys.current(&access.claims.tid);
        if current.is_none_or(|documents| documents.generation != generation) {
            return Ok(None);
        }
        access.claims.check_time(self.time(), LEEWAY)?;
        Ok(Some(access))
    }

    /// Verifies a token that is new here; `None` if its key is unknown: the server is to be asked.
    async fn read_token(
        &self,
        token: &str,
        hash: SecretHash,
    ) -> Result<Option<Arc<PublishedAccess>>, VerifyError> {
        let (tenant, wished) = (claimed_tenant(token)?, self.clock.ticks());
        if !self.revocations.accepts(&tenant) {
            return Err(VerifyError::OtherTenant);
        }
        let known = self.keys.current(&tenant);
        match known.as_deref().map(|documents| self.check_token(documents, &tenant, token, hash)) {
            None | Some(Err(TokenFault::UnknownKey { .. })) => {}
            Some(checked) => return Ok(Some(checked?)),
        }
        let may_be_published = known.is_none_or(|documents| documents.are_published);
        if !may_be_published || self.keys.read(&tenant, wished).await == KeyReading::NotNow {
            return Ok(None);
        }
        let documents = self.keys.current(&tenant).ok_or(VerifyError::UNAVAILABLE)?;
        match self.check_token(&documents, &tenant, token, hash) {
            // The set may be that of a node, or of a cache on the way, that has not heard of the key yet.
            Err(TokenFault::UnknownKey { .. }) => Ok(None),
            checked => Ok(Some(checked?)),
        }
    }

    /// Verifies a token with these keys, and keeps what it says.
    fn check_token(
        &self,
        documents: &KeyDocuments,
        tenant: &TenantId,
        token: &str,
        hash: SecretHash,
    ) -> Result<Arc<PublishedAccess>, TokenFault> {
        let audience = self.audience.as_deref().unwrap_or(tenant.as_str());
        let expected = ExpectedClaims { issuer: &documents.issuer, audience, tenant };
        let access = verify_published(&documents.keys, token, self.time(), LEEWAY, &expected)?;
        let access = Arc::new(access);
        self.verified.keep(hash, access.clone(), documents.generation);
        Ok(access)
    }

    async fn verify_cookie(&self, line: &str, on_stale: OnStale) -> Result<VerifiedUser, VerifyError> {
        let pairs = session_cookies(line, &self.cookie_names).ok_or(VerifyError::Missing)?;
        let hash = SecretHash::of(&[b"cookie", pairs.as_bytes()]);
        // Whose it is, the answer says.
        let may_ask = on_stale == OnStale::Ask || self.revocations.is_any_fresh(self.clock.ticks());
        self.by_question(SentCredential::Cookie(&pairs), hash, may_ask).await
    }

    /// Verifies a credential by what the server says of it, or said lately.
    async fn by_question(
        &self,
        credential: SentCredential<'_>,
        hash: SecretHash,
        may_ask: bool,
    ) -> Result<VerifiedUser, VerifyError> {
        let now = self.clock.ticks();
        if let Some(answer) = self.asked.last_answer(&hash, now)
            && let Some(user) = self.judge_answer(&answer, now)?
        {
            return Ok(user);
        }
        if !may_ask {
            return Err(VerifyError::UNAVAILABLE);
        }
        let answer = self.asked.ask(credential, hash).await?;
        let judged = self.judge_answer(&answer, self.clock.ticks())?;
        judged.ok_or(VerifyError::UNAVAILABLE)
    }

    /// The user of an answer, if it counts now: by itself, or because the feed would have told of its end.
    fn judge_answer(&self, answer: &AskedUser, now: Ticks) -> Result<Option<VerifiedUser>, VerifyError> {
        let user = &answer.user;
        if !self.revocations.accepts(&user.tenant) {
            return Err(VerifyError::OtherTenant);
        }
        if user.expires.is_some_and(|expires| self.time() >= expires.plus(LEEWAY)) {
            return Err(TokenFault::Expired.into());
        }
        let alone = self.asked.counts_alone(answer, now);
        let proven = |role, stamp| Ok(Some(user.clone().proven(role, now.since(stamp))));
        match self.revocations.judge(&user.subject(), now) {
            Verdict::Dead => Err(VerifyError::Revoked),
            Verdict::Live(role, stamp) if self.revocations.covers(&user.tenant, answer.stamp) => {
                proven(role, stamp)
            }
            // The role is the feed's, and the rest the server's: the older proof counts.
            Verdict::Live(role, stamp) if alone => proven(role, stamp.min(answer.stamp)),
            // The server's word on the role is newer than what the feed told.
            Verdict::Stale(_) if alone => proven(None, answer.stamp),
            Verdict::Live(..) | Verdict::Stale(_) => Ok(None),
        }
    }
}

impl VerifiedUser {
    /// What a revocation is compared with.
    pub(crate) const fn subject(&self) -> Subject<'_> {
        Subject {
            tenant: &self.tenant,
            user: self.id,
            session: self.session,
            kid: self.kid.as_ref(),
            epochs: self.epochs,
        }
    }

    /// With this role, if there is one, and the age of the proof.
    fn proven(self, role: Option<Role>, age: Duration) -> Self {
        Self { role: role.or(self.role), age, ..self }
    }
}

#[cfg(test)]
mod tests;
