//! What [`SessionStore::end`](crate::store::SessionStore::end) must do, and that nothing undoes it.

use super::super::records::{
    GRACE, IDLE, NOW, at, bare_session, by_cookie, by_id, ending, idled_out, new_user_key, redemption,
    session, tenant,
};
use super::uncached_node::{rotate, touch};
use super::{Answered, each, sessions::found};
use crate::id::{SessionId, UserKey};
use crate::session::{EndReason, Ending, Epochs, RotationOutcome, RotationRequest, Session, SessionState};
use crate::store::{EndScope, Inserted, Page, Stores};
use crate::strategy::StrategyName;

pub(super) async fn all(make: &impl AsyncFn() -> Stores) {
    each!(make;
        an_end_is_told_once_and_keeps_its_first_reason,
        an_end_of_nothing_ends_nothing,
        what_has_expired_is_not_ended_again,
        what_seems_to_have_expired_is_ended_where_no_epoch_ends_it,
        an_end_of_a_user_ends_all_of_one_user,
        an_end_of_a_user_reaches_a_sign_in_under_way,
        an_end_of_all_but_one_takes_that_one_over,
        a_session_of_another_user_is_not_kept,
        an_ended_session_is_not_kept,
        a_session_that_an_epoch_has_ended_is_not_kept,
        an_end_of_a_strategy_leaves_the_others_and_the_epoch,
        an_end_of_all_but_the_newest_goes_by_id,
        what_is_over_is_none_of_the_newest,
        nothing_brings_an_ended_session_back,
    );
}

async fn inserted(stores: &Stores, session: Session) -> Session {
    assert_eq!(stores.sessions.insert(&session).await.answered(), Inserted::Done);
    session
}

async fn end(stores: &Stores, scope: EndScope, ending: Ending) -> Vec<SessionId> {
    let mut ended = stores.sessions.end(&scope, ending).await.answered();
    ended.sort();
    ended
}

async fn stored(stores: &Stores, session: &Session) -> Option<Session> {
    found(stores, &by_id(session), NOW).await
}

/// The state of the session, with epochs taken into account.
async fn state(stores: &Stores, session: &Session) -> Option<SessionState> {
    let epochs = stores.epochs.read(&session.user_key()).await.answered();
    stored(stores, session).await.map(|found| found.state_at(NOW, epochs))
}

fn ids<const N: usize>(sessions: [&Session; N]) -> Vec<SessionId> {
    let mut ids: Vec<SessionId> = sessions.map(|session| session.key.id).to_vec();
    ids.sort();
    ids
}

/// `end` returns what it ended, once; the tombstone keeps time and reason of the first end.
pub async fn an_end_is_told_once_and_keeps_its_first_reason(stores: &Stores) {
    let jo = new_user_key(&tenant("acme"));
    for reason in EndReason::ALL {
        let first = inserted(stores, session(&jo)).await;
        let one = EndScope::One(first.key.clone());
        assert_eq!(end(stores, one.clone(), ending(reason)).await, ids([&first]));
        let later = Ending { at: at(1), reason: EndReason::Limit };
        assert_eq!(end(stores, one, later).await, []);
        let tombstone = first.end(ending(reason));
        assert_eq!(stored(stores, &tombstone).await.as_ref(), Some(&tombstone));
        assert_eq!(found(stores, &by_cookie(&tombstone), NOW).await.as_ref(), Some(&tombstone));
    }
    let later = Ending { at: at(1), reason: EndReason::Limit };
    assert_eq!(end(stores, EndScope::User(jo), later).await, []);
}

/// `end` of an unknown session is no error.
pub async fn an_end_of_nothing_ends_nothing(stores: &Stores) {
    let absent = session(&new_user_key(&tenant("acme")));
    let user = absent.user_key();
    for scope in [
        EndScope::One(absent.key.clone()),
        EndScope::User(user.clone()),
        EndScope::UserExcept(user.clone(), absent.key.id),
        EndScope::UserStrategy(user.clone(), StrategyName::Denylist),
        EndScope::UserBeyond(user, 0),
    ] {
        assert_eq!(end(stores, scope, ending(EndReason::Logout)).await, []);
    }
    assert_eq!(stored(stores, &absent).await, None);
}

/// An end of all of a user's sessions ends what is live at its time: the epoch reaches the rest. A session that had
/// expired by then is not returned and keeps its own reason.
pub async fn what_has_expired_is_not_ended_again(stores: &Stores) {
    let expired = inserted(stores, session(&new_user_key(&tenant("acme")))).await;
    let late = Ending { at: idled_out(), reason: EndReason::Logout };
    assert_eq!(end(stores, EndScope::User(expired.user_key()), late).await, []);
    let state = found(stores, &by_id(&expired), idled_out()).await.map(|session| session.state);
    let idle = Ending { at: idled_out(), reason: EndReason::Idle };
    assert_eq!(state, Some(SessionState::Ended(idle)));
}

/// The clock that calls a session expired may be ahead of the others. So `end` writes the end of one session, or of
/// those of a strategy, whatever the clock says.
// ASVS-map: SE4
pub async fn what_seems_to_have_expired_is_ended_where_no_epoch_ends_it(stores: &Stores) {
    let late = Ending { at: idled_out().plus(IDLE), reason: EndReason::Logout };
    for one in [true, false] {
        let seems_over = inserted(stores, session(&new_user_key(&tenant("acme")))).await;
        let scope = if one {
            EndScope::One(seems_over.key.clone())
        } else {
            EndScope::UserStrategy(seems_over.user_key(), seems_over.strategy)
        };
        assert_eq!(end(stores, scope.clone(), late).await, [seems_over.key.id]);
        assert_eq!(state(stores, &seems_over).await, Some(SessionState::Ended(late)));
        assert_eq!(end(stores, scope, late).await, []);
    }
}

/// All sessions of one user under any strategy, and no session of another user.
pub async fn an_end_of_a_user_ends_all_of_one_user(stores: &Stores) {
    let (jo, ann) = (new_user_key(&tenant("acme")), new_user_key(&tenant("acme")));
    let one = inserted(stores, session(&jo)).await;
    let two = inserted(stores, bare_session(&jo)).await;
    let other = inserted(stores, session(&ann)).await;
    let told = end(stores, EndScope::User(jo), ending(EndReason::LogoutAll)).await;
    assert_eq!(told, ids([&one, &two]));
    assert_eq!(stored(stores, &one).await, Some(one.end(ending(EndReason::LogoutAll))));
    assert_eq!(stored(stores, &two).await, Some(two.end(ending(EndReason::LogoutAll))));
    assert_eq!(stored(stores, &other).await, Some(other));
}

/// A session is over if its sign-in began before the end of all of the user's sessions, even if it was written later.
// ASVS-map: SE5
pub async fn an_end_of_a_user_reaches_a_sign_in_under_way(stores: &Stores) {
    let jo = new_user_key(&tenant("acme"));
    let epochs = stores.epochs.read(&jo).await.answered();
    end(stores, EndScope::User(jo.clone()), ending(EndReason::LogoutAll)).await;
    let late = inserted(stores, Session { epochs, ..session(&jo) }).await;
    assert!(matches!(state(stores, &late).await, Some(SessionState::Ended(_))));
    let epochs = stores.epochs.read(&jo).await.answered();
    let next = inserted(stores, Session { epochs, ..session(&jo) }).await;
    assert_eq!(state(stores, &next).await, Some(SessionState::Live));
}

/// The kept session is taken over into the new epoch and is otherwise unchanged, also the second time.
pub async fn an_end_of_all_but_one_takes_that_one_over(stores: &Stores) {
    let jo = new_user_key(&tenant("acme"));
    let mut kept = inserted(stores, session(&jo)).await;
    for round in 1..=3 {
        let other = inserted(stores, Session { epochs: kept.epochs, ..session(&jo) }).await;
        let all_but = EndScope::UserExcept(jo.clone(), kept.key.id);
        assert_eq!(end(stores, all_but, ending(EndReason::PasswordChange)).await, ids([&other]));
        let epochs = stores.epochs.read(&jo).await.answered();
        assert_eq!(epochs, Epochs { user: round, ..Epochs::default() });
        (kept.epochs, kept.version) = (epochs, round);
        assert_eq!(stored(stores, &kept).await.as_ref(), Some(&kept));
        assert_eq!(state(stores, &kept).await, Some(SessionState::Live));
        assert_eq!(state(stores, &other).await, Some(SessionState::Ended(ending(EndReason::PasswordChange))));
    }
}

/// The session that is kept must be the user's own.
pub async fn a_session_of_another_user_is_not_kept(stores: &Stores) {
    let (jo, ann) = (new_user_key(&tenant("acme")), new_user_key(&tenant("acme")));
    let own = inserted(stores, session(&jo)).await;
    let foreign = inserted(stores, session(&ann)).await;
    let all_but = EndScope::UserExcept(jo, foreign.key.id);
    assert_eq!(end(stores, all_but, ending(EndReason::PasswordChange)).await, ids([&own]));
    assert_eq!(stored(stores, &foreign).await, Some(foreign));
}

/// The session that is kept must be live.
pub async fn an_ended_session_is_not_kept(stores: &Stores) {
    let jo = new_user_key(&tenant("acme"));
    let ended = inserted(stores, session(&jo)).await;
    end(stores, EndScope::One(ended.key.clone()), ending(EndReason::RefreshReuse)).await;
    end(stores, EndScope::UserExcept(jo, ended.key.id), ending(EndReason::PasswordChange)).await;
    assert_eq!(state(stores, &ended).await, Some(SessionState::Ended(ending(EndReason::RefreshReuse))));
}

/// An epoch must not have ended it before: taking it over would bring it back.
pub async fn a_session_that_an_epoch_has_ended_is_not_kept(stores: &Stores) {
    let jo = new_user_key(&tenant("acme"));
    end(stores, EndScope::User(jo.clone()), ending(EndReason::LogoutAll)).await;
    let late = inserted(stores, session(&jo)).await;
    end(stores, EndScope::UserExcept(jo, late.key.id), ending(EndReason::PasswordChange)).await;
    assert!(matches!(state(stores, &late).await, Some(SessionState::Ended(_))));
}

/// Only the sessions under one strategy end. The epoch, which holds for all strategies, stays.
pub async fn an_end_of_a_strategy_leaves_the_others_and_the_epoch(stores: &Stores) {
    let jo = new_user_key(&tenant("acme"));
    for strategy in StrategyName::ALL {
        let of_it = inserted(stores, Session { strategy, ..session(&jo) }).await;
        let of_another = StrategyName::ALL.into_iter().find(|other| *other != strategy).unwrap_or(strategy);
        let other = inserted(stores, Session { strategy: of_another, ..bare_session(&jo) }).await;
        let foreign = inserted(stores, Session { strategy, ..session(&new_user_key(&jo.tenant)) }).await;
        let scope = EndScope::UserStrategy(jo.clone(), strategy);
        assert_eq!(end(stores, scope, ending(EndReason::Logout)).await, ids([&of_it]));
        assert_eq!(state(stores, &other).await, Some(SessionState::Live));
        assert_eq!(state(stores, &foreign).await, Some(SessionState::Live));
        end(stores, EndScope::One(other.key), ending(EndReason::Limit)).await;
    }
    assert_eq!(stores.epochs.read(&jo).await.answered(), Epochs::default());
}

/// `N` sessions, in the order of their ids.
async fn several<const N: usize>(stores: &Stores, user: &UserKey) -> [Session; N] {
    let mut sessions = [(); N].map(|()| bare_session(user));
    sessions.sort_by_key(|session| session.key.id);
    for session in &sessions {
        inserted(stores, session.clone()).await;
    }
    sessions
}

/// All but the newest so many end, under any strategy. The epoch and the sessions of other users stay.
// ASVS-map: SE7
pub async fn an_end_of_all_but_the_newest_goes_by_id(stores: &Stores) {
    let (jo, ann) = (new_user_key(&tenant("acme")), new_user_key(&tenant("acme")));
    let other = inserted(stores, session(&ann)).await;
    let [first, second, third, last] = several(stores, &jo).await;
    let beyond = |newest| EndScope::UserBeyond(jo.clone(), newest);
    assert_eq!(end(stores, beyond(4), ending(EndReason::Limit)).await, []);
    assert_eq!(end(stores, beyond(2), ending(EndReason::Limit)).await, ids([&first, &second]));
    assert_eq!(end(stores, beyond(2), ending(EndReason::Limit)).await, []);
    assert_eq!(state(stores, &first).await, Some(SessionState::Ended(ending(EndReason::Limit))));
    for kept in [&third, &last, &other] {
        assert_eq!(state(stores, kept).await, Some(SessionState::Live));
    }
    assert_eq!(stores.epochs.read(&jo).await.answered(), Epochs::default());
    assert_eq!(end(stores, beyond(0), ending(EndReason::Limit)).await, ids([&third, &last]));
}

/// A session that has ended or expired does not count as one of the newest.
pub async fn what_is_over_is_none_of_the_newest(stores: &Stores) {
    let jo = new_user_key(&tenant("acme"));
    let [first, second, ended, mut expired] = several(stores, &jo).await;
    end(stores, EndScope::One(ended.key.clone()), ending(EndReason::Logout)).await;
    assert!(touch(stores, &first.key, at(5), Some(at(9_999_999))).await);
    assert!(touch(stores, &second.key, at(5), Some(at(9_999_999))).await);
    let late = Ending { at: idled_out(), reason: EndReason::Limit };
    assert_eq!(end(stores, EndScope::UserBeyond(jo.clone(), 2), late).await, []);
    assert_eq!(end(stores, EndScope::UserBeyond(jo, 1), late).await, ids([&first]));
    expired.state = SessionState::Ended(Ending { at: idled_out(), reason: EndReason::Idle });
    assert_eq!(
        found(stores, &by_id(&expired), idled_out()).await.map(|found| found.state),
        Some(expired.state)
    );
}

/// No verb brings an ended session back, in any order and at any time of the clock.
// ASVS-map: RT5
pub async fn nothing_brings_an_ended_session_back(stores: &Stores) {
    let jo = new_user_key(&tenant("acme"));
    let first = inserted(stores, session(&jo)).await;
    end(stores, EndScope::One(first.key.clone()), ending(EndReason::RefreshReuse)).await;
    let tombstone = first.clone().end(ending(EndReason::RefreshReuse));
    for now in [at(-3_600_000), NOW, at(1), NOW.plus(GRACE), NOW.plus(GRACE * 2)] {
        for generation in [1, 2, 3, 4] {
            let redemption = RotationRequest { now, ..redemption(generation) };
            assert_eq!(rotate(stores, &first.key, &redemption).await, RotationOutcome::Gone);
        }
        assert!(!touch(stores, &first.key, now, Some(now.plus(IDLE))).await);
        assert!(!stores.sessions.rename(&first.key, "back", now).await.answered());
        assert_eq!(stores.sessions.insert(&first).await.answered(), Inserted::Clash);
        let again = Ending { at: now, reason: EndReason::Admin };
        assert_eq!(end(stores, EndScope::One(first.key.clone()), again).await, []);
        assert_eq!(stored(stores, &first).await.as_ref(), Some(&tombstone));
        assert_eq!(only(stores, &jo).await.as_ref(), Some(&tombstone));
    }
}

async fn only(stores: &Stores, user: &UserKey) -> Option<Session> {
    stores.sessions.list(user, Page { after: None, limit: 2 }, NOW).await.answered().pop()
}
