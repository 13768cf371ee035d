//! Single answers, and what each proves.

use std::time::Duration;

use portcullis_core::clock::{Ticks, Timestamp};
use portcullis_core::id::TenantId;
use portcullis_core::revocation::wire::{FeedAnswer, SnapshotPage};

use super::super::{FeedProgress, Ignored, LogFollower};
use crate::revocations::KnownRevocations;

fn at(millis: u64) -> Ticks {
    Ticks::new(Duration::from_millis(millis))
}

fn tenants() -> [TenantId; 2] {
    ["acme", "globex"].map(|name| name.parse().unwrap())
}

/// A verifier of two tenants that has read a snapshot up to record 7, and asks at 100,000 ms.
struct Asking {
    known: KnownRevocations,
    follower: LogFollower,
}

impl Asking {
    fn new() -> Self {
        let known = KnownRevocations::new(&tenants(), 10, Duration::from_secs(1));
        let mut asking = Self { known, follower: LogFollower::default() };
        let first = SnapshotPage {
            issuer: String::new(),
            log: "n1".parse().unwrap(),
            to: 7,
            issued: Timestamp::from_seconds(100),
            records: Vec::new(),
            tenants: None,
            next: None,
        };
        asking.follower.start(&first, at(99_000), at(99_010));
        let query = asking.follower.poll(&asking.known, at(100_000), Duration::ZERO, "r".to_owned()).unwrap();
        assert_eq!(query.to_string(), "at=n1:7&age=1000&wait=0&nonce=r");
        asking
    }

    /// Takes an answer that comes at 100,300 ms.
    fn take(&mut self, answer: &FeedAnswer) -> FeedProgress {
        self.follower.take(answer, &self.known, at(100_300))
    }

    fn stamps(&self) -> [Option<Ticks>; 2] {
        tenants().map(|tenant| self.known.stamp(&tenant))
    }
}

/// Nothing new after record 7, proven 40 ms before the poll arrived.
fn nothing_new() -> FeedAnswer {
    FeedAnswer {
        issuer: String::new(),
        log: "n1".parse().unwrap(),
        from: 8,
        to: 7,
        nonce: "r".to_owned(),
        lag_ms: 40,
        more: false,
        issued: Timestamp::from_seconds(101),
        records: Vec::new(),
        behind: Vec::new(),
    }
}

#[test]
fn the_stamp_is_the_sending_less_the_lag_and_never_later_than_now() {
    for (lag_ms, stamp) in [(40, 99_960), (0, 100_000), (-200, 100_200), (-9_000, 100_300)] {
        let mut asking = Asking::new();
        assert_eq!(asking.take(&FeedAnswer { lag_ms, ..nothing_new() }), FeedProgress::Proven);
        assert_eq!(asking.stamps(), [Some(at(stamp)); 2], "{lag_ms}");
    }
}

#[test]
fn a_tenant_that_is_behind_is_not_proven_and_the_others_are() {
    let mut asking = Asking::new();
    let answer = FeedAnswer { behind: vec![tenants()[0].clone()], ..nothing_new() };
    assert_eq!(asking.take(&answer), FeedProgress::Proven);
    assert_eq!(asking.stamps(), [None, Some(at(99_960))]);
}

#[test]
fn an_answer_counts_once_and_only_for_the_poll_that_is_outstanding() {
    let mut asking = Asking::new();
    assert_eq!(asking.take(&nothing_new()), FeedProgress::Proven);
    assert_eq!(asking.take(&nothing_new()), FeedProgress::Ignored(Ignored::Nonce));
}

#[test]
fn numbers_that_do_not_follow_prove_nothing() {
    let record = || serde_json::from_str(r#"["e",1,"acme"]"#).unwrap();
    let gap = FeedAnswer { from: 9, to: 9, records: vec![record()], ..nothing_new() };
    let short = FeedAnswer { to: 9, records: vec![record()], ..nothing_new() };
    let lies = FeedAnswer { more: true, ..nothing_new() };
    let turned = FeedAnswer { from: 9, to: 7, ..nothing_new() };
    let last = FeedAnswer { from: u64::MAX, to: u64::MAX, records: vec![record()], ..nothing_new() };
    let cases = [
        (gap, Ignored::Gap),
        (short, Ignored::Numbers),
        (lies, Ignored::Numbers),
        (turned, Ignored::Numbers),
        (last, Ignored::Numbers),
    ];
    for (answer, why) in cases {
        let mut asking = Asking::new();
        assert_eq!(asking.take(&answer), FeedProgress::Ignored(why), "{answer:?}");
        assert_eq!(asking.stamps(), [None, None]);
    }
}

#[test]
fn an_answer_of_an_unknown_log_moves_the_position_and_no_stamp() {
    let mut asking = Asking::new();
    let unknown = FeedAnswer { log: "n2".parse().unwrap(), from: 4, to: 3, ..nothing_new() };
    assert_eq!(asking.take(&unknown), FeedProgress::Started);
    assert_eq!(asking.stamps(), [None, None]);
    let query = asking.follower.poll(&asking.known, at(100_400), Duration::ZERO, "s".to_owned()).unwrap();
    assert_eq!(query.to_string(), "at=n1:7,n2:3&age=1400&wait=0&nonce=s");
}

/// The machine sleeps while the poll is under way: the node looks back from when it arrives.
#[test]
fn an_answer_of_an_unknown_log_that_came_after_a_sleep_counts_for_nothing() {
    let unknown = || FeedAnswer { log: "n2".parse().unwrap(), from: 4, to: 3, ..nothing_new() };
    for (came, progress) in [
        (130_000, FeedProgress::Started),
        (130_001, FeedProgress::Ignored(Ignored::Late)),
        (280_000, FeedProgress::Ignored(Ignored::Late)),
    ] {
        let mut asking = Asking::new();
        let issued = Timestamp::from_seconds(i64::try_from(came / 1_000).unwrap());
        let answer = FeedAnswer { issued, ..unknown() };
        assert_eq!(asking.follower.take(&answer, &asking.known, at(came)), progress, "{came}");
        let query = asking.follower.poll(&asking.known, at(came), Duration::ZERO, "s".to_owned()).unwrap();
        assert_eq!(query.at.len(), if progress == FeedProgress::Started { 2 } else { 1 });
    }
}

/// A snapshot out of a cache: the next answer shows that the server's clock is an hour further.
#[test]
fn a_snapshot_that_was_kept_for_an_hour_is_read_again() {
    let mut asking = Asking::new();
    let log = "n2".parse().unwrap();
    let hour_later =
        FeedAnswer { log, from: 4, to: 3, issued: Timestamp::from_seconds(3_700), ..nothing_new() };
    assert_eq!(asking.take(&hour_later), FeedProgress::Lost);
    assert!(asking.follower.poll(&asking.known, at(100_400), Duration::ZERO, "s".to_owned()).is_none());
}

/// A clock that was an hour ahead has made records seem over that are not.
#[test]
fn a_server_whose_clock_was_set_back_is_asked_for_the_snapshot() {
    // The snapshot came at 99,010 ms, and was made at second 100; the poll was sent at 100,000 ms.
    for (issued, progress) in [
        (-3_500, FeedProgress::Lost),
        (-20, FeedProgress::Lost),
        (-19, FeedProgress::Proven),
        (100, FeedProgress::Proven),
    ] {
        let mut asking = Asking::new();
        let answer = FeedAnswer { issued: Timestamp::from_seconds(issued), ..nothing_new() };
        assert_eq!(asking.take(&answer), progress, "{issued}");
        let snapshot = progress == FeedProgress::Lost;
        let query = asking.follower.poll(&asking.known, at(100_400), Duration::ZERO, "s".to_owned());
        assert_eq!(query.is_none(), snapshot);
        assert_eq!(asking.stamps()[0].is_none(), snapshot);
    }
}

#[test]
fn a_record_without_a_tenant_counts_for_nothing_where_there_are_several() {
    let mut asking = Asking::new();
    let records = vec![serde_json::from_str(r#"["e",1]"#).unwrap()];
    let answer = FeedAnswer { to: 8, records, ..nothing_new() };
    assert!(matches!(asking.take(&answer), FeedProgress::Ignored(Ignored::Record(_))));
    assert_eq!(asking.stamps(), [None, None]);
}
