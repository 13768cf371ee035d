//! What a [`SessionStore`](crate::store::SessionStore) must do with one session at a time.

use std::time::Duration;

use super::super::records::{
    IDLE, MAX, NOW, at, bare_session, by_cookie, by_id, ending, idled_out, new_user_key, redemption, session,
    tenant, unproven_session,
};
use super::uncached_node::{rotate, touch};
use super::{Answered, Capabilities, each, rest_of_pages};
use crate::clock::Timestamp;
use crate::id::{SessionId, UserKey};
use crate::machine::SystemRandom;
use crate::session::{DeviceProof, EndReason, Ending, Epochs, RotationOutcome, Session, SessionState};
use crate::store::{EndScope, Inserted, Page, SessionHandle, Stores};

pub(super) async fn all(make: &impl AsyncFn() -> Stores, can: Capabilities) {
    each!(make;
        a_session_is_found_as_written,
        no_session_is_found_where_none_is,
        an_insert_never_replaces,
        expiry_is_judged_with_the_given_time,
        a_use_moves_the_end_forward_and_never_past_the_last,
        a_use_of_what_is_over_changes_nothing,
        a_device_is_renamed_while_its_session_lives,
        a_list_shows_the_users_own_by_age,
        pages_show_what_stays_once_while_others_go,
        a_purge_takes_only_ended_sessions_that_are_over,
    );
    if can.purges_live_sessions {
        each!(make;
            a_purge_takes_only_live_sessions_that_are_over,
            a_purge_is_bounded,
        );
    }
}

pub(super) async fn found(stores: &Stores, handle: &SessionHandle, now: Timestamp) -> Option<Session> {
    stores.sessions.find(handle, now).await.answered()
}

async fn state(stores: &Stores, session: &Session, now: Timestamp) -> Option<SessionState> {
    found(stores, &by_id(session), now).await.map(|session| session.state)
}

const fn over(at: Timestamp, reason: EndReason) -> SessionState {
    SessionState::Ended(Ending { at, reason })
}

/// `find` returns what `insert` wrote, to the last millisecond and letter, by id and by cookie.
pub async fn a_session_is_found_as_written(stores: &Stores) {
    let jo = new_user_key(&tenant("acme"));
    let pinned = session(&jo);
    let unpinned = Session {
        epochs: Epochs { user: 1, tenant: 1 << 40, everyone: 3 },
        proof: Some(DeviceProof { hash: super::super::records::numbered(5), shown: false }),
        rotation: pinned
            .rotation
            .clone()
            .map(|rotation| crate::session::RotationState { previous: None, ..rotation }),
        last_seen: at(17),
        ..session(&jo)
    };
    for written in [pinned, unpinned, unproven_session(&jo), bare_session(&jo)] {
        assert_eq!(stores.sessions.insert(&written).await.answered(), Inserted::Done);
        assert_eq!(found(stores, &by_id(&written), NOW).await.as_ref(), Some(&written));
        let by_cookie = found(stores, &by_cookie(&written), NOW).await;
        assert_eq!(by_cookie, written.cookie.is_some().then_some(written));
    }
}

/// An unknown session is an answer, not an error.
pub async fn no_session_is_found_where_none_is(stores: &Stores) {
    let absent = session(&new_user_key(&tenant("acme")));
    assert_eq!(found(stores, &by_id(&absent), NOW).await, None);
    assert_eq!(found(stores, &by_cookie(&absent), NOW).await, None);
    assert_eq!(rotate(stores, &absent.key, &redemption(3)).await, RotationOutcome::Gone);
    assert!(!touch(stores, &absent.key, NOW, None).await);
    assert!(!stores.sessions.rename(&absent.key, "x", NOW).await.answered());
    assert_eq!(found(stores, &by_id(&absent), NOW).await, None);
}

/// `insert` creates; if the id is taken, nothing is written.
pub async fn an_insert_never_replaces(stores: &Stores) {
    let jo = new_user_key(&tenant("acme"));
    let first = session(&jo);
    stores.sessions.insert(&first).await.answered();
    for again in [first.clone(), Session { key: first.key.clone(), ..bare_session(&jo) }] {
        assert_eq!(stores.sessions.insert(&again).await.answered(), Inserted::Clash);
    }
    assert_eq!(found(stores, &by_id(&first), NOW).await, Some(first));
}

/// `find` and `list` judge a session by the given time, and write nothing.
// ASVS-map: SE3
pub async fn expiry_is_judged_with_the_given_time(stores: &Stores) {
    let jo = new_user_key(&tenant("acme"));
    let idle = session(&jo);
    let absolute = Session { idle_expires: NOW.plus(MAX), ..session(&jo) };
    for (session, end, reason) in
        [(idle, idled_out(), EndReason::Idle), (absolute, NOW.plus(MAX), EndReason::Absolute)]
    {
        stores.sessions.insert(&session).await.answered();
        let just_before = end.minus(Duration::from_millis(1));
        assert_eq!(state(stores, &session, just_before).await, Some(SessionState::Live));
        assert_eq!(state(stores, &session, end).await, Some(over(end, reason)));
        let by_cookie = found(stores, &by_cookie(&session), end.plus(MAX)).await;
        assert!(by_cookie.is_some_and(|session| matches!(session.state, SessionState::Ended(_))));
        let page = Page { after: None, limit: 10 };
        let listed = stores.sessions.list(&jo, page, end).await.answered();
        assert!(listed.iter().any(|found| found.key == session.key && found.state == over(end, reason)));
        assert_eq!(state(stores, &session, just_before).await, Some(SessionState::Live), "it was only asked");
    }
}

/// `touch` records a use and moves the idle expiry. Neither goes back, and the expiry never passes the absolute one.
// ASVS-map: RT6
pub async fn a_use_moves_the_end_forward_and_never_past_the_last(stores: &Stores) {
    let first = session(&new_user_key(&tenant("acme")));
    stores.sessions.insert(&first).await.answered();
    let uses = [
        (at(5000), None),
        (at(6000), Some(at(6000).plus(IDLE))),
        (at(4000), Some(at(4000).plus(IDLE))),
        (at(7000), Some(NOW.plus(MAX).plus(IDLE))),
    ];
    let mut expected = first;
    for (seen, idle_expires) in uses {
        assert!(touch(stores, &expected.key, seen, idle_expires).await);
        expected = expected.touch(seen, idle_expires);
        assert_eq!(found(stores, &by_id(&expected), NOW).await.as_ref(), Some(&expected));
    }
    assert_eq!(expected.idle_expires, NOW.plus(MAX));
}

/// `touch` of a session that has ended or expired returns `false` and changes nothing.
pub async fn a_use_of_what_is_over_changes_nothing(stores: &Stores) {
    let jo = new_user_key(&tenant("acme"));
    let expired = session(&jo);
    stores.sessions.insert(&expired).await.answered();
    let late = Some(idled_out().plus(IDLE));
    assert!(!touch(stores, &expired.key, idled_out(), late).await);
    assert_eq!(state(stores, &expired, idled_out()).await, Some(over(idled_out(), EndReason::Idle)));

    let ended = session(&jo);
    stores.sessions.insert(&ended).await.answered();
    stores.sessions.end(&EndScope::One(ended.key.clone()), ending(EndReason::Logout)).await.answered();
    let before = found(stores, &by_id(&ended), NOW).await;
    assert!(!touch(stores, &ended.key, at(5), Some(at(5).plus(IDLE))).await);
    assert_eq!(found(stores, &by_id(&ended), NOW).await, before);
}

/// `rename` changes the name of a live session's device and nothing else.
pub async fn a_device_is_renamed_while_its_session_lives(stores: &Stores) {
    let mut first = session(&new_user_key(&tenant("acme")));
    stores.sessions.insert(&first).await.answered();
    let name = "Zoë's 'other' 漢😀 phone";
    assert!(stores.sessions.rename(&first.key, name, at(1)).await.answered());
    name.clone_into(&mut first.device.name);
    first.version += 1;
    assert_eq!(found(stores, &by_id(&first), NOW).await.as_ref(), Some(&first));

    assert!(!stores.sessions.rename(&first.key, "x", idled_out()).await.answered());
    stores.sessions.end(&EndScope::One(first.key.clone()), ending(EndReason::Logout)).await.answered();
    assert!(!stores.sessions.rename(&first.key, "x", at(1)).await.answered());
    let left = found(stores, &by_id(&first), NOW).await;
    assert_eq!(left.map(|session| session.device), Some(first.device));
}

/// Sessions that were created one millisecond after the other, three at a time.
async fn several(stores: &Stores, user: &UserKey, count: i64) -> Vec<Session> {
    let mut made = Vec::new();
    for number in 0..count {
        let mut next = session(user);
        next.key.id = SessionId::generate(at(number / 3), user.id, &SystemRandom);
        stores.sessions.insert(&next).await.answered();
        made.push(next);
    }
    made.sort_by_key(|session| session.key.id);
    made
}

async fn page(stores: &Stores, user: &UserKey, after: Option<SessionId>, limit: u32) -> Vec<SessionId> {
    let page = stores.sessions.list(user, Page { after, limit }, NOW).await.answered();
    assert!(page.len() <= limit as usize);
    page.into_iter().map(|session| session.key.id).collect()
}

async fn rest(stores: &Stores, user: &UserKey, seen: Vec<SessionId>, limit: u32) -> Vec<SessionId> {
    rest_of_pages(seen, async |after| page(stores, user, after, limit).await).await
}

/// `list` shows each session and tombstone of the user once, oldest first, and none of another user.
pub async fn a_list_shows_the_users_own_by_age(stores: &Stores) {
    let (jo, ann) = (new_user_key(&tenant("acme")), new_user_key(&tenant("acme")));
    let own = several(stores, &jo, 10).await;
    several(stores, &ann, 4).await;
    let [first, ..] = own.as_slice() else { return };
    stores.sessions.end(&EndScope::One(first.key.clone()), ending(EndReason::Logout)).await.answered();
    let ids: Vec<SessionId> = own.iter().map(|session| session.key.id).collect();
    for limit in [1, 3, 10, 100] {
        assert_eq!(rest(stores, &jo, Vec::new(), limit).await, ids, "in pages of {limit}");
    }
    let listed = stores.sessions.list(&jo, Page { after: None, limit: 100 }, NOW).await.answered();
    let tombstone = first.clone().end(ending(EndReason::Logout));
    assert_eq!(listed.first(), Some(&tombstone));
    assert_eq!(listed.get(1..), own.get(1..));
}

/// A session that exists from the first page to the last is shown once, even if others come and go.
pub async fn pages_show_what_stays_once_while_others_go(stores: &Stores) {
    let jo = new_user_key(&tenant("acme"));
    let made = several(stores, &jo, 12).await;
    let mut going = session(&jo);
    going.absolute_expires = at(-1);
    going.idle_expires = at(-1);
    going.key.id = SessionId::generate(at(1), jo.id, &SystemRandom);
    stores.sessions.insert(&going).await.answered();

    let first = page(stores, &jo, None, 5).await;
    stores.sessions.purge(going.kept_until(), 100).await.answered();
    let coming = several(stores, &jo, 6).await;
    let seen = rest(stores, &jo, first, 5).await;
    assert!(seen.is_sorted_by(|one, next| one < next));
    assert!(made.iter().all(|session| seen.contains(&session.key.id)));
    let known =
        |id: &SessionId| made.iter().chain(&coming).chain([&going]).any(|session| session.key.id == *id);
    assert!(seen.iter().all(known));
}

/// `purge` removes a session whose [`Session::kept_until`] has passed, to the millisecond.
async fn is_purged_in_time(stores: &Stores, goes: &Session) {
    let due = goes.kept_until();
    assert_eq!(stores.sessions.purge(due.minus(Duration::from_millis(1)), 100).await.answered(), 0);
    assert!(found(stores, &by_id(goes), NOW).await.is_some());
    assert_eq!(stores.sessions.purge(due, 100).await.answered(), 1);
    assert_eq!(found(stores, &by_id(goes), NOW).await, None);
    assert_eq!(found(stores, &by_cookie(goes), NOW).await, None);
}

/// One that is live goes before a tombstone.
// ASVS-map: RV4
pub async fn a_purge_takes_only_live_sessions_that_are_over(stores: &Stores) {
    let jo = new_user_key(&tenant("acme"));
    let (live, ended) = (session(&jo), session(&jo));
    for session in [&live, &ended] {
        stores.sessions.insert(session).await.answered();
    }
    stores.sessions.end(&EndScope::One(ended.key.clone()), ending(EndReason::Logout)).await.answered();
    assert!(live.kept_until() < ended.end(ending(EndReason::Logout)).kept_until());
    is_purged_in_time(stores, &live).await;
    assert_eq!(page(stores, &jo, None, 10).await.len(), 1);
}

/// A tombstone stays until every token that its session may have issued has expired.
// ASVS-map: RV4
pub async fn a_purge_takes_only_ended_sessions_that_are_over(stores: &Stores) {
    let jo = new_user_key(&tenant("acme"));
    let ended = session(&jo);
    stores.sessions.insert(&ended).await.answered();
    stores.sessions.end(&EndScope::One(ended.key.clone()), ending(EndReason::Logout)).await.answered();
    is_purged_in_time(stores, &ended.end(ending(EndReason::Logout))).await;
    assert_eq!(page(stores, &jo, None, 10).await, []);
}

/// `purge` removes at most as many as its limit, and returns how many; the next call takes the rest.
pub async fn a_purge_is_bounded(stores: &Stores) {
    let jo = new_user_key(&tenant("acme"));
    let made = several(stores, &jo, 7).await;
    stores.sessions.insert(&Session { idle_expires: NOW.plus(MAX), ..session(&jo) }).await.answered();
    let Some(due) = made.iter().map(Session::kept_until).max() else { return };
    assert_eq!(stores.sessions.purge(due, 0).await.answered(), 0);
    for expected in [3, 3, 1, 0] {
        assert_eq!(stores.sessions.purge(due, 3).await.answered(), expected);
    }
    assert_eq!(page(stores, &jo, None, 10).await.len(), 1);
}
