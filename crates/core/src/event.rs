//! Audit events: every decision about a user's access is reported as an [`Event`].
//!
//! An event names tenants, users and sessions by id. It contains no secret and no text that a client sent.

use crate::clock::Timestamp;
use crate::id::{SessionId, TenantId, UserId, UserKey};
use crate::session::{EndReason, Session};
use crate::strategy::StrategyName;

/// Receives every event, for example to write the audit log.
pub trait EventSink: Send + Sync + 'static {
    /// Records one event. Must not block.
    fn record(&self, at: Timestamp, event: &Event);
}

/// One audit event.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Event {
    /// The tenant in which it happened.
    pub tenant: TenantId,
    /// The user it concerns. `None` if it concerns no user, or the user is not known.
    pub user: Option<UserId>,
    /// The session that it concerns. `None` if it does not concern a single one.
    pub session: Option<SessionId>,
    /// The strategy under which it happened. `None` if no strategy is involved.
    pub strategy: Option<StrategyName>,
    /// What happened.
    pub kind: EventKind,
}

/// The kinds of events.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum EventKind {
    /// A client signed up, or an administrator or operator created a user.
    SignedUp,
    /// A sign-in was completed, with all its steps.
    SignedIn,
    /// A password sign-in was refused: wrong name or password, or the user is locked or disabled.
    SignInRefused,
    /// The first step of a device sign-in succeeded, and a code was put into the mail queue.
    CodeAsked,
    /// The code of a second step was refused: wrong, expired or used, or too many were wrong.
    CodeRefused,
    /// A user was locked after too many wrong passwords in a row. An alarm.
    Locked,
    /// A known device, or a session that changes its password, was locked after too many wrong passwords. The user is
    /// not locked. An alarm.
    DeviceLocked,
    /// A locked user was unlocked, by a link or by an administrator or operator.
    Unlocked,
    /// A client, administrator or operator requested a mail with a password reset link for this user.
    ResetAsked,
    /// A new password was chosen with a password reset link.
    PasswordReset,
    /// A user gave one of their sessions another name.
    SessionRenamed,
    /// A queued mail was dropped: its recipient was refused for good, or it expired undelivered.
    MailGivenUp,
    /// An operator created a tenant.
    TenantCreated,
    /// An operator changed a tenant's settings.
    TenantChanged,
    /// An operator suspended a tenant: its users cannot sign in, and their sessions have ended.
    TenantSuspended,
    /// An operator resumed a suspended tenant.
    TenantResumed,
    /// A refresh token was redeemed for its successor.
    Refreshed,
    /// The same device repeated a refresh within the grace window and got the same successor.
    RefreshRepeated,
    /// The same device presented a token that was used too long ago. The refresh was refused, and the session stays.
    RefreshStale,
    /// A used refresh token, or one without its device proof, was presented. The session has ended. An alarm.
    RefreshReused,
    /// Sessions were ended by their user, an administrator, an operator or a rule.
    Ended {
        /// Why they were ended.
        reason: EndReason,
        /// How many live sessions were ended.
        count: u64,
    },
    /// A user changed their password.
    PasswordChanged,
    /// A user's change of password was refused, because the current password was wrong.
    PasswordChangeRefused,
    /// An operator set a user's password.
    PasswordSet,
    /// An administrator or operator disabled a user.
    UserDisabled,
    /// An administrator or operator enabled a user again.
    UserEnabled,
    /// An administrator or operator changed a user's role.
    RoleChanged,
    /// New signing keys were generated for a tenant.
    KeysRotated,
}

impl EventKind {
    /// The word in the audit log.
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

    /// Whether an operator should be alerted.
    #[must_use]
    pub const fn is_alarm(self) -> bool {
        matches!(self, Self::RefreshReused | Self::Locked | Self::DeviceLocked)
    }
}

impl Event {
    /// An event that concerns a tenant.
    #[must_use]
    pub const fn of_tenant(tenant: TenantId, kind: EventKind) -> Self {
        Self { tenant, user: None, session: None, strategy: None, kind }
    }

    /// An event that concerns a user.
    #[must_use]
    pub fn of_user(user: &UserKey, kind: EventKind) -> Self {
        Self { user: Some(user.id), ..Self::of_tenant(user.tenant.clone(), kind) }
    }

    /// An event that concerns a session and its user.
    #[must_use]
    pub fn of_session(session: &Session, kind: EventKind) -> Self {
        Self {
            session: Some(session.key.id),
            strategy: Some(session.strategy),
            ..Self::of_user(&session.user_key(), kind)
        }
    }
}

/// Discards every event.
#[derive(Clone, Copy, Default, Debug)]
pub struct DiscardEvents;

impl EventSink for DiscardEvents {
    fn record(&self, _at: Timestamp, _event: &Event) {}
}
