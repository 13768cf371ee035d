//! What a [`MailStore`](crate::store::MailStore) must do.

use std::time::Duration;

use super::super::records::{NOW, at, new_user_key, queued_mail, tenant};
use super::{Answered, each};
use crate::clock::Timestamp;
use crate::id::{QueuedMailId, UserKey};
use crate::machine::SystemRandom;
use crate::queued_mail::{CLAIM_LEASE, KEPT_PAST_EXPIRY, MailKind, QueuedMail};
use crate::store::Stores;

pub(super) async fn all(make: &impl AsyncFn() -> Stores) {
    each!(make;
        a_mail_is_claimed_as_it_was_put,
        a_claimed_mail_is_due_again_when_it_was_not_sent,
        the_longest_due_are_claimed_first,
        a_mail_is_put_off_while_it_is_there,
        what_is_done_is_gone,
        a_mail_that_has_expired_is_left_alone_for_a_day,
        mails_of_one_id_are_two_in_two_tenants,
    );
}

async fn put(stores: &Stores, queued_mail: QueuedMail) -> QueuedMail {
    stores.mail.put(&queued_mail).await.answered();
    queued_mail
}

async fn claim(stores: &Stores, now: Timestamp, limit: u32) -> Vec<QueuedMail> {
    stores.mail.claim(now, limit).await.answered()
}

async fn claimed_ids(stores: &Stores, now: Timestamp, limit: u32) -> Vec<QueuedMailId> {
    claim(stores, now, limit).await.into_iter().map(|queued_mail| queued_mail.id).collect()
}

/// The mail as it is after it was claimed at `now` for this many times.
fn claimed(queued_mail: &QueuedMail, now: Timestamp, tries: u32) -> QueuedMail {
    QueuedMail { due: now.plus(CLAIM_LEASE), tries, ..queued_mail.clone() }
}

/// `claim` returns what `put` wrote, for every kind of mail.
pub async fn a_mail_is_claimed_as_it_was_put(stores: &Stores) {
    let jo = new_user_key(&tenant("acme"));
    assert_eq!(claim(stores, NOW, 9).await, []);
    for about in MailKind::ALL {
        for written in [
            QueuedMail { kind: about, ..queued_mail(&jo, NOW) },
            QueuedMail::notification(&jo, about, NOW, &SystemRandom),
        ] {
            put(stores, written.clone()).await;
            assert_eq!(claim(stores, NOW, 9).await, [claimed(&written, NOW, 1)]);
            assert!(stores.mail.done(&jo.tenant, written.id).await.answered());
        }
    }
}

/// A claimed mail is not claimed again before its lease ends, and each claim counts as a try.
pub async fn a_claimed_mail_is_due_again_when_it_was_not_sent(stores: &Stores) {
    let written = put(stores, queued_mail(&new_user_key(&tenant("acme")), at(5))).await;
    assert_eq!(claim(stores, at(4), 9).await, [], "it was not due");
    assert_eq!(claim(stores, at(5), 9).await, [claimed(&written, at(5), 1)]);
    let again = at(5).plus(CLAIM_LEASE);
    assert_eq!(claim(stores, Timestamp::from_millis(again.as_millis() - 1), 9).await, []);
    assert_eq!(claim(stores, again, 9).await, [claimed(&written, again, 2)]);
}

/// In the order of their due times, and no more than the limit.
pub async fn the_longest_due_are_claimed_first(stores: &Stores) {
    let (jo, ann) = (new_user_key(&tenant("acme")), new_user_key(&tenant("globex")));
    let mut due = Vec::new();
    for (user, millis) in [(&jo, 3), (&ann, 1), (&jo, 4), (&ann, 2), (&jo, 0)] {
        due.push((millis, put(stores, queued_mail(user, at(millis))).await.id));
    }
    due.sort_unstable();
    let mut ids: Vec<QueuedMailId> = due.into_iter().map(|(_, id)| id).collect();
    let later = ids.split_off(2);
    assert_eq!(claimed_ids(stores, at(9), 0).await, []);
    assert_eq!(claimed_ids(stores, at(9), 2).await, ids);
    assert_eq!(claimed_ids(stores, at(9), 9).await, later);
    assert_eq!(claimed_ids(stores, at(9), 9).await, []);
}

/// `put_off` moves a mail that is in the queue, also to an earlier time.
pub async fn a_mail_is_put_off_while_it_is_there(stores: &Stores) {
    let jo = new_user_key(&tenant("acme"));
    let written = put(stores, queued_mail(&jo, NOW)).await;
    claim(stores, NOW, 9).await;
    let put_off =
        async |user: &UserKey, due| stores.mail.put_off(&user.tenant, written.id, due).await.answered();
    assert!(put_off(&jo, at(5)).await);
    assert_eq!(claim(stores, at(4), 9).await, []);
    assert_eq!(claim(stores, at(5), 9).await, [claimed(&written, at(5), 2)]);
    assert!(stores.mail.done(&jo.tenant, written.id).await.answered());
    assert!(!put_off(&jo, at(6)).await);
    assert_eq!(claim(stores, at(9), 9).await, []);
}

/// `done` takes a mail out once, and `waiting` counts the rest, claimed or not.
pub async fn what_is_done_is_gone(stores: &Stores) {
    let jo = new_user_key(&tenant("acme"));
    let waiting = async || stores.mail.waiting(NOW).await.answered();
    assert_eq!(waiting().await, 0);
    let first = put(stores, queued_mail(&jo, NOW)).await;
    put(stores, queued_mail(&jo, at(100))).await;
    claim(stores, NOW, 1).await;
    assert_eq!(waiting().await, 2);
    assert!(stores.mail.done(&jo.tenant, first.id).await.answered());
    assert!(!stores.mail.done(&jo.tenant, first.id).await.answered());
    assert_eq!(waiting().await, 1);
    assert_eq!(claim(stores, NOW.plus(CLAIM_LEASE), 9).await.len(), 1);
}

/// A process whose clock is ahead calls a mail expired that another one may still send.
pub async fn a_mail_that_has_expired_is_left_alone_for_a_day(stores: &Stores) {
    let jo = new_user_key(&tenant("acme"));
    let expires = NOW.plus(Duration::from_mins(5));
    let written = put(stores, QueuedMail { expires, ..queued_mail(&jo, NOW) }).await;
    let just_before = |moment: Timestamp| Timestamp::from_millis(moment.as_millis() - 1);
    let purge = async |now| stores.mail.purge(now, 9).await.answered();
    let removable = expires.plus(KEPT_PAST_EXPIRY);
    for ahead in [expires, just_before(removable)] {
        assert_eq!(claim(stores, ahead, 9).await, []);
        assert_eq!(stores.mail.waiting(ahead).await.answered(), 0);
        assert_eq!(purge(ahead).await, 0);
    }
    assert_eq!(stores.mail.waiting(just_before(expires)).await.answered(), 1);
    let sent = just_before(expires);
    assert_eq!(claim(stores, sent, 9).await, [claimed(&written, sent, 1)], "as it was put, after all that");
    for _ in 0..2 {
        put(stores, QueuedMail { expires, ..queued_mail(&jo, NOW) }).await;
    }
    assert_eq!(stores.mail.purge(removable, 2).await.answered(), 2);
    assert_eq!((purge(removable).await, purge(removable).await), (1, 0));
}

/// No verb that takes an id reaches the same id in another tenant.
// ASVS-map: TN1
pub async fn mails_of_one_id_are_two_in_two_tenants(stores: &Stores) {
    let (acme, globex) = (tenant("acme"), tenant("globex"));
    let one = put(stores, queued_mail(&new_user_key(&acme), NOW)).await;
    assert!(!stores.mail.put_off(&globex, one.id, at(9)).await.answered());
    assert!(!stores.mail.done(&globex, one.id).await.answered());
    let twin =
        QueuedMail { user: UserKey { tenant: globex.clone(), id: one.user.id }, due: at(1), ..one.clone() };
    put(stores, twin.clone()).await;
    assert_eq!(claim(stores, at(1), 9).await, [claimed(&one, at(1), 1), claimed(&twin, at(1), 1)]);
    assert!(stores.mail.done(&globex, one.id).await.answered());
    assert_eq!(stores.mail.waiting(NOW).await.answered(), 1);
    assert!(stores.mail.done(&acme, one.id).await.answered());
}
