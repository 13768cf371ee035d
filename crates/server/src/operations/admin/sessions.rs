//! The sessions of a user.

use portcullis_api::answer::Success;
use portcullis_api::answer::device::{Revoked, RevokedCount, SessionView};
use portcullis_api::refusal::{Code, Refusal};
use portcullis_api::request::device::{OneSession, OneUser, UserSessions};
use portcullis_core::engine::ListedSession;
use portcullis_core::id::TenantId;
use portcullis_core::session::EndReason;

use super::key;
use crate::operations::{Call, OperationDispatcher, Replied};

impl OperationDispatcher {
    pub(super) async fn user_sessions(&self, call: Call<'_>, tenant: TenantId) -> Replied {
        let UserSessions { user, page, ended } = UserSessions::read(&call.body)?;
        let user = self.engine.user(&key(tenant, user)).await?.key;
        let found = self.engine.sessions_that(&user, ended, page).await?;
        let success = if ended { Success::ENDED_SESSIONS } else { Success::SESSIONS };
        let shown = |listed: &ListedSession| SessionView::of(&listed.session, listed.state, None);
        self.page(success, &found, page.limit, |listed| listed.session.key.id.as_uuid(), shown)
    }

    pub(super) async fn end_user_session(&self, call: Call<'_>, tenant: TenantId) -> Replied {
        let OneSession { user, session } = OneSession::read(&call.body)?;
        let user = self.engine.user(&key(tenant, user)).await?.key;
        if !self.engine.end_session_of(&user, session, EndReason::Admin).await? {
            return Err(Refusal::plain(Code::SessionNotFound).about_session(session));
        }
        self.reply(Success::SESSION_REVOKED, Revoked { session_id: session })
    }

    pub(super) async fn end_user_sessions(&self, call: Call<'_>, tenant: TenantId) -> Replied {
        let OneUser { user } = OneUser::read(&call.body)?;
        let user = self.engine.user(&key(tenant, user)).await?.key;
        let revoked_count = self.engine.end_sessions(&user, EndReason::Admin).await?;
        self.reply(Success::ALL_SESSIONS_REVOKED, RevokedCount { revoked_count })
    }
}
