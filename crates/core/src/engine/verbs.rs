//! The public verbs of the engine that change state.
//!
//! `&name: Type` is taken by reference. A verb of the table runs to its end on a task of its own, even if its caller
//! hangs up; the table is the only way to an [`EngineTask`].

use std::time::Duration;
use uuid::Uuid;

use super::task::EngineTask;
use super::{
    ChangePassword, ChangePasswordError, CompletedDeviceSignIn, CompletedSignIn, DeviceSignIn,
    DeviceSignInError, DeviceSignInResult, Engine, FeedKeyError, Identity, KeyError, NewUser, PasswordSignIn,
    PasswordSignInError, RefreshError, Refreshed, Register, RegisterError, ResendCode, ResendCodeError,
    ResetError, TenantAdminError, TenantError, UnlockError, UserAdminError, VerifiedRefresh, VerifyCode,
    VerifyCodeError,
};
use crate::email::Email;
use crate::id::{FeedKeyId, SessionId, SessionKey, TenantId, UserKey};
use crate::key::{KeyUse, Kid};
use crate::password::Password;
use crate::revocation::{FeedKey, FeedTenants};
use crate::secret::PlainSecret;
use crate::session::{EndReason, Session};
use crate::store::{MendOutcome, StoreError, UnreadableRecord};
use crate::tenant::{TenantRecord, TenantSettings};
use crate::ticket::{IssueOutcome, Ticket};
use crate::user::{Role, User, UserCorrection};

macro_rules! verbs_that_change_state {
    ($($(#[$doc:meta])* $verb:ident: $name:ident($(&$lent:ident: $lent_type:ty),*; $($given:ident: $given_type:ty),*)
        -> $answer:ty;)*) => {
        impl Engine {
            $($(#[$doc])*
            pub async fn $name(&self, $($lent: &$lent_type,)* $($given: $given_type),*) -> $answer {
                $(let $lent = $lent.to_owned();)*
                let work =
                    move |task: EngineTask| async move { task.$name($(&$lent,)* $($given),*).await };
                self.run(stringify!($name), work).await
            })*
        }

        /// Every verb that changes state: a test hangs up on each.
        #[cfg(test)]
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        pub(super) enum Verb { $($verb),* }

        #[cfg(test)]
        impl Verb {
            pub(super) const ALL: &[Self] = &[$(Self::$verb),*];
        }
    };
}

verbs_that_change_state! {
    /// Makes a user. A tenant may hide who has an account: then the answer is `None` whether one was made or not, and
    /// the owner of a taken address gets a mail.
    ///
    /// # Errors
    /// A [`RegisterError`]; nothing was written then.
    Register: register(; request: Register) -> Result<Option<User>, RegisterError>;

    /// Signs a user in with a password, under a strategy that asks for nothing else: never under `device`, even if the
    /// tenant asks for no second step.
    ///
    /// # Errors
    /// A [`PasswordSignInError`]; no session was made then, and a session that would have been replaced stays.
    PasswordSignIn: password_sign_in(; request: PasswordSignIn) -> Result<CompletedSignIn, PasswordSignInError>;

    /// Signs a user in on a device, or sends a code if the tenant asks for a second step.
    ///
    /// # Errors
    /// A [`DeviceSignInError`]; no session was made and no code is on its way then.
    DeviceSignIn: device_sign_in(; request: DeviceSignIn) -> Result<DeviceSignInResult, DeviceSignInError>;

    /// Sends another code for a device sign-in, and returns its ticket.
    ///
    /// # Errors
    /// A [`ResendCodeError`]; the code that was sent before is as good as it was. After [`ResendCodeError::Store`]
    /// either may be, and a further request sends another one.
    ResendCode: resend_code(; request: ResendCode) -> Result<Ticket, ResendCodeError>;

    /// Takes the second step of a device sign-in.
    ///
    /// # Errors
    /// A [`VerifyCodeError`]; no session was made then. A code that was right is used all the same.
    VerifyCode: verify_code(; request: VerifyCode) -> Result<CompletedDeviceSignIn, VerifyCodeError>;

    /// Redeems a refresh token for the next pair of tokens. A used one without its device proof ends the session.
    ///
    /// # Errors
    /// A [`RefreshError`].
    Redeem: redeem(; refresh: VerifiedRefresh) -> Result<Refreshed, RefreshError>;

    /// Signs a user out. When this returns, the end is written, and this process no longer accepts the session.
    ///
    /// What ends depends on the strategy. Under a denylist, every session of the user under that strategy ends. Under a
    /// strategy that stores no session, nothing ends. Otherwise the session of `identity` ends.
    ///
    /// # Errors
    /// The tenant's or the store's; nothing has ended then.
    SignOut: sign_out(&identity: Identity;) -> Result<(), TenantError>;

    /// Changes a user's password, and ends every other session of the user.
    ///
    /// # Errors
    /// A [`ChangePasswordError`]; the password is as it was then.
    ChangePassword: change_password(; request: ChangePassword) -> Result<(), ChangePasswordError>;

    /// Sends a link for a new password to the user of an address. The answer and its time are the same if there is no
    /// such user. The account stays as it is until the link is used.
    ///
    /// # Errors
    /// The tenant's or the store's.
    ForgotPassword: forgot_password(&tenant: TenantId, &email: Email;) -> Result<(), TenantError>;

    /// Sends a user a link for a new password because an administrator asks for it, unless too many were sent lately.
    ///
    /// # Errors
    /// [`UserAdminError::NotFound`], or the store's.
    StartReset: start_reset(&user: UserKey;) -> Result<IssueOutcome, UserAdminError>;

    /// Sets the password of the user to whose address a link was sent, and ends all of the user's sessions. The user
    /// is not signed in by it. A password that is refused leaves the link unused.
    ///
    /// # Errors
    /// A [`ResetError`]; the password is as it was then.
    ResetPassword: reset_password(&token: str; new: Password) -> Result<(), ResetError>;

    /// Opens the account that a link is for.
    ///
    /// # Errors
    /// An [`UnlockError`]; the account is as it was then.
    Unlock: unlock(&token: str;) -> Result<(), UnlockError>;

    /// Opens a user's account that was locked.
    ///
    /// # Errors
    /// [`UserAdminError::NotFound`], or the store's.
    UnlockUser: unlock_user(&user: UserKey;) -> Result<(), UserAdminError>;

    /// Gives the device of a user's session another name. Returns the session, or `None` if the user has no such live
    /// one.
    ///
    /// # Errors
    /// The tenant's or the store's.
    RenameSession: rename_session(&user: UserKey; id: SessionId, name: String)
        -> Result<Option<Session>, UserAdminError>;

    /// Forgets a known device of a user. Returns whether there was one with this id.
    ///
    /// # Errors
    /// The tenant's or the store's.
    ForgetDevice: forget_device(&user: UserKey; id: Uuid) -> Result<bool, UserAdminError>;

    /// Ends one session of a user. Returns whether there was such a live session.
    ///
    /// # Errors
    /// The tenant's or the store's.
    EndSessionOf: end_session_of(&user: UserKey; id: SessionId, reason: EndReason) -> Result<bool, UserAdminError>;

    /// Ends one session, even if it has expired by this process's clock. Returns whether it had not been ended before.
    ///
    /// # Errors
    /// The tenant's or the store's.
    EndSession: end_session(&key: SessionKey;) -> Result<bool, TenantError>;

    /// Ends all sessions of a user. Returns how many there were.
    ///
    /// # Errors
    /// The tenant's or the store's.
    EndSessions: end_sessions(&user: UserKey; reason: EndReason) -> Result<u64, TenantError>;

    /// Ends the sessions of all users of all tenants, and voids their open codes and links.
    ///
    /// # Errors
    /// The store's. If a tenant's own database is away, its sessions go on until this is asked again.
    EndEveryone: end_everyone(;) -> Result<(), StoreError>;

    /// Makes a user, who may sign in under every strategy on offer.
    ///
    /// # Errors
    /// [`UserAdminError::Weak`] by the tenant's policy, [`UserAdminError::Taken`], or the store's; nothing was
    /// written then.
    CreateUser: create_user(&tenant: TenantId; new: NewUser, password: Password) -> Result<User, UserAdminError>;

    /// Makes a user without a password, and sends a link to choose one.
    ///
    /// # Errors
    /// [`UserAdminError::Taken`], or the store's; nothing was written then.
    InviteUser: invite_user(&tenant: TenantId; new: NewUser) -> Result<User, UserAdminError>;

    /// Disables a user: no sign-in, no refresh, and no session that the store is asked about.
    ///
    /// # Errors
    /// [`UserAdminError::NotFound`], or the store's.
    DisableUser: disable_user(&key: UserKey;) -> Result<User, UserAdminError>;

    /// Lets a disabled user sign in again. Sessions that were ended stay ended.
    ///
    /// # Errors
    /// [`UserAdminError::NotFound`], or the store's.
    EnableUser: enable_user(&key: UserKey;) -> Result<User, UserAdminError>;

    /// Gives a user another role.
    ///
    /// # Errors
    /// [`UserAdminError::NotFound`], or the store's.
    SetRole: set_role(&key: UserKey; role: Role) -> Result<User, UserAdminError>;

    /// Sets a user's password and ends all of the user's sessions.
    ///
    /// # Errors
    /// [`UserAdminError::Weak`] by the tenant's policy, [`UserAdminError::NotFound`], or the store's.
    SetPassword: set_password(&key: UserKey; new: Password) -> Result<User, UserAdminError>;

    /// Mends a record that cannot be read, or not in full.
    ///
    /// # Errors
    /// The tenant's or the store's.
    MendRecord: mend_record(&tenant: TenantId; record: UnreadableRecord, correction: UserCorrection)
        -> Result<MendOutcome, UserAdminError>;

    /// Makes a tenant, with keys of its own.
    ///
    /// # Errors
    /// [`TenantAdminError`]: there is one already, its settings make no sense, or its database cannot be opened. No
    /// tenant was made then.
    CreateTenant: create_tenant(; id: TenantId, settings: TenantSettings, database: Option<String>)
        -> Result<TenantRecord, TenantAdminError>;

    /// Changes the settings of a tenant. `change` is asked again if another process has changed the tenant meanwhile.
    ///
    /// # Errors
    /// A [`TenantAdminError`]; the settings are as they were then.
    ChangeTenant: change_tenant(
        &id: TenantId;
        change: impl Fn(TenantSettings) -> TenantSettings + Send + Sync + 'static
    ) -> Result<TenantRecord, TenantAdminError>;

    /// Suspends a tenant: refuses all of its users, at once and on every node, and ends all of their sessions.
    ///
    /// # Errors
    /// A [`TenantAdminError`]. If only the sessions could not be ended, the tenant is suspended; asking again ends
    /// them.
    SuspendTenant: suspend_tenant(&id: TenantId;) -> Result<TenantRecord, TenantAdminError>;

    /// Lets the users of a tenant sign in again. What a suspension should have ended ends now at the latest.
    ///
    /// # Errors
    /// A [`TenantAdminError`]; the tenant stays suspended then.
    ResumeTenant: resume_tenant(&id: TenantId;) -> Result<TenantRecord, TenantAdminError>;

    /// Makes a new key for each of `uses`. It is published at once and signs once `lead` has passed: by then every
    /// node and every reader of the JWKS must have it. What the old ones signed stays valid.
    ///
    /// # Errors
    /// A [`KeyError`].
    RotateKeys: rotate_keys(&tenant: TenantId, &uses: [KeyUse]; lead: Duration) -> Result<Vec<Kid>, KeyError>;

    /// Replaces keys that leaked: what they signed is worth nothing from now on. Returns the ids of the new ones.
    ///
    /// # Errors
    /// A [`KeyError`].
    ReplaceCompromisedKeys:
        replace_compromised_keys(&tenant: TenantId, &uses: [KeyUse];) -> Result<Vec<Kid>, KeyError>;

    /// Encrypts all keys that were made before there was a master key: how many. For a server alone: other processes on
    /// the same database may not have the master key yet.
    ///
    /// # Errors
    /// A [`KeyError`].
    SealKeys: seal_keys(;) -> Result<u64, KeyError>;

    /// Removes sessions that no credential can be valid of any more, and old tickets, password attempts and queued
    /// mails: how many.
    ///
    /// # Errors
    /// That of the first store that did not answer; what is old in the others has been removed.
    PurgeSessions: purge_sessions(;) -> Result<u64, StoreError>;

    /// Makes a key with which verifiers in other processes follow the revocation feed. It is shown once.
    ///
    /// # Errors
    /// A [`FeedKeyError`]; there is no such key then.
    CreateFeedKey: create_feed_key(&tenants: FeedTenants;) -> Result<(FeedKey, PlainSecret), FeedKeyError>;

    /// Removes a feed key: a verifier that shows it is told nothing more after a second. Returns whether there was one.
    ///
    /// # Errors
    /// The store's.
    RemoveFeedKey: remove_feed_key(; id: FeedKeyId) -> Result<bool, FeedKeyError>;
}
