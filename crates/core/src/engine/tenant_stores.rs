//! The stores of a tenant's users, with the session view over them and the uses that are yet to be written.
//!
//! All tenants without a database of their own share one set. A tenant with one has another set, opened at its first
//! use. Nothing else in the engine knows the difference, save the revocation feed.

use std::collections::HashMap;
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::{Mutex, Notify, OnceCell, mpsc};

use super::revocation_logs::RevocationLogs;
use crate::clock::{Clock, Ticks, Timestamp};
use crate::id::SessionKey;
use crate::liveness::{CachedSession, SessionView, ViewLimits};
use crate::shown::shown_by_name;
use crate::store::{Change, ChangeSink, Stored, Stores, TenantDatabases, Watch};

/// How many uses of sessions may wait to be written down. One that finds no room is written at the next use.
const MOST_NOTED: usize = 4096;

/// The stores of one tenant, or of all tenants that share a database.
pub(super) struct TenantStores {
    /// Users and epochs are written through the view.
    pub(super) records: Stores,
    pub(super) view: Arc<SessionView>,
    uses: mpsc::Sender<SessionKey>,
    pub(super) noted: Mutex<mpsc::Receiver<SessionKey>>,
    /// Wakes the mail worker.
    pub(super) mail_queued: Notify,
    /// The longest lifetime of a token that was noted, in milliseconds.
    longest_token: AtomicU64,
    _watch: Option<Watch>,
}

impl TenantStores {
    /// The shared stores. The engine passes on what their change feed says.
    pub(super) fn shared(stores: Stores, clock: Arc<dyn Clock>, bounds: ViewLimits) -> Arc<Self> {
        let view = Arc::new(SessionView::new(stores.clone(), clock, bounds));
        Arc::new(Self::with(stores, view, None))
    }

    async fn of_one_tenant(
        stores: Stores,
        clock: Arc<dyn Clock>,
        bounds: ViewLimits,
        listener: impl FnOnce(Arc<SessionView>) -> TenantListener,
    ) -> Stored<Arc<Self>> {
        let view = Arc::new(SessionView::new(stores.clone(), clock, bounds));
        let listener = Arc::new(listener(view.clone()));
        let watch = stores.feed.watch(listener).await?;
        Ok(Arc::new(Self::with(stores, view, Some(watch))))
    }

    fn with(records: Stores, view: Arc<SessionView>, watch: Option<Watch>) -> Self {
        let (uses, noted) = mpsc::channel(MOST_NOTED);
        let records = Stores { users: view.clone(), epochs: view.clone(), ..records };
        Self {
            records,
            view,
            uses,
            noted: Mutex::new(noted),
            mail_queued: Notify::new(),
            longest_token: AtomicU64::new(0),
            _watch: watch,
        }
    }

    /// Notes how long access tokens may live, before the first one is issued: for so long their revocation matters.
    pub(super) async fn note_token_lifetime(&self, longest: Duration) -> Stored<()> {
        let millis = u64::try_from(longest.as_millis()).unwrap_or(u64::MAX);
        if self.longest_token.load(Ordering::Relaxed) < millis {
            self.records.revocations.note_token_lifetime(longest).await?;
            self.longest_token.fetch_max(millis, Ordering::Relaxed);
        }
        Ok(())
    }

    /// Notes that a session was used, if the last written use is long past.
    pub(super) fn note_use(&self, seen: &CachedSession, now: Timestamp) {
        if seen.should_record_use(now) {
            // Without room this use is lost; a later one is written.
            let _ = self.uses.try_send(seen.session().key.clone());
        }
    }
}

shown_by_name!(TenantStores);

/// Passes what the feed of a tenant's own database says to its view and to the revocation logs. Tenants and keys in it
/// are ignored.
struct TenantListener {
    view: Arc<SessionView>,
    revocations: Arc<RevocationLogs>,
    database: String,
}

impl ChangeSink for TenantListener {
    fn changed(&self, change: &Change) {
        self.view.changed(change);
        self.revocations.changed(Some(&self.database), change);
    }

    fn proven(&self, sent: Ticks) {
        self.view.proven(sent);
    }
}

/// All tenant stores that are open.
pub(super) struct TenantStoresRegistry {
    pub(super) shared: Arc<TenantStores>,
    databases: Arc<dyn TenantDatabases>,
    clock: Arc<dyn Clock>,
    bounds: ViewLimits,
    pub(super) revocations: Arc<RevocationLogs>,
    others: Mutex<HashMap<String, Arc<OnceCell<Arc<TenantStores>>>>>,
}

impl TenantStoresRegistry {
    pub(super) fn new(
        shared: Arc<TenantStores>,
        databases: Arc<dyn TenantDatabases>,
        clock: Arc<dyn Clock>,
        bounds: ViewLimits,
        revocations: Arc<RevocationLogs>,
    ) -> Self {
        Self { shared, databases, clock, bounds, revocations, others: Mutex::default() }
    }

    /// The stores in an existing database; the shared ones where none is named.
    pub(super) async fn at(&self, database: Option<&str>) -> Stored<Arc<TenantStores>> {
        self.opened(database.map(|url| (url, self.databases.open(url)))).await
    }

    /// The same for a tenant that is about to be created: creates the database if there is none.
    pub(super) async fn get_or_create(&self, database: Option<&str>) -> Stored<Arc<TenantStores>> {
        self.opened(database.map(|url| (url, self.databases.get_or_create(url)))).await
    }

    async fn opened(
        &self,
        opening: Option<(&str, impl Future<Output = Stored<Stores>>)>,
    ) -> Stored<Arc<TenantStores>> {
        let Some((database, opening)) = opening else { return Ok(self.shared.clone()) };
        // Opening one database must not keep requests from the others.
        let cell = self.others.lock().await.entry(database.to_owned()).or_default().clone();
        let opened = cell.get_or_try_init(async || {
            let stores = opening.await?;
            let (revocations, database) = (self.revocations.clone(), database.to_owned());
            let listener = |view| TenantListener { view, revocations, database };
            TenantStores::of_one_tenant(stores, self.clock.clone(), self.bounds, listener).await
        });
        opened.await.cloned()
    }

    /// All of them, the shared one first.
    pub(super) async fn all(&self) -> Vec<Arc<TenantStores>> {
        let others = self.others.lock().await;
        let open = others.values().filter_map(|cell| cell.get());
        std::iter::once(&self.shared).chain(open).cloned().collect()
    }
}
