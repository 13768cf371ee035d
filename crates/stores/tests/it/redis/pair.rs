//! What is particular to two stores that are one.

use std::sync::Arc;

use portcullis_core::id::{SessionId, TenantId};
use portcullis_core::machine::{SystemClock, SystemRandom};
use portcullis_core::session::{EndReason, Session, SessionState};
use portcullis_core::store::conformance::records::{
    NOW, at, by_cookie, by_id, ending, new_user_key, session,
};
use portcullis_core::store::{EndScope, Inserted, Page, SessionStore, StoreError, Stores, Updated};
use portcullis_stores::{DatabaseUrl, IfMissing};

use super::server::RedisServer;
use super::{Database, fresh, open, shared_server};
use crate::feeds::ChangeRecorder;

const ALL: Page<SessionId> = Page { after: None, limit: 100 };

async fn database_alone(url: &DatabaseUrl) -> Stores {
    url.open(Arc::new(SystemClock), IfMissing::Create).await.unwrap().stores()
}

async fn inserted(sessions: &dyn SessionStore, session: Session) -> Session {
    assert_eq!(sessions.insert(&session).await.unwrap(), Inserted::Done);
    session
}

/// A process was killed after it had recorded the end, and before it removed the session.
// ASVS-map: RV1
#[tokio::test(flavor = "multi_thread")]
async fn an_end_whose_removal_was_cut_off_holds_and_is_made_good() {
    let (database, server) = (Database::new().fresh_kept(), RedisServer::start(&[]).await);
    let stores = open(&database.url, &server.url("cut:")).await;
    let jo = new_user_key(&TenantId::default_tenant());
    let known = inserted(&*stores.sessions, session(&jo)).await;
    let ended = known.clone().end(ending(EndReason::Logout));
    inserted(&*database_alone(&database.url).await.sessions, ended.clone()).await;

    assert_eq!(stores.sessions.list(&jo, ALL, NOW).await.unwrap(), std::slice::from_ref(&ended));
    let again = stores.sessions.end(&EndScope::One(known.key.clone()), ending(EndReason::Admin)).await;
    assert_eq!(again.unwrap(), []);
    assert!(!stores.sessions.rename(&known.key, "x", NOW).await.unwrap());
    assert_eq!(stores.sessions.find(&by_cookie(&known), NOW).await.unwrap().as_ref(), Some(&ended));
    assert_eq!(stores.sessions.find(&by_id(&known), NOW).await.unwrap(), Some(ended));
    assert_eq!(server.by_hand(&["KEYS", "cut:*:{*"]).trim(), "", "what has ended stays in Redis");
}

/// Redis was added to an installation in use: no user is signed out.
#[tokio::test(flavor = "multi_thread")]
async fn a_session_that_lives_in_the_database_goes_on_there_until_it_ends() {
    let (database, server) = (Database::new().fresh_kept(), shared_server().await);
    let jo = new_user_key(&TenantId::default_tenant());
    let alone = database_alone(&database.url).await;
    let mut old = session(&jo);
    old.key.id = SessionId::generate(at(-1000), jo.id, &SystemRandom);
    let old = inserted(&*alone.sessions, old).await;
    let stores = open(&database.url, &fresh(server)).await;
    let sessions = &stores.sessions;
    let new = inserted(&**sessions, session(&jo)).await;

    assert_eq!(sessions.insert(&old).await.unwrap(), Inserted::Clash);
    let used = old.clone().touch(at(5), None);
    assert_eq!(sessions.update(&used, None).await.unwrap(), Updated::Done);
    assert_eq!(sessions.update(&used, None).await.unwrap(), Updated::Stale);
    assert!(sessions.rename(&old.key, "an old phone", NOW).await.unwrap());
    let listed = sessions.list(&jo, ALL, NOW).await.unwrap();
    assert_eq!(listed.iter().map(|one| one.key.id).collect::<Vec<_>>(), [old.key.id, new.key.id]);
    assert_eq!(alone.sessions.find(&by_id(&new), NOW).await.unwrap(), None);

    let beyond = sessions.end(&EndScope::UserBeyond(jo.clone(), 1), ending(EndReason::Limit)).await;
    assert_eq!(beyond.unwrap(), [old.key.id]);
    let others = EndScope::UserExcept(jo.clone(), new.key.id);
    let another = inserted(&*alone.sessions, session(&jo)).await;
    let ended = sessions.end(&others, ending(EndReason::PasswordChange)).await.unwrap();
    assert_eq!(ended, [another.key.id]);
    let kept = sessions.find(&by_id(&new), NOW).await.unwrap().unwrap();
    assert_eq!((kept.epochs.user, kept.state), (1, SessionState::Live));
}

/// A session of an installation that is gone does not stay for ever.
#[tokio::test(flavor = "multi_thread")]
async fn every_key_expires() {
    let (database, server) = (Database::new().fresh_kept(), RedisServer::start(&[]).await);
    let stores = open(&database.url, &server.url("ttl:")).await;
    let jo = new_user_key(&TenantId::default_tenant());
    let known = inserted(&*stores.sessions, session(&jo)).await;
    assert_eq!(stores.sessions.update(&known.touch(at(5), None), None).await.unwrap(), Updated::Done);
    let keys = server.by_hand(&["KEYS", "ttl:*:{*"]);
    assert_eq!(keys.lines().count(), 3, "{keys}");
    for key in keys.lines() {
        let lives: i64 = server.by_hand(&["PTTL", key]).trim().parse().unwrap();
        assert!(lives > 0, "{key}: {lives}");
    }
}

/// What a session leaves in the hash of its user when it expires goes with the next list.
#[tokio::test(flavor = "multi_thread")]
async fn what_has_expired_in_redis_leaves_nothing() {
    let (database, server) = (Database::new().fresh_kept(), RedisServer::start(&[]).await);
    let stores = open(&database.url, &server.url("gone:")).await;
    let jo = new_user_key(&TenantId::default_tenant());
    let known = inserted(&*stores.sessions, session(&jo)).await;
    let key = server.by_hand(&["KEYS", "gone:s:*"]);
    server.by_hand(&["PEXPIRE", key.trim(), "0"]);
    assert_eq!(stores.sessions.find(&by_id(&known), NOW).await.unwrap(), None);
    assert_eq!(stores.sessions.list(&jo, ALL, NOW).await.unwrap(), []);
    assert_eq!(server.by_hand(&["KEYS", "gone:u:*"]).trim(), "");
}

/// Another node ended the session, and died before it removed it, while this one was rotating it.
// ASVS-map: RV1 RT5
#[tokio::test(flavor = "multi_thread")]
async fn what_was_decided_before_an_end_was_announced_does_not_outlive_it() {
    let (database, server) = (Database::new().fresh_kept(), shared_server().await);
    let stores = open(&database.url, &fresh(server)).await;
    let recorder = Arc::new(ChangeRecorder::default());
    let _watch = stores.feed.watch(recorder.clone()).await.unwrap();
    let jo = new_user_key(&TenantId::default_tenant());
    let known = inserted(&*stores.sessions, session(&jo)).await;
    let used = known.clone().touch(at(5), None);
    let ended = known.end(ending(EndReason::Logout));
    inserted(&*database_alone(&database.url).await.sessions, ended.clone()).await;
    recorder.catches_up().await;

    assert_eq!(stores.sessions.update(&used, None).await.unwrap(), Updated::Stale);
    assert_eq!(stores.sessions.find(&by_id(&used), NOW).await.unwrap(), Some(ended));
}

/// A password change that was sent twice, to two nodes.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_two_ends_of_all_but_one_at_once_that_one_is_left() {
    let (database, server) = (Database::new().fresh_kept(), shared_server().await);
    let sessions = fresh(server);
    let nodes = [open(&database.url, &sessions).await, open(&database.url, &sessions).await];
    for _ in 0..50 {
        let jo = new_user_key(&TenantId::default_tenant());
        let kept = inserted(&*nodes[0].sessions, session(&jo)).await;
        let scope = EndScope::UserExcept(jo.clone(), kept.key.id);
        let [one, other] = &nodes;
        let reason = ending(EndReason::PasswordChange);
        let (one, other) = tokio::join!(one.sessions.end(&scope, reason), other.sessions.end(&scope, reason));
        assert_eq!((one.unwrap(), other.unwrap()), (Vec::new(), Vec::new()));
        let epochs = nodes[0].epochs.read(&jo).await.unwrap();
        let left = nodes[1].sessions.find(&by_id(&kept), NOW).await.unwrap().unwrap();
        assert_eq!((epochs.user, left.state_at(NOW, epochs)), (2, SessionState::Live));
    }
}

/// A user who has signed in very often: no script looks at all of it, and the pages are as of one list.
#[tokio::test(flavor = "multi_thread")]
async fn many_sessions_of_one_user_are_listed_in_pages_and_end_together() {
    let (database, server) = (Database::new().fresh_kept(), shared_server().await);
    let stores = open(&database.url, &fresh(server)).await;
    let jo = new_user_key(&TenantId::default_tenant());
    let mut made = Vec::new();
    for _ in 0..600 {
        made.push(inserted(&*stores.sessions, session(&jo)).await.key.id);
    }
    made.sort_unstable();
    let (mut seen, mut after) = (Vec::new(), None);
    loop {
        let page = stores.sessions.list(&jo, Page { after, limit: 250 }, NOW).await.unwrap();
        after = page.last().map(|session| session.key.id);
        seen.extend(page.into_iter().map(|session| session.key.id));
        if after.is_none() {
            break;
        }
    }
    assert_eq!(seen, made);
    let ended = stores.sessions.end(&EndScope::User(jo.clone()), ending(EndReason::LogoutAll)).await.unwrap();
    assert_eq!(ended, made);
}

/// Written by hand, or in the form of a version that is yet to come.
#[tokio::test(flavor = "multi_thread")]
async fn a_session_that_cannot_be_read_can_be_ended() {
    let (database, server) = (Database::new().fresh_kept(), RedisServer::start(&[]).await);
    let stores = open(&database.url, &server.url("spoilt:")).await;
    let jo = new_user_key(&TenantId::default_tenant());
    let known = inserted(&*stores.sessions, session(&jo)).await;
    let key = server.by_hand(&["KEYS", "spoilt:s:*"]);
    server.by_hand(&["SETRANGE", key.trim(), "22", "z"]);
    assert!(matches!(stores.sessions.find(&by_id(&known), NOW).await, Err(StoreError::Corrupt { .. })));
    let one = EndScope::One(known.key.clone());
    assert_eq!(stores.sessions.end(&one, ending(EndReason::Admin)).await.unwrap(), [known.key.id]);
    assert_eq!(stores.sessions.end(&one, ending(EndReason::Admin)).await.unwrap(), []);
    assert_eq!(stores.sessions.find(&by_id(&known), NOW).await.unwrap(), None);
    assert_eq!(server.by_hand(&["KEYS", "spoilt:u:*"]).trim(), "");
}
