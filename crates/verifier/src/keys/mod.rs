//! The server's public keys and its issuer, read again now and then.
//!
//! A key is published before it signs, so reading the set every few minutes is enough. A token of an unknown key has it
//! read at once, but not more often than once in a while: anyone can make up a key's name.

mod documents;

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use portcullis_core::clock::{Clock, Ticks};
use portcullis_core::id::TenantId;
use portcullis_core::key::PublicKeySet;
use portcullis_core::random::Random;
use tokio::sync::{Mutex, Notify};
use tokio::time::{sleep, timeout};
use tracing::warn;

use crate::jitter::spread;
use crate::server::AuthServer;

/// The least time between two readings of one tenant's keys.
const PAUSE: Duration = Duration::from_secs(1);

/// How often they are read without a cause.
const EVERY: Duration = Duration::from_mins(5);

/// How soon they are read again after a fault.
const AFTER_FAULT: Duration = Duration::from_secs(2);

/// The keys of each tenant that is accepted.
pub(crate) struct PublishedKeys {
    server: Arc<AuthServer>,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
    tenants: HashMap<TenantId, TenantKeys>,
    wanted: Notify,
}

#[derive(Default)]
struct TenantKeys {
    current: RwLock<Option<Arc<KeyDocuments>>>,
    last: Mutex<Option<LastReading>>,
}

/// When the keys were last asked for, and whether they came.
struct LastReading {
    sent: Ticks,
    came: bool,
}

/// What the server publishes of one tenant.
pub(crate) struct KeyDocuments {
    pub(crate) issuer: Arc<str>,
    pub(crate) keys: PublicKeySet,
    /// Whether tokens are signed by published keys at all: those of a shared secret only the server can verify.
    pub(crate) are_published: bool,
    /// Changes with the issuer and the keys.
    pub(crate) generation: u64,
}

/// What came of a wish for new keys.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum KeyReading {
    /// They were asked for after the wish, and came.
    Done,
    /// They were asked for a moment ago, or did not come.
    NotNow,
}

impl PublishedKeys {
    pub(crate) fn new(
        tenants: &[TenantId],
        server: Arc<AuthServer>,
        clock: Arc<dyn Clock>,
        random: Arc<dyn Random>,
    ) -> Self {
        let tenants = tenants.iter().map(|tenant| (tenant.clone(), TenantKeys::default())).collect();
        Self { server, clock, random, tenants, wanted: Notify::new() }
    }

    /// What is known of a tenant's keys.
    pub(crate) fn current(&self, tenant: &TenantId) -> Option<Arc<KeyDocuments>> {
        let keys = self.tenants.get(tenant)?;
        keys.current.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Whether an issuer is the server's.
    pub(crate) fn is_issuer(&self, issuer: &str) -> bool {
        let mut documents = self.tenants.keys().filter_map(|tenant| self.current(tenant));
        documents.any(|known| *known.issuer == *issuer)
    }

    /// Whether no tenant's keys were ever read.
    pub(crate) fn are_unread(&self) -> bool {
        self.tenants.keys().all(|tenant| self.current(tenant).is_none())
    }

    /// Has the keys read again soon.
    pub(crate) fn ask_again(&self) {
        self.wanted.notify_one();
    }

    /// Reads the keys of every tenant now and then, and when it is wanted. Runs until it is dropped.
    pub(crate) async fn keep_current(self: Arc<Self>) {
        loop {
            let mut all_came = true;
            for tenant in self.tenants.keys() {
                all_came &= self.read(tenant, self.clock.ticks()).await == KeyReading::Done;
            }
            let pause = if all_came { EVERY } else { spread(AFTER_FAULT, &*self.random) };
            let _ = timeout(pause, self.wanted.notified()).await;
            sleep(PAUSE).await;
        }
    }

    /// Reads a tenant's keys, once for all who wish it. `wished` is when the wish arose.
    pub(crate) async fn read(&self, tenant: &TenantId, wished: Ticks) -> KeyReading {
        let Some(keys) = self.tenants.get(tenant) else { return KeyReading::NotNow };
        let mut last = keys.last.lock().await;
        let now = self.clock.ticks();
        match &*last {
            Some(reading) if reading.sent >= wished && reading.came => return KeyReading::Done,
            Some(reading) if now.since(reading.sent) < PAUSE => return KeyReading::NotNow,
            _ => {}
        }
        // Written before the wait: the caller may hang up meanwhile, and the next one must not take that for an answer.
        *last = Some(LastReading { sent: now, came: false });
        match documents::fetch(&self.server, tenant).await {
            Ok(documents) => {
                *keys.current.write().unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(documents));
                *last = Some(LastReading { sent: now, came: true });
                KeyReading::Done
            }
            Err(fault) => {
                warn!(%tenant, %fault, "the public keys could not be read");
                KeyReading::NotNow
            }
        }
    }
}
