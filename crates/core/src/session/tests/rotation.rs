//! The table of the refresh token rotation.

use super::*;

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
        RotationOutcome::Shared(_) => "shared",
        RotationOutcome::RolledBack(_) => "rolled back",
        RotationOutcome::Reused(_) => "reused",
        RotationOutcome::Expired => "expired",
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
        // The one before, with the proof: its successor was not used.
        (2, soon, SessionProof::Shown, PresentedDeviceProof::Proof, "replayed"),
        (2, soon, SessionProof::Unshown, PresentedDeviceProof::Proof, "replayed"),
        (2, late, SessionProof::Shown, PresentedDeviceProof::Proof, "replayed"),
        (2, late, SessionProof::Unshown, PresentedDeviceProof::Proof, "replayed"),
        // Older.
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
        // A later generation, which only the holder of the key can have signed: the store has lost writes.
        (4, soon, SessionProof::Shown, PresentedDeviceProof::Proof, "rolled back"),
        (9, late, SessionProof::Unshown, PresentedDeviceProof::Nothing, "rolled back"),
        (9, late, SessionProof::Nothing, PresentedDeviceProof::Nothing, "rolled back"),
        (4, soon, SessionProof::Shown, PresentedDeviceProof::Nothing, "reused"),
        (4, soon, SessionProof::Shown, PresentedDeviceProof::Other, "reused"),
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
    let second_successor = RotationRequest { successor: numbered(78), ..redemption(2) };
    assert_eq!(
        outcome(&held(SessionProof::Shown).rotate(&second_successor)),
        "stale",
        "its successor is not the current"
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
        late_repeats: spent.late_repeats,
    };
    let expected = Session {
        last_seen: redemption.now,
        idle_expires: rotation.expires,
        rotation: Some(rotation),
        version: before.version + 1,
        ..before
    };
    assert_eq!(after, expected);
}

/// The session as this outcome leaves it; fails if the outcome has another name.
#[track_caller]
fn left(rotated: &RotationOutcome, expected: &str) -> Session {
    assert_eq!(outcome(rotated), expected);
    rotated.session().unwrap().clone()
}

#[test]
fn a_session_goes_on_from_a_token_that_is_newer_than_its_record() {
    let before = live();
    let newer = redemption(7);
    let after = left(&before.clone().rotate(&newer), "rolled back");
    let rotation = after.rotation.clone().unwrap();
    let used = PreviousGeneration { hash: newer.presented, issued: newer.issued, expires: newer.expires };
    assert_eq!((rotation.generation, rotation.current, rotation.previous), (8, newer.successor, Some(used)));
    assert_eq!(
        Session {
            rotation: before.rotation.clone(),
            idle_expires: before.idle_expires,
            last_seen: NOW,
            version: before.version,
            ..after.clone()
        },
        before
    );
    assert_eq!(left(&after.clone().rotate(&newer), "replayed"), after, "another tab with the same token");
    left(&after.clone().rotate(&redemption(8)), "won");
    assert_eq!(outcome(&after.rotate(&redemption(6))), "stale");
}

// ASVS-map: RT3
#[test]
fn a_lost_answer_is_repeated_until_an_hour_after_the_expiry_of_its_token() {
    let expires = NOW.plus(GRACE);
    let at_time = |generation, now| {
        let request = RotationRequest { expires, now, ..redemption(generation) };
        let lasting = Session { idle_expires: NOW.plus(MAX), ..live() };
        outcome(&lasting.rotate(&request))
    };
    let last = expires.plus(REPEAT_AFTER_EXPIRY);
    for now in [expires.minus(MILLISECOND), expires, last.minus(MILLISECOND)] {
        assert_eq!(at_time(2, now), "replayed");
    }
    for (generation, now) in [(2, last), (1, expires), (3, expires), (4, expires)] {
        assert_eq!(at_time(generation, now), "expired", "{generation}");
    }
    let unproven = RotationRequest { proof: None, now: expires, expires, ..redemption(2) };
    assert_eq!(outcome(&live().rotate(&unproven)), "expired", "an expired token ends nothing");
}

/// A session of which two clients hold token and proof: one redeems each generation, the other repeats it later.
fn shared_until(generation: u64, after: Duration) -> (Session, RotationOutcome) {
    let mut session = Session { idle_expires: NOW.plus(MAX), ..live() };
    let mut repeated = RotationOutcome::Gone;
    for (turn, generation) in (3..=generation).enumerate() {
        let now = NOW.plus(GRACE * 4 * u32::try_from(turn).unwrap());
        let request = RotationRequest { now, lifetime: MAX, ..redemption(generation) };
        session = left(&session.rotate(&request), "won");
        repeated = session.clone().rotate(&RotationRequest { now: now.plus(after), ..request });
        session = repeated.session().unwrap().clone();
    }
    (session, repeated)
}

// ASVS-map: RT4
#[test]
fn the_third_generation_in_a_row_that_is_repeated_late_is_refused_and_reported_once() {
    let late = GRACE + MILLISECOND;
    for (generation, after, expected) in [(4, late, "replayed"), (5, late, "shared"), (9, GRACE, "replayed")]
    {
        assert_eq!(outcome(&shared_until(generation, after).1), expected, "{generation}");
    }
    let (session, _) = shared_until(5, late);
    assert_eq!(session.state, SessionState::Live);
    let request = |generation, after| RotationRequest {
        now: NOW.plus(GRACE * 8).plus(after),
        ..redemption(generation)
    };
    let again = request(5, late + GRACE);
    assert_eq!(outcome(&session.clone().rotate(&again)), "stale", "it is reported once");
    let next = left(&session.rotate(&request(6, late)), "won");
    assert_eq!(outcome(&next.clone().rotate(&again)), "stale", "an older one");
    // The client with the newest token goes on, and is counted anew after a generation that was not repeated.
    let next = left(&next.rotate(&request(7, late)), "won");
    left(&next.rotate(&request(7, late * 3)), "replayed");
}

#[test]
fn a_generation_that_is_repeated_late_twice_counts_once() {
    let mut session = left(&live().rotate(&redemption(3)), "won");
    for minutes in 2..9 {
        let late = RotationRequest { now: NOW.plus(GRACE * minutes), ..redemption(3) };
        session = left(&session.rotate(&late), "replayed");
    }
}

// ASVS-map: RT6
#[test]
fn a_successor_does_not_outlive_its_session() {
    let late = NOW.plus(MAX).minus(Duration::from_secs(10));
    let before = Session { idle_expires: NOW.plus(MAX), ..live() };
    let request = RotationRequest { now: late, expires: NOW.plus(MAX), ..redemption(3) };
    let RotationOutcome::Won(after) = before.clone().rotate(&request) else {
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
    assert_eq!(after, Session { proof: pinned, version: before.version + 1, ..before });
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
    for generation in 0..=5 {
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
