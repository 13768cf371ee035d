//! What must hold when two clients do something at once: each verb is one step.
//!
//! Every race takes two connections to one database, which may be the same, and runs once. [`run`](super::run) runs it
//! many times, each time with other users, so that one database does for all rounds.

use std::sync::Arc;

use tokio::sync::Barrier;
use tokio::task::JoinSet;

use super::super::records::{
    NOW, at, bare_user, by_id, ending, idled_out, new_user_key, numbered, redemption, session, tenant,
    unproven_session,
};
use super::uncached_node::{rotate, touch};
use super::{Answered, Capabilities, revocations::feed_key, sessions::found};
use crate::clock::Timestamp;
use crate::machine::SystemRandom;
use crate::random;
use crate::revocation::{FeedKey, FeedTenants};
use crate::session::{EndReason, RotationOutcome, RotationRequest, Session, SessionState};
use crate::store::{EndScope, EpochScope, Inserted, Stores, Updated};
use crate::tenant::Installation;
use crate::user::{Role, User};

/// How many clients take part in a race of equals.
const RUNNERS: usize = 8;

macro_rules! rounds {
    ($make:expr, $can:expr; $($race:ident),+ $(,)?) => {
        $({
            let (one, other) = $make().await;
            for _ in 0..$can.rounds {
                $race(&one, &other).await;
            }
        })+
    };
}

pub(super) async fn all(make: &impl AsyncFn() -> (Stores, Stores), can: Capabilities) {
    rounds!(make, can;
        of_many_who_claim_an_address_one_gets_it,
        of_many_who_claim_an_id_one_gets_it,
        of_many_updates_one_takes_place,
        of_many_rotations_without_proof_one_wins_and_one_ends_the_session,
        of_many_rotations_with_proof_one_wins_and_the_others_get_the_same,
        a_rotation_does_not_outrun_an_end,
        a_use_does_not_outrun_an_end,
        a_new_name_does_not_outrun_an_end,
        a_sign_in_does_not_outrun_the_end_of_all,
        a_rotation_and_a_take_over_are_both_kept,
        a_rotation_a_use_and_a_new_name_are_all_kept,
        of_many_ends_one_is_told,
        no_count_of_an_epoch_is_lost,
        of_many_who_remove_a_feed_key_one_gets_it,
        all_who_create_the_installation_agree,
    );
}

/// Starts all runners at one moment, on both connections in turn.
pub(super) async fn at_once<T, F>(
    nodes: [&Stores; 2],
    count: usize,
    runner: impl Fn(usize, Stores) -> F,
) -> Vec<T>
where
    T: Send + 'static,
    F: Future<Output = T> + Send + 'static,
{
    let start = Arc::new(Barrier::new(count));
    let mut runners = JoinSet::new();
    for (number, stores) in nodes.into_iter().cycle().take(count).enumerate() {
        runners.spawn(begun_together(start.clone(), runner(number, stores.clone())));
    }
    runners.join_all().await
}

async fn begun_together<T>(start: Arc<Barrier>, run: impl Future<Output = T>) -> T {
    start.wait().await;
    run.await
}

/// Starts two different runners at one moment, each on its own connection.
pub(super) async fn both<A, B>(
    one: impl Future<Output = A> + Send + 'static,
    other: impl Future<Output = B> + Send + 'static,
) -> (A, B)
where
    A: Send + 'static,
    B: Send + 'static,
{
    let start = Arc::new(Barrier::new(2));
    let one = tokio::spawn(begun_together(start.clone(), one));
    let other = tokio::spawn(begun_together(start, other));
    match tokio::join!(one, other) {
        (Ok(one), Ok(other)) => (one, other),
        #[expect(clippy::panic, reason = "a runner that failed has failed the suite")]
        _ => panic!("one of two runners has failed; its own message stands above"),
    }
}

pub(super) fn count<T: PartialEq>(answers: &[T], answer: &T) -> usize {
    answers.iter().filter(|other| *other == answer).count()
}

async fn inserted(stores: &Stores, session: Session) -> Session {
    assert_eq!(stores.sessions.insert(&session).await.answered(), Inserted::Done);
    session
}

async fn end(stores: Stores, scope: EndScope) -> usize {
    stores.sessions.end(&scope, ending(EndReason::Logout)).await.answered().len()
}

/// A part of a name that was not used before.
pub(super) fn fresh() -> String {
    format!("r{:x}", u64::from_be_bytes(random::bytes(&SystemRandom)))
}

/// `insert` × `insert` of one address: one is done.
// ASVS-map: AU6
pub async fn of_many_who_claim_an_address_one_gets_it(one: &Stores, other: &Stores) {
    let address = format!("{}@example.com", fresh());
    let answers = at_once([one, other], RUNNERS, |_, stores| {
        let claimant = bare_user(&tenant("acme"), &address);
        async move { stores.users.insert(&claimant).await.answered() }
    });
    assert_eq!(count(&answers.await, &Inserted::Done), 1);
}

/// `insert` × `insert` of one session id: one is done, and what is stored is that one's.
pub async fn of_many_who_claim_an_id_one_gets_it(one: &Stores, other: &Stores) {
    let first = session(&new_user_key(&tenant("acme")));
    let answers = at_once([one, other], RUNNERS, |number, stores| {
        let mut claim = first.clone();
        claim.device.name = number.to_string();
        async move { (stores.sessions.insert(&claim).await.answered(), claim) }
    });
    let done = answers.await.into_iter().filter(|(answer, _)| *answer == Inserted::Done);
    let done: Vec<Session> = done.map(|(_, claim)| claim).collect();
    assert_eq!(done.len(), 1);
    assert_eq!(found(other, &by_id(&first), NOW).await.as_ref(), done.first());
}

/// `update` × `update` of one version: one is done.
pub async fn of_many_updates_one_takes_place(one: &Stores, other: &Stores) {
    let first = bare_user(&tenant("acme"), &format!("{}@example.com", fresh()));
    one.users.insert(&first).await.answered();
    let change = |number: usize| -> User {
        first.clone().with_role(Role::Admin, at(i64::try_from(number).unwrap_or(0)))
    };
    let answers = at_once([one, other], RUNNERS, |number, stores| {
        let changed = change(number);
        async move { stores.users.update(&changed).await.answered() }
    });
    assert_eq!(count(&answers.await, &Updated::Done), 1);
}

/// What the rotations of one token, all at once, were answered.
async fn rotations(
    one: &Stores,
    other: &Stores,
    session: &Session,
    redemption: &RotationRequest,
) -> Vec<RotationOutcome> {
    at_once([one, other], RUNNERS, |_, stores| {
        let (key, redemption) = (session.key.clone(), redemption.clone());
        async move { rotate(&stores, &key, &redemption).await }
    })
    .await
}

/// `rotate` × `rotate` of one token without the device proof: one wins, one is reuse, and the session is over.
// ASVS-map: RT1
pub async fn of_many_rotations_without_proof_one_wins_and_one_ends_the_session(one: &Stores, other: &Stores) {
    let first = inserted(one, unproven_session(&new_user_key(&tenant("acme")))).await;
    let answers = rotations(one, other, &first, &RotationRequest { proof: None, ..redemption(3) }).await;
    let of = |kind: fn(&RotationOutcome) -> bool| answers.iter().filter(|answer| kind(answer)).count();
    assert_eq!(of(|answer| matches!(answer, RotationOutcome::Won(_))), 1, "{answers:?}");
    assert_eq!(of(|answer| matches!(answer, RotationOutcome::Reused(_))), 1, "{answers:?}");
    assert_eq!(of(|answer| matches!(answer, RotationOutcome::Gone)), RUNNERS - 2, "{answers:?}");
    let left = found(one, &by_id(&first), at(1000)).await.map(|session| session.state);
    assert!(
        matches!(left, Some(SessionState::Ended(ending)) if ending.reason == EndReason::RefreshReuse),
        "{left:?}"
    );
}

/// `rotate` × `rotate` of one token by one device: one wins, and the others get the same successor.
// ASVS-map: RT2
pub async fn of_many_rotations_with_proof_one_wins_and_the_others_get_the_same(one: &Stores, other: &Stores) {
    let first = inserted(one, session(&new_user_key(&tenant("acme")))).await;
    let answers = rotations(one, other, &first, &redemption(3)).await;
    let RotationOutcome::Won(won) = first.rotate(&redemption(3)) else { return };
    assert_eq!(count(&answers, &RotationOutcome::Won(won.clone())), 1, "{answers:?}");
    assert_eq!(count(&answers, &RotationOutcome::Replayed(won.clone())), RUNNERS - 1, "{answers:?}");
    assert_eq!(found(other, &by_id(&won), NOW).await, Some(won));
}

/// After a race against an end the session is over for the reason of that end, whichever came first.
async fn assert_ended(stores: &Stores, session: &Session) {
    let left = found(stores, &by_id(session), NOW).await.map(|session| session.state);
    assert_eq!(left, Some(SessionState::Ended(ending(EndReason::Logout))));
}

/// `rotate` × `end`: the session is over.
// ASVS-map: RT5
pub async fn a_rotation_does_not_outrun_an_end(one: &Stores, other: &Stores) {
    let first = inserted(one, session(&new_user_key(&tenant("acme")))).await;
    let (key, rotating, ending) = (first.key.clone(), one.clone(), other.clone());
    let rotate = async move { rotate(&rotating, &key, &redemption(3)).await };
    let (rotated, ended) = both(rotate, end(ending, EndScope::One(first.key.clone()))).await;
    assert!(matches!(rotated, RotationOutcome::Won(_) | RotationOutcome::Gone), "{rotated:?}");
    assert_eq!(ended, 1);
    assert_ended(one, &first).await;
}

/// `touch` × `end`: the session is over.
// ASVS-map: RT5
pub async fn a_use_does_not_outrun_an_end(one: &Stores, other: &Stores) {
    let first = inserted(one, session(&new_user_key(&tenant("acme")))).await;
    let (key, using, ending) = (first.key.clone(), one.clone(), other.clone());
    let later = idled_out();
    let touch = async move { touch(&using, &key, at(5), Some(later)).await };
    let (_, ended) = both(touch, end(ending, EndScope::User(first.user_key()))).await;
    assert_eq!(ended, 1);
    assert_ended(other, &first).await;
}

/// `rename` × `end`: the session is over.
pub async fn a_new_name_does_not_outrun_an_end(one: &Stores, other: &Stores) {
    let first = inserted(one, session(&new_user_key(&tenant("acme")))).await;
    let (key, naming, ending) = (first.key.clone(), one.clone(), other.clone());
    let rename = async move { naming.sessions.rename(&key, "new", NOW).await.answered() };
    let scope = EndScope::UserStrategy(first.user_key(), first.strategy);
    let (_, ended) = both(rename, end(ending, scope)).await;
    assert_eq!(ended, 1);
    assert_ended(one, &first).await;
}

/// `insert` × `end` of all of a user: a session whose epochs were read before the end does not live after it.
// ASVS-map: SE5
pub async fn a_sign_in_does_not_outrun_the_end_of_all(one: &Stores, other: &Stores) {
    let jo = new_user_key(&tenant("acme"));
    let epochs = one.epochs.read(&jo).await.answered();
    let under_way = Session { epochs, ..session(&jo) };
    let (written, signing_in, ending) = (under_way.clone(), one.clone(), other.clone());
    let insert = async move { signing_in.sessions.insert(&written).await.answered() };
    let (inserted, _) = both(insert, end(ending, EndScope::User(jo.clone()))).await;
    assert_eq!(inserted, Inserted::Done);
    let epochs = other.epochs.read(&jo).await.answered();
    let left = found(one, &by_id(&under_way), NOW).await.map(|session| session.state_at(NOW, epochs));
    assert!(matches!(left, Some(SessionState::Ended(_))), "{left:?}");
}

/// `rotate` × `end` of all but this one: neither loses what the other wrote.
pub async fn a_rotation_and_a_take_over_are_both_kept(one: &Stores, other: &Stores) {
    let kept = inserted(one, session(&new_user_key(&tenant("acme")))).await;
    let (key, rotating, ending) = (kept.key.clone(), one.clone(), other.clone());
    let rotate = async move { rotate(&rotating, &key, &redemption(3)).await };
    let (rotated, ended) =
        both(rotate, end(ending, EndScope::UserExcept(kept.user_key(), kept.key.id))).await;
    assert!(matches!(rotated, RotationOutcome::Won(_)), "{rotated:?}");
    assert_eq!(ended, 0);
    let left = found(one, &by_id(&kept), NOW).await;
    assert_eq!(
        left.as_ref().map(|session| (session.epochs.user, session.state)),
        Some((1, SessionState::Live))
    );
    let rotation = left.and_then(|session| session.rotation);
    assert_eq!(rotation.map(|rotation| rotation.current), Some(numbered(4)));
}

/// `rotate` × `touch` × `rename`: none loses what the others wrote.
pub async fn a_rotation_a_use_and_a_new_name_are_all_kept(one: &Stores, other: &Stores) {
    let first = inserted(one, session(&new_user_key(&tenant("acme")))).await;
    let last_use: Timestamp = at(90_000);
    let (key, rotating) = (first.key.clone(), one.clone());
    let rotate = async move { rotate(&rotating, &key, &redemption(3)).await };
    let (key, using) = (first.key.clone(), other.clone());
    let name_and_use = async move {
        let used = touch(&using, &key, last_use, None).await;
        used && using.sessions.rename(&key, "new", NOW).await.answered()
    };
    let (rotated, named) = both(rotate, name_and_use).await;
    assert!(matches!(rotated, RotationOutcome::Won(_)), "{rotated:?}");
    assert!(named);
    let left = found(one, &by_id(&first), NOW).await;
    let left = left.map(|session| (session.last_seen, session.device.name, session.rotation));
    let Some((last_seen, name, Some(rotation))) = left else { return assert_eq!(left, None, "it is gone") };
    assert_eq!((last_seen, name.as_str(), rotation.generation), (last_use, "new", 4));
}

/// `end` × `end`: one of them returns the session.
pub async fn of_many_ends_one_is_told(one: &Stores, other: &Stores) {
    let first = inserted(one, session(&new_user_key(&tenant("acme")))).await;
    let ended = at_once([one, other], RUNNERS, |number, stores| {
        let user = first.user_key();
        let scopes = [
            EndScope::One(first.key.clone()),
            EndScope::User(user.clone()),
            EndScope::UserStrategy(user.clone(), first.strategy),
            EndScope::UserBeyond(user, 0),
        ];
        let scope = scopes.into_iter().cycle().nth(number);
        async move {
            match scope {
                Some(scope) => end(stores, scope).await,
                None => 0,
            }
        }
    });
    assert_eq!(ended.await.into_iter().sum::<usize>(), 1);
}

/// Epochs are counted, not set: none of the advances is lost.
pub async fn no_count_of_an_epoch_is_lost(one: &Stores, other: &Stores) {
    let jo = new_user_key(&tenant(&fresh()));
    let before = one.epochs.read(&jo).await.answered();
    at_once([one, other], RUNNERS, |_, stores| {
        let user = jo.clone();
        async move {
            let reason = ending(EndReason::Admin);
            stores.sessions.end(&EndScope::User(user.clone()), reason).await.answered();
            stores.epochs.advance(&EpochScope::Tenant(user.tenant), reason).await.answered();
            stores.epochs.advance(&EpochScope::Everyone, reason).await.answered();
        }
    })
    .await;
    let after = other.epochs.read(&jo).await.answered();
    let runners = RUNNERS as u64;
    assert_eq!((after.user, after.tenant), (runners, runners));
    assert_eq!(after.everyone, before.everyone + runners);
}

/// `remove` × `remove` of one feed key: one of them gets it.
pub async fn of_many_who_remove_a_feed_key_one_gets_it(one: &Stores, other: &Stores) {
    let key = feed_key(FeedTenants::All);
    one.feed_keys.insert(&key).await.answered();
    let removed = at_once([one, other], RUNNERS, |_, stores| {
        let id = key.id;
        async move { stores.feed_keys.remove(id).await.answered() }
    });
    let got: Vec<FeedKey> = removed.await.into_iter().flatten().collect();
    assert_eq!(got, [key]);
}

/// Several nodes that create the installation at once agree on one.
pub async fn all_who_create_the_installation_agree(one: &Stores, other: &Stores) {
    let answers = at_once([one, other], RUNNERS, |_, stores| {
        let proposed = Installation { issuer: fresh(), created: NOW };
        async move { stores.tenants.get_or_create_installation(&proposed).await.answered() }
    })
    .await;
    assert!(answers.windows(2).all(|pair| pair.first() == pair.last()), "{answers:?}");
}
