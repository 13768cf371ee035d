//! Issuing what a signed-in client holds: a session, and the credentials for it.

use std::sync::Arc;

use thiserror::Error;

use super::{EngineCore, Tenant, opaque_id};
use crate::clock::Timestamp;
use crate::id::{SessionId, SessionKey, TokenId};
use crate::secret::PlainSecret;
use crate::session::{Device, DeviceProof, Epochs, RotationState, Session, SessionState};
use crate::strategy::{Carrier, Check, Renewal, SessionClaim, Strategy, StrategyName};
use crate::token::SignFault;
use crate::token::access::{AccessClaims, SignInDetails, sign_access};
use crate::token::refresh::{ChainSecret, RefreshClaims, encode, first_secret};
use crate::user::{User, UserProfile};

/// The credentials that a client is given.
#[derive(Clone, Debug)]
pub struct Grant {
    /// The credential that the client presents with each request.
    pub credential: PlainSecret,
    /// How the credential travels.
    pub carrier: Carrier,
    /// When the credential expires.
    pub expires: Timestamp,
    /// The refresh token; `None` unless the strategy rotates.
    pub refresh: Option<PlainSecret>,
    /// The device secret for later refreshes; `None` unless the client asked for one.
    pub device_secret: Option<PlainSecret>,
}

/// No credential could be issued. That is a fault of the server, never a rejection.
#[derive(Clone, Debug, Error)]
pub enum IssueError {
    /// A token could not be signed.
    #[error(transparent)]
    Sign(#[from] SignFault),
    /// The tenant has no active key of this use.
    #[error("the tenant has no {0} key that is active")]
    NoKey(&'static str),
}

/// What a new session is made of.
pub(super) struct NewSession<'a> {
    pub(super) tenant: &'a Tenant,
    pub(super) name: StrategyName,
    pub(super) strategy: Strategy,
    pub(super) user: &'a User,
    pub(super) epochs: Epochs,
    /// The user's password epoch under which the password was compared.
    pub(super) password_epoch: u64,
    pub(super) device: Device,
    pub(super) proof: Option<IssuedProof>,
    pub(super) gave_code: bool,
}

/// The sign-in of which an access token tells.
pub(super) struct TokenSignIn {
    pub(super) session: SessionId,
    pub(super) at: Timestamp,
    pub(super) epochs: Epochs,
    pub(super) gave_code: bool,
}

impl TokenSignIn {
    pub(super) const fn of(session: &Session) -> Self {
        let Session { created, epochs, gave_code, .. } = *session;
        Self { session: session.key.id, at: created, epochs, gave_code }
    }
}

/// The device proof of a new session.
pub(super) struct IssuedProof {
    pub(super) secret: PlainSecret,
    /// Whether the device has presented it before.
    pub(super) shown: bool,
    /// What the client is given; `None` where a cookie carries it.
    pub(super) told: Option<PlainSecret>,
}

/// The first refresh token of a session, and what is stored of it.
struct FirstRefreshToken {
    rotation: RotationState,
    token: PlainSecret,
}

impl EngineCore {
    /// Makes a session and its credentials. Nothing is stored yet.
    pub(super) fn begin(&self, beginning: NewSession<'_>) -> Result<(Session, Grant), IssueError> {
        let NewSession { tenant, name, strategy, user, epochs, password_epoch, device, proof, gave_code } =
            beginning;
        let now = self.clock.now();
        let ends = strategy.expiries(now);
        let id = SessionId::generate(now, user.key.id, self.random.as_ref());
        let key = SessionKey { tenant: user.key.tenant.clone(), id };

        let (credential, cookie) = if strategy.check() == Check::Stored {
            let signer = tenant.keyring.cookie_signer(now).ok_or(IssueError::NoKey("cookie"))?;
            let opaque = opaque_id::OpaqueId::generate(id.bucket(), self.random.as_ref());
            (opaque.signed(signer), Some(opaque.hash()))
        } else {
            let sign_in = TokenSignIn { session: id, at: now, epochs, gave_code };
            (self.access_token(tenant, name, strategy, user, &sign_in, ends.credential)?, None)
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
            password_epoch,
            gave_code,
            cookie,
            rotation,
            proof,
            state: SessionState::Live,
            version: 0,
        };
        let carrier = strategy.carrier();
        Ok((session, Grant { credential, carrier, expires: ends.credential, refresh, device_secret }))
    }

    /// An access token of a session. It never expires later than the session.
    pub(super) fn access_token(
        &self,
        tenant: &Tenant,
        name: StrategyName,
        strategy: Strategy,
        user: &User,
        sign_in: &TokenSignIn,
        expires: Timestamp,
    ) -> Result<PlainSecret, IssueError> {
        let now = self.clock.now();
        let id = match strategy.check() {
            Check::SignedAndLive(SessionClaim::Jti) => TokenId::from_uuid(sign_in.session.as_uuid()),
            _ => TokenId::generate(now, self.random.as_ref()),
        };
        let claims = AccessClaims {
            iss: self.issuer.clone(),
            aud: tenant.names_audience().then(|| Arc::from(tenant.audience())),
            sub: user.key.id,
            tid: tenant.id.clone(),
            sid: sign_in.session,
            jti: id,
            strategy: name.as_str().to_owned(),
            profile: Arc::new(UserProfile::of(user)),
            iat: now,
            exp: expires,
            nbf: None,
            username: name.has_second_step().then(|| user.login_name().to_owned()),
            role: Some(user.role),
            details: Some(SignInDetails {
                client_id: tenant.policy.client_id.clone(),
                gave_code: sign_in.gave_code,
                signed_in: sign_in.at,
                epochs: sign_in.epochs,
                email_verified: user.email_verified,
            }),
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
            late_repeats: None,
        };
        let token = self.refresh_token(tenant, key, &rotation, secret)?;
        Ok(Some(FirstRefreshToken { rotation, token }))
    }

    /// The refresh token of the current generation: the same bytes each time.
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
