mod rotation;

use super::*;
use crate::id::TenantId;
use crate::secret::SecretHash;
use crate::store::conformance::records::{
    GRACE, IDLE, MAX, NOW, at, bare_session, ending, new_user_key, numbered, redemption, session,
};

const MILLISECOND: Duration = Duration::from_millis(1);

fn live() -> Session {
    session(&new_user_key(&TenantId::default_tenant()))
}

fn reason(state: SessionState) -> Option<EndReason> {
    state.ending().map(|ending| ending.reason)
}

fn epochs(user: u64, tenant: u64, everyone: u64) -> Epochs {
    Epochs { user, tenant, everyone }
}

// ASVS-map: SE3
#[test]
fn a_session_lives_until_just_before_each_of_its_ends() {
    let idle = live();
    let absolute = Session { idle_expires: NOW.plus(MAX), ..live() };
    for (session, end, why) in
        [(idle, NOW.plus(IDLE), EndReason::Idle), (absolute, NOW.plus(MAX), EndReason::Absolute)]
    {
        assert_eq!(session.state_at(end.minus(MILLISECOND), session.epochs), SessionState::Live);
        for now in [end, end.plus(MAX)] {
            let over = SessionState::Ended(Ending { at: end, reason: why });
            assert_eq!(session.state_at(now, session.epochs), over);
            assert_eq!(session.clone().with_state_at(now), Session { state: over, ..session.clone() });
        }
    }
}

// ASVS-map: RV5
#[test]
fn a_session_is_over_when_any_of_its_epochs_is_behind() {
    let session = Session { epochs: epochs(2, 2, 2), ..live() };
    for (current, why) in [
        (epochs(2, 2, 2), None),
        (epochs(1, 1, 1), None),
        (epochs(3, 2, 2), Some(EndReason::LogoutAll)),
        (epochs(2, 3, 2), Some(EndReason::Tenant)),
        (epochs(2, 2, 3), Some(EndReason::Admin)),
        (epochs(3, 3, 3), Some(EndReason::LogoutAll)),
    ] {
        assert_eq!(reason(session.state_at(NOW, current)), why, "{current:?}");
    }
}

#[test]
fn an_end_keeps_its_first_time_and_reason_whatever_follows() {
    let ended = live().end(ending(EndReason::RefreshReuse));
    assert_eq!(ended.state, SessionState::Ended(ending(EndReason::RefreshReuse)));
    let again = ended.clone().end(Ending { at: at(1), reason: EndReason::Logout });
    assert_eq!(again, ended);
    assert_eq!(ended.state_at(NOW.plus(MAX), epochs(9, 9, 9)), ended.state);
    assert_eq!(ended.state_at(at(-3_600_000), ended.epochs), ended.state);
    assert_eq!(ended.clone().with_state_at(NOW.plus(MAX)), ended);
}

// ASVS-map: RT6
#[test]
fn a_use_never_moves_the_idle_timeout_back_or_past_the_absolute_one() {
    let first = live();
    let later = first.clone().touch(at(10), Some(at(10).plus(IDLE)));
    assert_eq!((later.last_seen, later.idle_expires), (at(10), at(10).plus(IDLE)));
    assert_eq!(later.clone().touch(at(5), Some(at(5).plus(IDLE))), later);
    assert_eq!(later.clone().touch(at(5), None), later);
    let longest = later.touch(at(11), Some(NOW.plus(MAX * 2)));
    assert_eq!(longest.idle_expires, NOW.plus(MAX));
    assert_eq!(longest.absolute_expires, first.absolute_expires);
}

// ASVS-map: RV4
#[test]
fn a_tombstone_is_kept_for_as_long_as_the_session_could_have_lived() {
    let session = live();
    assert_eq!(session.kept_until(), NOW.plus(IDLE).plus(RECORD_RETENTION));
    let ended = session.end(ending(EndReason::Logout));
    assert_eq!(ended.kept_until(), NOW.plus(MAX).plus(RECORD_RETENTION));
}

#[test]
fn a_proof_of_one_session_does_not_match_another() {
    let secret = crate::secret::PlainSecret::presented("device");
    let hash = |session: &Session| -> SecretHash { DeviceProof::hash_of(&secret, &session.key) };
    let (one, other) = (live(), live());
    assert_eq!(hash(&one), hash(&one));
    assert_ne!(hash(&one), hash(&other));
    let elsewhere = SessionKey { tenant: "acme".parse().unwrap(), id: one.key.id };
    assert_ne!(hash(&one), DeviceProof::hash_of(&secret, &elsewhere));
}

#[test]
fn a_device_is_described_without_control_characters_and_at_bounded_length() {
    let device = Device::described("192.0.2.1", &format!("a\r\nb\u{1b}{}", "x".repeat(600)));
    assert!(device.user_agent.starts_with("abx"));
    assert_eq!(device.user_agent.chars().count(), 512);
    assert_eq!((device.name.as_str(), device.address.as_str()), (device.user_agent.as_str(), "192.0.2.1"));
}

#[test]
fn a_reason_is_read_as_it_is_written() {
    for reason in EndReason::ALL {
        assert_eq!(reason.as_str().parse(), Ok(reason));
    }
    assert!("Logout".parse::<EndReason>().is_err());
}
