//! Runs threads in many orders, and says with which seed an order was found that fails.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use portcullis_core::machine::SystemRandom;
use portcullis_core::random::Random;
use shuttle::scheduler::{PctScheduler, RandomScheduler, Scheduler};
use shuttle::{Config, Runner, thread};

use crate::cached_value::CachedValue;

/// How many orders each scheduler tries.
const SCHEDULES: usize = 1000;

/// How many preemptions PCT places in one order.
const PREEMPTIONS: usize = 3;

/// What a thread does.
type ThreadBody = fn(&CachedValue);

/// Runs these threads beside each other in many orders. In some a change must come while a request is being answered,
/// or nothing was shown.
pub(crate) fn explore(bodies: &'static [ThreadBody]) {
    let seed = SeedOnFailure::new();
    let random = run(RandomScheduler::new_from_seed(seed.0, SCHEDULES), bodies);
    let pct = run(PctScheduler::new_from_seed(seed.0, PREEMPTIONS, SCHEDULES), bodies);
    for overtaken in [random, pct] {
        assert!(
            (1..SCHEDULES).contains(&overtaken),
            "in {overtaken} of {SCHEDULES} orders a change came between"
        );
    }
}

/// In how many orders a change came while a request was being answered.
fn run(scheduler: impl Scheduler + 'static, bodies: &'static [ThreadBody]) -> usize {
    // A read has a deadline, which never comes: nothing drives this runtime's timer.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let _entered = runtime.enter();
    let counter = Arc::new(AtomicUsize::new(0));
    let overtaken = counter.clone();
    Runner::new(scheduler, Config::default()).run(move || {
        if one_order(bodies) {
            overtaken.fetch_add(1, Ordering::Relaxed);
        }
    });
    counter.load(Ordering::Relaxed)
}

fn one_order(bodies: &'static [ThreadBody]) -> bool {
    let value = Arc::new(CachedValue::new());
    let start = |body: &ThreadBody| {
        let (body, value) = (*body, value.clone());
        thread::spawn(move || body(&value))
    };
    let threads: Vec<_> = bodies.iter().map(start).collect();
    for thread in threads {
        thread.join().unwrap();
    }
    value.end()
}

/// Says how to repeat a run if that fails.
struct SeedOnFailure(u64);

impl SeedOnFailure {
    fn new() -> Self {
        let mut seed = [0; 8];
        SystemRandom.fill(&mut seed);
        Self(u64::from_le_bytes(seed))
    }
}

impl Drop for SeedOnFailure {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("repeat all orders of this test with SHUTTLE_RANDOM_SEED={}", self.0);
        }
    }
}
