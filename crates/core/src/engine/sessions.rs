//! The sessions of a user, as the user and an operator see them, and how they end them.

use super::{AccountError, Engine, TenantError};
use crate::event::{Event, What};
use crate::id::{SessionId, SessionKey, UserKey};
use crate::session::{EndReason, Session, State};
use crate::store::{EndScope, Page, SessionHandle};

/// A session in a list.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Listed {
    /// The session.
    pub session: Session,
    /// How it stands now, epochs considered.
    pub state: State,
}

/// The records that one step reads when only some of them are wanted.
const STEP: u32 = 200;

impl Engine {
    /// A user's sessions and what is left of ended ones, oldest first.
    ///
    /// # Errors
    /// The tenant's or the store's.
    pub async fn sessions(&self, user: &UserKey, page: Page<SessionId>) -> Result<Vec<Listed>, AccountError> {
        let home = &self.kept_tenant(&user.tenant).await?.home;
        let epochs = home.stores.epochs.read(user).await?;
        let now = self.clock.now();
        let sessions = home.view.list(user, page).await?;
        let judged = |session: Session| Listed { state: session.state_at(now, epochs), session };
        Ok(sessions.into_iter().map(judged).collect())
    }

    /// Those of a user's sessions that are live, or those that have ended, oldest first: a page of them.
    ///
    /// # Errors
    /// The tenant's or the store's.
    pub async fn sessions_that(
        &self,
        user: &UserKey,
        have_ended: bool,
        page: Page<SessionId>,
    ) -> Result<Vec<Listed>, AccountError> {
        let (mut wanted, mut after) = (Vec::new(), page.after);
        loop {
            let step = self.sessions(user, Page { after, limit: STEP }).await?;
            let is_last = step.len() < STEP as usize;
            after = step.last().map(|listed| listed.session.key.id);
            wanted.extend(step.into_iter().filter(|listed| (listed.state != State::Live) == have_ended));
            if is_last || wanted.len() >= page.limit as usize {
                wanted.truncate(page.limit as usize);
                return Ok(wanted);
            }
        }
    }

    /// The session of this id, or what is left of it.
    ///
    /// # Errors
    /// The tenant's or the store's.
    pub async fn session(&self, key: &SessionKey) -> Result<Option<Listed>, AccountError> {
        let home = &self.kept_tenant(&key.tenant).await?.home;
        let now = self.clock.now();
        let found = home.stores.sessions.find(&SessionHandle::Id(key.clone()), now).await?;
        let Some(session) = found else { return Ok(None) };
        let epochs = home.stores.epochs.read(&session.user_key()).await?;
        Ok(Some(Listed { state: session.state_at(now, epochs), session }))
    }

    /// The live session of this id, if it is the user's: another's is as good as none.
    ///
    /// # Errors
    /// The tenant's or the store's.
    pub async fn session_of(&self, user: &UserKey, id: SessionId) -> Result<Option<Session>, AccountError> {
        let key = SessionKey { tenant: user.tenant.clone(), id };
        let found = self.session(&key).await?;
        let is_theirs = |listed: &Listed| listed.state == State::Live && listed.session.user == user.id;
        Ok(found.filter(is_theirs).map(|listed| listed.session))
    }

    /// Gives the device of a user's session another name: whether there was such a live session.
    ///
    /// # Errors
    /// The tenant's or the store's.
    pub async fn rename_session(
        &self,
        user: &UserKey,
        id: SessionId,
        name: &str,
    ) -> Result<Option<Session>, AccountError> {
        let Some(session) = self.session_of(user, id).await? else { return Ok(None) };
        let view = &self.tenant(&user.tenant).await?.home.view;
        if !view.rename(&session.key, name).await? {
            return Ok(None);
        }
        self.report(&Event::of_session(&session, What::SessionRenamed));
        self.session_of(user, id).await
    }

    /// Ends one session of a user: whether there was such a live session.
    ///
    /// # Errors
    /// The tenant's or the store's.
    pub async fn end_session_of(
        &self,
        user: &UserKey,
        id: SessionId,
        reason: EndReason,
    ) -> Result<bool, AccountError> {
        let Some(session) = self.session_of(user, id).await? else { return Ok(false) };
        let view = &self.kept_tenant(&user.tenant).await?.home.view;
        let count = view.end(&EndScope::One(session.key.clone()), reason).await?.len() as u64;
        self.report(&Event::of_session(&session, What::Ended { reason, count }));
        Ok(count > 0)
    }

    /// Ends one session: whether it was live.
    ///
    /// # Errors
    /// The store's.
    pub async fn end_session(&self, key: &SessionKey) -> Result<bool, TenantError> {
        let home = &self.kept_tenant(&key.tenant).await?.home;
        let handle = SessionHandle::Id(key.clone());
        let found = home.stores.sessions.find(&handle, self.clock.now()).await?;
        let ended = home.view.end(&EndScope::One(key.clone()), EndReason::Admin).await?.len() as u64;
        let what = What::Ended { reason: EndReason::Admin, count: ended };
        self.report(&match &found {
            Some(session) => Event::of_session(session, what),
            None => Event { session: Some(key.id), ..Event::of_tenant(key.tenant.clone(), what) },
        });
        Ok(ended > 0)
    }

    /// Ends all sessions of a user: how many there were.
    ///
    /// # Errors
    /// The store's.
    pub async fn end_sessions(&self, user: &UserKey, reason: EndReason) -> Result<u64, TenantError> {
        let home = &self.kept_tenant(&user.tenant).await?.home;
        let count = home.view.end(&EndScope::User(user.clone()), reason).await?.len() as u64;
        self.report(&Event::of_user(user, What::Ended { reason, count }));
        Ok(count)
    }
}
