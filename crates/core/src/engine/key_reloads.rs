//! Reads the keys of a tenant again because a token names an unknown one: once a second for each tenant.
//!
//! Anyone can name a key that does not exist. So a token that comes in the second after a reload waits for the next
//! one, with all others that name an unknown key: it may be of a key that another process has just made.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Mutex;
use tokio::time::sleep;

use crate::bounded_cache::{BoundedCache, bounded_cache};
use crate::clock::{Clock, Ticks};
use crate::id::TenantId;
use crate::store::Stored;

/// How often the keys of a tenant are read again, at most.
const RELOAD_EVERY: Duration = Duration::from_secs(1);

/// When the last reload was sent, and what came of it.
type LastReload = Option<(Ticks, Stored<()>)>;

/// The last reload of each tenant.
pub(super) struct KeyReloads {
    clock: Arc<dyn Clock>,
    last: BoundedCache<TenantId, Arc<Mutex<LastReload>>>,
}

impl KeyReloads {
    /// Remembers the last reload of at most `capacity` tenants.
    pub(super) fn new(clock: Arc<dyn Clock>, capacity: u64) -> Self {
        Self { clock, last: bounded_cache(capacity) }
    }

    /// Returns after a reload that was sent after this was called.
    pub(super) async fn reload(&self, id: &TenantId, read: impl AsyncFnOnce() -> Stored<()>) -> Stored<()> {
        let asked = self.clock.ticks();
        let shared = self.last.get_or_insert_with(id, || Ok::<_, Infallible>(Arc::default()));
        let shared = shared.unwrap_or_else(|never| match never {});
        let mut last = shared.lock().await;
        if let Some((sent, outcome)) = &*last {
            if *sent >= asked {
                return outcome.clone();
            }
            sleep(RELOAD_EVERY.saturating_sub(self.clock.ticks().since(*sent))).await;
        }
        let sent = self.clock.ticks();
        let outcome = read().await;
        *last = Some((sent, outcome.clone()));
        outcome
    }
}
