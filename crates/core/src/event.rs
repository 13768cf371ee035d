//! Audit events: every decision about a user's access is reported as an [`Event`].
//!
//! An event names tenants, users and sessions by id. It contains no secret and no text that a client sent.

use crate::clock::Timestamp;
use crate::id::{SessionId, TenantId, UserId, UserKey};
use crate::session::{EndReason, Session};
use crate::strategy::StrategyName;
use crate::user::Role;

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

/// Declares the kinds of events by rows of a kind and its word.
macro_rules! event_kinds {
    ($($(#[$doc:meta])* $kind:ident $({ $($fields:tt)* })? = $word:literal,)+) => {
        /// The kinds of events.
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        pub enum EventKind {
            $($(#[$doc])* $kind $({ $($fields)* })?,)+
        }

        impl EventKind {
            /// The word in the audit log.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$kind { .. } => $word,)+
                }
            }
        }
    };
}

event_kinds! {
    /// A client signed up, or an administrator or operator created a user.
    SignedUp = "signed_up",
    /// A sign-in was completed, with all its steps.
    SignedIn = "signed_in",
    /// A password sign-in was refused: wrong name or password, or the user is locked or disabled.
    SignInRefused = "sign_in_refused",
    /// The first step of a device sign-in succeeded, or its client asked again, and a code was put into the mail queue.
    CodeAsked = "code_asked",
    /// The code of a second step was refused: wrong, expired or used, or too many were wrong.
    CodeRefused = "code_refused",
    /// A user was locked after too many wrong passwords in a row. An alarm.
    Locked = "locked",
    /// A known device, or a session that changes its password, was locked after too many wrong passwords. The user is
    /// not locked. An alarm.
    DeviceLocked = "device_locked",
    /// A locked user was unlocked, by a link or by an administrator or operator.
    Unlocked = "unlocked",
    /// A client, administrator or operator requested a mail with a password reset link for this user.
    ResetAsked = "reset_asked",
    /// A new password was chosen with a password reset link.
    PasswordReset = "password_reset",
    /// A user had one of their known devices forgotten.
    DeviceForgotten = "device_forgotten",
    /// A user gave one of their sessions another name.
    SessionRenamed = "session_renamed",
    /// A queued mail was dropped: its recipient was refused for good.
    MailGivenUp = "mail_given_up",
    /// An operator created a tenant.
    TenantCreated = "tenant_created",
    /// An operator changed a tenant's settings.
    TenantChanged = "tenant_changed",
    /// An operator suspended a tenant: its users cannot sign in, and their sessions have ended.
    TenantSuspended = "tenant_suspended",
    /// An operator resumed a suspended tenant.
    TenantResumed = "tenant_resumed",
    /// A refresh token was redeemed for its successor.
    Refreshed = "refreshed",
    /// The same device repeated a refresh and got the same successor, which was not used before.
    RefreshRepeated = "refresh_repeated",
    /// The same device presented a token whose successor was used. The refresh was refused, and the session stays.
    RefreshStale = "refresh_stale",
    /// Three generations in a row were repeated after the grace window: two clients hold token and proof. The refresh
    /// was refused, and the session stays. An alarm.
    RefreshShared = "refresh_shared",
    /// A refresh token was newer than its session's record: the store has lost writes. The session goes on from it.
    StoreRolledBack = "store_rolled_back",
    /// A used refresh token, or one without its device proof, was presented. The session has ended. An alarm.
    RefreshReused = "refresh_reused",
    /// Sessions were ended by their user, an administrator, an operator or a rule.
    Ended {
        /// Why they were ended.
        reason: EndReason,
        /// How many live sessions were ended.
        count: u64,
    } = "ended",
    /// An operator ended the sessions of all users of all tenants.
    EveryoneSignedOut = "everyone_signed_out",
    /// A user changed their password.
    PasswordChanged = "password_changed",
    /// A user's change of password was refused, because the current password was wrong.
    PasswordChangeRefused = "password_change_refused",
    /// An operator set a user's password.
    PasswordSet = "password_set",
    /// An administrator or operator disabled a user.
    UserDisabled = "user_disabled",
    /// An administrator or operator enabled a user again.
    UserEnabled = "user_enabled",
    /// An administrator or operator changed a user's role.
    RoleChanged {
        /// The new one.
        role: Role,
    } = "role_changed",
    /// An operator mended the record of a user that could not be read, or removed such a session.
    RecordMended = "record_mended",
    /// New signing keys were generated for a tenant.
    KeysRotated = "keys_rotated",
    /// An operator made a key for the revocation feed. One for all tenants stands in the log of tenant default.
    FeedKeyCreated = "feed_key_created",
    /// An operator removed a key for the revocation feed.
    FeedKeyRemoved = "feed_key_removed",
    /// An operator removed keys that may have leaked, after new ones had taken their place.
    KeysCompromised = "keys_compromised",
}

impl EventKind {
    /// Whether an operator should be alerted.
    #[must_use]
    pub const fn is_alarm(self) -> bool {
        matches!(self, Self::RefreshReused | Self::RefreshShared | Self::Locked | Self::DeviceLocked)
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
