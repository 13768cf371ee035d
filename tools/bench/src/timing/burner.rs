//! Other work on the machine: each core is kept busy for a share of the time.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use crate::machine::cores;

/// A stretch of time, of which a share is burned.
const STRETCH: Duration = Duration::from_millis(10);

/// Burns until it is dropped.
#[derive(Debug)]
pub(crate) struct Burner {
    stop: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
}

impl Burner {
    /// Burns this share of each core, from 0 to 1.
    pub(crate) fn start(share: f64) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let threads = (0..cores()).map(|_| {
            let stop = Arc::clone(&stop);
            thread::spawn(move || burn(share, &stop))
        });
        Self { threads: threads.collect(), stop }
    }
}

impl Drop for Burner {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        for thread in self.threads.drain(..) {
            // The thread does not panic, and a panic would change nothing.
            let _ = thread.join();
        }
    }
}

fn burn(share: f64, stop: &AtomicBool) {
    let busy = STRETCH.mul_f64(share);
    let mut sum = 0_u64;
    while !stop.load(Ordering::Relaxed) {
        let begun = Instant::now();
        while begun.elapsed() < busy {
            sum = std::hint::black_box(sum.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1));
        }
        thread::sleep(STRETCH.saturating_sub(begun.elapsed()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::process::processor_time;

    #[test]
    fn it_burns_while_it_is_there_and_no_longer() {
        let pid = std::process::id();
        let begun = processor_time(pid);
        let burner = Burner::start(0.8);
        while processor_time(pid) < begun + Duration::from_millis(50) {
            thread::sleep(STRETCH);
        }
        let stop = Arc::clone(&burner.stop);
        drop(burner);
        assert_eq!((stop.load(Ordering::Relaxed), Arc::strong_count(&stop)), (true, 1));
    }
}
