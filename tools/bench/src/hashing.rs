//! How many password hashes this machine makes when it does nothing else: the ceiling of every login and register.

use std::thread;
use std::time::{Duration, Instant};

use argon2::{Algorithm, Argon2, Block, Params, Version};

use crate::error::BenchError;
use portcullis_bench::tally::Tally;

const MEMORY_KIB: u32 = 19_456;
const PASSES: u32 = 2;
const LANES: u32 = 1;

/// Hashes on this many threads for this long, each with memory of its own that it uses again.
///
/// # Errors
/// [`BenchError::Hash`]
pub(crate) fn measure(threads: usize, span: Duration) -> Result<Tally, BenchError> {
    let params = Params::new(MEMORY_KIB, PASSES, LANES, None).map_err(BenchError::Hash)?;
    let hasher = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
    let begun = Instant::now();
    let mut total = Tally::new();
    let tallies: Vec<_> = thread::scope(|scope| {
        let running: Vec<_> = (0..threads).map(|_| scope.spawn(|| hash_for(&hasher, span))).collect();
        running.into_iter().filter_map(|thread| thread.join().ok()).collect()
    });
    for tally in tallies {
        total.merge(&tally?);
    }
    total.elapsed = begun.elapsed();
    Ok(total)
}

fn hash_for(hasher: &Argon2<'_>, span: Duration) -> Result<Tally, BenchError> {
    let mut memory = vec![Block::new(); hasher.params().block_count()];
    let mut tally = Tally::new();
    let begun = Instant::now();
    while begun.elapsed() < span {
        let one = Instant::now();
        let mut hash = [0; 32];
        hasher
            .hash_password_into_with_memory(b"correct horse battery staple", &[7; 16], &mut hash, &mut memory)
            .map_err(BenchError::Hash)?;
        std::hint::black_box(hash);
        tally.done(one.elapsed());
    }
    Ok(tally)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_thread_hashes() {
        let tally = measure(2, Duration::from_millis(1)).unwrap();
        assert_eq!(tally.count(), 2);
        assert!(tally.rate() > 0.0);
    }
}
