//! What an engine is made of.

use std::sync::Arc;

use crate::clock::Clock;
use crate::event::EventSink;
use crate::key::{MasterKey, SharedSecrets};
use crate::liveness::Bounds;
use crate::password::HashPool;
use crate::random::Random;
use crate::store::{Stores, TenantDatabases};
use crate::tenant::TenantPolicy;

/// What an engine is made of.
#[derive(Clone)]
pub struct Setup {
    /// Where records are kept.
    pub stores: Stores,
    /// Tells the time.
    pub clock: Arc<dyn Clock>,
    /// Draws secrets and ids.
    pub random: Arc<dyn Random>,
    /// Hashes passwords.
    pub passwords: Arc<HashPool>,
    /// Receives the audit events.
    pub events: Arc<dyn EventSink>,
    /// Opens the databases of tenants that have one of their own.
    pub tenant_databases: Arc<dyn TenantDatabases>,
    /// The rules of every tenant that has decided nothing else.
    pub policy: Arc<TenantPolicy>,
    /// `iss` of tokens; `None`: a value that is made at the first start and kept in the database.
    pub issuer: Option<String>,
    /// Secrets that are not kept in the database.
    pub secrets: Secrets,
    /// How many sessions a session view holds, and how old it may be.
    pub bounds: Bounds,
}

/// Secrets that are not kept in the database.
#[derive(Clone, Default, Debug)]
pub struct Secrets {
    /// Encrypts the keys in the database; `None` leaves them in plain.
    pub master: Option<MasterKey>,
    /// Secrets that sign in place of a tenant's own keys, and that other services share.
    pub shared: SharedSecrets,
}
