//! `GET /auth/me`, `/auth/sessions`, `/auth/logout/…`: where somebody is signed in, as they see it themselves

use portcullis_api::answer::Success;
use portcullis_api::answer::device::{DeviceUser, Profile, Renamed, Revoked, RevokedCount, SessionView};
use portcullis_api::refusal::{Code, Refusal};
use portcullis_api::request::device::{EndSession, OwnSessions, Rename};
use portcullis_core::engine::ListedSession;
use portcullis_core::session::{EndReason, SessionState};

use super::{Call, Caller, OperationDispatcher, Replied};

impl OperationDispatcher {
    pub(super) async fn me(&self, _call: Call<'_>, member: Caller) -> Replied {
        let current = member.session().ok_or_else(|| Refusal::plain(Code::Unauthorized))?;
        let user = self.engine.user(&member.user).await?;
        let session = self.engine.session_of(&member.user, current).await?;
        let session = session.ok_or_else(|| Refusal::plain(Code::Unauthorized))?;
        let session = SessionView::of(&session, SessionState::Live, Some(current));
        self.reply(Success::PROFILE, Profile { user: DeviceUser::of(&user), session })
    }

    pub(super) async fn own_sessions(&self, call: Call<'_>, member: Caller) -> Replied {
        let OwnSessions { page, ended } = OwnSessions::read(&call.body)?;
        let found = self.engine.sessions_that(&member.user, ended, page).await?;
        let success = if ended { Success::ENDED_SESSIONS } else { Success::SESSIONS };
        let shown = |listed: &ListedSession| SessionView::of(&listed.session, listed.state, member.session());
        self.page(success, &found, page.limit, |listed| listed.session.key.id.as_uuid(), shown)
    }

    pub(super) async fn rename_session(&self, call: Call<'_>, member: Caller) -> Replied {
        let Rename { session, device_name } = Rename::read(&call.body)?;
        let renamed = self.engine.rename_session(&member.user, session, &device_name).await?;
        if renamed.is_none() {
            return Err(Refusal::plain(Code::SessionNotFound).about_session(session));
        }
        self.reply(Success::SESSION_RENAMED, Renamed { session_id: session, device_name })
    }

    pub(super) async fn logout_session(&self, call: Call<'_>, member: Caller) -> Replied {
        let EndSession { session } = EndSession::read(&call.body)?;
        if !self.engine.end_session_of(&member.user, session, EndReason::Logout).await? {
            return Err(Refusal::plain(Code::SessionNotFound).about_session(session));
        }
        self.reply(Success::SESSION_REVOKED, Revoked { session_id: session })
    }

    pub(super) async fn logout_all(&self, _call: Call<'_>, member: Caller) -> Replied {
        let revoked_count = self.engine.end_sessions(&member.user, EndReason::LogoutAll).await?;
        self.reply(Success::ALL_SESSIONS_REVOKED, RevokedCount { revoked_count })
    }
}
