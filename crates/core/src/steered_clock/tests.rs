use super::*;
use crate::store::conformance::fixture::HandClock;
use crate::store::conformance::records::NOW;

const HOUR: Duration = Duration::from_hours(1);

/// A machine whose clock is an hour ahead, the clock that is steered there, and the database's time.
struct Node {
    machine: Arc<HandClock>,
    clock: SteeredClock,
    database: Timestamp,
    passed: Duration,
}

impl Node {
    fn an_hour_ahead() -> Self {
        let machine = Arc::new(HandClock::showing(NOW.plus(HOUR)));
        machine.tick_to(HOUR);
        Self { clock: SteeredClock::over(machine.clone()), machine, database: NOW, passed: HOUR }
    }

    fn pass(&mut self, span: Duration) {
        self.passed += span;
        self.database = self.database.plus(span);
        self.machine.pass(span);
        self.machine.tick_to(self.passed);
    }

    /// The way to the database takes as long as the way back.
    fn ask(&mut self, one_way: Duration) {
        let asked = self.clock.ticks();
        self.pass(one_way);
        let shown = self.database;
        self.pass(one_way);
        self.clock.compare(&DatabaseTime { asked, answered: self.clock.ticks(), shown });
    }

    fn steered() -> Self {
        let mut node = Self::an_hour_ahead();
        for _ in 0..3 {
            node.ask(Duration::from_millis(20));
        }
        node
    }

    fn set_database(&mut self, by: i64) {
        self.database = Timestamp::from_millis(self.database.as_millis() + by);
    }

    /// How far the clock is ahead of the database's.
    fn ahead(&self) -> i64 {
        self.clock.now().as_millis() - self.database.as_millis()
    }
}

#[test]
fn three_answers_that_agree_set_the_clock_and_two_do_not() {
    let mut node = Node::an_hour_ahead();
    for _ in 0..2 {
        node.ask(Duration::from_millis(20));
        assert_eq!((node.ahead(), node.clock.machine_ahead()), (millis(HOUR), None));
    }
    node.ask(Duration::from_millis(20));
    assert_eq!((node.ahead(), node.clock.machine_ahead()), (0, Some(millis(HOUR))));
}

#[test]
fn an_answer_that_disagrees_with_the_others_sets_nothing() {
    let mut node = Node::an_hour_ahead();
    for off in [0, 700, -700, 0] {
        node.set_database(off);
        node.ask(Duration::ZERO);
    }
    assert_eq!(node.clock.machine_ahead(), None);
}

#[test]
fn of_answers_that_agree_the_one_counts_that_came_soonest() {
    let mut node = Node::an_hour_ahead();
    node.set_database(400);
    node.ask(Duration::from_millis(900));
    node.set_database(-400);
    node.ask(Duration::from_millis(1));
    node.ask(Duration::from_millis(900));
    assert_eq!(node.ahead(), 0);
}

#[test]
fn it_does_not_matter_that_the_clock_of_the_machine_is_set() {
    let mut node = Node::steered();
    let (machine, shown) = (node.machine.now(), node.clock.now());
    node.machine.set(machine.minus(2 * HOUR));
    assert_eq!(node.clock.now(), shown);
    assert_eq!(node.clock.machine_ahead(), Some(-millis(HOUR)));
    node.pass(HOUR);
    assert_eq!(node.ahead(), 0, "though nothing was asked");
}

#[test]
fn a_small_difference_is_corrected_bit_by_bit_and_time_goes_on() {
    for off in [-900, 900] {
        let mut node = Node::steered();
        node.set_database(off);
        let (mut last, mut rounds) = (node.clock.now(), 0);
        while node.ahead().abs() > 1 && rounds < 300 {
            node.pass(Duration::from_millis(50));
            node.ask(Duration::ZERO);
            assert!(node.clock.now() > last, "time went back");
            (last, rounds) = (node.clock.now(), rounds + 1);
        }
        assert!(node.ahead().abs() <= 1 && rounds > 100, "{} after {rounds} corrections", node.ahead());
    }
}

#[test]
fn a_database_that_moved_to_a_server_with_another_clock_is_followed_after_three_answers() {
    let mut node = Node::steered();
    node.set_database(-30_000);
    for expected in [30_000, 30_000, 0] {
        node.ask(Duration::ZERO);
        assert_eq!(node.ahead(), expected);
    }
}
