//! How a store announces what was written.

use std::sync::Arc;

use async_trait::async_trait;

use super::Stored;
use crate::clock::Ticks;
use crate::id::{SessionKey, TenantId, UserKey};
use crate::revocation::StoredRevocation;
use crate::shown::shown_by_name;

/// Something that was written, by this process or another.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Change {
    /// A session was created, ended, rotated, renamed or removed.
    Session(SessionKey),
    /// A user's record or epoch.
    User(UserKey),
    /// A tenant's record, keys or epoch.
    Tenant(TenantId),
    /// Something that ends tokens before they expire, for verifiers that do not ask the store.
    Revoked(Box<StoredRevocation>),
    /// Any session: changes may have been missed in the store of the sessions alone.
    AllSessions,
    /// Anything: changes may have been missed.
    Everything,
}

/// Receives changes.
pub trait ChangeSink: Send + Sync {
    /// Something was written. The change is applied when this returns.
    fn changed(&self, change: &Change);

    /// Every change that had been acknowledged at `sent` has been passed to [`ChangeSink::changed`]. `sent` is the time
    /// **before** the feed asked the question that proved it.
    fn proven(&self, sent: Ticks);
}

/// A store's own announcement of what was written, by this process or another.
#[async_trait]
pub trait ChangeFeed: Send + Sync {
    /// Announces changes to `sink` from now on, for as long as the returned guard lives. The feed has a thread of its
    /// own, so that load does not delay it.
    ///
    /// # Errors
    /// The feed cannot be set up.
    async fn watch(&self, sink: Arc<dyn ChangeSink>) -> Stored<Watch>;
}

/// Ends a watch when it is dropped, without a wait. The sink is told nothing after that.
pub struct Watch(#[expect(dead_code, reason = "held for its Drop")] Box<dyn Send + Sync>);

impl Watch {
    /// A watch that lasts as long as `guard`.
    #[must_use]
    pub fn new(guard: impl Send + Sync + 'static) -> Self {
        Self(Box::new(guard))
    }
}

shown_by_name!(Watch);
