//! What [`Session::rotate`] decides, written as [`SessionStore::update`](crate::store::SessionStore::update) must do.

use super::super::records::{
    GRACE, MAX, NOW, at, bare_session, by_id, idled_out, new_user_key, numbered, redemption, session, tenant,
    unproven_session,
};
use super::{Answered, each, sessions::found, uncached_node::rotate};
use crate::session::{
    DeviceProof, EndReason, Ending, RotationOutcome, RotationRequest, Session, SessionState,
};
use crate::store::Stores;

pub(super) async fn all(make: &impl AsyncFn() -> Stores) {
    each!(make;
        a_rotation_is_decided_by_the_session_and_written,
        a_chain_of_rotations_is_kept,
        late_repeats_are_counted_from_generation_to_generation,
        a_reused_token_ends_the_session_in_the_same_step,
        a_session_without_a_refresh_token_does_not_rotate,
    );
}

/// Every kind of token, with and without the device proof.
fn presentations() -> Vec<RotationRequest> {
    let proofs = [Some(numbered(1000)), Some(numbered(1001)), None];
    let times = [at(-3_600_000), NOW, NOW.plus(GRACE), at(60_001), idled_out()];
    let mut all = Vec::new();
    for generation in [0, 1, 2, 3, 4, 1 << 40] {
        for (proof, now) in proofs.iter().flat_map(|proof| times.map(|now| (*proof, now))) {
            all.push(RotationRequest { proof, now, ..redemption(generation) });
        }
    }
    let forged =
        [2, 3].map(|generation| RotationRequest { presented: numbered(77), ..redemption(generation) });
    let expired = [2, 3, 4].map(|generation| RotationRequest { expires: at(1000), ..redemption(generation) });
    all.into_iter().chain(forged).chain(expired).collect()
}

/// What [`Session::rotate`] returns is stored.
// ASVS-map: RT1 RT3
pub async fn a_rotation_is_decided_by_the_session_and_written(stores: &Stores) {
    let jo = new_user_key(&tenant("acme"));
    let held = |shown| Some(DeviceProof { hash: numbered(1000), shown });
    for proof in [None, held(false), held(true)] {
        for redemption in presentations() {
            let before = Session { proof, ..session(&jo) };
            stores.sessions.insert(&before).await.answered();
            let expected = before.clone().rotate(&redemption);
            let rotated = rotate(stores, &before.key, &redemption).await;
            assert_eq!(rotated, expected, "{redemption:?}");
            let left = found(stores, &by_id(&before), NOW).await;
            assert_eq!(left.as_ref(), expected.session().or(Some(&before)), "{redemption:?}");
        }
    }
}

/// One rotation after the other, each on the result of the one before.
pub async fn a_chain_of_rotations_is_kept(stores: &Stores) {
    let mut current = session(&new_user_key(&tenant("acme")));
    stores.sessions.insert(&current).await.answered();
    for generation in 3..10 {
        let redemption = RotationRequest {
            now: at(1000 * i64::try_from(generation).unwrap_or(0)),
            ..redemption(generation)
        };
        let rotated = rotate(stores, &current.key, &redemption).await;
        assert_eq!(rotated, current.rotate(&redemption));
        let RotationOutcome::Won(next) = rotated else { return };
        assert_eq!(next.rotation.as_ref().map(|rotation| rotation.generation), Some(generation + 1));
        current = next;
    }
    assert_eq!(found(stores, &by_id(&current), NOW).await, Some(current));
}

/// A client that repeats every refresh after the grace window is refused at the third generation; the session stays.
// ASVS-map: RT4
pub async fn late_repeats_are_counted_from_generation_to_generation(stores: &Stores) {
    let mut current =
        Session { absolute_expires: NOW.plus(MAX * 2), ..session(&new_user_key(&tenant("acme"))) };
    stores.sessions.insert(&current).await.answered();
    for generation in 3..6 {
        let now = at(120_000 * i64::try_from(generation).unwrap_or(0));
        let first = RotationRequest { now, ..redemption(generation) };
        let late = RotationRequest { now: now.plus(GRACE * 2).minus(GRACE / 2), ..first.clone() };
        for request in [first, late] {
            let expected = current.clone().rotate(&request);
            let rotated = rotate(stores, &current.key, &request).await;
            assert_eq!(rotated, expected, "{generation}");
            assert_eq!(generation == 5 && request.now > now, matches!(rotated, RotationOutcome::Shared(_)));
            let Some(next) = rotated.session() else { return };
            current = next.clone();
        }
    }
    assert_eq!(found(stores, &by_id(&current), NOW).await, Some(current));
}

/// Reuse ends the session for good, and is reported once.
// ASVS-map: RT1
pub async fn a_reused_token_ends_the_session_in_the_same_step(stores: &Stores) {
    let first = unproven_session(&new_user_key(&tenant("acme")));
    stores.sessions.insert(&first).await.answered();
    let spent = RotationRequest { proof: None, ..redemption(2) };
    let reused = rotate(stores, &first.key, &spent).await;
    let ending = Ending { at: spent.now, reason: EndReason::RefreshReuse };
    let ended = first.clone().end(ending);
    assert_eq!(reused, RotationOutcome::Reused(ended.clone()));
    assert_eq!(rotate(stores, &first.key, &spent).await, RotationOutcome::Gone);
    let current = redemption(3);
    assert_eq!(rotate(stores, &first.key, &current).await, RotationOutcome::Gone);
    assert_eq!(found(stores, &by_id(&first), NOW).await, Some(ended));
}

/// A session without a refresh token cannot be rotated, and the attempt does not end it.
pub async fn a_session_without_a_refresh_token_does_not_rotate(stores: &Stores) {
    let bare = bare_session(&new_user_key(&tenant("acme")));
    stores.sessions.insert(&bare).await.answered();
    assert_eq!(rotate(stores, &bare.key, &redemption(0)).await, RotationOutcome::Gone);
    let left = found(stores, &by_id(&bare), NOW).await;
    assert_eq!(left.map(|session| session.state), Some(SessionState::Live));
}
