//! What an operator sees of sessions, and how they end them.

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
    pub async fn end_sessions(&self, user: &UserKey) -> Result<u64, TenantError> {
        let home = &self.kept_tenant(&user.tenant).await?.home;
        let count = home.view.end(&EndScope::User(user.clone()), EndReason::Admin).await?.len() as u64;
        self.report(&Event::of_user(user, What::Ended { reason: EndReason::Admin, count }));
        Ok(count)
    }
}
