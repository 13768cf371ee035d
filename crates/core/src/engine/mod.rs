//! The engine: what happens when a user signs up, signs in, comes back, refreshes or signs out.
//!
//! `verbs.rs` and `asking_verbs.rs` list what it can do. Each use case has a file: it decides, calls one store verb at
//! a time, and reports an [`Event`]. Transports decode, call and encode; they decide nothing. The engine asks a
//! strategy what it is made of, and never which one it is.

mod answer_pace;
mod asking_verbs;
mod attempt_turns;
mod authenticate;
mod bootstrap;
mod builder;
mod change_password;
mod check_credential;
mod code_attempt;
mod device_proof;
mod device_sign_in;
mod end_everyone;
mod feed_keys;
mod first_keys;
mod housekeeping;
mod identity;
mod issue;
mod key_reloads;
mod keyed_mutex;
mod keys;
mod mail_queue;
mod mail_trouble;
mod mail_worker;
mod mend;
mod opaque_id;
mod password_attempt;
mod password_reset;
mod password_sign_in;
mod password_strength;
mod polled_log;
mod redeem;
mod refresh;
mod register;
mod resend_code;
mod revocation_feed;
mod revocation_logs;
mod revocation_snapshot;
mod session_checks;
mod session_cookies;
mod sessions;
mod shared_by_key;
mod sign_out;
mod task;
mod tenant_admin;
mod tenant_directory;
mod tenant_stores;
mod uniform_delay;
mod unlock;
mod user_admin;
mod verbs;
mod verified_cookies;
mod verified_tokens;
mod write_health;

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;

pub use authenticate::{AuthenticationError, AuthenticationRequest};
pub use bootstrap::OpenError;
pub use builder::EngineBuilder;
pub use change_password::{ChangePassword, ChangePasswordError};
pub use check_credential::CheckedCredential;
pub use device_proof::PresentedDevice;
pub use device_sign_in::{
    CompletedDeviceSignIn, DeviceSignIn, DeviceSignInError, DeviceSignInResult, VerifyCode, VerifyCodeError,
};
pub use feed_keys::FeedKeyError;
pub use identity::{Identity, RenewedCredential};
pub use issue::{Grant, IssueError};
pub use keys::{KeyError, KeyInfo, KeyStatus};
pub use password_reset::ResetError;
pub use password_sign_in::{CompletedSignIn, PasswordSignIn, PasswordSignInError};
pub use refresh::{Refresh, RefreshError, Refreshed, VerifiedRefresh};
pub use register::{NewUser, Register, RegisterError};
pub use resend_code::{ResendCode, ResendCodeError};
pub use revocation_feed::FeedError;
pub use sessions::ListedSession;
pub use tenant_admin::TenantAdminError;
pub use tenant_directory::{Tenant, TenantError};
pub use unlock::UnlockError;
pub use user_admin::UserAdminError;

use crate::client_network::ClientNetwork;
use crate::clock::{Clock, Ticks, Timestamp};
use crate::event::{Event, EventSink};
use crate::id::TenantId;
use crate::liveness::{SessionView, ViewState};
use crate::outgoing_mail::Notifier;
use crate::password::HashPool;
use crate::random::Random;
use crate::store::{Change, ChangeSink, StoreError, Stores, Watch};
use crate::token::VerifiedCredentials;
use crate::token::access::AccessClaims;
use attempt_turns::AttemptTurns;
use feed_keys::KnownFeedKeys;
use keyed_mutex::KeyedMutex;
use mail_trouble::MailTrouble;
use revocation_logs::RevocationLogs;
use task::{EngineTask, RunningTasks};
use tenant_directory::TenantDirectory;
use verified_cookies::VerifiedCookies;
use write_health::WriteHealth;

/// Everything that can be done with users and their sessions: a handle, cheap to clone. Its verbs are in `verbs.rs` and
/// `asking_verbs.rs`.
#[derive(Clone)]
pub struct Engine {
    core: Arc<EngineCore>,
    client: Option<ClientNetwork>,
}

/// What the handles of one engine share. Its methods change no state on behalf of a client; those of [`EngineTask`] do.
struct EngineCore {
    stores: Stores,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
    passwords: Arc<HashPool>,
    events: Arc<dyn EventSink>,
    issuer: Arc<str>,
    directory: Arc<TenantDirectory>,
    verified: VerifiedCredentials<AccessClaims>,
    cookies: VerifiedCookies,
    mail_trouble: MailTrouble,
    writes: WriteHealth,
    registering: KeyedMutex,
    changing_passwords: KeyedMutex,
    attempt_turns: AttemptTurns,
    revocation_logs: Arc<RevocationLogs>,
    snapshot_turns: Semaphore,
    known_feed_keys: KnownFeedKeys,
    tasks: RunningTasks,
    _watch: Watch,
}

impl Engine {
    /// The same engine for the request of a client at this address. Client networks take turns at the hash pool; what
    /// comes without an address takes turns as one network.
    #[must_use]
    pub fn for_client(&self, address: Option<IpAddr>) -> Self {
        Self { core: self.core.clone(), client: address.map(ClientNetwork::of) }
    }

    /// The same engine for the request of a client of this tenant whose address is not known.
    #[must_use]
    pub fn for_unknown_client(&self, tenant: &TenantId) -> Self {
        Self { core: self.core.clone(), client: Some(ClientNetwork::unknown_of(tenant)) }
    }

    /// The time, by this engine's clock.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.core.clock.now()
    }

    /// This engine's clock, for what goes by the same time.
    #[must_use]
    pub fn clock(&self) -> Arc<dyn Clock> {
        self.core.clock.clone()
    }

    /// How long ago it was proven that the session view misses nothing, for tenants without a database of their own.
    #[must_use]
    pub fn staleness(&self) -> Duration {
        self.core.directory.registry.shared.view.staleness()
    }

    /// The session views of all databases that are open, that of the installation first.
    pub async fn views(&self) -> Vec<ViewState> {
        self.core.directory.registry.all().await.iter().map(|stores| stores.view.state()).collect()
    }

    /// Whether a mail has waited for over a minute and could not be delivered at the last attempt.
    #[must_use]
    pub fn mail_is_late(&self) -> bool {
        self.core.mail_trouble.is_late()
    }

    /// Notes the answer to a request that would change something: an outage of the store, or a success.
    pub fn note_write(&self, is_outage: bool, is_success: bool) {
        self.core.writes.note(is_outage, is_success);
    }

    /// Whether the last write of this process was refused by an outage of the store, whoever wrote: a request, the mail
    /// worker or the housekeeping.
    #[must_use]
    pub fn writes_are_refused(&self) -> bool {
        self.core.writes.are_refused()
    }

    /// The pool in which passwords are hashed.
    #[must_use]
    pub fn passwords(&self) -> &HashPool {
        &self.core.passwords
    }

    /// Recognises the user behind a request by the credential that it presents.
    ///
    /// # Errors
    /// An [`AuthenticationError`].
    pub async fn authenticate(
        &self,
        request: &AuthenticationRequest<'_>,
    ) -> Result<Identity, AuthenticationError> {
        self.core.authenticate(request).await
    }

    /// Redeems a refresh token for the next pair of tokens: [`Self::verify_refresh`] and [`Self::redeem`] in one.
    ///
    /// # Errors
    /// A [`RefreshError`].
    pub async fn refresh(&self, request: Refresh) -> Result<Refreshed, RefreshError> {
        let verified = self.verify_refresh(request).await;
        self.redeem(verified).await
    }

    /// Writes down when sessions were used, and removes what is too old, until it is dropped. A server runs one.
    ///
    /// It removes nothing in its first hour, nor for a day after its wall clock was set, unless it is set back: others
    /// may still use the records.
    pub async fn keep_house(&self) {
        self.core.keep_house().await;
    }

    /// Delivers mail until `stop` comes, and then finishes what is being sent. A server runs one; several share the
    /// work.
    pub async fn deliver_mail(&self, notifier: Arc<dyn Notifier>, stop: impl Future<Output = ()>) {
        self.core.deliver_mail(notifier, stop).await;
    }

    /// Delivers the mail that is due now, and returns how many mails were delivered. If this is dropped, what is just
    /// being sent is sent again.
    ///
    /// # Errors
    /// That of the first store that did not answer; what is due in the others has been delivered.
    pub async fn deliver_due(&self, notifier: &Arc<dyn Notifier>) -> Result<u64, StoreError> {
        self.core.deliver_due(notifier).await
    }

    /// Waits until every verb that was begun has ended. Await this before you close the stores.
    pub async fn finish(&self) {
        self.core.tasks.finished().await;
    }

    /// `iss` of the tokens of this installation.
    #[must_use]
    pub fn issuer(&self) -> &str {
        &self.core.issuer
    }
}

impl EngineCore {
    async fn ping(&self) -> Result<(), StoreError> {
        self.stores.tenants.find(&TenantId::default_tenant()).await.map(|_| ())
    }

    /// Records an audit event.
    fn report(&self, event: &Event) {
        self.events.record(self.clock.now(), event);
    }
}

impl fmt::Debug for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Engine").field("issuer", &self.core.issuer).finish_non_exhaustive()
    }
}

/// Passes what the change feed says to the session view, the tenant directory and the revocation logs.
struct ChangeListener {
    view: Arc<SessionView>,
    directory: Arc<TenantDirectory>,
    revocations: Arc<RevocationLogs>,
}

impl ChangeSink for ChangeListener {
    fn changed(&self, change: &Change) {
        self.view.changed(change);
        self.directory.changed(change);
        self.revocations.changed(None, change);
    }

    fn proven(&self, sent: Ticks) {
        self.view.proven(sent);
    }
}

#[cfg(test)]
mod tests;
