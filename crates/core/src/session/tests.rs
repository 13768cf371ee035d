use super::*;
use crate::id::TenantId;
use crate::secret::SecretHash;
use crate::store::conformance::records::{
    GRACE, IDLE, MAX, NOW, at, bare_session, ending, numbered, redemption, session, somebody,
};

const MILLISECOND: Duration = Duration::from_millis(1);

fn live() -> Session {
    session(&somebody(&TenantId::default_tenant()))
}

fn reason(state: State) -> Option<EndReason> {
    match state {
        State::Live => None,
        State::Ended(ending) => Some(ending.reason),
    }
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
        assert_eq!(session.state_at(end.minus(MILLISECOND), session.epochs), State::Live);
        for now in [end, end.plus(MAX)] {
            let over = State::Ended(Ending { at: end, reason: why });
            assert_eq!(session.state_at(now, session.epochs), over);
            assert_eq!(session.clone().judged(now), Session { state: over, ..session.clone() });
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
    assert_eq!(ended.state, State::Ended(ending(EndReason::RefreshReuse)));
    let again = ended.clone().end(Ending { at: at(1), reason: EndReason::Logout });
    assert_eq!(again, ended);
    assert_eq!(ended.state_at(NOW.plus(MAX), epochs(9, 9, 9)), ended.state);
    assert_eq!(ended.state_at(at(-3_600_000), ended.epochs), ended.state);
    assert_eq!(ended.clone().judged(NOW.plus(MAX)), ended);
}

// ASVS-map: RT6
#[test]
fn a_use_never_moves_an_end_back_or_past_the_absolute_one() {
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
    assert_eq!(session.kept_until(), NOW.plus(IDLE).plus(KEPT_LONGER));
    let ended = session.end(ending(EndReason::Logout));
    assert_eq!(ended.kept_until(), NOW.plus(MAX).plus(KEPT_LONGER));
}

/// What is held: no proof, one that was never shown, or one that was.
#[derive(Clone, Copy, Debug)]
enum Held {
    Nothing,
    Unshown,
    Shown,
}

/// What comes along: nothing, the proof, or another one.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Along {
    Nothing,
    Proof,
    Other,
}

/// The outcomes, by name.
fn outcome(rotated: &Rotated) -> &'static str {
    match rotated {
        Rotated::Won(_) => "won",
        Rotated::Replayed(_) => "replayed",
        Rotated::Stale(_) => "stale",
        Rotated::Reused(_) => "reused",
        Rotated::Gone => "gone",
    }
}

fn held(held: Held) -> Session {
    let shown = match held {
        Held::Nothing => return Session { proof: None, ..live() },
        Held::Unshown => false,
        Held::Shown => true,
    };
    Session { proof: Some(Proof { hash: numbered(1000), shown }), ..live() }
}

fn presented(generation: u64, along: Along, after: Duration) -> Redemption {
    let proof = match along {
        Along::Nothing => None,
        Along::Proof => Some(numbered(1000)),
        Along::Other => Some(numbered(1001)),
    };
    Redemption { proof, now: NOW.plus(after), ..redemption(generation) }
}

/// The table of the design, row by row: generation (the current one is 3), after how long, what is held, what comes
/// along, what follows.
// ASVS-map: RT1 RT3
#[test]
fn rotation_follows_its_table() {
    let soon = GRACE;
    let late = GRACE + MILLISECOND;
    let table = [
        // The current one: with the proof, or without one where none was ever shown.
        (3, late, Held::Nothing, Along::Nothing, "won"),
        (3, late, Held::Nothing, Along::Proof, "won"),
        (3, late, Held::Unshown, Along::Nothing, "won"),
        (3, late, Held::Unshown, Along::Other, "won"),
        (3, late, Held::Unshown, Along::Proof, "won"),
        (3, late, Held::Shown, Along::Proof, "won"),
        // The current one, whose proof is missing or wrong.
        (3, soon, Held::Shown, Along::Nothing, "reused"),
        (3, soon, Held::Shown, Along::Other, "reused"),
        // The one before, with the proof, within the window.
        (2, soon, Held::Shown, Along::Proof, "replayed"),
        (2, soon, Held::Unshown, Along::Proof, "replayed"),
        // Later, or older.
        (2, late, Held::Shown, Along::Proof, "stale"),
        (2, late, Held::Unshown, Along::Proof, "stale"),
        (1, soon, Held::Shown, Along::Proof, "stale"),
        (0, late, Held::Shown, Along::Proof, "stale"),
        // Without the proof.
        (2, soon, Held::Shown, Along::Nothing, "reused"),
        (2, soon, Held::Shown, Along::Other, "reused"),
        (2, soon, Held::Unshown, Along::Nothing, "reused"),
        (2, soon, Held::Nothing, Along::Nothing, "reused"),
        (2, soon, Held::Nothing, Along::Proof, "reused"),
        (0, late, Held::Nothing, Along::Nothing, "reused"),
        (1, soon, Held::Shown, Along::Other, "reused"),
        // Of a generation that is still to come: nobody but us can have made it, and we did not.
        (4, soon, Held::Shown, Along::Proof, "reused"),
    ];
    for (generation, after, holds, along, expected) in table {
        let before = held(holds);
        let rotated = before.clone().rotate(&presented(generation, along, after));
        assert_eq!(outcome(&rotated), expected, "{generation} {holds:?} {along:?}");
        if let Rotated::Stale(left) = rotated {
            assert_eq!(left, before);
        }
    }
}

#[test]
fn the_current_token_of_another_chain_is_a_forgery_by_whoever_signed_it() {
    let forged = Redemption { presented: numbered(77), ..redemption(3) };
    assert_eq!(outcome(&held(Held::Nothing).rotate(&forged)), "reused");
    let forged = Redemption { presented: numbered(77), ..redemption(2) };
    assert_eq!(outcome(&held(Held::Shown).rotate(&forged)), "stale", "the device is the one that was pinned");
}

#[test]
fn a_won_rotation_spends_the_token_and_moves_the_idle_end() {
    let before = live();
    let redemption = redemption(3);
    let Rotated::Won(after) = before.clone().rotate(&redemption) else { panic!("it is the current one") };
    let spent = before.rotation.clone().unwrap();
    let rotation = Rotation {
        generation: 4,
        issued: redemption.now,
        expires: redemption.now.plus(redemption.lifetime),
        kid: redemption.kid.clone(),
        current: numbered(4),
        previous: Some(Previous { hash: spent.current, issued: spent.issued, expires: spent.expires }),
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
    let Rotated::Won(after) = before.clone().rotate(&Redemption { now: late, ..redemption(3) }) else {
        panic!("it is the current one")
    };
    assert_eq!(after.rotation.unwrap().expires, before.absolute_expires);
    assert_eq!(after.absolute_expires, before.absolute_expires);
    let over = Redemption { now: NOW.plus(MAX), ..redemption(3) };
    assert_eq!(before.rotate(&over), Rotated::Gone);
}

#[test]
fn a_replay_changes_nothing_but_the_pin() {
    let before = held(Held::Unshown);
    let Rotated::Replayed(after) = before.clone().rotate(&presented(2, Along::Proof, GRACE)) else {
        panic!("it is the one before")
    };
    let pinned = before.proof.map(|proof| Proof { shown: true, ..proof });
    assert_eq!(after, Session { proof: pinned, ..before });
}

#[test]
fn a_proof_that_was_shown_once_is_required_from_then_on() {
    let unshown = held(Held::Unshown);
    let Rotated::Won(pinned) = unshown.rotate(&presented(3, Along::Proof, GRACE)) else {
        panic!("it is the current one")
    };
    assert!(pinned.proof.unwrap().shown);
    assert_eq!(outcome(&pinned.rotate(&presented(4, Along::Nothing, GRACE))), "reused");

    let Rotated::Won(still) = held(Held::Unshown).rotate(&presented(3, Along::Nothing, GRACE)) else {
        panic!("it is the current one")
    };
    assert!(!still.proof.unwrap().shown);
}

// ASVS-map: RT5
#[test]
fn reuse_is_final_for_every_member_of_the_family_whatever_the_clock_says() {
    let Rotated::Reused(ended) = held(Held::Shown).rotate(&presented(3, Along::Nothing, GRACE)) else {
        panic!("the proof is missing")
    };
    assert_eq!(reason(ended.state), Some(EndReason::RefreshReuse));
    for generation in 0..=4 {
        for now in [at(-3_600_000), NOW, NOW.plus(GRACE), NOW.plus(GRACE * 2), NOW.plus(MAX)] {
            let redemption = Redemption { now, ..presented(generation, Along::Proof, GRACE) };
            assert_eq!(ended.clone().rotate(&redemption), Rotated::Gone);
        }
    }
}

#[test]
fn what_has_expired_or_has_no_refresh_token_does_not_rotate() {
    let idled_out = Redemption { now: NOW.plus(IDLE), ..redemption(3) };
    assert_eq!(live().rotate(&idled_out), Rotated::Gone);
    let bare = bare_session(&somebody(&TenantId::default_tenant()));
    assert_eq!(bare.rotate(&redemption(0)), Rotated::Gone);
}

#[test]
fn a_proof_of_one_session_is_none_of_another() {
    let secret = crate::secret::PlainSecret::presented("device");
    let hash = |session: &Session| -> SecretHash { Proof::hash_of(&secret, &session.key) };
    let (one, other) = (live(), live());
    assert_eq!(hash(&one), hash(&one));
    assert_ne!(hash(&one), hash(&other));
    let elsewhere = SessionKey { tenant: "acme".parse().unwrap(), id: one.key.id };
    assert_ne!(hash(&one), Proof::hash_of(&secret, &elsewhere));
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
