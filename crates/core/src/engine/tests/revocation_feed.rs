//! What the revocation feed tells verifiers in other processes.

mod own_databases;
mod pages;

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::outage::{MAX_STALENESS, MILLISECOND, OutageFixture, user_of_acme};
use crate::engine::{Engine, FeedError};
use crate::event::EventKind;
use crate::key::KeyUse;
use crate::machine::SystemRandom;
use crate::revocation::wire::{FeedAnswer, FeedQuery, LogPosition, OLDEST_AGE, SnapshotPage};
use crate::revocation::{FeedKey, FeedTenants};
use crate::secret::PlainSecret;
use crate::session::EndReason;
use crate::store::conformance::fixture::{Fixture, HeldCredentials};
use crate::store::conformance::records::tenant;
use crate::store::memory::MemoryStore;
use crate::store::{EpochScope, StoreError};
use crate::strategy::StrategyName;
use crate::tenant::TenantSettings;
use crate::user::Role;

/// A verifier that knows no more than what it was told.
struct FollowingVerifier {
    tenants: FeedTenants,
    at: Option<LogPosition>,
    age: Duration,
}

fn of(names: &[&str]) -> FeedTenants {
    FeedTenants::Some(names.iter().map(|name| tenant(name)).collect())
}

fn written(answer: &FeedAnswer) -> Vec<String> {
    answer.records.iter().map(ToString::to_string).collect()
}

fn page_records(page: &SnapshotPage) -> Vec<String> {
    page.records.iter().map(ToString::to_string).collect()
}

fn names(session: &HeldCredentials, records: &[String]) -> bool {
    records.iter().any(|record| record.contains(&session.session().id.to_string()))
}

impl FollowingVerifier {
    fn new(tenants: FeedTenants) -> Self {
        Self { tenants, at: None, age: Duration::ZERO }
    }

    /// One that has read the snapshot of this node.
    async fn begun(node: &Engine, tenants: FeedTenants) -> Self {
        let page = node.revocation_snapshot(&tenants, None).await.unwrap();
        assert_eq!(page.next, None);
        Self { at: Some(LogPosition { log: page.log, number: page.to }), ..Self::new(tenants) }
    }

    async fn poll(&mut self, node: &Engine, wait: Duration) -> Result<FeedAnswer, FeedError> {
        let at = self.at.iter().cloned().collect();
        let query = FeedQuery { at, age: self.age, wait, nonce: "n".to_owned() };
        let key = FeedKey::generate(self.tenants.clone(), node.now(), &SystemRandom).0;
        let answer = node.poll_revocations(&key, &query).await?;
        self.at = Some(LogPosition { log: answer.log.clone(), number: answer.to });
        Ok(answer)
    }

    async fn hear(&mut self, node: &Engine) -> FeedAnswer {
        self.poll(node, Duration::ZERO).await.unwrap()
    }
}

// ASVS-map: RV1
#[tokio::test]
async fn a_verifier_is_told_of_each_end_once_and_in_order() {
    let test = OutageFixture::new().await;
    let ann = test.fixture.new_user(&test.other).await;
    let mut verifier = FollowingVerifier::begun(&test.node, of(&["default"])).await;
    let mut number = verifier.at.clone().unwrap().number;
    for strategy in [StrategyName::SessionJwt, StrategyName::Hybrid, StrategyName::Session] {
        let held = ann.password_sign_in(&test.other, strategy).await;
        test.other.end_session(&held.session()).await.unwrap();
        let answer = verifier.hear(&test.node).await;
        assert!(names(&held, &written(&answer)), "{strategy}: {:?}", written(&answer));
        assert_eq!((answer.from, answer.to, answer.more), (number + 1, number + 1, false));
        number = answer.to;
    }
    let nothing = verifier.hear(&test.node).await;
    assert_eq!((written(&nothing).len(), nothing.from, nothing.to), (0, number + 1, number));
}

#[tokio::test]
async fn what_ends_the_tokens_of_a_user_a_tenant_or_everyone_is_told_with_its_epoch() {
    let test = OutageFixture::new().await;
    let held = user_of_acme(&test).await;
    let user = held.identity(&test.other).await.user;
    let mut verifier = FollowingVerifier::begun(&test.node, of(&["acme"])).await;
    let id = user.id;
    test.other.set_role(&user, Role::Manager).await.unwrap();
    let until = i64::MAX / 1000;
    assert_eq!(written(&verifier.hear(&test.node).await), [format!(r#"["r","{id}","manager",{until}]"#)]);
    test.other.end_sessions(&user, EndReason::Admin).await.unwrap();
    let told = written(&verifier.hear(&test.node).await);
    assert!(told.contains(&format!(r#"["u","{id}",1,[],{until}]"#)), "{told:?}");
    test.other.suspend_tenant(&user.tenant).await.unwrap();
    assert_eq!(written(&verifier.hear(&test.node).await).pop().unwrap(), r#"["t","suspended",2]"#);
    test.other.resume_tenant(&user.tenant).await.unwrap();
    assert_eq!(written(&verifier.hear(&test.node).await).pop().unwrap(), r#"["t","active",4]"#);
    test.other.replace_compromised_keys(&user.tenant, &[KeyUse::Access]).await.unwrap();
    let told = written(&verifier.hear(&test.node).await);
    assert!(told[0] == r#"["j"]"# && told[1].starts_with(r#"["k","#), "{told:?}");
    test.other.end_everyone().await.unwrap();
    // That is announced as a change of anything: the log begins anew, and tells what holds.
    let told = written(&verifier.hear(&test.node).await);
    assert!(
        told.contains(&r#"["e",1]"#.to_owned()) && told.contains(&r#"["t","active",4]"#.to_owned()),
        "{told:?}"
    );
}

// ASVS-map: RV2
#[tokio::test]
async fn no_answer_claims_more_than_the_feed_of_the_database_has_proven() {
    let test = OutageFixture::new().await;
    let mut verifier = FollowingVerifier::begun(&test.node, of(&["default"])).await;
    assert_eq!(verifier.hear(&test.node).await.lag_ms, 0);
    test.faults.silence_feed();
    test.pass(700 * MILLISECOND);
    assert_eq!(verifier.hear(&test.node).await.lag_ms, 700);
    // A sign-out that the feed has not announced: the verifier's stamp stays where it was.
    let (_, held) = test.new_user_key().await;
    test.other.end_session(&held.session()).await.unwrap();
    test.pass(9300 * MILLISECOND);
    let answer = verifier.hear(&test.node).await;
    assert_eq!((written(&answer).len(), answer.lag_ms), (0, 10_000));
}

// ASVS-map: RV2
#[tokio::test]
async fn after_a_gap_the_log_begins_anew_and_tells_what_was_revoked_lately() {
    let test = OutageFixture::new().await;
    let mut verifier = FollowingVerifier::begun(&test.node, of(&["default"])).await;
    let before = verifier.hear(&test.node).await;
    test.faults.silence_feed();
    let (_, held) = test.new_user_key().await;
    test.other.end_session(&held.session()).await.unwrap();
    test.faults.resume_feed();
    let answer = verifier.hear(&test.node).await;
    assert!(names(&held, &written(&answer)));
    assert_ne!(answer.log, before.log);
    assert_eq!((answer.from, answer.more), (answer.to + 1, false), "unnumbered");
}

#[tokio::test]
async fn a_verifier_that_was_away_for_long_must_read_the_snapshot() {
    let test = OutageFixture::new().await;
    let (_, held) = test.new_user_key().await;
    test.other.end_session(&held.session()).await.unwrap();
    let mut stranger = FollowingVerifier::new(of(&["default"]));
    stranger.age = OLDEST_AGE + MILLISECOND;
    assert!(matches!(stranger.poll(&test.node, Duration::ZERO).await, Err(FeedError::TooOld)));
    stranger.age = OLDEST_AGE;
    assert!(names(&held, &written(&stranger.hear(&test.node).await)));
    let snapshot = test.node.revocation_snapshot(&of(&["default"]), None).await.unwrap();
    assert!(names(&held, &page_records(&snapshot)));
    let forged = test.node.revocation_snapshot(&of(&["default"]), Some("AAAA".to_owned())).await;
    assert!(matches!(forged, Err(FeedError::Cursor)));
}

// ASVS-map: TN1
#[tokio::test]
async fn a_key_of_one_tenant_is_told_nothing_of_another() {
    let test = OutageFixture::new().await;
    let acme = tenant("acme");
    test.other.create_tenant(acme.clone(), TenantSettings::default(), None).await.unwrap();
    let ann = test.fixture.register(&test.other, &acme, "ann@example.com").await;
    let of_acme = ann.password_sign_in(&test.other, StrategyName::SessionJwt).await;
    let (_, of_default) = test.new_user_key().await;
    let mut acme = FollowingVerifier::begun(&test.node, of(&["acme"])).await;
    let mut all = FollowingVerifier::begun(&test.node, FeedTenants::All).await;
    test.other.end_session(&of_default.session()).await.unwrap();
    test.other.end_session(&of_acme.session()).await.unwrap();
    let told = written(&acme.hear(&test.node).await);
    assert!(names(&of_acme, &told) && !names(&of_default, &told), "{told:?}");
    let told = written(&all.hear(&test.node).await);
    assert!(names(&of_acme, &told) && told.iter().any(|record| record.ends_with(r#","acme"]"#)), "{told:?}");
    assert!(names(&of_default, &told) && told.iter().any(|record| record.ends_with(r#","default"]"#)));
    for other in [of(&["acme"]), of(&["globex"])] {
        let page = test.node.revocation_snapshot(&other, None).await.unwrap();
        assert!(!names(&of_default, &page_records(&page)));
    }
}

#[tokio::test]
async fn a_poll_that_waits_is_answered_when_something_is_new() {
    let fixture = Fixture::new(MemoryStore::stores());
    let node = fixture.node().await;
    let ann = fixture.new_user(&node).await;
    let held = ann.password_sign_in(&node, StrategyName::SessionJwt).await;
    let mut verifier = FollowingVerifier::begun(&node, of(&["default"])).await;
    let polled = node.clone();
    let waiting = tokio::spawn(async move { verifier.poll(&polled, Duration::from_mins(10)).await.unwrap() });
    while node.core.revocation_logs.polls() == 0 {
        tokio::task::yield_now().await;
    }
    node.end_session(&held.session()).await.unwrap();
    let answer = tokio::time::timeout(Duration::from_mins(1), waiting).await.expect("an answer");
    assert!(names(&held, &written(&answer.unwrap())));
}

/// A tenant's own database is not heard of before it is opened.
// ASVS-map: RV2
// ASVS-map: RV3
#[tokio::test]
async fn an_outage_of_the_store_is_no_answer() {
    let test = OutageFixture::new().await;
    let mut verifier = FollowingVerifier::begun(&test.node, of(&["default"])).await;
    let epochs = &test.fixture.stores().epochs;
    let ending = crate::store::conformance::records::ending(EndReason::Admin);
    epochs.advance(&EpochScope::Tenant(tenant("default")), ending).await.unwrap();
    test.faults.go_down();
    let refused = verifier.poll(&test.node, Duration::ZERO).await;
    assert!(matches!(refused, Err(FeedError::Store(StoreError::Unavailable { .. }))), "{refused:?}");
    test.faults.come_up();
    // A database that has just failed is left alone for a while.
    test.pass(MAX_STALENESS);
    assert_eq!(written(&verifier.hear(&test.node).await), [r#"["t","active",1]"#]);
}

// ASVS-map: SE1, OP1
#[tokio::test]
async fn a_feed_key_is_known_until_a_second_after_it_was_removed() {
    let test = OutageFixture::new().await;
    let (key, secret) = test.other.create_feed_key(&of(&["default"])).await.unwrap();
    assert_eq!(test.node.feed_key(&secret).await.unwrap().unwrap().tenants, of(&["default"]));
    assert_eq!(test.node.feed_key(&PlainSecret::presented("another")).await.unwrap(), None);
    assert!(test.other.remove_feed_key(key.id).await.unwrap());
    assert!(!test.other.remove_feed_key(key.id).await.unwrap());
    test.pass(Duration::from_secs(1));
    assert_eq!(test.node.feed_key(&secret).await.unwrap(), None);
    let events = &test.fixture.recorded_events;
    assert_eq!((events.count(EventKind::FeedKeyCreated), events.count(EventKind::FeedKeyRemoved)), (1, 1));
    assert!(test.other.create_feed_key(&of(&["nowhere"])).await.is_err());
    assert!(test.other.create_feed_key(&of(&[])).await.is_err());
}

// ASVS-map: AU1
#[tokio::test]
async fn many_who_show_keys_at_once_cost_one_look_into_the_store() {
    let test = OutageFixture::new().await;
    let (_, secret) = test.other.create_feed_key(&of(&["default"])).await.unwrap();
    assert!(!test.node.knows_feed_key(&secret));
    test.faults.heard();
    let shown = (0..100).map(|_| PlainSecret::generate(&SystemRandom)).chain([secret.clone()]);
    let asked = shown.map(|shown| {
        let node = test.node.clone();
        async move { node.listed_feed_key(&shown).await.unwrap() }
    });
    let found = futures_util::future::join_all(asked).await;
    assert_eq!(found.iter().flatten().map(|key| &key.tenants).collect::<Vec<_>>(), [&of(&["default"])]);
    let heard = test.faults.heard();
    assert!(heard.iter().filter(|verb| **verb == "list feed keys").count() <= 2, "{heard:?}");
    assert!(!heard.contains(&"find a feed key"), "{heard:?}");
    assert!(test.node.knows_feed_key(&secret));
    // Another key is as good as it was when it was shown, not as a listing before that says.
    let (_, later) = test.other.create_feed_key(&FeedTenants::All).await.unwrap();
    assert_eq!(test.node.listed_feed_key(&later).await.unwrap().unwrap().tenants, FeedTenants::All);
}

#[tokio::test]
async fn a_node_takes_so_many_polls_of_one_key_and_no_more() {
    let fixture = Fixture::new(MemoryStore::stores());
    let node = fixture.node().await;
    let one = FeedKey::generate(of(&["default"]), node.now(), &SystemRandom).0;
    let at = Vec::from_iter(FollowingVerifier::begun(&node, of(&["default"])).await.at);
    let query = FeedQuery { at, age: Duration::ZERO, wait: Duration::from_secs(10), nonce: "n".to_owned() };
    let mut waiting = tokio::task::JoinSet::new();
    for _ in 0..2_001 {
        let (node, one, query) = (node.clone(), one.clone(), query.clone());
        waiting.spawn(async move { node.poll_revocations(&one, &query).await });
    }
    let first = waiting.join_next().await.unwrap().unwrap();
    assert!(matches!(first, Err(FeedError::Busy)), "{first:?}");
    let other = FeedKey::generate(of(&["default"]), node.now(), &SystemRandom).0;
    let at_once = FeedQuery { wait: Duration::ZERO, ..query };
    assert!(node.poll_revocations(&other, &at_once).await.is_ok());
    drop(waiting);
}

/// The records of all pages of a snapshot.
async fn all_pages(node: &Engine, tenants: &FeedTenants) -> Vec<String> {
    let (mut next, mut records) = (None, Vec::new());
    loop {
        let page = node.revocation_snapshot(tenants, next).await.unwrap();
        assert!(page.next.is_none() || !page.records.is_empty(), "a page without records is the last");
        records.extend(page_records(&page));
        next = page.next;
        if next.is_none() {
            return records;
        }
    }
}

// ASVS-map: TN1
// ASVS-map: RV1
#[tokio::test]
async fn a_tenant_that_was_removed_is_told_of_as_suspended() {
    let test = OutageFixture::new().await;
    let nowhere = of(&["nowhere"]);
    let page = test.node.revocation_snapshot(&nowhere, None).await.unwrap();
    assert_eq!(page_records(&page), [r#"["t","suspended",0]"#]);
}

// ASVS-map: TN1
#[tokio::test]
async fn a_cursor_names_no_tenant_of_another_key() {
    let test = OutageFixture::new().await;
    let (_, held) = test.new_user_key().await;
    test.other.end_session(&held.session()).await.unwrap();
    let first = test.node.revocation_snapshot(&of(&["acme", "globex"]), None).await.unwrap();
    let cursor = URL_SAFE_NO_PAD.decode(first.next.unwrap()).unwrap();
    let cursor = String::from_utf8(cursor).unwrap();
    assert!(cursor.contains("globex") && !cursor.contains("default"), "{cursor}");
    let records = all_pages(&test.node, &of(&["acme", "globex"])).await;
    assert!(!names(&held, &records), "{records:?}");
}
