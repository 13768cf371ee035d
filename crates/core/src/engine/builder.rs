//! Opens an engine: the stores are given, everything else has a default.

use std::sync::Arc;

use super::Engine;
use crate::clock::Clock;
use crate::event::{DiscardEvents, EventSink};
use crate::key::{MasterKey, SharedSecrets};
use crate::liveness::ViewLimits;
use crate::machine::{SystemClock, SystemRandom};
use crate::password::{HashPool, PasswordPolicy};
use crate::random::Random;
use crate::store::{NoTenantDatabases, Stores, TenantDatabases};
use crate::tenant::TenantPolicy;

/// Builds an [`Engine`]; [`Engine::builder`] makes one.
///
/// | part | default |
/// |---|---|
/// | clock, random source | the machine's |
/// | hash pool | one thread for each core, Argon2id with 19 MiB and 2 passes |
/// | audit events | discarded |
/// | tenant policy | all strategies, passwords of at least 15 characters that are not common |
/// | tenants' own databases | none |
/// | issuer | a URN that the first start makes and keeps in the database |
/// | master key, shared secrets | none: keys are kept in plain |
/// | session view | 100,000 sessions and as many users, at most one second old |
#[derive(Clone)]
pub struct EngineBuilder {
    pub(crate) stores: Stores,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) random: Arc<dyn Random>,
    pub(crate) passwords: Option<Arc<HashPool>>,
    pub(crate) events: Arc<dyn EventSink>,
    pub(crate) tenant_databases: Arc<dyn TenantDatabases>,
    pub(crate) policy: Arc<TenantPolicy>,
    pub(crate) issuer: Option<String>,
    pub(crate) secrets: Secrets,
    pub(crate) bounds: ViewLimits,
}

/// Secrets that are not kept in the database.
#[derive(Clone, Default, Debug)]
pub(crate) struct Secrets {
    pub(crate) master: Option<MasterKey>,
    pub(crate) shared: SharedSecrets,
}

impl Engine {
    /// Starts building an engine on these stores.
    #[must_use]
    pub fn builder(stores: Stores) -> EngineBuilder {
        EngineBuilder {
            stores,
            clock: Arc::new(SystemClock),
            random: Arc::new(SystemRandom),
            passwords: None,
            events: Arc::new(DiscardEvents),
            tenant_databases: Arc::new(NoTenantDatabases),
            policy: Arc::new(TenantPolicy::with_passwords(PasswordPolicy::SINGLE_FACTOR)),
            issuer: None,
            secrets: Secrets::default(),
            bounds: ViewLimits::default(),
        }
    }
}

impl EngineBuilder {
    /// Tells the time.
    #[must_use]
    pub fn clock(self, clock: Arc<dyn Clock>) -> Self {
        Self { clock, ..self }
    }

    /// Draws secrets and ids.
    #[must_use]
    pub fn random(self, random: Arc<dyn Random>) -> Self {
        Self { random, ..self }
    }

    /// Hashes passwords.
    #[must_use]
    pub fn passwords(self, pool: Arc<HashPool>) -> Self {
        Self { passwords: Some(pool), ..self }
    }

    /// Receives the audit events.
    #[must_use]
    pub fn events(self, events: Arc<dyn EventSink>) -> Self {
        Self { events, ..self }
    }

    /// Opens the databases of tenants that have one of their own.
    #[must_use]
    pub fn tenant_databases(self, databases: Arc<dyn TenantDatabases>) -> Self {
        Self { tenant_databases: databases, ..self }
    }

    /// The rules of every tenant that has no settings of its own.
    #[must_use]
    pub fn policy(self, policy: TenantPolicy) -> Self {
        Self { policy: Arc::new(policy), ..self }
    }

    /// `iss` of tokens: the URL under which users reach the service.
    #[must_use]
    pub fn issuer(self, issuer: impl Into<String>) -> Self {
        Self { issuer: Some(issuer.into()), ..self }
    }

    /// Encrypts the keys in the database. Every process on the same database needs the same one.
    #[must_use]
    pub fn master_key(self, key: MasterKey) -> Self {
        Self { secrets: Secrets { master: Some(key), ..self.secrets }, ..self }
    }

    /// Secrets that other services share, and that sign in place of a tenant's own keys.
    #[must_use]
    pub fn shared_secrets(self, shared: SharedSecrets) -> Self {
        Self { secrets: Secrets { shared, ..self.secrets }, ..self }
    }

    /// How many sessions a session view holds, and how old it may be.
    #[must_use]
    pub fn view_limits(self, limits: ViewLimits) -> Self {
        Self { bounds: limits, ..self }
    }
}
