//! Token buckets, which fill again with time.

use std::hash::{BuildHasher, RandomState};
use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use governor::clock;
use governor::middleware::NoOpMiddleware;
use governor::state::keyed::HashMapStateStore;
use governor::{Quota, RateLimiter};
use portcullis_api::refusal::Refusal;
use portcullis_core::client_network::ClientNetwork;
use portcullis_core::clock::{Clock, Ticks};
use portcullis_core::id::{SessionKey, TenantId, UserKey};
use portcullis_core::secret::SecretHash;

/// The most clients with a bucket of their own.
pub(super) const MOST_BUCKETS: usize = 50_000;

/// The number of buckets that all other clients share.
pub(super) const SHARED: u64 = 1024;

/// How often full buckets are forgotten.
const SWEEP: Duration = Duration::from_secs(1);

/// The owner of a bucket.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(super) enum BucketKey {
    /// Clients of a tenant in one network.
    Network(TenantId, ClientNetwork),
    /// The account or session of a tenant that requests name, hashed: a name may be long.
    Named(TenantId, SecretHash),
    /// All clients of a tenant.
    Tenant(TenantId),
    /// A user, on all devices.
    Account(UserKey),
    /// One session.
    Session(SessionKey),
    /// Several clients that share a bucket, because there are too many.
    Shared(u64),
}

/// The process's clock, for `governor`.
pub(super) struct BucketClock(Arc<dyn Clock>);

impl clock::Clock for BucketClock {
    type Instant = Duration;

    fn now(&self) -> Duration {
        self.0.ticks().since(Ticks::new(Duration::ZERO))
    }
}

type Limiter = RateLimiter<BucketKey, HashMapStateStore<BucketKey>, BucketClock, NoOpMiddleware<Duration>>;

/// Buckets of one size.
pub(super) struct Buckets {
    limiter: Limiter,
    swept: AtomicU64,
    hashes: RandomState,
}

impl Buckets {
    /// Buckets for this many requests a minute, a third of them at once.
    pub(super) fn new(rate: NonZeroU32, clock: Arc<dyn Clock>) -> Self {
        let burst = NonZeroU32::new(rate.get() / 3).unwrap_or(NonZeroU32::MIN);
        let quota = Quota::per_minute(rate).allow_burst(burst);
        Self {
            limiter: RateLimiter::hashmap_with_clock(quota, BucketClock(clock)),
            swept: AtomicU64::new(0),
            hashes: RandomState::new(),
        }
    }

    /// Takes one request out of a bucket.
    pub(super) fn take(&self, key: BucketKey) -> Result<(), Refusal> {
        self.sweep();
        let is_own = self.limiter.len() < MOST_BUCKETS;
        let key = if is_own { key } else { BucketKey::Shared(self.hashes.hash_one(key) % SHARED) };
        self.limiter.check_key(&key).map_err(|not_until| {
            let wait = not_until.wait_time_from(clock::Clock::now(self.limiter.clock()));
            Refusal::too_many_requests(whole_seconds(wait))
        })
    }

    /// Forgets full buckets: they equal new ones.
    fn sweep(&self) {
        let now = u64::try_from(clock::Clock::now(self.limiter.clock()).as_micros()).unwrap_or(u64::MAX);
        let before = self.swept.load(Ordering::Relaxed);
        let is_time = Duration::from_micros(now.saturating_sub(before)) >= SWEEP;
        let is_ours =
            || self.swept.compare_exchange(before, now, Ordering::Relaxed, Ordering::Relaxed).is_ok();
        if is_time && is_ours() {
            self.limiter.retain_recent();
            self.limiter.shrink_to_fit();
        }
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.limiter.len()
    }
}

/// Rounds up to whole seconds, the unit of `Retry-After`: a retry must not come too early.
fn whole_seconds(wait: Duration) -> Duration {
    Duration::from_secs(wait.as_secs() + u64::from(wait.subsec_nanos() > 0))
}
