//! Delivering the mail queues: one worker for each set of tenant stores, so that no tenant waits for another's mail.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tracing::warn;

use super::EngineCore;
use super::tenant_stores::TenantStores;
use crate::outgoing_mail::Notifier;
use crate::store::{StoreError, Stored};

/// How often a worker reads its queue, for mails of other processes and for retries.
const POLL_EVERY: Duration = Duration::from_secs(1);

/// How many mails one worker sends at once.
const AT_ONCE: u32 = 8;

impl EngineCore {
    pub(super) async fn deliver_mail(
        self: &Arc<Self>,
        notifier: Arc<dyn Notifier>,
        stop: impl Future<Output = ()>,
    ) {
        let (stopping, stopped) = watch::channel(());
        let (mut workers, mut served) = (JoinSet::new(), Vec::new());
        let serve = async {
            loop {
                for stores in self.directory.registry.all().await {
                    if !served.iter().any(|known| Arc::ptr_eq(known, &stores)) {
                        workers.spawn(MailWorker::new(self, &stores, &notifier).run(stopped.clone()));
                        served.push(stores);
                    }
                }
                sleep(POLL_EVERY).await;
            }
        };
        tokio::select! {
            biased;
            () = stop => (),
            ((), ()) = async { tokio::join!(self.open_tenant_stores(), serve) } => (),
        }
        drop(stopping);
        while workers.join_next().await.is_some() {}
    }

    /// Opens the stores of every tenant. Otherwise mail from before this process began would wait for the tenant's
    /// first request.
    async fn open_tenant_stores(&self) {
        let tenants = match self.all_tenants().await {
            Ok(tenants) => tenants,
            Err(fault) => return warn!(%fault, "the tenants could not be read"),
        };
        for tenant in tenants {
            if let Err(fault) = self.any_tenant(&tenant).await {
                warn!(%fault, %tenant, "the mail of a tenant waits for the tenant's next request");
            }
        }
    }

    pub(super) async fn deliver_due(
        self: &Arc<Self>,
        notifier: &Arc<dyn Notifier>,
    ) -> Result<u64, StoreError> {
        let mut deliveries = JoinSet::new();
        for stores in self.directory.registry.all().await {
            deliveries.spawn(MailWorker::new(self, &stores, notifier).deliver_due());
        }
        let (mut delivered, mut fault) = (0, None);
        while let Some(delivery) = deliveries.join_next().await {
            match delivery.unwrap_or_else(|lost| Err(StoreError::unavailable("deliver mail", lost))) {
                Ok(there) => delivered += there,
                Err(away) => fault = fault.or(Some(away)),
            }
        }
        fault.map_or(Ok(delivered), Err)
    }
}

/// Delivers the mail of one set of tenant stores, several mails at once, so that a slow one does not stop the others.
struct MailWorker {
    core: Arc<EngineCore>,
    stores: Arc<TenantStores>,
    notifier: Arc<dyn Notifier>,
    /// The deliveries under way; each says whether its mail was delivered.
    sending: JoinSet<bool>,
}

impl MailWorker {
    fn new(core: &Arc<EngineCore>, stores: &Arc<TenantStores>, notifier: &Arc<dyn Notifier>) -> Self {
        let (core, stores, notifier) = (core.clone(), stores.clone(), notifier.clone());
        Self { core, stores, notifier, sending: JoinSet::new() }
    }

    /// Delivers until it is told to stop, and then finishes what it has begun.
    async fn run(mut self, mut stopped: watch::Receiver<()>) {
        loop {
            if let Err(fault) = self.claim_due().await {
                warn!(%fault, "the mail queue could not be read");
            }
            let has_capacity = self.free() > 0;
            tokio::select! {
                biased;
                _ = stopped.changed() => break,
                Some(_) = self.sending.join_next() => while self.sending.try_join_next().is_some() {},
                _ = timeout(POLL_EVERY, self.stores.mail_queued.notified()), if has_capacity => (),
            }
        }
        while self.sending.join_next().await.is_some() {}
    }

    /// Delivers until nothing is due: how many mails were delivered.
    async fn deliver_due(mut self) -> Stored<u64> {
        let mut delivered = 0;
        loop {
            let claimed = self.claim_due().await;
            match self.sending.join_next().await {
                Some(sent) => delivered += u64::from(sent.is_ok_and(|was_delivered| was_delivered)),
                None => return claimed.map(|()| delivered),
            }
        }
    }

    fn free(&self) -> u32 {
        AT_ONCE.saturating_sub(u32::try_from(self.sending.len()).unwrap_or(u32::MAX))
    }

    /// Begins to deliver what is due, up to the limit.
    async fn claim_due(&mut self) -> Stored<()> {
        let free = self.free();
        if free == 0 {
            return Ok(());
        }
        let claimed = self.stores.records.mail.claim(self.core.clock.now(), free).await;
        self.core.note_answer(&claimed, |due| !due.is_empty()).await;
        for queued in claimed? {
            let (core, stores, notifier) = (self.core.clone(), self.stores.clone(), self.notifier.clone());
            self.sending.spawn(async move { core.deliver(&stores, &queued, notifier.as_ref()).await });
        }
        Ok(())
    }
}
