//! What must hold when very many clients do something at once, as in an attack.
//!
//! Each function takes two connections to one database, which may be the same, and runs once with enough clients.

use std::collections::HashSet;

use super::super::records::{
    NOW, at, bare_session, bare_user, ending, issue, mobile, new_user_key, presented_secret, queued_mail,
    tenant, ticket, ticket_secret, username,
};
use super::attempts::of_account;
use super::races::{at_once, both, count, fresh};
use super::{Answered, tenants};
use crate::id::{QueuedMailId, UserKey};
use crate::lockout::{AttemptEffect, AttemptKey, AttemptOutcome, AttemptPermit, LockoutLimits};
use crate::machine::SystemRandom;
use crate::queued_mail::QueuedMail;
use crate::session::{EndReason, SessionState};
use crate::store::{EndScope, Inserted, Page, Stores, Updated};
use crate::ticket::{RedeemOutcome, ReissueOutcome, Ticket, TicketPurpose};
use crate::user::User;

pub(super) async fn all(make: &impl AsyncFn() -> (Stores, Stores)) {
    let (one, other) = make().await;
    of_a_thousand_wrong_codes_five_are_compared(&one, &other).await;
    of_many_wrong_codes_at_all_tickets_of_a_user_ten_are_compared(&one, &other).await;
    of_fifty_right_secrets_one_opens(&one, &other).await;
    of_many_tickets_at_once_no_more_are_open_than_may_be(&one, &other).await;
    of_many_codes_for_one_sign_in_the_last_mail_counts(&one, &other).await;
    of_a_new_code_and_the_old_one_presented_at_once_one_counts(&one, &other).await;
    of_two_hundred_attempts_no_more_are_compared_than_may_all_be_wrong(&one, &other).await;
    of_many_wrong_guesses_one_locks(&one, &other).await;
    of_fifty_sign_ins_under_a_cap_five_live(&one, &other).await;
    of_many_who_claim_a_name_one_gets_it(&one, &other).await;
    of_many_updates_of_a_tenant_one_takes_place(&one, &other).await;
    no_mail_is_claimed_by_two(&one, &other).await;
}

/// How many clients claim something that one alone may get.
const CLAIMANTS: usize = 50;

async fn issued(stores: &Stores, user: &UserKey, purpose: TicketPurpose) -> Ticket {
    let ticket = ticket(user, purpose, NOW, 1);
    assert!(issue(stores, &ticket).await);
    ticket
}

/// Presents the secret of this number to these tickets in turn, all at once.
async fn presented(nodes: [&Stores; 2], tickets: &[Ticket], times: usize, number: u64) -> Vec<RedeemOutcome> {
    let turns: Vec<&Ticket> = tickets.iter().cycle().take(times).collect();
    at_once(nodes, times, |turn, stores| {
        let ticket = turns.get(turn).map(|ticket| (ticket.key.clone(), ticket.purpose));
        async move {
            let Some((key, purpose)) = ticket else { return RedeemOutcome::Gone };
            stores.tickets.redeem(&key, purpose, &presented_secret(number), None, at(1)).await.answered()
        }
    })
    .await
}

/// `redeem` × `redeem` of wrong secrets: as many are compared as a ticket allows, and after them not even the right
/// one.
// ASVS-map: OT3
pub async fn of_a_thousand_wrong_codes_five_are_compared(one: &Stores, other: &Stores) {
    let ticket = issued(one, &new_user_key(&tenant("acme")), TicketPurpose::Code).await;
    let answers = presented([one, other], std::slice::from_ref(&ticket), 1000, 99).await;
    assert_eq!(
        (count(&answers, &RedeemOutcome::Wrong), count(&answers, &RedeemOutcome::Exhausted)),
        (5, 995)
    );
    let right = presented([one, other], &[ticket], 1, 1).await;
    assert_eq!(right, [RedeemOutcome::Exhausted]);
}

/// The same at several tickets of one user: no more are compared than the user may get wrong at all of them.
// ASVS-map: OT3
pub async fn of_many_wrong_codes_at_all_tickets_of_a_user_ten_are_compared(one: &Stores, other: &Stores) {
    let jo = new_user_key(&tenant("acme"));
    let mut tickets = Vec::new();
    for _ in 0..TicketPurpose::Code.limits().open {
        tickets.push(issued(one, &jo, TicketPurpose::Code).await);
    }
    let answers = presented([one, other], &tickets, 300, 99).await;
    assert_eq!(
        (count(&answers, &RedeemOutcome::Wrong), count(&answers, &RedeemOutcome::Exhausted)),
        (10, 290)
    );
}

/// `redeem` × `redeem` of the right secret: one succeeds.
// ASVS-map: OT1 RC1
pub async fn of_fifty_right_secrets_one_opens(one: &Stores, other: &Stores) {
    for purpose in TicketPurpose::ALL {
        let ticket = issued(one, &new_user_key(&tenant("acme")), purpose).await;
        let answers = presented([one, other], &[ticket], CLAIMANTS, 1).await;
        let done = answers.iter().filter(|answer| matches!(answer, RedeemOutcome::Done(_)));
        assert_eq!((done.count(), count(&answers, &RedeemOutcome::Gone)), (1, CLAIMANTS - 1), "{purpose}");
    }
}

/// `issue` × `issue`: no more are issued than may be, and no more stay open.
// ASVS-map: OT4
pub async fn of_many_tickets_at_once_no_more_are_open_than_may_be(one: &Stores, other: &Stores) {
    let (jo, limits) = (new_user_key(&tenant("acme")), TicketPurpose::Code.limits());
    let issued = at_once([one, other], 100, |_, stores| {
        let ticket = ticket(&jo, TicketPurpose::Code, NOW, 1);
        async move { issue(&stores, &ticket).await.then_some(ticket) }
    });
    let issued: Vec<Ticket> = issued.await.into_iter().flatten().collect();
    assert_eq!(issued.len(), limits.issued as usize);
    let answers = presented([one, other], &issued, issued.len(), 1).await;
    let open = answers.iter().filter(|answer| matches!(answer, RedeemOutcome::Done(_)));
    assert_eq!(open.count(), limits.open as usize);
}

/// Asks for another code, by a mail of its own.
async fn reissued(stores: Stores, ticket: Ticket) -> (QueuedMailId, ReissueOutcome) {
    let mail = QueuedMail::for_ticket(&ticket, &SystemRandom);
    (mail.id, stores.tickets.reissue(&ticket.key, None, &mail, NOW).await.answered())
}

/// `reissue` × `reissue`: as many as may be issued, and one mail is left, whose secret alone counts.
// ASVS-map: OT4
pub async fn of_many_codes_for_one_sign_in_the_last_mail_counts(one: &Stores, other: &Stores) {
    let ticket = issued(one, &new_user_key(&tenant(&fresh())), TicketPurpose::Code).await;
    let answers = at_once([one, other], CLAIMANTS, |_, stores| reissued(stores, ticket.clone())).await;
    let done = answers.iter().filter(|(_, answer)| matches!(answer, ReissueOutcome::Done(_)));
    assert_eq!(done.count() + 1, TicketPurpose::Code.limits().issued as usize, "{answers:?}");
    let mut armed = Vec::new();
    for (number, (mail, _)) in (2..).zip(&answers) {
        let secret = ticket_secret(number);
        if one.tickets.arm(&ticket.key, *mail, &secret, NOW).await.answered().is_some() {
            armed.push(number);
        }
    }
    assert_eq!(armed.len(), 1, "the mails of so many codes are left");
    for number in armed {
        let redeemed = presented([one, other], std::slice::from_ref(&ticket), 1, number).await;
        assert!(matches!(redeemed[..], [RedeemOutcome::Done(_)]), "{redeemed:?}");
    }
}

/// `reissue` × `redeem`: the old code is redeemed, or it is worthless.
// ASVS-map: OT4
pub async fn of_a_new_code_and_the_old_one_presented_at_once_one_counts(one: &Stores, other: &Stores) {
    for _ in 0..CLAIMANTS {
        let ticket = issued(one, &new_user_key(&tenant("acme")), TicketPurpose::Code).await;
        let (key, shown) = (ticket.key.clone(), other.clone());
        let show = async move {
            let secret = presented_secret(1);
            shown.tickets.redeem(&key, TicketPurpose::Code, &secret, None, NOW).await.answered()
        };
        match both(reissued(one.clone(), ticket), show).await {
            ((_, ReissueOutcome::Done(_)), RedeemOutcome::Wrong)
            | ((_, ReissueOutcome::Gone), RedeemOutcome::Done(_)) => (),
            answers => assert_eq!(Some(answers), None),
        }
    }
}

async fn reserved(nodes: [&Stores; 2], key: &AttemptKey, times: usize) -> Vec<AttemptPermit> {
    at_once(nodes, times, |_, stores| {
        let key = key.clone();
        async move { stores.attempts.reserve(&key, &LockoutLimits::default(), NOW).await.answered() }
    })
    .await
}

/// `reserve` × `reserve`: no more are compared than may all be wrong.
// ASVS-map: AU1
pub async fn of_two_hundred_attempts_no_more_are_compared_than_may_all_be_wrong(
    one: &Stores,
    other: &Stores,
) {
    let after = LockoutLimits::default().max_failures as usize;
    let key = of_account(&new_user_key(&tenant("acme")));
    let answers = reserved([one, other], &key, 200).await;
    let answers =
        (count(&answers, &AttemptPermit::Granted), count(&answers, &AttemptPermit::TooManyInFlight));
    assert_eq!(answers, (after, 200 - after));
}

/// `settle` × `settle`: none is lost, and one of them learns that it has locked the account.
// ASVS-map: AU1
pub async fn of_many_wrong_guesses_one_locks(one: &Stores, other: &Stores) {
    let limits = LockoutLimits::default();
    let key = of_account(&new_user_key(&tenant("acme")));
    let granted = reserved([one, other], &key, limits.max_failures as usize).await;
    let settled = at_once([one, other], granted.len(), |_, stores| {
        let key = key.clone();
        async move {
            let settle =
                stores.attempts.settle(&key, AttemptPermit::Granted, AttemptOutcome::Wrong, &limits, NOW);
            settle.await.answered()
        }
    });
    assert_eq!(count(&settled.await, &AttemptEffect::LockedNow), 1);
    let found = other.attempts.find(&key).await.answered();
    assert_eq!((found.failures, found.pending.len()), (limits.max_failures, 0));
}

/// `insert` and `end` of all but the newest, by many clients: as many sessions live as the cap allows.
// ASVS-map: SE7
pub async fn of_fifty_sign_ins_under_a_cap_five_live(one: &Stores, other: &Stores) {
    let jo = new_user_key(&tenant("acme"));
    let ended = at_once([one, other], CLAIMANTS, |_, stores| {
        let (session, scope) = (bare_session(&jo), EndScope::UserBeyond(jo.clone(), 5));
        async move {
            assert_eq!(stores.sessions.insert(&session).await.answered(), Inserted::Done);
            stores.sessions.end(&scope, ending(EndReason::Limit)).await.answered().len()
        }
    });
    assert_eq!(ended.await.into_iter().sum::<usize>(), CLAIMANTS - 5);
    let page = Page { after: None, limit: 100 };
    let sessions = other.sessions.list(&jo, page, NOW).await.answered();
    assert_eq!(sessions.len(), CLAIMANTS);
    let live = sessions.iter().filter(|session| session.state == SessionState::Live);
    assert_eq!(live.count(), 5);
}

/// `insert` × `insert` of one user name, or of one mobile number: one is done.
// ASVS-map: AU6
pub async fn of_many_who_claim_a_name_one_gets_it(one: &Stores, other: &Stores) {
    let name = fresh();
    let claims: [fn(User, &str) -> User; 2] = [
        |user, name| User { username: Some(username(name)), ..user },
        |user, _| User { mobile: Some(mobile("+49 170 1234567")), ..user },
    ];
    for claim in claims {
        let answers = at_once([one, other], CLAIMANTS, |_, stores| {
            let claimant = bare_user(&tenant("acme"), &format!("{}@example.com", fresh()));
            let claimant = claim(claimant, &name);
            async move { stores.users.insert(&claimant).await.answered() }
        });
        assert_eq!(count(&answers.await, &Inserted::Done), 1);
    }
}

/// `update` × `update` of one version of a tenant: one is done.
pub async fn of_many_updates_of_a_tenant_one_takes_place(one: &Stores, other: &Stores) {
    let first = tenants::decided(&fresh());
    one.tenants.insert(&first).await.answered();
    let answers = at_once([one, other], CLAIMANTS, |number, stores| {
        let changed = first.clone().resumed(at(i64::try_from(number).unwrap_or(0)));
        async move { (stores.tenants.update(&changed).await.answered(), changed) }
    });
    let answers = answers.await;
    let mut done = answers.into_iter().filter(|(updated, _)| *updated == Updated::Done);
    let winner = done.next().map(|(_, changed)| changed);
    assert_eq!(done.count(), 0);
    assert_eq!(other.tenants.find(&first.id).await.answered(), winner);
}

/// `claim` × `claim`: every mail is claimed, and none by two workers.
pub async fn no_mail_is_claimed_by_two(one: &Stores, other: &Stores) {
    // Earlier tickets have queued mails.
    while !one.mail.claim(at(10), 100).await.answered().is_empty() {}
    let jo = new_user_key(&tenant("acme"));
    let mut put = HashSet::new();
    for number in 0..100 {
        let message = queued_mail(&jo, at(number % 7));
        one.mail.put(&message).await.answered();
        put.insert(message.id);
    }
    let claimed = at_once([one, other], 20, |_, stores| async move {
        let mut claimed: Vec<QueuedMailId> = Vec::new();
        loop {
            let next = stores.mail.claim(at(10), 3).await.answered();
            if next.is_empty() {
                return claimed;
            }
            assert!(next.iter().all(|message| message.tries == 1));
            claimed.extend(next.into_iter().map(|message| message.id));
        }
    });
    let claimed: Vec<QueuedMailId> = claimed.await.into_iter().flatten().collect();
    assert_eq!(claimed.len(), put.len());
    assert_eq!(claimed.into_iter().collect::<HashSet<_>>(), put);
}
