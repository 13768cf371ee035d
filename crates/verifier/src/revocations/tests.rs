//! What each record ends, and how long it is kept.

use std::time::Duration;

use portcullis_core::clock::{Ticks, Timestamp};
use portcullis_core::revocation::wire::{LogId, RevocationRecord};

use super::*;

const ANN: &str = "019c0a5e-0000-7000-8000-000000000001";
const LAPTOP: &str = "019c0a5e-0000-7000-8000-000000000002";
const PHONE: &str = "019c0a5e-0000-7000-8000-000000000003";

fn at(seconds: u64) -> Ticks {
    Ticks::new(Duration::from_secs(seconds))
}

/// What a verifier of tenant `default` knows after these records, which came at second 1,000 of its clock, and at
/// second 5,000 of the server's.
fn told(records: &[&str]) -> KnownRevocations {
    let known = KnownRevocations::new(&[TenantId::default_tenant()], 10, Duration::from_secs(1));
    tell(&known, records, "n1");
    known.prove(&TenantId::default_tenant(), at(1_000));
    known
}

fn tell(known: &KnownRevocations, records: &[&str], log: &str) -> Agreement {
    let records: Vec<RevocationRecord> =
        records.iter().map(|text| serde_json::from_str(text).unwrap()).collect();
    let log: LogId = log.parse().unwrap();
    let source = RecordSource {
        log: Some(log),
        since: Ticks::START,
        issued: Timestamp::from_seconds(5_000),
        now: at(1_000),
    };
    known.add(&records, &source).unwrap()
}

/// What is known of Ann's token of her laptop, of the epochs 2, 3 and 4, signed by `key-1`.
fn verdict(known: &KnownRevocations, now: Ticks) -> Verdict {
    let (tenant, kid) = (TenantId::default_tenant(), "key-1".parse().unwrap());
    let subject = Subject {
        tenant: &tenant,
        user: ANN.parse().unwrap(),
        session: Some(LAPTOP.parse().unwrap()),
        kid: Some(&kid),
        epochs: Epochs { user: 2, tenant: 3, everyone: 4 },
    };
    known.judge(&subject, now)
}

// ASVS-map: RV5, SE5
#[test]
fn each_record_ends_what_it_names_and_nothing_else() {
    let dead = [
        format!(r#"["s","{LAPTOP}",6000]"#),
        format!(r#"["u","{ANN}",3,[],6000]"#),
        format!(r#"["u","{ANN}",3,["{PHONE}"],6000]"#),
        r#"["t","active",4]"#.to_owned(),
        r#"["t","suspended",3]"#.to_owned(),
        r#"["e",5]"#.to_owned(),
        r#"["k","key-1"]"#.to_owned(),
    ];
    for record in dead {
        assert_eq!(verdict(&told(&[&record]), at(1_000)), Verdict::Dead, "{record}");
    }
    let alive = [
        format!(r#"["s","{PHONE}",6000]"#),
        format!(r#"["u","{ANN}",2,[],6000]"#),
        format!(r#"["u","{ANN}",3,["{LAPTOP}"],6000]"#),
        format!(r#"["u","{PHONE}",9,[],6000]"#),
        r#"["t","active",3]"#.to_owned(),
        r#"["e",4]"#.to_owned(),
        r#"["k","key-2"]"#.to_owned(),
        r#"["j"]"#.to_owned(),
        r#"["e",9,"another"]"#.to_owned(),
    ];
    for record in alive {
        assert_eq!(verdict(&told(&[&record]), at(1_000)), Verdict::Live(None, at(1_000)), "{record}");
    }
}

#[test]
fn a_newer_epoch_replaces_an_older_one_and_its_kept_sessions() {
    let (kept, none) =
        (format!(r#"["u","{ANN}",3,["{LAPTOP}"],6000]"#), format!(r#"["u","{ANN}",4,[],6000]"#));
    assert_eq!(verdict(&told(&[&kept, &none]), at(1_000)), Verdict::Dead);
    assert_eq!(verdict(&told(&[&none, &kept]), at(1_000)), Verdict::Dead, "told again by another log");
    let resumed = told(&[r#"["t","suspended",3]"#, r#"["t","active",3]"#]);
    assert_eq!(verdict(&resumed, at(1_000)), Verdict::Live(None, at(1_000)));
}

// ASVS-map: RV3
#[test]
fn what_is_over_stays_so_however_old_the_knowledge_is() {
    let ended = format!(r#"["s","{LAPTOP}",6000]"#);
    assert_eq!(verdict(&told(&[&ended]), at(1_002)), Verdict::Dead);
    assert_eq!(verdict(&told(&[]), at(1_001)), Verdict::Live(None, at(1_000)));
    assert_eq!(verdict(&told(&[]), at(1_002)), Verdict::Stale(None));
}

// ASVS-map: RV4
#[test]
fn a_record_is_kept_two_minutes_beyond_its_end_by_our_own_clock() {
    let known = told(&[&format!(r#"["s","{LAPTOP}",6000]"#), &format!(r#"["r","{ANN}","user",5000]"#)]);
    let look = |now| {
        let source = RecordSource { log: None, since: now, issued: Timestamp::from_seconds(0), now };
        known.add(&[], &source).unwrap();
        known.count()
    };
    assert_eq!(look(at(1_000 + 119)), 2);
    assert_eq!(look(at(1_000 + 122)), 1, "the role was kept for 120 s");
    assert_eq!(look(at(1_000 + 1_000 + 119)), 1);
    assert_eq!(look(at(1_000 + 1_000 + 122)), 0);
}

/// A node that does not know the verifier tells everything of the last minutes, again and again.
#[test]
fn a_record_that_is_told_a_thousand_times_takes_the_room_of_one_and_is_kept_until_its_last_end() {
    let mut records = TenantRecords::default();
    let texts = [
        format!(r#"["s","{LAPTOP}",6000]"#),
        format!(r#"["u","{ANN}",3,[],6000]"#),
        format!(r#"["r","{ANN}","user",6000]"#),
    ];
    for round in 0..1_000 {
        let source = RecordSource {
            log: None,
            since: Ticks::START,
            issued: Timestamp::from_seconds(5_000),
            now: at(1_000 + round),
        };
        for text in &texts {
            let record: RevocationRecord = serde_json::from_str(text).unwrap();
            records.add(&record.revocation, &source);
        }
    }
    assert_eq!((records.len(), records.expiries()), (3, 3));
    // The last round was at second 1,999, and said that there are 1,000 seconds more; a record is kept for 120 more.
    records.forget_expired(at(1_999 + 1_000 + 119));
    assert_eq!((records.len(), records.expiries()), (3, 3));
    records.forget_expired(at(1_999 + 1_000 + 122));
    assert_eq!((records.len(), records.expiries()), (0, 0));
}

#[test]
fn where_two_logs_contradict_each_other_the_lesser_role_counts_until_the_database_is_asked() {
    let role = |role| format!(r#"["r","{ANN}","{role}",6000]"#);
    let known = told(&[&role("user")]);
    assert_eq!(tell(&known, &[&role("admin")], "n2"), Agreement::Disputed);
    assert_eq!(verdict(&known, at(1_000)), Verdict::Live(Some(Role::User), at(1_000)));
    assert_eq!(tell(&known, &[&role("admin")], "n1"), Agreement::Full, "the same log goes on");
    assert_eq!(verdict(&known, at(1_000)), Verdict::Live(Some(Role::Admin), at(1_000)));
}

#[test]
fn a_tenant_that_is_behind_is_too_old_alone() {
    let tenants: [TenantId; 2] = ["acme", "globex"].map(|name| name.parse().unwrap());
    let known = KnownRevocations::new(&tenants, 10, Duration::from_secs(1));
    let fresh = |now| {
        let each = tenants.each_ref().map(|tenant| known.is_fresh(tenant, now));
        (each, known.is_any_fresh(now), known.is_all_fresh(now))
    };
    assert_eq!(fresh(at(1_000)), ([false, false], false, false));
    known.prove(&tenants[0], at(1_000));
    assert_eq!(fresh(at(1_001)), ([true, false], true, false));
    known.prove(&tenants[1], at(1_001));
    assert_eq!(fresh(at(1_001)), ([true, true], true, true));
    assert_eq!(fresh(at(1_002)), ([false, true], true, false));
}

#[test]
fn more_records_than_may_be_kept_are_a_fault() {
    let known = told(&[]);
    let ended: Vec<RevocationRecord> = (0..11)
        .map(|n| serde_json::from_str(&format!(r#"["s","019c0a5e-0000-7000-8000-0000000001{n:02}",6000]"#)))
        .collect::<Result<_, _>>()
        .unwrap();
    let source =
        RecordSource { log: None, since: at(0), issued: Timestamp::from_seconds(5_000), now: at(1_000) };
    assert_eq!(known.add(&ended, &source), Err(RecordFault::Full));
}
