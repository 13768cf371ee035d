use proptest::prelude::*;

use super::*;
use crate::clock::Timestamp;

fn id(number: u8) -> crate::id::SessionId {
    format!("019c0a5e-0000-7000-8000-0000000000{number:02x}").parse().unwrap()
}

fn ended(tenant: &str, number: u8) -> StoredRevocation {
    let time = Timestamp::from_millis(1);
    StoredRevocation {
        tenant: tenant.parse().ok(),
        what: Revoked::Session(id(number)),
        until: time,
        at: time,
    }
}

fn of(tenants: &[&str]) -> FeedTenants {
    FeedTenants::Some(tenants.iter().map(|name| name.parse().unwrap()).collect())
}

fn log(tenants: &[&str]) -> RevocationLog {
    RevocationLog::new("one".parse().unwrap(), of(tenants))
}

fn at(log: &str, number: u64) -> LogPosition {
    LogPosition { log: log.parse().unwrap(), number }
}

fn texts(records: &[RevocationRecord]) -> Vec<String> {
    records.iter().map(ToString::to_string).collect()
}

fn known(log: &RevocationLog, position: LogPosition) -> Option<(u64, Vec<String>)> {
    match log.cut(&[position]) {
        LogCut::Known { from, records, .. } => Some((from, texts(&records))),
        LogCut::Unknown(_) => None,
    }
}

fn session(number: u8) -> String {
    format!(r#"["s","{}",1]"#, id(number))
}

#[test]
fn records_are_numbered_from_one_and_a_verifier_gets_those_behind_its_position() {
    let log = log(&["acme"]);
    for number in 1..=3 {
        log.note(&ended("acme", number));
    }
    assert_eq!(known(&log, at("one", 0)), Some((1, vec![session(1), session(2), session(3)])));
    assert_eq!(known(&log, at("one", 2)), Some((3, vec![session(3)])));
    assert_eq!(known(&log, at("one", 3)), Some((4, Vec::new())));
    assert_eq!(log.position(), at("one", 3));
}

#[test]
fn a_position_beyond_the_head_or_in_another_life_is_unknown() {
    let log = log(&["acme"]);
    log.note(&ended("acme", 1));
    for position in [at("one", 2), at("two", 0), at("one", u64::MAX)] {
        assert_eq!(known(&log, position), None);
    }
    log.restart("two".parse().unwrap());
    assert_eq!(known(&log, at("one", 1)), None);
    assert_eq!(known(&log, at("two", 0)), Some((1, Vec::new())));
    assert!(matches!(log.cut(&[at("three", 9), at("two", 0)]), LogCut::Known { .. }));
}

#[test]
fn what_was_trimmed_is_unknown() {
    let log = log(&["acme"]);
    for _ in 0..=MOST_KEPT {
        log.note(&ended("acme", 1));
    }
    assert_eq!(known(&log, at("one", 0)), None);
    let LogCut::Known { from, records, more, .. } = log.cut(&[at("one", 1)]) else { panic!("trimmed") };
    assert_eq!((from, records.len(), more), (2, MOST_RECORDS, true));
}

// ASVS-map: TN1
#[test]
fn a_log_has_records_of_its_own_tenants_alone_and_names_them_if_there_are_several() {
    let (one, two) = (log(&["acme"]), log(&["acme", "globex"]));
    for log in [&one, &two] {
        log.note(&ended("acme", 1));
        log.note(&ended("initech", 2));
        log.note_pending(PendingRead::Tenant("initech".parse().unwrap()));
    }
    assert_eq!(known(&one, at("one", 0)), Some((1, vec![session(1)])));
    let named = format!(r#"["s","{}",1,"acme"]"#, id(1));
    assert_eq!(known(&two, at("one", 0)), Some((1, vec![named])));
    assert_eq!((one.pending().len(), two.pending().len()), (1, 2));
}

#[test]
fn what_is_announced_again_while_it_is_read_is_read_once_more() {
    let log = log(&["acme"]);
    let [(read, first)]: [_; 1] = log.pending().try_into().unwrap();
    log.note_pending(read.clone());
    log.settle(&read, first);
    let [(_, second)]: [_; 1] = log.pending().try_into().unwrap();
    log.settle(&read, second);
    assert_eq!(log.pending(), []);
}

#[test]
fn a_tenant_is_told_of_when_it_stands_otherwise_than_it_was_told() {
    let log = log(&["acme"]);
    let acme = "acme".parse().unwrap();
    let active = TenantStanding::default();
    let told = |standing| {
        let before = log.position();
        log.stands(&acme, Some(standing));
        known(&log, before).unwrap().1
    };
    assert_eq!(told(active), Vec::<String>::new());
    let suspended = TenantStanding { suspended: true, epoch: 1, everyone: 0 };
    assert_eq!(told(suspended), [r#"["t","suspended",1]"#]);
    assert_eq!(told(suspended), Vec::<String>::new());
    let over = TenantStanding { suspended: false, epoch: 2, everyone: 1 };
    assert_eq!(told(over), [r#"["t","active",2]"#, r#"["e",1]"#]);
    let before = log.position();
    log.stands(&acme, None);
    assert_eq!(known(&log, before).unwrap().1, [r#"["t","suspended",2]"#], "it is gone");
}

proptest! {
    /// However announcements and polls interleave, a verifier that follows the numbers gets each record once, in order.
    #[test]
    fn a_verifier_that_follows_the_numbers_misses_nothing(steps in proptest::collection::vec(0u8..4, 1..60)) {
        let log = log(&["acme"]);
        let (mut position, mut got, mut said) = (log.position(), Vec::new(), Vec::new());
        for step in steps {
            if step > 0 {
                log.note(&ended("acme", step));
                said.push(session(step));
                continue;
            }
            let LogCut::Known { from, records, .. } = log.cut(&[position.clone()]) else { panic!("unknown") };
            prop_assert_eq!(from, position.number + 1);
            position.number += records.len() as u64;
            got.extend(texts(&records));
        }
        prop_assert_eq!(&got[..], &said[..got.len()]);
        prop_assert_eq!(position.number, got.len() as u64);
    }
}
