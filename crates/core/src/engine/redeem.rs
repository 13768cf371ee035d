//! Refresh token rotation: redeeming a refresh token for its successor.
//!
//! What is decided about a presented token is the pure [`Session::rotate`](crate::session::Session::rotate). It decides
//! on the copies of session and user that the view holds, and the result is written only if the store still has the
//! same versions of both and the same epochs: a refresh reads nothing then. Everything but a win is decided again on
//! what the store has now, and so is a win that another writer forestalled. The tokens are made while the write is
//! under way, and are the same bytes for every request that is entitled to them.

use std::sync::Arc;

use super::device_proof::{PresentedDevice, bare};
use super::issue::TokenSignIn;
use super::refresh::VerifiedRefreshToken;
use super::session_cookies::MOST_COOKIES;
use super::{EngineTask, IssueError, Refresh, RefreshError, Refreshed, Tenant, VerifiedRefresh};
use crate::event::{Event, EventKind};
use crate::id::SessionKey;
use crate::liveness::{CachedSession, CachedUser, MOST_UPDATES};
use crate::queued_mail::MailKind;
use crate::secret::PlainSecret;
use crate::session::{DeviceProof, EndReason, RotationOutcome, RotationRequest, Session, SessionState};
use crate::store::{EndScope, StoreError, Stored, Updated};
use crate::strategy::{Renewal, Strategy};
use crate::user::User;

/// The device proof that came along.
struct PresentedProof {
    secret: PlainSecret,
    /// Whether a session that holds none yet is to hold it from now on.
    pins: bool,
}

/// Where session and user are looked up.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Source {
    /// In the view, which does not know how often another node has rotated the session.
    View,
    /// In the store.
    Store,
}

/// What is decided on one version of a session and its user.
struct Decision {
    before: Arc<CachedSession>,
    user: Arc<CachedUser>,
    strategy: Strategy,
    device: Option<PresentedProof>,
    outcome: RotationOutcome,
}

impl EngineTask {
    pub(super) async fn redeem(&self, refresh: VerifiedRefresh) -> Result<Refreshed, RefreshError> {
        let token = refresh.token?;
        let has_expired = token.claims.expires <= self.clock.now();
        match self.redeem_token(&refresh.request, &token).await {
            // What the client is told of an expired token does not depend on whether the record is still there.
            Err(RefreshError::SessionGone(_)) if has_expired => Err(RefreshError::Invalid),
            answer => answer,
        }
    }

    async fn redeem_token(
        &self,
        request: &Refresh,
        token: &VerifiedRefreshToken,
    ) -> Result<Refreshed, RefreshError> {
        let mut source = Source::View;
        for _ in 0..MOST_UPDATES {
            match self.decide(request, token, source).await {
                Ok(decision) if source == Source::Store || decision.outcome.is_win() => {
                    if let Some(refreshed) = self.carry_out(token, &decision).await? {
                        return Ok(refreshed);
                    }
                }
                Err(refused) if source == Source::Store || refused.is_outage() => return Err(refused),
                _ => (),
            }
            source = Source::Store;
        }
        Err(StoreError::Overloaded.into())
    }

    async fn decide(
        &self,
        request: &Refresh,
        token: &VerifiedRefreshToken,
        source: Source,
    ) -> Result<Box<Decision>, RefreshError> {
        let key = token.session();
        let gone = || RefreshError::SessionGone(key.clone());
        let (known, user) = self.known(token, &key, source).await?.ok_or_else(gone)?;
        let before = known.session();
        if before.strategy != request.strategy {
            return Err(RefreshError::Invalid);
        }
        let is_live = user.state_of(before, self.clock.now()) == SessionState::Live;
        if !is_live || user.user.disabled.is_some() {
            return Err(gone());
        }
        let strategy = token.tenant.strategy(before.strategy).ok_or(RefreshError::NotOffered)?;
        let device = self.device_of(request, before, &user.user).await?;
        let rotation = self.rotation(token, strategy, &key, device.as_ref())?;
        let outcome = before.clone().rotate(&rotation);
        Ok(Box::new(Decision { before: known, user, strategy, device, outcome }))
    }

    async fn known(
        &self,
        token: &VerifiedRefreshToken,
        key: &SessionKey,
        source: Source,
    ) -> Stored<Option<(Arc<CachedSession>, Arc<CachedUser>)>> {
        let view = &token.tenant.stores.view;
        if source == Source::Store {
            // Boxed, like all that few refreshes do: its state would make the task of every refresh large.
            return Box::pin(view.ask(key)).await;
        }
        let Some(session) = view.session(key).await? else { return Ok(None) };
        let user = view.user(&session.session().user_key()).await?;
        Ok(user.map(|user| (session, user)))
    }

    /// Writes what was decided while the tokens are made, and reports it. `None` if another writer was first.
    async fn carry_out(
        &self,
        token: &VerifiedRefreshToken,
        decision: &Decision,
    ) -> Result<Option<Refreshed>, RefreshError> {
        let making =
            async { decision.outcome.entitled().map(|session| self.tokens(token, decision, session)) };
        // The write first, so that its thread works while this one signs.
        let (written, tokens) = tokio::join!(biased; self.write(token, decision), making);
        if written? == Updated::Stale {
            return Ok(None);
        }
        let before = decision.before.session();
        let session = self.judge(&token.tenant, &decision.outcome, before).await?;
        let has_shown = |session: &Session| session.proof.is_some_and(|proof| proof.shown);
        let device = decision.device.as_ref();
        if let Some(device) = device.filter(|_| has_shown(session) && !has_shown(before)) {
            // The next sign-in on it is not news.
            Box::pin(self.remember_proven_device(session, &device.secret)).await;
        }
        tokens.transpose()?.map(Some).ok_or(RefreshError::Invalid)
    }

    async fn write(&self, token: &VerifiedRefreshToken, decision: &Decision) -> Stored<Updated> {
        let (view, before) = (&token.tenant.stores.view, decision.before.session());
        if matches!(decision.outcome, RotationOutcome::Reused(_)) {
            // Whatever becomes of the session, the token stays a used one: no other writer can hold this up.
            let ended = view.end(&EndScope::One(before.key.clone()), EndReason::RefreshReuse).await?;
            return Ok(if ended.is_empty() { Updated::Stale } else { Updated::Done });
        }
        match decision.outcome.to_write(before) {
            Some(next) => view.update(next, Some(decision.user.versions())).await,
            None => Ok(Updated::Done),
        }
    }

    fn tokens(
        &self,
        token: &VerifiedRefreshToken,
        decision: &Decision,
        session: &Session,
    ) -> Result<Refreshed, RefreshError> {
        let Decision { user, strategy, .. } = decision;
        let rotation = session.rotation.as_ref().ok_or(RefreshError::Invalid)?;
        let refresh = self.refresh_token(&token.tenant, &session.key, rotation, token.successor.clone())?;
        let end = strategy.expiries(self.clock.now()).credential.min(session.absolute_expires);
        let sign_in = TokenSignIn::of(session);
        let access =
            self.access_token(&token.tenant, session.strategy, *strategy, &user.user, &sign_in, end)?;
        Ok(Refreshed { access, refresh, session: session.key.clone() })
    }

    /// The device proof that came along. A cookie counts only under a strategy that sets one.
    async fn device_of(
        &self,
        request: &Refresh,
        session: &Session,
        user: &User,
    ) -> Result<Option<PresentedProof>, RefreshError> {
        if let Some(secret) = &request.device_secret {
            return Ok(Some(PresentedProof { secret: bare(secret), pins: false }));
        }
        if !request.strategy.has_second_step() || request.cookies.len() > MOST_COOKIES {
            return Ok(None);
        }
        // A session with a proof compares the secret whatever its signature; a session without takes on a signed one
        // only. Any other cookie may be planted.
        let of_session = |secret: &PlainSecret| {
            session.proof.is_some_and(|proof| proof.hash == DeviceProof::hash_of(secret, &session.key))
        };
        if let Some(secret) = request.cookies.iter().map(bare).find(of_session) {
            return Ok(Some(PresentedProof { secret, pins: true }));
        }
        let shown = PresentedDevice { cookies: request.cookies.clone(), ..PresentedDevice::default() };
        let signed = Box::pin(self.shown_secrets(&shown)).await?;
        let meant = match request.cookies.as_slice() {
            [only] if signed.0.is_empty() => {
                return Ok(Some(PresentedProof { secret: bare(only), pins: false }));
            }
            _ => signed.meant(|secret| self.knows_device(user, secret).is_some()),
        };
        Ok(meant.map(|meant| PresentedProof { secret: meant.secret, pins: true }))
    }

    fn rotation(
        &self,
        token: &VerifiedRefreshToken,
        strategy: Strategy,
        key: &SessionKey,
        device: Option<&PresentedProof>,
    ) -> Result<RotationRequest, RefreshError> {
        let Renewal::Rotating { refresh, grace, .. } = strategy.renewal() else {
            return Err(RefreshError::Invalid);
        };
        let now = self.clock.now();
        let keyring = &token.tenant.keyring;
        let kid = keyring.refresh_signer(now).ok_or(IssueError::NoKey("refresh"))?.kid().clone();
        Ok(RotationRequest {
            generation: token.claims.generation,
            presented: token.claims.r.hash(),
            issued: token.claims.issued,
            expires: token.claims.expires,
            successor: token.successor.hash(),
            kid,
            proof: device.map(|device| DeviceProof::hash_of(&device.secret, key)),
            pins: device.is_some_and(|device| device.pins),
            now,
            lifetime: refresh,
            grace,
        })
    }

    /// Reports the outcome, and returns the session if it may go on.
    async fn judge<'d>(
        &self,
        tenant: &Tenant,
        outcome: &'d RotationOutcome,
        before: &Session,
    ) -> Result<&'d Session, RefreshError> {
        let (session, what, verdict) = match outcome {
            RotationOutcome::Won(session) => (session, EventKind::Refreshed, None),
            RotationOutcome::Replayed(session) => (session, EventKind::RefreshRepeated, None),
            RotationOutcome::RolledBack(session) => (session, EventKind::StoreRolledBack, None),
            RotationOutcome::Stale(session) => (session, EventKind::RefreshStale, Some(RefreshError::Stale)),
            RotationOutcome::Shared(session) => {
                (session, EventKind::RefreshShared, Some(RefreshError::Stale))
            }
            RotationOutcome::Reused(session) => {
                (session, EventKind::RefreshReused, Some(RefreshError::Reused))
            }
            RotationOutcome::Expired => return Err(RefreshError::Invalid),
            RotationOutcome::Gone => return Err(RefreshError::SessionGone(before.key.clone())),
        };
        self.report(&Event::of_session(session, what));
        let news = match what {
            EventKind::RefreshReused => Some(MailKind::RefreshReused),
            EventKind::RefreshShared => Some(MailKind::RefreshShared),
            _ => None,
        };
        if let Some(about) = news {
            let user = session.user_key();
            Box::pin(self.send_news(&tenant.stores, &user, about, Some(&session.device))).await;
        }
        verdict.map_or(Ok(session), Err)
    }
}
