//! A store of one value that only grows, the cache in front of it, and what threads do with the two.

use std::future::Future;
use std::str::FromStr;
use std::time::Duration;

use futures_util::FutureExt;
use portcullis_core::clock::Ticks;
use portcullis_core::id::TenantId;
use portcullis_core::store::Stored;
use shuttle::future::{block_on, yield_now};
use shuttle::sync::atomic::AtomicBool;

use crate::primitives::{AtomicU64, Ordering};
use crate::single_flight_cache::SingleFlightCache;

/// All reads are sent at this time, so any two may be joined.
const NOW: Ticks = Ticks::START;
const JOIN: Duration = Duration::from_secs(1);

pub(crate) struct CachedValue {
    /// A tenant is a key of itself: one name says whose the value is.
    key: TenantId,
    cache: SingleFlightCache<TenantId, u64>,
    stored: AtomicU64,
    /// The newest value whose announcement has returned.
    announced: AtomicU64,
    /// Whether a change was written while a request was being answered.
    overtaken: AtomicBool,
}

impl CachedValue {
    pub(crate) fn new() -> Self {
        Self {
            key: TenantId::from_str("default").unwrap(),
            cache: SingleFlightCache::new(8),
            stored: AtomicU64::new(0),
            announced: AtomicU64::new(0),
            overtaken: AtomicBool::new(false),
        }
    }

    /// What a request does: a hit, or a read that it may share.
    pub(crate) fn look_up(&self) {
        let announced = self.announced.load(Ordering::SeqCst);
        let found = self.cache.hit(&self.key).unwrap_or_else(|| block_on(self.read()).unwrap());
        assert!(found >= announced, "{found} was served after {announced} had been announced");
        if self.stored.load(Ordering::SeqCst) > found {
            self.overtaken.store(true, Ordering::SeqCst);
        }
    }

    /// A request whose client goes while the store is being asked.
    pub(crate) fn hang_up(&self) {
        let _ = self.read().now_or_never();
    }

    fn read(&self) -> impl Future<Output = Stored<u64>> {
        let store = async {
            yield_now().await;
            let value = self.stored.load(Ordering::SeqCst);
            yield_now().await;
            Ok(value)
        };
        self.cache.read(&self.key, NOW, JOIN, true, store)
    }

    /// Another node writes, and the feed names the key.
    pub(crate) fn change_key(&self) {
        self.change(|| self.cache.forget(&self.key));
    }

    /// Another node writes, and the feed names the tenant.
    pub(crate) fn change_tenant(&self) {
        self.change(|| self.cache.forget_tenant(&self.key));
    }

    /// Another node writes, and the feed was away.
    pub(crate) fn change_anything(&self) {
        self.change(|| self.cache.forget_everything());
    }

    /// This node writes, and keeps what it wrote.
    pub(crate) fn write(&self) {
        let begun = self.cache.before_write(&self.key);
        let forgetting = self.cache.forgetting(&self.key);
        self.change_to(|written| {
            forgetting.disarm();
            self.cache.keep_written(&self.key, begun, written);
        });
    }

    /// This node writes, and the request ends before the store has answered.
    pub(crate) fn cut_short(&self) {
        let forgetting = self.cache.forgetting(&self.key);
        self.change(|| drop(forgetting));
    }

    fn change(&self, announce: impl FnOnce()) {
        self.change_to(|_| announce());
    }

    fn change_to(&self, announce: impl FnOnce(u64)) {
        let written = self.stored.fetch_add(1, Ordering::SeqCst) + 1;
        announce(written);
        self.announced.fetch_max(written, Ordering::SeqCst);
    }

    /// When all is done, every change was announced: what is served must be the value in the store. Returns whether a
    /// request was overtaken by a change.
    pub(crate) fn end(&self) -> bool {
        assert_eq!(self.announced.load(Ordering::SeqCst), self.stored.load(Ordering::SeqCst));
        self.look_up();
        assert!(self.cache.len() <= 1);
        self.overtaken.load(Ordering::SeqCst)
    }
}
