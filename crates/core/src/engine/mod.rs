//! The engine: what happens when somebody signs up, signs in, comes back, refreshes or signs out.
//!
//! One file a use case, readable from top to bottom: it decides, calls one store verb at a time, and reports an
//! [`Event`](crate::event::Event). Transports decode, call, and encode; they decide nothing. Strategies are asked what
//! they are made of and never which one they are.

mod authenticate;
mod bootstrap;
mod change_password;
mod device;
mod device_sign_in;
mod housekeeping;
mod issue;
mod keyed_mutex;
mod keys;
mod mail_queue;
mod mail_worker;
mod opaque_id;
mod password_attempt;
mod password_reset;
mod password_sign_in;
mod refresh;
mod register;
mod sessions;
mod sign_out;
mod tenant_admin;
mod tenant_directory;
mod tenant_stores;
mod uniform_delay;
mod unlock;
mod user_admin;
mod whole;

use std::fmt;
use std::sync::{Arc, Weak};
use std::time::Duration;

pub use authenticate::{AuthenticationError, AuthenticationRequest, Identity, RenewedCredential};
pub use bootstrap::{OpenError, Secrets};
pub use change_password::{ChangePassword, ChangePasswordError};
pub use device::PresentedDevice;
pub use device_sign_in::{
    CompletedDeviceSignIn, DeviceSignIn, DeviceSignInError, DeviceSignInResult, VerifyCode, VerifyCodeError,
};
pub use issue::{Grant, IssueError};
pub use keys::{KeyError, KeyInfo, KeyStatus};
pub use password_reset::ResetError;
pub use password_sign_in::{CompletedSignIn, PasswordSignIn, PasswordSignInError};
pub use refresh::{Refresh, RefreshError, Refreshed};
pub use register::{NewUser, Register, RegisterError};
pub use sessions::ListedSession;
pub use tenant_admin::TenantAdminError;
pub use tenant_directory::{Tenant, TenantError};
pub use unlock::UnlockError;
pub use user_admin::UserAdminError;

use crate::clock::{Clock, Ticks, Timestamp};
use crate::event::EventSink;
use crate::id::TenantId;
use crate::liveness::{Bounds, SessionView};
use crate::password::HashPool;
use crate::random::Random;
use crate::store::{Change, ChangeSink, StoreError, Stores, TenantDatabases, Watch};
use crate::tenant::TenantPolicy;
use authenticate::VerifiedTokens;
use keyed_mutex::KeyedMutex;
use tenant_directory::TenantDirectory;

/// What an engine is made of.
#[derive(Clone)]
pub struct Setup {
    /// Where records live.
    pub stores: Stores,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Chance.
    pub random: Arc<dyn Random>,
    /// Where passwords are hashed.
    pub passwords: Arc<HashPool>,
    /// Who is told what happened.
    pub events: Arc<dyn EventSink>,
    /// Where tenants live that have named a database of their own.
    pub tenant_databases: Arc<dyn TenantDatabases>,
    /// The rules of every tenant, where it has decided nothing else.
    pub policy: Arc<TenantPolicy>,
    /// `iss` of tokens; without it, a value that is made at the first start and kept in the database.
    pub issuer: Option<String>,
    /// What does not live in the database.
    pub secrets: Secrets,
    /// How large and how old the view of sessions may be.
    pub bounds: Bounds,
}

/// Everything that can be done with users and their sessions.
pub struct Engine {
    stores: Stores,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
    passwords: Arc<HashPool>,
    events: Arc<dyn EventSink>,
    issuer: Arc<str>,
    directory: Arc<TenantDirectory>,
    believed: VerifiedTokens,
    registering: KeyedMutex,
    /// Itself, for what has to be brought to an end when the request that began it is given up.
    me: Weak<Self>,
    _watch: Watch,
}

impl Engine {
    /// The time, by this engine's clock.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Whether the stores answer.
    ///
    /// # Errors
    /// The first that does not.
    pub async fn ping(&self) -> Result<(), StoreError> {
        self.stores.tenants.find(&TenantId::default_tenant()).await.map(|_| ())
    }

    /// How old the proof is that the view of sessions misses nothing, where users live that have no home of their own.
    #[must_use]
    pub fn staleness(&self) -> Duration {
        self.directory.registry.shared.view.staleness()
    }

    /// The pool in which passwords are hashed.
    #[must_use]
    pub fn passwords(&self) -> &HashPool {
        &self.passwords
    }

    /// `iss` of the tokens of this installation.
    #[must_use]
    pub fn issuer(&self) -> &str {
        &self.issuer
    }
}

impl fmt::Debug for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Engine").field("issuer", &self.issuer).finish_non_exhaustive()
    }
}

/// Passes what the change feed says to everything that remembers.
struct ChangeListener {
    view: Arc<SessionView>,
    directory: Arc<TenantDirectory>,
}

impl ChangeSink for ChangeListener {
    fn changed(&self, change: &Change) {
        self.view.changed(change);
        self.directory.changed(change);
    }

    fn proven(&self, sent: Ticks) {
        self.view.proven(sent);
    }
}

#[cfg(test)]
mod tests;
