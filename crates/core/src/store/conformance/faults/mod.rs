//! Stores that fail, stop and fall silent when a test tells them to, to test outages and crashes.
//!
//! ```
//! use portcullis_core::store::conformance::faults::Faults;
//! use portcullis_core::store::memory::MemoryStore;
//! use portcullis_core::id::TenantId;
//!
//! # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
//! let (stores, faults) = Faults::within(MemoryStore::stores());
//! faults.go_down();
//! assert!(stores.tenants.find(&TenantId::default_tenant()).await.is_err());
//! # });
//! # Ok::<(), std::io::Error>(())
//! ```

mod verbs;

use std::future::pending;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use async_trait::async_trait;
use thiserror::Error;
use tokio::sync::{Notify, Semaphore};
use tokio::task::yield_now;

use crate::clock::Ticks;
use crate::store::{Change, ChangeFeed, ChangeSink, StoreError, Stored, Stores, Watch};

/// More steps than any test takes.
const ENDLESS: usize = 1 << 40;

/// Controls what goes wrong. Nothing does at first.
pub struct Faults {
    down: AtomicBool,
    lost_answers: AtomicU64,
    silent: AtomicBool,
    asked: AtomicU64,
    heard: Mutex<Option<Vec<&'static str>>>,
    steps: Semaphore,
    stuck: Notify,
    crashes: AtomicU64,
    watching: Mutex<Vec<Weak<FilteringSink>>>,
    proves_by_hand: bool,
}

/// A verb failed because a test told it to.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
#[error("a test told it to fail")]
pub struct ToldToFail;

impl Faults {
    /// Wraps stores so that they fail on command.
    #[must_use]
    pub fn within(stores: Stores) -> (Stores, Arc<Self>) {
        Self::around(stores, false)
    }

    /// The same, with a feed that gives only the proofs that [`Faults::prove`] passes on.
    #[must_use]
    pub fn proving_by_hand(stores: Stores) -> (Stores, Arc<Self>) {
        Self::around(stores, true)
    }

    fn around(stores: Stores, proves_by_hand: bool) -> (Stores, Arc<Self>) {
        let faults = Arc::new(Self {
            down: AtomicBool::new(false),
            lost_answers: AtomicU64::new(0),
            silent: AtomicBool::new(false),
            asked: AtomicU64::new(0),
            heard: Mutex::default(),
            steps: Semaphore::new(ENDLESS),
            stuck: Notify::new(),
            crashes: AtomicU64::new(0),
            watching: Mutex::default(),
            proves_by_hand,
        });
        (Stores::from_one(Arc::new(Faulty { stores, faults: faults.clone() })), faults)
    }

    /// From now on no verb is carried out.
    pub fn go_down(&self) {
        self.down.store(true, Ordering::SeqCst);
    }

    /// Verbs are carried out again.
    pub fn come_up(&self) {
        self.down.store(false, Ordering::SeqCst);
    }

    /// The next `count` verbs are carried out, and their answers are lost.
    pub fn lose_answers(&self, count: u64) {
        self.lost_answers.store(count, Ordering::SeqCst);
    }

    /// From now on the feed passes nothing on: neither changes nor proofs.
    pub fn silence_feed(&self) {
        self.silent.store(true, Ordering::SeqCst);
    }

    /// The feed passes changes and proofs on again. It first announces that it may have missed changes.
    pub fn resume_feed(&self) {
        self.silent.store(false, Ordering::SeqCst);
        self.watching().iter().for_each(|relay| relay.sink.changed(&Change::Everything));
    }

    /// Passes a proof on, unless the feed is silent.
    pub fn prove(&self, sent: Ticks) {
        if self.proves_by_hand && !self.silent.load(Ordering::SeqCst) {
            self.watching().iter().for_each(|relay| relay.sink.proven(sent));
        }
    }

    fn watching(&self) -> Vec<Arc<FilteringSink>> {
        let watching = self.watching.lock().unwrap_or_else(PoisonError::into_inner);
        watching.iter().filter_map(Weak::upgrade).collect()
    }

    /// How many verbs were called.
    pub fn asked(&self) -> u64 {
        self.asked.load(Ordering::SeqCst)
    }

    /// The verbs that were called since the last call of this, in order. The first call starts the recording.
    pub fn heard(&self) -> Vec<&'static str> {
        self.listening().replace(Vec::new()).unwrap_or_default()
    }

    fn listening(&self) -> MutexGuard<'_, Option<Vec<&'static str>>> {
        self.heard.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes this many more steps and then stops. A verb takes two steps: one before it is carried out and one after.
    pub fn stop_after(&self, steps: usize) {
        self.steps.forget_permits(usize::MAX >> 4);
        self.steps.add_permits(steps);
    }

    /// Takes steps again.
    pub fn go_on(&self) {
        self.steps.add_permits(ENDLESS);
    }

    /// Takes steps again, but callers that have stopped never go on, as after a crash of their process.
    pub fn crash(&self) {
        self.crashes.fetch_add(1, Ordering::SeqCst);
        self.go_on();
    }

    /// Returns when a caller has reached the step that is not taken.
    pub async fn stuck(&self) {
        self.stuck.notified().await;
    }

    /// Lets other tasks go first, so that tests interleave even on one thread.
    async fn step(&self) {
        yield_now().await;
        if let Ok(permit) = self.steps.try_acquire() {
            return permit.forget();
        }
        let before = self.crashes.load(Ordering::SeqCst);
        self.stuck.notify_one();
        if let Ok(permit) = self.steps.acquire().await {
            permit.forget();
        }
        if self.crashes.load(Ordering::SeqCst) != before {
            pending::<()>().await;
        }
    }

    async fn verb<T>(&self, doing: &'static str, verb: impl Future<Output = Stored<T>> + Send) -> Stored<T> {
        let failed = || StoreError::unavailable(doing, ToldToFail);
        self.step().await;
        self.asked.fetch_add(1, Ordering::SeqCst);
        if let Some(heard) = self.listening().as_mut() {
            heard.push(doing);
        }
        if self.down.load(Ordering::SeqCst) {
            return Err(failed());
        }
        let answer = verb.await;
        self.step().await;
        let lost = |left: u64| left.checked_sub(1);
        let is_lost = self.lost_answers.fetch_update(Ordering::SeqCst, Ordering::SeqCst, lost).is_ok();
        if is_lost { Err(failed()) } else { answer }
    }
}

struct Faulty {
    stores: Stores,
    faults: Arc<Faults>,
}

/// A sink between the feed and the real sink.
struct FilteringSink {
    sink: Arc<dyn ChangeSink>,
    faults: Arc<Faults>,
}

impl ChangeSink for FilteringSink {
    fn changed(&self, change: &Change) {
        if !self.faults.silent.load(Ordering::SeqCst) {
            self.sink.changed(change);
        }
    }

    fn proven(&self, sent: Ticks) {
        if !self.faults.silent.load(Ordering::SeqCst) && !self.faults.proves_by_hand {
            self.sink.proven(sent);
        }
    }
}

#[async_trait]
impl ChangeFeed for Faulty {
    async fn watch(&self, sink: Arc<dyn ChangeSink>) -> Stored<Watch> {
        let relay = Arc::new(FilteringSink { sink, faults: self.faults.clone() });
        self.faults.watching.lock().unwrap_or_else(PoisonError::into_inner).push(Arc::downgrade(&relay));
        self.stores.feed.watch(relay).await
    }
}
