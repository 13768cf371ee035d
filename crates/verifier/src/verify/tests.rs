//! How old the proof of an answer is, by a clock that the test moves.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use bytes::Bytes;
use http::{Request, Response};
use portcullis_core::clock::{Clock, Timestamp};

use super::*;
use crate::{HttpClient, HttpFault, Verifier};

const ANN: &str = "019c0a5e-0000-7000-8000-000000000001";
const SESSION: &str = "019c0a5e-0000-7000-8000-000000000002";
const COOKIE: SentCredential<'static> = SentCredential::Cookie("connect.sid=x");

/// A clock, in milliseconds.
#[derive(Default)]
struct MovedClock(AtomicU64);

impl MovedClock {
    fn pass(&self, millis: u64) {
        self.0.fetch_add(millis, Ordering::SeqCst);
    }
}

impl Clock for MovedClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(1_769_638_376_311)
    }

    fn ticks(&self) -> Ticks {
        at(self.0.load(Ordering::SeqCst))
    }
}

fn at(millis: u64) -> Ticks {
    Ticks::new(Duration::from_millis(millis))
}

/// A server whose answers are 300 ms old, and take 50 ms.
struct SlowServer(Arc<MovedClock>);

#[async_trait]
impl HttpClient for SlowServer {
    async fn send(&self, _: Request<()>, _: usize) -> Result<Response<Bytes>, HttpFault> {
        self.0.pass(50);
        let response = Response::builder()
            .header("x-tenant-id", "default")
            .header("x-user-id", ANN)
            .header("x-user-role", "user")
            .header("x-portcullis-session", SESSION)
            .header("x-portcullis-epochs", "0,0,0")
            .header("x-portcullis-age-ms", "300");
        Ok(response.body(Bytes::new()).unwrap())
    }
}

/// A verifier at second 10 of its clock that follows no feed.
fn silent() -> (VerifierCore, Arc<MovedClock>) {
    let clock = Arc::new(MovedClock::default());
    clock.pass(10_000);
    let builder = Verifier::builder("http://127.0.0.1:1").http(Arc::new(SlowServer(clock.clone())));
    (builder.clock(clock.clone()).core().unwrap(), clock)
}

async fn age(core: &VerifierCore) -> Result<u128, VerifyError> {
    core.verify(COOKIE, OnStale::Ask).await.map(|user| user.age.as_millis())
}

// ASVS-map: RV1 RV2
#[tokio::test]
async fn the_age_of_an_answer_is_what_the_server_states_and_the_time_since_it_was_asked() {
    let (core, clock) = silent();
    assert_eq!(age(&core).await, Ok(350));
    clock.pass(500);
    assert_eq!(age(&core).await, Ok(850), "the same answer, later");
    clock.pass(500);
    assert_eq!(age(&core).await, Ok(350), "it is too old, and the server is asked again");
}

// ASVS-map: RV1 RV2
#[tokio::test]
async fn an_answer_that_the_feed_covers_is_as_old_as_the_proof_of_the_feed() {
    let (core, clock) = silent();
    let tenant = TenantId::default_tenant();
    core.revocations.begin(at(5_000));
    core.revocations.prove(&tenant, at(9_980));
    assert_eq!(age(&core).await, Ok(70));
    clock.pass(40_000);
    core.revocations.prove(&tenant, at(50_000));
    assert_eq!(age(&core).await, Ok(50));
    assert_eq!(core.asked.count(), 1);
}

// ASVS-map: RV1 RV2
#[tokio::test]
async fn of_an_answer_and_a_feed_that_does_not_cover_it_the_older_proof_counts() {
    for (proven, expected) in [(10_040, 350), (9_500, 550)] {
        let (core, _) = silent();
        // The snapshot is newer than what the answer rests on, which is second 9.7.
        core.revocations.begin(at(9_900));
        core.revocations.prove(&TenantId::default_tenant(), at(proven));
        assert_eq!(age(&core).await, Ok(expected));
    }
}
