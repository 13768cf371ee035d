use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use super::*;
use crate::machine::SystemRandom;

fn count(number: usize) -> NonZeroUsize {
    NonZeroUsize::new(number).unwrap()
}

fn password(text: &str) -> Password {
    Password::new(text).unwrap()
}

/// A pool without threads, so that its jobs stay in the queue.
fn paused(queue: usize) -> HashPool {
    HashPool::without_threads(count(queue), Argon2Cost::MINIMUM, Arc::new(SystemRandom))
}

fn running(threads: usize, queue: usize) -> HashPool {
    let size = PoolSize { threads: count(threads), queue: count(queue) };
    HashPool::new(size, Argon2Cost::MINIMUM, Arc::new(SystemRandom)).unwrap()
}

type Pending<'a, T> = Pin<Box<dyn Future<Output = Result<T, HashRefused>> + Send + 'a>>;

/// Polls the job once, which submits it, and returns it with the result so far.
fn submit<'a, T>(
    job: impl Future<Output = Result<T, HashRefused>> + Send + 'a,
) -> (Pending<'a, T>, Poll<Result<T, HashRefused>>) {
    let mut job: Pending<'a, T> = Box::pin(job);
    let answer = job.as_mut().poll(&mut Context::from_waker(Waker::noop()));
    (job, answer)
}

#[tokio::test]
async fn a_password_is_hashed_and_verified() {
    let pool = running(2, 4);
    let hash = pool.hash(password("vexed quilt")).await.unwrap();
    assert_eq!(pool.verify(password("vexed quilt"), Some(hash.clone())).await, Ok(PasswordMatch::Yes));
    assert_eq!(pool.verify(password("mop"), Some(hash)).await, Ok(PasswordMatch::No));
    assert_eq!(pool.hashed(), 3);
}

// ASVS-map: PW5
#[tokio::test]
async fn the_same_password_gets_another_salt_each_time() {
    let pool = running(1, 4);
    let one = pool.hash(password("vexed quilt")).await.unwrap();
    assert_ne!(one, pool.hash(password("vexed quilt")).await.unwrap());
}

#[tokio::test]
async fn an_unknown_user_costs_exactly_one_hash_as_a_known_one_does() {
    let pool = running(1, 4);
    let hash = pool.hash(password("vexed quilt")).await.unwrap();
    let before = pool.hashed();
    assert_eq!(pool.verify(password("vexed quilt"), None).await, Ok(PasswordMatch::No));
    assert_eq!(pool.hashed(), before + 1);
    assert_eq!(pool.verify(password("mop"), Some(hash)).await, Ok(PasswordMatch::No));
    assert_eq!(pool.hashed(), before + 2);
}

// ASVS-map: PW6
#[tokio::test]
async fn a_hash_of_an_older_cost_says_that_it_is_to_be_replaced() {
    let old = running(1, 4).hash(password("vexed quilt")).await.unwrap();
    let size = PoolSize::of(count(1));
    let pool = HashPool::new(size, Argon2Cost::new(16, 2, 1).unwrap(), Arc::new(SystemRandom)).unwrap();
    assert_eq!(pool.verify(password("vexed quilt"), Some(old)).await, Ok(PasswordMatch::YesButRehash));
    let new = pool.hash(password("vexed quilt")).await.unwrap();
    assert_eq!(pool.verify(password("vexed quilt"), Some(new)).await, Ok(PasswordMatch::Yes));
}

// ASVS-map: OP2
#[tokio::test]
async fn a_full_queue_refuses_at_once_and_a_refused_job_costs_no_hash() {
    let mut pool = paused(4);
    let waiting: Vec<_> = (0..4).map(|_| submit(pool.hash(password("waits")))).collect();
    assert!(waiting.iter().all(|(_, answer)| answer.is_pending()));
    for _ in 0..6 {
        let (_, answer) = submit(pool.verify(password("is refused"), None));
        assert_eq!(answer, Poll::Ready(Err(HashRefused::Busy { retry_after: Duration::from_secs(1) })));
    }
    assert_eq!((pool.waiting(), pool.refused(), pool.hashed()), (4, 6, 0));

    drop(waiting);
    pool.start(count(1)).unwrap();
    // What was waiting before this one has been done or skipped when it is answered.
    while pool.hash(password("comes later")).await.is_err() {
        tokio::task::yield_now().await;
    }
    assert_eq!(pool.hashed(), 1);
}

#[test]
fn a_full_queue_and_a_stopped_pool_say_so_before_a_job_is_submitted() {
    let pool = paused(2);
    let _first = submit(pool.hash(password("waits")));
    assert_eq!(pool.admits(), Ok(()));
    let _second = submit(pool.hash(password("waits")));
    assert_eq!(pool.admits(), Err(HashRefused::Busy { retry_after: Duration::from_secs(1) }));
    assert_eq!((pool.waiting(), pool.refused()), (2, 1));
    pool.stop();
    assert_eq!(pool.admits(), Err(HashRefused::Stopped));
}

// ASVS-map: OP2
#[tokio::test]
async fn in_a_burst_every_caller_is_either_answered_or_refused_and_the_queue_stays_bounded() {
    let pool = Arc::new(running(2, 12));
    let hash = pool.hash(password("vexed quilt")).await.unwrap();
    let attempts: Vec<_> = (0..200)
        .map(|_| {
            let (pool, hash) = (Arc::clone(&pool), hash.clone());
            tokio::spawn(async move {
                let answer = pool.verify(password("vexed quilt"), Some(hash)).await;
                (answer, pool.waiting())
            })
        })
        .collect();
    let mut answered = 0;
    for attempt in attempts {
        let (answer, waiting) = attempt.await.unwrap();
        assert!(waiting <= 12, "{waiting}");
        match answer {
            Ok(verified) => {
                assert_eq!(verified, PasswordMatch::Yes);
                answered += 1;
            }
            Err(refused) => assert!(matches!(refused, HashRefused::Busy { .. })),
        }
    }
    assert_eq!(pool.hashed(), answered + 1);
    assert_eq!(pool.refused(), 200 - answered);
}

#[tokio::test]
async fn a_job_whose_caller_was_dropped_is_skipped() {
    let mut pool = paused(4);
    let (gone, _) = submit(pool.hash(password("gone")));
    drop(gone);
    let (gone, _) = submit(pool.verify(password("gone too"), None));
    drop(gone);
    assert_eq!(pool.waiting(), 2);
    pool.start(count(1)).unwrap();
    pool.hash(password("stays")).await.unwrap();
    assert_eq!(pool.hashed(), 1);
}

// ASVS-map: PW7
#[tokio::test]
async fn a_password_of_a_megabyte_does_not_reach_the_pool() {
    let pool = running(1, 4);
    assert!(Password::new(&"x".repeat(1 << 20)).is_err());
    assert_eq!((pool.hashed(), pool.waiting(), pool.refused()), (0, 0, 0));
}

#[tokio::test]
async fn waiting_and_later_jobs_are_refused_when_the_pool_stops() {
    let pool = paused(4);
    let (waiting, _) = submit(pool.hash(password("waits")));
    pool.stop();
    assert_eq!(waiting.await, Err(HashRefused::Stopped));
    assert_eq!(pool.hash(password("comes later")).await, Err(HashRefused::Stopped));
    assert_eq!(pool.hashed(), 0);
}

#[test]
fn dropping_the_pool_ends_its_threads() {
    let pool = running(3, 4);
    let shared = Arc::clone(&pool.shared);
    drop(pool);
    assert_eq!(Arc::strong_count(&shared), 1);
}

#[cfg(target_os = "linux")]
#[test]
fn a_thread_lowers_its_own_priority_and_not_that_of_the_process() {
    let own = || rustix::process::getpriority_process(None).unwrap();
    let before = own();
    let lowered = thread::spawn(move || {
        lower_priority();
        own()
    });
    assert_eq!(lowered.join().unwrap(), before.max(10));
    assert_eq!(own(), before);
}
