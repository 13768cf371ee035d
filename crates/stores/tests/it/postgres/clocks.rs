//! Nodes whose machines' clocks are wrong go by the time of the server.

use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use portcullis_core::clock::{Clock, DatabaseTime, Ticks, Timestamp};
use portcullis_core::engine::Engine;
use portcullis_core::machine::SystemClock;
use portcullis_core::session::{Session, SessionState};
use portcullis_core::steered_clock::SteeredClock;
use portcullis_core::store::conformance::fixture::{Fixture, HandClock, HeldCredentials, RegisteredUser};
use portcullis_core::store::{SessionHandle, Stores, TenantDatabases as _, Updated};
use portcullis_core::strategy::StrategyName;
use portcullis_stores::{DatabaseUrl, IfMissing, OpenDatabase, TenantDatabaseRegistry};

use super::TestDatabase;
use crate::feeds::ChangeRecorder;

const HOUR: Duration = Duration::from_hours(1);
const MINUTE: Duration = Duration::from_mins(1);

/// How far the clock of a machine is off.
#[derive(Clone, Copy, Debug)]
enum Off {
    Right,
    Ahead,
    Behind,
}

/// A node whose machine's clock stands at this time.
struct Node {
    engine: Engine,
    fixture: Fixture,
    database: Arc<dyn OpenDatabase>,
}

async fn open(url: &str, clock: Arc<dyn Clock>) -> Arc<dyn OpenDatabase> {
    DatabaseUrl::parse(url).unwrap().open(clock, IfMissing::Create).await.unwrap()
}

impl Node {
    async fn start(url: &str, off: Off) -> Self {
        let now = SystemClock.now();
        let machine = HandClock::showing(match off {
            Off::Right => now,
            Off::Ahead => now.plus(HOUR),
            Off::Behind => now.minus(HOUR),
        });
        let clock = Arc::new(SteeredClock::over(Arc::new(machine)));
        let database = open(url, clock.clone()).await;
        let fixture = Fixture::new(database.stores()).with_policy(|policy| policy.leeway = MINUTE);
        let engine = fixture.builder.clone().clock(clock).open().await.unwrap();
        Self { engine, fixture, database }
    }

    fn stores(&self) -> Stores {
        self.database.stores()
    }

    async fn session(&self, held: &HeldCredentials) -> Session {
        let handle = SessionHandle::Id(held.session());
        self.stores().sessions.find(&handle, SystemClock.now()).await.unwrap().unwrap()
    }

    /// Lets a session idle out at this time.
    async fn idles_out(&self, held: &HeldCredentials, idle_expires: Timestamp) {
        let session = self.session(held).await;
        let sooner = Session { idle_expires, version: session.version + 1, ..session };
        assert_eq!(self.stores().sessions.update(&sooner, None).await.unwrap(), Updated::Done);
    }

    async fn is_live(&self, held: &HeldCredentials) -> bool {
        self.engine.session(&held.session()).await.unwrap().unwrap().state == SessionState::Live
    }
}

fn is_about_now(time: Timestamp) -> bool {
    let now = SystemClock.now();
    now.since(time).max(time.since(now)) < MINUTE
}

/// What one node hands out, the other takes, and the times in its records are right.
async fn hands_out_to(one: &Node, other: &Node, ann: &RegisteredUser) {
    for strategy in StrategyName::ROUTED {
        let held = ann.password_sign_in(&one.engine, strategy).await;
        let taken = held.authenticate(&other.engine).await;
        assert!(taken.is_ok(), "{strategy}: {taken:?}");
    }
    let held = ann.password_sign_in(&one.engine, StrategyName::Session).await;
    let created = one.session(&held).await.created;
    assert!(is_about_now(created), "created at {created}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_whose_clock_is_an_hour_off_signs_and_judges_by_the_time_of_the_server() {
    for off in [Off::Ahead, Off::Behind] {
        let database = TestDatabase::new().await;
        let url = database.fresh().await;
        // The wrong one first: it makes the keys.
        let (wrong, right) = (Node::start(&url, off).await, Node::start(&url, Off::Right).await);
        let ann = wrong.fixture.new_user(&wrong.engine).await;
        hands_out_to(&wrong, &right, &ann).await;
        hands_out_to(&right, &wrong, &ann).await;

        let (soon, over) = (
            ann.password_sign_in(&right.engine, StrategyName::Session).await,
            ann.password_sign_in(&right.engine, StrategyName::Session).await,
        );
        right.idles_out(&soon, SystemClock.now().plus(HOUR / 2)).await;
        right.idles_out(&over, SystemClock.now().minus(HOUR / 2)).await;
        assert!(wrong.is_live(&soon).await, "{off:?}: ended early");
        assert!(!wrong.is_live(&over).await, "{off:?}: accepted long after it had expired");
        assert!(
            soon.authenticate(&wrong.engine).await.is_ok() && over.authenticate(&wrong.engine).await.is_err()
        );
    }
}

/// Notes what it is told of the server's time, and what it shows then.
#[derive(Default)]
struct ComparedClock(Mutex<Vec<(DatabaseTime, Timestamp)>>);

impl Clock for ComparedClock {
    fn now(&self) -> Timestamp {
        SystemClock.now()
    }

    fn ticks(&self) -> Ticks {
        SystemClock.ticks()
    }

    fn compare(&self, reading: &DatabaseTime) {
        self.0.lock().unwrap().push((*reading, self.now()));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_barrier_brings_the_time_of_the_server() {
    let (database, clock) = (TestDatabase::new().await, Arc::new(ComparedClock::default()));
    let stores = open(&database.fresh().await, clock.clone()).await.stores();
    let before_the_watch = clock.0.lock().unwrap().len();
    assert_eq!(before_the_watch, 3, "before anything is written by it");
    let listener = Arc::new(ChangeRecorder::default());
    let _watch = stores.feed.watch(listener.clone()).await.unwrap();
    listener.catches_up().await;
    let compared = clock.0.lock().unwrap().clone();
    assert!(compared.len() > before_the_watch);
    for (DatabaseTime { asked, answered, shown }, now) in compared {
        // The server is on this machine, so its clock is ours. Both are cut to milliseconds.
        let millisecond = Duration::from_millis(1);
        let earliest = now.minus(clock.ticks().since(asked) + millisecond);
        assert!(asked <= answered && (earliest..=now.plus(millisecond)).contains(&shown));
    }
}

/// A tenant's own database may be on a server with another clock.
#[tokio::test(flavor = "multi_thread")]
async fn the_database_of_a_tenant_steers_no_clock() {
    let (database, clock) = (TestDatabase::new().await, Arc::new(ComparedClock::default()));
    let registry = TenantDatabaseRegistry::new(Path::new("."), clock.clone());
    let stores = registry.get_or_create(&database.fresh().await).await.unwrap();
    let listener = Arc::new(ChangeRecorder::default());
    let _watch = stores.feed.watch(listener.clone()).await.unwrap();
    listener.catches_up().await;
    assert!(clock.0.lock().unwrap().is_empty());
    registry.close().await;
}
