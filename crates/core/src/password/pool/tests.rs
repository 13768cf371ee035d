use std::collections::BTreeSet;
use std::net::IpAddr;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use super::hash_times::HashTimes;
use super::pool_state::lower_priority;
use super::*;
use crate::machine::{SystemClock, SystemRandom};

fn count(number: usize) -> NonZeroUsize {
    NonZeroUsize::new(number).unwrap()
}

fn password(text: &str) -> Password {
    Password::new(text).unwrap()
}

fn network(number: u8) -> ClientNetwork {
    ClientNetwork::of(IpAddr::from([192, 0, 2, number]))
}

/// A pool of one thread, in whose queue so many jobs may come before a new one.
fn size(jobs: u32) -> PoolSize {
    PoolSize { threads: count(1), max_wait: HashTimes::new().typical() * jobs }
}

/// A pool without threads, so that its jobs stay in the queue.
fn paused(jobs: u32) -> HashPool {
    let (clock, random) = (Arc::new(SystemClock), Arc::new(SystemRandom));
    HashPool::without_threads(size(jobs), Argon2Cost::MINIMUM, clock, random)
}

fn running(threads: usize) -> HashPool {
    let size = PoolSize::of(count(threads));
    HashPool::new(size, Argon2Cost::MINIMUM, Arc::new(SystemClock), Arc::new(SystemRandom)).unwrap()
}

type Pending<'a, T> = Pin<Box<dyn Future<Output = Result<T, HashRefused>> + Send + 'a>>;

/// Polls the job once, which submits it, and returns it with the result so far.
fn submit<'a, T>(
    job: impl Future<Output = Result<T, HashRefused>> + Send + 'a,
) -> (Pending<'a, T>, Poll<Result<T, HashRefused>>) {
    let mut job: Pending<'a, T> = Box::pin(job);
    let answer = poll(&mut job);
    (job, answer)
}

fn poll<T>(job: &mut Pending<'_, T>) -> Poll<Result<T, HashRefused>> {
    job.as_mut().poll(&mut Context::from_waker(Waker::noop()))
}

#[tokio::test]
async fn a_password_is_hashed_and_verified() {
    let pool = running(2);
    let hash = pool.hash(None, password("vexed quilt")).await.unwrap();
    assert_eq!(pool.verify(None, password("vexed quilt"), Some(hash.clone())).await, Ok(PasswordMatch::Yes));
    assert_eq!(pool.verify(None, password("mop"), Some(hash)).await, Ok(PasswordMatch::No));
    assert_eq!(pool.hashed(), 3);
}

// ASVS-map: PW5
#[tokio::test]
async fn the_same_password_gets_another_salt_each_time() {
    let pool = running(1);
    let one = pool.hash(None, password("vexed quilt")).await.unwrap();
    assert_ne!(one, pool.hash(None, password("vexed quilt")).await.unwrap());
}

// ASVS-map: AU2
#[tokio::test]
async fn an_unknown_user_costs_exactly_one_hash_as_a_known_one_does() {
    let pool = running(1);
    let hash = pool.hash(None, password("vexed quilt")).await.unwrap();
    let before = pool.hashed();
    assert_eq!(pool.verify(None, password("vexed quilt"), None).await, Ok(PasswordMatch::No));
    assert_eq!(pool.hashed(), before + 1);
    assert_eq!(pool.verify(None, password("mop"), Some(hash)).await, Ok(PasswordMatch::No));
    assert_eq!(pool.hashed(), before + 2);
}

// ASVS-map: PW6
#[tokio::test]
async fn a_hash_of_an_older_cost_says_that_it_is_to_be_replaced() {
    let old = running(1).hash(None, password("vexed quilt")).await.unwrap();
    let cost = Argon2Cost::new(16, 2, 1).unwrap();
    let pool =
        HashPool::new(PoolSize::of(count(1)), cost, Arc::new(SystemClock), Arc::new(SystemRandom)).unwrap();
    assert_eq!(pool.verify(None, password("vexed quilt"), Some(old)).await, Ok(PasswordMatch::YesButRehash));
    let new = pool.hash(None, password("vexed quilt")).await.unwrap();
    assert_eq!(pool.verify(None, password("vexed quilt"), Some(new)).await, Ok(PasswordMatch::Yes));
}

fn is_busy<T>(answer: &Poll<Result<T, HashRefused>>) -> bool {
    matches!(answer, Poll::Ready(Err(HashRefused::Busy { .. })))
}

// ASVS-map: OP2
#[tokio::test]
async fn who_would_wait_too_long_is_refused_at_once_and_a_refused_job_costs_no_hash() {
    let mut pool = paused(3);
    let waiting: Vec<_> = (0..4).map(|_| submit(pool.hash(None, password("waits")))).collect();
    assert!(waiting.iter().all(|(_, answer)| answer.is_pending()));
    for _ in 0..6 {
        let (_, answer) = submit(pool.verify(None, password("is refused"), None));
        assert!(is_busy(&answer), "{answer:?}");
    }
    assert_eq!((pool.waiting(), pool.refused(), pool.hashed()), (4, 6, 0));

    drop(waiting);
    pool.start(count(1)).unwrap();
    // What was waiting before this one has been done or skipped when it is answered.
    while pool.hash(None, password("comes later")).await.is_err() {
        tokio::task::yield_now().await;
    }
    assert_eq!(pool.hashed(), 1);
}

#[test]
fn a_long_queue_and_a_stopped_pool_say_so_before_a_job_is_submitted() {
    let pool = paused(1);
    let _first = submit(pool.hash(None, password("waits")));
    assert_eq!(pool.admits(None), Ok(()));
    let _second = submit(pool.hash(None, password("waits")));
    assert!(matches!(pool.admits(None), Err(HashRefused::Busy { .. })));
    assert_eq!((pool.waiting(), pool.refused()), (2, 1));
    pool.stop();
    assert_eq!(pool.admits(None), Err(HashRefused::Stopped));
}

#[test]
fn hundreds_who_come_at_once_from_one_office_wait_and_none_is_refused_by_default() {
    let by_default = PoolSize::of(count(2));
    let (clock, random) = (Arc::new(SystemClock), Arc::new(SystemRandom));
    let pool = HashPool::without_threads(by_default, Argon2Cost::MINIMUM, clock, random);
    let waiting: Vec<_> = (0..300).map(|_| submit(pool.hash(Some(network(1)), password("waits")))).collect();
    assert!(waiting.iter().all(|(_, answer)| answer.is_pending()));
}

// ASVS-map: OP2
#[test]
fn a_network_that_fills_its_queue_takes_no_turn_from_another() {
    let pool = paused(10);
    let flood: Vec<_> = (0..50).map(|_| submit(pool.hash(Some(network(1)), password("floods")))).collect();
    assert_eq!(flood.iter().filter(|(_, answer)| is_busy(answer)).count(), 39);
    let (_waits, answer) = submit(pool.hash(Some(network(2)), password("waits")));
    assert!(answer.is_pending());
    assert_eq!(pool.shared.line().queue.ahead_of(Some(network(3))), 2);
}

// ASVS-map: OP2
#[test]
fn however_many_networks_ask_a_newcomer_is_let_in_and_the_greediest_gives_way() {
    let pool = paused(10);
    // As many as each may have queued when it comes, which is twice the longest wait of work.
    let mut flood: Vec<_> = [(1, 11), (2, 5), (3, 3), (4, 2)]
        .into_iter()
        .flat_map(|(number, jobs)| std::iter::repeat_n(number, jobs))
        .map(|number| submit(pool.hash(Some(network(number)), password("floods"))))
        .collect();
    assert!(flood.iter().all(|(_, answer)| answer.is_pending()));
    let (_waits, answer) = submit(pool.hash(Some(network(5)), password("waits")));
    assert!(answer.is_pending());
    assert_eq!((pool.waiting(), pool.refused()), (21, 1));
    let gave_way: Vec<_> = flood.iter_mut().map(|(job, _)| is_busy(&poll(job))).collect();
    assert_eq!(gave_way.iter().position(|is_busy| *is_busy), Some(10), "the last one of the first network");
    assert_eq!(gave_way.into_iter().filter(|is_busy| *is_busy).count(), 1);
}

// ASVS-map: OP2
#[test]
fn refused_callers_are_not_all_told_to_come_back_at_once() {
    let pool = paused(400);
    let _waiting: Vec<_> = (0..401).map(|_| submit(pool.hash(None, password("waits")))).collect();
    let waits: BTreeSet<_> = (0..500)
        .map(|_| match pool.admits(None) {
            Err(HashRefused::Busy { retry_after }) => retry_after.as_secs(),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(waits, (1..=10).collect());
}

// ASVS-map: OP2
#[tokio::test]
async fn in_a_burst_every_caller_is_either_answered_or_refused() {
    let size = PoolSize { threads: count(2), max_wait: Duration::from_millis(5) };
    let (clock, random) = (Arc::new(SystemClock), Arc::new(SystemRandom));
    let pool = Arc::new(HashPool::new(size, Argon2Cost::MINIMUM, clock, random).unwrap());
    let hash = pool.hash(None, password("vexed quilt")).await.unwrap();
    let attempts: Vec<_> = (0..200)
        .map(|_| {
            let (pool, hash) = (Arc::clone(&pool), hash.clone());
            tokio::spawn(async move { pool.verify(None, password("vexed quilt"), Some(hash)).await })
        })
        .collect();
    let mut answered = 0;
    for attempt in attempts {
        match attempt.await.unwrap() {
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

// ASVS-map: AU2
#[tokio::test]
async fn an_answer_that_is_known_waits_in_line_like_a_hash_and_costs_none() {
    let mut pool = paused(5);
    let (first, _) = submit(pool.hash(Some(network(1)), password("waits")));
    let (pretended, answer) = submit(pool.pretend(Some(network(1))));
    assert!(answer.is_pending());
    assert_eq!(pool.waiting(), 2);
    drop((first, pretended));
    pool.start(count(1)).unwrap();
    pool.hash(None, password("vexed quilt")).await.unwrap();
    let hashed = pool.hashed();
    pool.pretend(None).await.unwrap();
    assert_eq!(pool.hashed(), hashed);
}

#[tokio::test]
async fn a_job_whose_caller_was_dropped_is_skipped() {
    let mut pool = paused(4);
    let (gone, _) = submit(pool.hash(None, password("gone")));
    drop(gone);
    let (gone, _) = submit(pool.verify(None, password("gone too"), None));
    drop(gone);
    assert_eq!(pool.waiting(), 2);
    pool.start(count(1)).unwrap();
    pool.hash(None, password("stays")).await.unwrap();
    assert_eq!(pool.hashed(), 1);
}

#[tokio::test]
async fn waiting_and_later_jobs_are_refused_when_the_pool_stops() {
    let pool = paused(4);
    let (waiting, _) = submit(pool.hash(None, password("waits")));
    pool.stop();
    assert_eq!(waiting.await, Err(HashRefused::Stopped));
    assert_eq!(pool.hash(None, password("comes later")).await, Err(HashRefused::Stopped));
    assert_eq!(pool.hashed(), 0);
}

#[test]
fn dropping_the_pool_ends_its_threads() {
    let pool = running(3);
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
