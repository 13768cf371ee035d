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

/// The proof of the session: none, one that was never presented, or one that was.
#[derive(Clone, Copy, Debug)]
enum SessionProof {
    Nothing,
    Unshown,
    Shown,
}

/// The proof in the request: none, the right one, or another.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum PresentedDeviceProof {
    Nothing,
    Proof,
    Other,
}

/// The outcome by name.
fn outcome(rotated: &RotationOutcome) -> &'static str {
    match rotated {
        RotationOutcome::Won(_) => "won",
        RotationOutcome::Replayed(_) => "replayed",
        RotationOutcome::Stale(_) => "stale",
        RotationOutcome::Reused(_) => "reused",
        RotationOutcome::Gone => "gone",
    }
}

fn held(held: SessionProof) -> Session {
    let shown = match held {
        SessionProof::Nothing => return Session { proof: None, ..live() },
        SessionProof::Unshown => false,
        SessionProof::Shown => true,
    };
    Session { proof: Some(DeviceProof { hash: numbered(1000), shown }), ..live() }
}

fn presented(generation: u64, along: PresentedDeviceProof, after: Duration) -> RotationRequest {
    let proof = match along {
        PresentedDeviceProof::Nothing => None,
        PresentedDeviceProof::Proof => Some(numbered(1000)),
        PresentedDeviceProof::Other => Some(numbered(1001)),
    };
    RotationRequest { proof, now: NOW.plus(after), ..redemption(generation) }
}

/// Generation (the current one is 3), time since the last rotation, proof of the session, proof in the request,
/// outcome.
// ASVS-map: RT1 RT3
#[test]
fn rotation_follows_its_table() {
    let soon = GRACE;
    let late = GRACE + MILLISECOND;
    let table = [
        // The current one: with the proof, or without one if none was ever presented.
        (3, late, SessionProof::Nothing, PresentedDeviceProof::Nothing, "won"),
        (3, late, SessionProof::Nothing, PresentedDeviceProof::Proof, "won"),
        (3, late, SessionProof::Unshown, PresentedDeviceProof::Nothing, "won"),
        (3, late, SessionProof::Unshown, PresentedDeviceProof::Other, "won"),
        (3, late, SessionProof::Unshown, PresentedDeviceProof::Proof, "won"),
        (3, late, SessionProof::Shown, PresentedDeviceProof::Proof, "won"),
        // The current one, whose proof is missing or wrong.
        (3, soon, SessionProof::Shown, PresentedDeviceProof::Nothing, "reused"),
        (3, soon, SessionProof::Shown, PresentedDeviceProof::Other, "reused"),
        // The one before, with the proof, within the window.
        (2, soon, SessionProof::Shown, PresentedDeviceProof::Proof, "replayed"),
        (2, soon, SessionProof::Unshown, PresentedDeviceProof::Proof, "replayed"),
        // Later, or older.
        (2, late, SessionProof::Shown, PresentedDeviceProof::Proof, "stale"),
        (2, late, SessionProof::Unshown, PresentedDeviceProof::Proof, "stale"),
        (1, soon, SessionProof::Shown, PresentedDeviceProof::Proof, "stale"),
        (0, late, SessionProof::Shown, PresentedDeviceProof::Proof, "stale"),
        // Without the proof.
        (2, soon, SessionProof::Shown, PresentedDeviceProof::Nothing, "reused"),
        (2, soon, SessionProof::Shown, PresentedDeviceProof::Other, "reused"),
        (2, soon, SessionProof::Unshown, PresentedDeviceProof::Nothing, "reused"),
        (2, soon, SessionProof::Nothing, PresentedDeviceProof::Nothing, "reused"),
        (2, soon, SessionProof::Nothing, PresentedDeviceProof::Proof, "reused"),
        (0, late, SessionProof::Nothing, PresentedDeviceProof::Nothing, "reused"),
        (1, soon, SessionProof::Shown, PresentedDeviceProof::Other, "reused"),
        // A later generation, which only the holder of the key can have signed.
        (4, soon, SessionProof::Shown, PresentedDeviceProof::Proof, "reused"),
    ];
    for (generation, after, holds, along, expected) in table {
        let before = held(holds);
        let rotated = before.clone().rotate(&presented(generation, along, after));
        assert_eq!(outcome(&rotated), expected, "{generation} {holds:?} {along:?}");
        if let RotationOutcome::Stale(left) = rotated {
            assert_eq!(left, before);
        }
    }
}

#[test]
fn a_token_of_the_current_generation_with_another_chain_secret_is_a_forgery() {
    let forged = RotationRequest { presented: numbered(77), ..redemption(3) };
    assert_eq!(outcome(&held(SessionProof::Nothing).rotate(&forged)), "reused");
    let forged = RotationRequest { presented: numbered(77), ..redemption(2) };
    assert_eq!(
        outcome(&held(SessionProof::Shown).rotate(&forged)),
        "stale",
        "the device is the one that was pinned"
    );
}

#[test]
fn a_won_rotation_uses_the_token_and_moves_the_idle_timeout() {
    let before = live();
    let redemption = redemption(3);
    let RotationOutcome::Won(after) = before.clone().rotate(&redemption) else {
        panic!("it is the current one")
    };
    let spent = before.rotation.clone().unwrap();
    let rotation = RotationState {
        generation: 4,
        issued: redemption.now,
        expires: redemption.now.plus(redemption.lifetime),
        kid: redemption.kid.clone(),
        current: numbered(4),
        previous: Some(PreviousGeneration {
            hash: spent.current,
            issued: spent.issued,
            expires: spent.expires,
        }),
    };
    let expected = Session {
        last_seen: redemption.now,
        idle_expires: rotation.expires,
        rotation: Some(rotation),
        ..before
    };
    assert_eq!(after, expected);
}

// ASVS-map: RT6
#[test]
fn a_successor_does_not_outlive_its_session() {
    let late = NOW.plus(MAX).minus(Duration::from_secs(10));
    let before = Session { idle_expires: NOW.plus(MAX), ..live() };
    let RotationOutcome::Won(after) = before.clone().rotate(&RotationRequest { now: late, ..redemption(3) })
    else {
        panic!("it is the current one")
    };
    assert_eq!(after.rotation.unwrap().expires, before.absolute_expires);
    assert_eq!(after.absolute_expires, before.absolute_expires);
    let over = RotationRequest { now: NOW.plus(MAX), ..redemption(3) };
    assert_eq!(before.rotate(&over), RotationOutcome::Gone);
}

#[test]
fn a_replay_changes_nothing_but_the_pin() {
    let before = held(SessionProof::Unshown);
    let RotationOutcome::Replayed(after) =
        before.clone().rotate(&presented(2, PresentedDeviceProof::Proof, GRACE))
    else {
        panic!("it is the one before")
    };
    let pinned = before.proof.map(|proof| DeviceProof { shown: true, ..proof });
    assert_eq!(after, Session { proof: pinned, ..before });
}

#[test]
fn a_proof_that_was_presented_once_is_required_from_then_on() {
    let unshown = held(SessionProof::Unshown);
    let RotationOutcome::Won(pinned) = unshown.rotate(&presented(3, PresentedDeviceProof::Proof, GRACE))
    else {
        panic!("it is the current one")
    };
    assert!(pinned.proof.unwrap().shown);
    assert_eq!(outcome(&pinned.rotate(&presented(4, PresentedDeviceProof::Nothing, GRACE))), "reused");

    let RotationOutcome::Won(still) =
        held(SessionProof::Unshown).rotate(&presented(3, PresentedDeviceProof::Nothing, GRACE))
    else {
        panic!("it is the current one")
    };
    assert!(!still.proof.unwrap().shown);
}

// ASVS-map: RT5
#[test]
fn reuse_is_final_for_every_member_of_the_family_whatever_the_clock_says() {
    let RotationOutcome::Reused(ended) =
        held(SessionProof::Shown).rotate(&presented(3, PresentedDeviceProof::Nothing, GRACE))
    else {
        panic!("the proof is missing")
    };
    assert_eq!(reason(ended.state), Some(EndReason::RefreshReuse));
    for generation in 0..=4 {
        for now in [at(-3_600_000), NOW, NOW.plus(GRACE), NOW.plus(GRACE * 2), NOW.plus(MAX)] {
            let redemption =
                RotationRequest { now, ..presented(generation, PresentedDeviceProof::Proof, GRACE) };
            assert_eq!(ended.clone().rotate(&redemption), RotationOutcome::Gone);
        }
    }
}

#[test]
fn a_session_that_has_expired_or_has_no_refresh_token_does_not_rotate() {
    let idled_out = RotationRequest { now: NOW.plus(IDLE), ..redemption(3) };
    assert_eq!(live().rotate(&idled_out), RotationOutcome::Gone);
    let bare = bare_session(&new_user_key(&TenantId::default_tenant()));
    assert_eq!(bare.rotate(&redemption(0)), RotationOutcome::Gone);
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
