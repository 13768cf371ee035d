//! Going through the queues of mail: one postman for each home, so that no home's mail waits for another's.

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

/// How often a queue is looked at, for what other processes have put there and for what is to be tried again.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// How many messages of a home are sent at once.
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
                        workers.spawn(MailWorker::new(self, &stores, &notifier).serves(stopped.clone()));
                        served.push(stores);
                    }
                }
                sleep(LOOK_EVERY).await;
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

    /// Opens the home of every tenant: what waits there since before this process began would wait until somebody asks
    /// for the tenant.
    async fn open_tenant_stores(&self) {
        let tenants = match self.all_tenants().await {
            Ok(tenants) => tenants,
            Err(fault) => return warn!(%fault, "the tenants could not be read"),
        };
        for tenant in tenants {
            if let Err(fault) = self.kept_tenant(&tenant).await {
                warn!(%fault, %tenant, "the messages of a tenant wait until somebody asks for it");
            }
        }
    }

    pub(super) async fn deliver_due(
        self: &Arc<Self>,
        notifier: &Arc<dyn Notifier>,
    ) -> Result<u64, StoreError> {
        let mut rounds = JoinSet::new();
        for stores in self.directory.registry.all().await {
            rounds.spawn(MailWorker::new(self, &stores, notifier).goes_round());
        }
        let (mut delivered, mut fault) = (0, None);
        while let Some(round) = rounds.join_next().await {
            match round.unwrap_or_else(|lost| Err(StoreError::unavailable("deliver mail", lost))) {
                Ok(there) => delivered += there,
                Err(away) => fault = fault.or(Some(away)),
            }
        }
        fault.map_or(Ok(delivered), Err)
    }
}

/// Whoever delivers the mail of one home. A message that takes long keeps the others waiting only when it has taken all
/// the hands there are.
struct MailWorker {
    core: Arc<EngineCore>,
    stores: Arc<TenantStores>,
    notifier: Arc<dyn Notifier>,
    /// What is being sent; whether it was delivered.
    sending: JoinSet<bool>,
}

impl MailWorker {
    fn new(core: &Arc<EngineCore>, stores: &Arc<TenantStores>, notifier: &Arc<dyn Notifier>) -> Self {
        let (core, stores, notifier) = (core.clone(), stores.clone(), notifier.clone());
        Self { core, stores, notifier, sending: JoinSet::new() }
    }

    /// Delivers until it is to stop, and then finishes what it has begun.
    async fn serves(mut self, mut stopped: watch::Receiver<()>) {
        loop {
            if let Err(fault) = self.takes_on().await {
                warn!(%fault, "the messages that wait could not be read");
            }
            let has_hands = self.hands() > 0;
            tokio::select! {
                biased;
                _ = stopped.changed() => break,
                Some(_) = self.sending.join_next() => while self.sending.try_join_next().is_some() {},
                _ = timeout(LOOK_EVERY, self.stores.mail_queued.notified()), if has_hands => (),
            }
        }
        while self.sending.join_next().await.is_some() {}
    }

    /// Delivers until nothing is due: how many messages were delivered.
    async fn goes_round(mut self) -> Stored<u64> {
        let mut delivered = 0;
        loop {
            let taken_on = self.takes_on().await;
            match self.sending.join_next().await {
                Some(sent) => delivered += u64::from(sent.is_ok_and(|was_delivered| was_delivered)),
                None => return taken_on.map(|()| delivered),
            }
        }
    }

    fn hands(&self) -> u32 {
        AT_ONCE.saturating_sub(u32::try_from(self.sending.len()).unwrap_or(u32::MAX))
    }

    /// Takes on what is due, as far as there are hands for it.
    async fn takes_on(&mut self) -> Stored<()> {
        let hands = self.hands();
        if hands == 0 {
            return Ok(());
        }
        let due = self.stores.records.mail.claim(self.core.clock.now(), hands).await?;
        for queued in due {
            let (core, stores, notifier) = (self.core.clone(), self.stores.clone(), self.notifier.clone());
            self.sending.spawn(async move { core.deliver(&stores, &queued, notifier.as_ref()).await });
        }
        Ok(())
    }
}
