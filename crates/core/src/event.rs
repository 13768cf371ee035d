//! What happened, for logs and alarms: every decision about somebody's access is an [`Event`].
//!
//! An event names tenants, users and sessions by id and holds nothing secret and nothing that a stranger typed.

use crate::clock::Timestamp;
use crate::id::{SessionId, TenantId, UserId, UserKey};
use crate::session::{EndReason, Session};
use crate::strategy::StrategyName;

/// Who is told.
pub trait EventSink: Send + Sync + 'static {
    /// Something happened. Must not block.
    fn record(&self, at: Timestamp, event: &Event);
}

/// Something that happened.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Event {
    /// Where.
    pub tenant: TenantId,
    /// To whom, if that is known.
    pub user: Option<UserId>,
    /// To which session.
    pub session: Option<SessionId>,
    /// Under which strategy.
    pub strategy: Option<StrategyName>,
    /// What.
    pub kind: EventKind,
}

/// What can happen.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum EventKind {
    /// A user was made.
    SignedUp,
    /// Somebody signed in.
    SignedIn,
    /// A sign-in was refused.
    SignInRefused,
    /// A password was right; a code was asked for.
    CodeAsked,
    /// A code was refused.
    CodeRefused,
    /// An account was locked after too many wrong passwords.
    Locked,
    /// A device that is known, or a session that asked for another password, was locked after too many wrong ones. The
    /// account is open.
    DeviceLocked,
    /// A locked account was opened.
    Unlocked,
    /// A link to choose another password was asked for, by whomever.
    ResetAsked,
    /// A password was chosen by such a link.
    PasswordReset,
    /// A session was given another name.
    SessionRenamed,
    /// A message could not be sent and never will be.
    MailGivenUp,
    /// A tenant was made.
    TenantCreated,
    /// A tenant has other settings.
    TenantChanged,
    /// A tenant was suspended.
    TenantSuspended,
    /// A tenant was opened again.
    TenantResumed,
    /// A refresh token was traded for its successor.
    Refreshed,
    /// The same device repeated a refresh within the grace window.
    RefreshRepeated,
    /// The same device came with a token that was spent long ago.
    RefreshStale,
    /// A spent refresh token, or one without its proof, was presented: the session was ended. An alarm.
    RefreshReused,
    /// Sessions were ended.
    Ended {
        /// Why.
        reason: EndReason,
        /// How many.
        count: u64,
    },
    /// A password was changed by its owner.
    PasswordChanged,
    /// A change of password was refused: the current one was wrong.
    PasswordChangeRefused,
    /// A password was set by an operator.
    PasswordSet,
    /// A user may not sign in any more.
    UserDisabled,
    /// A user may sign in again.
    UserEnabled,
    /// A user's role was changed.
    RoleChanged,
    /// A tenant has new keys.
    KeysRotated,
}

impl EventKind {
    /// The word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::SignedUp => "signed_up",
            Self::SignedIn => "signed_in",
            Self::SignInRefused => "sign_in_refused",
            Self::CodeAsked => "code_asked",
            Self::CodeRefused => "code_refused",
            Self::Locked => "locked",
            Self::DeviceLocked => "device_locked",
            Self::Unlocked => "unlocked",
            Self::ResetAsked => "reset_asked",
            Self::PasswordReset => "password_reset",
            Self::SessionRenamed => "session_renamed",
            Self::MailGivenUp => "mail_given_up",
            Self::TenantCreated => "tenant_created",
            Self::TenantChanged => "tenant_changed",
            Self::TenantSuspended => "tenant_suspended",
            Self::TenantResumed => "tenant_resumed",
            Self::Refreshed => "refreshed",
            Self::RefreshRepeated => "refresh_repeated",
            Self::RefreshStale => "refresh_stale",
            Self::RefreshReused => "refresh_reused",
            Self::Ended { .. } => "ended",
            Self::PasswordChanged => "password_changed",
            Self::PasswordChangeRefused => "password_change_refused",
            Self::PasswordSet => "password_set",
            Self::UserDisabled => "user_disabled",
            Self::UserEnabled => "user_enabled",
            Self::RoleChanged => "role_changed",
            Self::KeysRotated => "keys_rotated",
        }
    }

    /// Whether somebody should look at it.
    #[must_use]
    pub const fn is_alarm(self) -> bool {
        matches!(self, Self::RefreshReused | Self::Locked | Self::DeviceLocked)
    }
}

impl Event {
    /// Something that happened to a tenant.
    #[must_use]
    pub const fn of_tenant(tenant: TenantId, kind: EventKind) -> Self {
        Self { tenant, user: None, session: None, strategy: None, kind }
    }

    /// Something that happened to a user.
    #[must_use]
    pub fn of_user(user: &UserKey, kind: EventKind) -> Self {
        Self { user: Some(user.id), ..Self::of_tenant(user.tenant.clone(), kind) }
    }

    /// Something that happened to a session.
    #[must_use]
    pub fn of_session(session: &Session, kind: EventKind) -> Self {
        Self {
            session: Some(session.key.id),
            strategy: Some(session.strategy),
            ..Self::of_user(&session.user_key(), kind)
        }
    }
}

/// Tells nobody.
#[derive(Clone, Copy, Default, Debug)]
pub struct DiscardEvents;

impl EventSink for DiscardEvents {
    fn record(&self, _at: Timestamp, _event: &Event) {}
}
