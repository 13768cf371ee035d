//! The engine: what happens when somebody signs up, signs in, comes back, refreshes or signs out.
//!
//! One file a use case, readable from top to bottom: it decides, calls one store verb at a time, and reports an
//! [`Event`](crate::event::Event). Transports decode, call, and encode; they decide nothing. Strategies are asked what
//! they are made of and never which one they are.

mod accounts;
mod authenticate;
mod change_password;
mod device;
mod founding;
mod guessing;
mod home;
mod housekeeping;
mod issue;
mod keys;
mod log_in;
mod opaque;
mod pace;
mod post;
mod postman;
mod refresh;
mod register;
mod reset;
mod sessions;
mod sign_in;
mod sign_out;
mod tenancy;
mod tenants;
mod turns;
mod unlock;
mod whole;

use std::fmt;
use std::sync::{Arc, Weak};
use std::time::Duration;

pub use accounts::AccountError;
pub use authenticate::{Attempt, Identity, Renewed, Unauthenticated};
pub use change_password::{ChangePassword, ChangePasswordError};
pub use device::ShownDevice;
pub use founding::{OpenError, Secrets};
pub use issue::{Grant, IssueError};
pub use keys::{KeyError, KeyInfo, KeyStanding};
pub use log_in::{DeviceSignedIn, LogIn, LogInError, LoggedIn, VerifyError, VerifyLogin};
pub use refresh::{Refresh, RefreshError, Refreshed};
pub use register::{NewUser, Register, RegisterError};
pub use reset::ResetError;
pub use sessions::Listed;
pub use sign_in::{SignIn, SignInError, SignedIn};
pub use tenancy::TenancyError;
pub use tenants::{Tenant, TenantError};
pub use unlock::UnlockError;

use crate::clock::{Clock, Ticks, Timestamp};
use crate::event::EventSink;
use crate::id::TenantId;
use crate::liveness::{Bounds, SessionView};
use crate::password::HashPool;
use crate::random::Random;
use crate::store::{Change, ChangeSink, Homes, StoreError, Stores, Watch};
use crate::tenant::Policy;
use authenticate::BelievedTokens;
use tenants::Directory;
use turns::Turns;

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
    pub homes: Arc<dyn Homes>,
    /// The rules of every tenant, where it has decided nothing else.
    pub policy: Arc<Policy>,
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
    directory: Arc<Directory>,
    believed: BelievedTokens,
    registering: Turns,
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
        self.directory.homes.shared.view.staleness()
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
struct Listener {
    view: Arc<SessionView>,
    directory: Arc<Directory>,
}

impl ChangeSink for Listener {
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
