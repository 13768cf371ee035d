//! Making what a signed-in client holds: a session and the credentials that stand for it.

use std::sync::Arc;

use thiserror::Error;

use super::{EngineCore, Tenant, opaque_id};
use crate::clock::Timestamp;
use crate::id::{SessionId, SessionKey, TokenId};
use crate::random::Random;
use crate::secret::PlainSecret;
use crate::session::{Device, DeviceProof, Epochs, RotationState, Session, SessionState};
use crate::strategy::{Carrier, Check, Renewal, SessionClaim, Strategy, StrategyName};
use crate::token::SignFault;
use crate::token::access::{AccessClaims, sign_access};
use crate::token::refresh::{ChainSecret, RefreshClaims, encode, first_secret};
use crate::user::User;

/// What a client is handed.
#[derive(Clone, Debug)]
pub struct Grant {
    /// What it shows with each request.
    pub credential: PlainSecret,
    /// How that travels.
    pub carrier: Carrier,
    /// When it ends.
    pub expires: Timestamp,
    /// What it trades for the next grant, where the strategy rotates.
    pub refresh: Option<PlainSecret>,
    /// What it proves with each refresh that it is still the same device, where it asked to.
    pub device_secret: Option<PlainSecret>,
}

/// Nothing could be issued. It is a fault of ours, never a refusal.
#[derive(Clone, Debug, Error)]
pub enum IssueError {
    /// A token could not be signed.
    #[error(transparent)]
    Sign(#[from] SignFault),
    /// The tenant has no key for it.
    #[error("the tenant has no {0} key that is active")]
    NoKey(&'static str),
}

/// A session about to begin.
pub(super) struct NewSession<'a> {
    pub(super) tenant: &'a Tenant,
    pub(super) name: StrategyName,
    pub(super) strategy: Strategy,
    pub(super) user: &'a User,
    pub(super) epochs: Epochs,
    pub(super) device: Device,
    pub(super) proof: Option<IssuedProof>,
}

/// The secret by which a device proves with each refresh that it is still the same.
pub(super) struct IssuedProof {
    pub(super) secret: PlainSecret,
    /// Whether the device has shown that it keeps it.
    pub(super) shown: bool,
    /// What is handed to the device, where it is not kept in a cookie.
    pub(super) told: Option<PlainSecret>,
}

impl IssuedProof {
    /// A new secret for a device that says that it keeps one.
    pub(super) fn native(random: &dyn Random) -> Self {
        let secret = PlainSecret::generate(random);
        Self { told: Some(secret.clone()), secret, shown: true }
    }
}

/// The first refresh token of a session: what is stored of it, and itself.
struct FirstRefreshToken {
    rotation: RotationState,
    token: PlainSecret,
}

impl EngineCore {
    /// Makes session and grant; nothing is stored yet.
    pub(super) fn begin(&self, beginning: NewSession<'_>) -> Result<(Session, Grant), IssueError> {
        let NewSession { tenant, name, strategy, user, epochs, device, proof } = beginning;
        let now = self.clock.now();
        let ends = strategy.expiries(now);
        let id = SessionId::generate(now, user.key.id, self.random.as_ref());
        let key = SessionKey { tenant: user.key.tenant.clone(), id };

        let (credential, cookie) = match strategy.check() {
            Check::Stored => {
                let signer = tenant.keyring.cookie_signer(now).ok_or(IssueError::NoKey("cookie"))?;
                let opaque = opaque_id::OpaqueId::generate(id.bucket(), self.random.as_ref());
                (opaque.signed(signer), Some(opaque.hash()))
            }
            _ => (self.access_token(tenant, name, strategy, user, id, ends.credential)?, None),
        };
        let refresh = self.first_refresh(tenant, strategy, &key, now)?;
        let given = proof.filter(|_| refresh.is_some());
        let proof = given
            .as_ref()
            .map(|given| DeviceProof { hash: DeviceProof::hash_of(&given.secret, &key), shown: given.shown });
        let device_secret = given.and_then(|given| given.told);
        let (rotation, refresh) = refresh.map(|first| (first.rotation, first.token)).unzip();

        let session = Session {
            key,
            user: user.key.id,
            strategy: name,
            device,
            created: now,
            last_seen: now,
            idle_expires: ends.idle,
            absolute_expires: ends.absolute,
            epochs,
            cookie,
            rotation,
            proof,
            state: SessionState::Live,
        };
        let carrier = strategy.carrier();
        Ok((session, Grant { credential, carrier, expires: ends.credential, refresh, device_secret }))
    }

    /// An access token of a session. Its end is never later than the session's.
    pub(super) fn access_token(
        &self,
        tenant: &Tenant,
        name: StrategyName,
        strategy: Strategy,
        user: &User,
        session: SessionId,
        expires: Timestamp,
    ) -> Result<PlainSecret, IssueError> {
        let now = self.clock.now();
        let id = match strategy.check() {
            Check::SignedAndLive(SessionClaim::Jti) => TokenId::from_uuid(session.as_uuid()),
            _ => TokenId::generate(now, self.random.as_ref()),
        };
        let claims = AccessClaims {
            iss: self.issuer.clone(),
            aud: Arc::from(tenant.audience()),
            sub: user.key.id,
            tid: tenant.id.clone(),
            sid: session,
            jti: id,
            strategy: name.as_str().to_owned(),
            email: user.email.as_typed().to_owned(),
            name: user.name.as_ref().map(|name| name.full().to_owned()),
            given_name: user.name.as_ref().map(|name| name.first().to_owned()),
            family_name: user.name.as_ref().and_then(|name| name.last().map(str::to_owned)),
            iat: now,
            exp: expires,
            nbf: None,
            username: name.has_second_step().then(|| user.login_name().to_owned()),
            role: Some(user.role),
        };
        Ok(PlainSecret::presented(&sign_access(&tenant.keyring, now, &claims)?))
    }

    fn first_refresh(
        &self,
        tenant: &Tenant,
        strategy: Strategy,
        key: &SessionKey,
        now: Timestamp,
    ) -> Result<Option<FirstRefreshToken>, IssueError> {
        let Renewal::Rotating { refresh, .. } = strategy.renewal() else { return Ok(None) };
        let signer = tenant.keyring.refresh_signer(now).ok_or(IssueError::NoKey("refresh"))?;
        let secret = first_secret(self.random.as_ref());
        let rotation = RotationState {
            generation: 0,
            issued: now,
            expires: now.plus(refresh),
            kid: signer.kid().clone(),
            current: secret.hash(),
            previous: None,
        };
        let token = self.refresh_token(tenant, key, &rotation, secret)?;
        Ok(Some(FirstRefreshToken { rotation, token }))
    }

    /// The token of the generation that `rotation` stands at: the same bytes however often it is asked for.
    pub(super) fn refresh_token(
        &self,
        tenant: &Tenant,
        key: &SessionKey,
        rotation: &RotationState,
        secret: ChainSecret,
    ) -> Result<PlainSecret, IssueError> {
        let now = self.clock.now();
        let signer = tenant.keyring.refresh_key(&rotation.kid, now).ok_or(IssueError::NoKey("refresh"))?;
        let claims = RefreshClaims {
            issuer: self.issuer.clone(),
            audience: Arc::from(tenant.audience()),
            tenant: tenant.id.clone(),
            session: key.id,
            generation: rotation.generation,
            r: secret,
            issued: rotation.issued,
            expires: rotation.expires,
        };
        Ok(PlainSecret::presented(&encode(signer, &claims)?))
    }
}
