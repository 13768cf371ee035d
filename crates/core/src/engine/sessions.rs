//! The sessions of a user: how the user and an operator list, rename and end them.

use super::tenant_stores::TenantStores;
use super::{EngineCore, EngineTask, TenantError, UserAdminError};
use crate::clock::Timestamp;
use crate::event::{Event, EventKind};
use crate::id::{SessionId, SessionKey, UserKey};
use crate::session::{EndReason, Epochs, RefreshGeneration, Session, SessionState};
use crate::store::{EndScope, Page, SessionHandle, Stored, UserHandle};
use crate::user::User;

/// A session in a list.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ListedSession {
    /// The session.
    pub session: Session,
    /// Its state now, epochs and a new password included.
    pub state: SessionState,
}

/// How many records one step of a list reads.
const STEP: u32 = 200;

/// What the sessions of one user are judged by.
struct SessionJudge {
    /// `None` if there is no such user, or its record cannot be read.
    user: Option<User>,
    epochs: Epochs,
    now: Timestamp,
}

impl SessionJudge {
    fn judged(&self, session: Session) -> ListedSession {
        let state = match &self.user {
            Some(user) => user.state_of(&session, self.now, self.epochs),
            None => session.state_at(self.now, self.epochs),
        };
        ListedSession { session, state }
    }
}

impl EngineCore {
    pub(super) async fn sessions(
        &self,
        user: &UserKey,
        page: Page<SessionId>,
    ) -> Result<Vec<ListedSession>, UserAdminError> {
        let stores = &self.any_tenant(&user.tenant).await?.stores;
        let judge = self.judge_of(stores, user).await?;
        let sessions = stores.view.list(user, page).await?;
        Ok(sessions.into_iter().map(|session| judge.judged(session)).collect())
    }

    async fn judge_of(&self, stores: &TenantStores, user: &UserKey) -> Stored<SessionJudge> {
        let epochs = stores.records.epochs.read(user).await?;
        let user = self.readable_user(stores, &UserHandle::Id(user.clone())).await?;
        Ok(SessionJudge { user, epochs, now: self.clock.now() })
    }

    pub(super) async fn sessions_that(
        &self,
        user: &UserKey,
        have_ended: bool,
        page: Page<SessionId>,
    ) -> Result<Vec<ListedSession>, UserAdminError> {
        let (mut wanted, mut after) = (Vec::new(), page.after);
        loop {
            let step = self.sessions(user, Page { after, limit: STEP }).await?;
            let is_last = step.len() < STEP as usize;
            after = step.last().map(|listed| listed.session.key.id);
            wanted
                .extend(step.into_iter().filter(|listed| (listed.state != SessionState::Live) == have_ended));
            if is_last || wanted.len() >= page.limit as usize {
                wanted.truncate(page.limit as usize);
                return Ok(wanted);
            }
        }
    }

    pub(super) async fn refresh_tokens(
        &self,
        user: &UserKey,
    ) -> Result<Vec<RefreshGeneration>, UserAdminError> {
        let (mut tokens, mut after) = (Vec::new(), None);
        loop {
            let step = self.sessions(user, Page { after, limit: STEP }).await?;
            let now = self.clock.now();
            let known = |listed: &ListedSession| listed.session.refresh_generations(listed.state, now);
            tokens.extend(step.iter().flat_map(known));
            after = step.last().map(|listed| listed.session.key.id);
            if step.len() < STEP as usize {
                return Ok(tokens);
            }
        }
    }

    pub(super) async fn session(&self, key: &SessionKey) -> Result<Option<ListedSession>, UserAdminError> {
        let stores = &self.any_tenant(&key.tenant).await?.stores;
        let handle = SessionHandle::Id(key.clone());
        let found = stores.records.sessions.find(&handle, self.clock.now()).await?;
        let Some(session) = found else { return Ok(None) };
        Ok(Some(self.judge_of(stores, &session.user_key()).await?.judged(session)))
    }

    pub(super) async fn session_of(
        &self,
        user: &UserKey,
        id: SessionId,
    ) -> Result<Option<Session>, UserAdminError> {
        let key = SessionKey { tenant: user.tenant.clone(), id };
        let found = self.session(&key).await?;
        let is_theirs =
            |listed: &ListedSession| listed.state == SessionState::Live && listed.session.user == user.id;
        Ok(found.filter(is_theirs).map(|listed| listed.session))
    }
}

impl EngineTask {
    pub(super) async fn rename_session(
        &self,
        user: &UserKey,
        id: SessionId,
        name: String,
    ) -> Result<Option<Session>, UserAdminError> {
        let Some(session) = self.session_of(user, id).await? else { return Ok(None) };
        let view = &self.tenant(&user.tenant).await?.stores.view;
        if !view.rename(&session.key, &name).await? {
            return Ok(None);
        }
        self.report(&Event::of_session(&session, EventKind::SessionRenamed));
        self.session_of(user, id).await
    }

    pub(super) async fn end_session_of(
        &self,
        user: &UserKey,
        id: SessionId,
        reason: EndReason,
    ) -> Result<bool, UserAdminError> {
        let key = SessionKey { tenant: user.tenant.clone(), id };
        let found = self.session(&key).await?.filter(|listed| listed.session.user == user.id);
        let Some(ListedSession { session, state }) = found else { return Ok(false) };
        let view = &self.any_tenant(&user.tenant).await?.stores.view;
        // It may have expired by this node's clock alone.
        let count = view.end(&EndScope::One(key), reason).await?.len() as u64;
        if count > 0 {
            self.report(&Event::of_session(&session, EventKind::Ended { reason, count }));
        }
        Ok(count > 0 && state == SessionState::Live)
    }

    pub(super) async fn end_session(&self, key: &SessionKey) -> Result<bool, TenantError> {
        let stores = &self.any_tenant(&key.tenant).await?.stores;
        let handle = SessionHandle::Id(key.clone());
        let found = stores.records.sessions.find(&handle, self.clock.now()).await?;
        let ended = stores.view.end(&EndScope::One(key.clone()), EndReason::Admin).await?.len() as u64;
        if ended > 0 {
            let what = EventKind::Ended { reason: EndReason::Admin, count: ended };
            self.report(&match &found {
                Some(session) => Event::of_session(session, what),
                None => Event { session: Some(key.id), ..Event::of_tenant(key.tenant.clone(), what) },
            });
        }
        Ok(ended > 0)
    }

    pub(super) async fn end_sessions(&self, user: &UserKey, reason: EndReason) -> Result<u64, TenantError> {
        let stores = &self.any_tenant(&user.tenant).await?.stores;
        let count = stores.view.end(&EndScope::User(user.clone()), reason).await?.len() as u64;
        self.report(&Event::of_user(user, EventKind::Ended { reason, count }));
        Ok(count)
    }
}
