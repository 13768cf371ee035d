//! What a [`TicketStore`](crate::store::TicketStore) must do.

use std::time::Duration;

use super::super::records::{
    NOW, at, first_mail, issue, new_user_key, numbered, parsed, presented_secret, tenant, ticket,
    ticket_secret,
};
use super::{Answered, each};
use crate::clock::Timestamp;
use crate::id::UserKey;
use crate::machine::SystemRandom;
use crate::queued_mail::QueuedMail;
use crate::store::Stores;
use crate::ticket::{
    IssueOutcome, RedeemOutcome, Ticket, TicketKey, TicketPurpose, TicketSecret, TicketState,
};

pub(super) async fn all(make: &impl AsyncFn() -> Stores) {
    each!(make;
        a_ticket_is_redeemed_as_it_was_issued_and_once,
        a_ticket_is_armed_while_it_is_open,
        a_secret_counts_under_the_key_that_hashed_it,
        a_new_secret_takes_the_place_of_the_one_before,
        one_more_than_may_be_open_closes_the_oldest,
        what_has_expired_takes_no_place,
        no_more_are_issued_than_may_be,
        wrong_guesses_at_a_ticket_are_counted,
        wrong_guesses_at_all_tickets_of_a_user_are_counted,
        another_device_is_a_wrong_guess,
        nothing_is_redeemed_at_its_expiry,
        a_ticket_of_another_purpose_is_none,
        a_purge_takes_only_what_is_over_and_is_bounded,
        tickets_of_one_id_are_two_in_two_tenants,
    );
}

/// The number of the right secret of every ticket in this file.
const RIGHT: u64 = 1;

async fn issued(stores: &Stores, user: &UserKey, purpose: TicketPurpose, created: Timestamp) -> Ticket {
    let ticket = ticket(user, purpose, created, RIGHT);
    assert!(issue(stores, &ticket).await);
    ticket
}

async fn redeem(stores: &Stores, ticket: &Ticket, number: u64, now: Timestamp) -> RedeemOutcome {
    let tickets = &stores.tickets;
    tickets.redeem(&ticket.key, ticket.purpose, &presented_secret(number), None, now).await.answered()
}

async fn arm(stores: &Stores, ticket: &Ticket, number: u64, now: Timestamp) -> Option<Ticket> {
    let mail = first_mail(ticket).id;
    stores.tickets.arm(&ticket.key, mail, &ticket_secret(number), now).await.answered()
}

fn done(ticket: &Ticket) -> RedeemOutcome {
    RedeemOutcome::Done(Box::new(Ticket { state: TicketState::Redeemed, ..ticket.clone() }))
}

async fn guessed_wrong(stores: &Stores, ticket: &Ticket, times: u32) {
    for _ in 0..times {
        assert_eq!(redeem(stores, ticket, 99, NOW).await, RedeemOutcome::Wrong);
    }
}

/// `redeem` with the right secret returns the ticket as it was issued, once.
// ASVS-map: OT1 RC1
pub async fn a_ticket_is_redeemed_as_it_was_issued_and_once(stores: &Stores) {
    for purpose in TicketPurpose::ALL {
        let ticket = issued(stores, &new_user_key(&tenant("acme")), purpose, NOW).await;
        assert_eq!(redeem(stores, &ticket, RIGHT, at(1)).await, done(&ticket));
        assert_eq!(redeem(stores, &ticket, RIGHT, at(1)).await, RedeemOutcome::Gone);
    }
    let absent = ticket(&new_user_key(&tenant("acme")), TicketPurpose::Code, NOW, RIGHT);
    assert_eq!(redeem(stores, &absent, RIGHT, NOW).await, RedeemOutcome::Gone);
}

/// `arm` gives a ticket its secret if it can still be redeemed.
pub async fn a_ticket_is_armed_while_it_is_open(stores: &Stores) {
    let jo = new_user_key(&tenant("acme"));
    let unsent = Ticket { secret: None, device: None, ..ticket(&jo, TicketPurpose::Code, NOW, RIGHT) };
    assert_eq!(arm(stores, &unsent, RIGHT, NOW).await, None, "there is no such ticket");
    assert!(issue(stores, &unsent).await);
    assert_eq!(redeem(stores, &unsent, RIGHT, NOW).await, RedeemOutcome::Wrong);
    assert_eq!(arm(stores, &unsent, RIGHT, unsent.expires).await, None, "it has expired");

    let sent = Ticket { secret: Some(ticket_secret(RIGHT)), wrong: 1, last_wrong: Some(NOW), ..unsent };
    assert_eq!(arm(stores, &sent, RIGHT, at(1)).await.as_ref(), Some(&sent));
    assert_eq!(redeem(stores, &sent, RIGHT, at(2)).await, done(&sent));
    assert_eq!(arm(stores, &sent, RIGHT, at(3)).await, None, "it was redeemed");
}

/// The secret that was sent first does not work after another was sent.
// ASVS-map: OT4
pub async fn a_new_secret_takes_the_place_of_the_one_before(stores: &Stores) {
    let ticket = issued(stores, &new_user_key(&tenant("acme")), TicketPurpose::Code, NOW).await;
    assert!(arm(stores, &ticket, 2, at(1)).await.is_some());
    assert_eq!(redeem(stores, &ticket, RIGHT, at(2)).await, RedeemOutcome::Wrong);
    assert!(matches!(redeem(stores, &ticket, 2, at(2)).await, RedeemOutcome::Done(_)));
}

/// `issue` closes the user's oldest ticket of the same purpose, and no other.
// ASVS-map: OT4 RC1
pub async fn one_more_than_may_be_open_closes_the_oldest(stores: &Stores) {
    let (jo, ann) = (new_user_key(&tenant("acme")), new_user_key(&tenant("acme")));
    let one_more = |purpose: &TicketPurpose| purpose.limits().issued > purpose.limits().open;
    for purpose in TicketPurpose::ALL.into_iter().filter(one_more) {
        let others = issued(stores, &ann, purpose, NOW).await;
        let mut tickets = Vec::new();
        for number in 0..=i64::from(purpose.limits().open) {
            tickets.push(issued(stores, &jo, purpose, at(number)).await);
        }
        let Some((oldest, newer)) = tickets.split_first() else { continue };
        assert_eq!(arm(stores, oldest, RIGHT, at(9)).await, None);
        assert_eq!(redeem(stores, oldest, RIGHT, at(9)).await, RedeemOutcome::Gone);
        for ticket in newer.iter().chain([&others]) {
            assert_eq!(redeem(stores, ticket, RIGHT, at(9)).await, done(ticket));
        }
    }
}

/// A ticket that has expired does not count as open.
pub async fn what_has_expired_takes_no_place(stores: &Stores) {
    let jo = new_user_key(&tenant("acme"));
    let mut expired = Vec::new();
    for number in 0..i64::from(TicketPurpose::Code.limits().open) {
        expired.push(issued(stores, &jo, TicketPurpose::Code, at(number)).await);
    }
    let late = NOW.plus(TicketPurpose::Code.limits().lifetime).plus(Duration::from_mins(1));
    let next = issued(stores, &jo, TicketPurpose::Code, late).await;
    for ticket in &expired {
        assert_eq!(redeem(stores, ticket, RIGHT, late).await, RedeemOutcome::Expired);
    }
    assert_eq!(redeem(stores, &next, RIGHT, late).await, done(&next));
}

/// `issue` rejects a ticket beyond the limit, and closes none for it.
// ASVS-map: OT4
pub async fn no_more_are_issued_than_may_be(stores: &Stores) {
    let (jo, ann) = (new_user_key(&tenant("acme")), new_user_key(&tenant("acme")));
    for purpose in TicketPurpose::ALL {
        let limits = purpose.limits();
        let mut last = issued(stores, &jo, purpose, NOW).await;
        for _ in 1..limits.issued {
            last = issued(stores, &jo, purpose, at(5)).await;
        }
        let last_moment = Timestamp::from_millis(NOW.plus(limits.within).as_millis() - 1);
        for now in [at(6), last_moment] {
            let refused = ticket(&jo, purpose, now, RIGHT);
            let queued_mail = QueuedMail::for_ticket(&refused, &SystemRandom);
            let answer = stores.tickets.issue(&refused, &queued_mail).await.answered();
            let wait = NOW.plus(limits.within).since(now);
            assert_eq!(answer, IssueOutcome::TooMany { wait }, "{purpose}: as long as the first one counts");
            assert_eq!(redeem(stores, &refused, RIGHT, now).await, RedeemOutcome::Gone);
        }
        assert!(arm(stores, &last, RIGHT, at(7)).await.is_some(), "a rejection has closed a ticket");
        issued(stores, &ann, purpose, at(6)).await;
        issued(stores, &jo, purpose, NOW.plus(limits.within)).await;
    }
}

/// After as many wrong guesses as a ticket allows, even the right secret is rejected.
// ASVS-map: OT3
pub async fn wrong_guesses_at_a_ticket_are_counted(stores: &Stores) {
    let jo = new_user_key(&tenant("acme"));
    let first = issued(stores, &jo, TicketPurpose::Code, NOW).await;
    let second = issued(stores, &jo, TicketPurpose::Code, NOW).await;
    let guesses = TicketPurpose::Code.limits().guesses;
    guessed_wrong(stores, &first, guesses).await;
    for number in [RIGHT, 99] {
        assert_eq!(redeem(stores, &first, number, NOW).await, RedeemOutcome::Exhausted);
    }
    guessed_wrong(stores, &second, guesses - 1).await;
    let second = Ticket { wrong: guesses - 1, last_wrong: Some(NOW), ..second };
    assert_eq!(redeem(stores, &second, RIGHT, NOW).await, done(&second));
}

/// After too many wrong guesses at all of a user's tickets of a purpose, closed ones included, every guess is rejected
/// until they are long enough ago.
// ASVS-map: OT3
pub async fn wrong_guesses_at_all_tickets_of_a_user_are_counted(stores: &Stores) {
    let (jo, ann) = (new_user_key(&tenant("acme")), new_user_key(&tenant("acme")));
    let limits = TicketPurpose::Reset.limits();
    for _ in 0..limits.wrong / limits.guesses {
        let ticket = issued(stores, &jo, TicketPurpose::Reset, NOW).await;
        guessed_wrong(stores, &ticket, limits.guesses).await;
    }
    let last = issued(stores, &jo, TicketPurpose::Reset, NOW).await;
    let enough = NOW.plus(limits.within);
    for now in [NOW, Timestamp::from_millis(enough.as_millis() - 1)] {
        assert_eq!(redeem(stores, &last, RIGHT, now).await, RedeemOutcome::Exhausted);
    }
    for (user, purpose) in [(&ann, TicketPurpose::Reset), (&jo, TicketPurpose::Unlock)] {
        let ticket = issued(stores, user, purpose, NOW).await;
        assert_eq!(redeem(stores, &ticket, RIGHT, NOW).await, done(&ticket));
    }
    assert_eq!(redeem(stores, &last, RIGHT, enough).await, done(&last));
}

/// A guess from another device than the one that asked is wrong.
// ASVS-map: OT2
pub async fn another_device_is_a_wrong_guess(stores: &Stores) {
    let ticket = issued(stores, &new_user_key(&tenant("acme")), TicketPurpose::Code, NOW).await;
    let by = async |device| {
        let tickets = &stores.tickets;
        tickets
            .redeem(&ticket.key, ticket.purpose, &presented_secret(RIGHT), Some(device), at(1))
            .await
            .answered()
    };
    assert_eq!(by(numbered(1001)).await, RedeemOutcome::Wrong);
    let guessed = Ticket { wrong: 1, last_wrong: Some(at(1)), ..ticket.clone() };
    assert_eq!(by(numbered(1000)).await, done(&guessed));
}

/// A ticket cannot be redeemed at its expiry or later.
// ASVS-map: OT1 RC1
pub async fn nothing_is_redeemed_at_its_expiry(stores: &Stores) {
    let ticket = issued(stores, &new_user_key(&tenant("acme")), TicketPurpose::Unlock, NOW).await;
    assert_eq!(redeem(stores, &ticket, RIGHT, ticket.expires).await, RedeemOutcome::Expired);
    let last = Timestamp::from_millis(ticket.expires.as_millis() - 1);
    assert_eq!(redeem(stores, &ticket, RIGHT, last).await, done(&ticket));
}

/// A hash without a key is as good as before, and a hash under another key is none.
// ASVS-map: OT1
pub async fn a_secret_counts_under_the_key_that_hashed_it(stores: &Stores) {
    let jo = new_user_key(&tenant("acme"));
    for (kid, works) in [(None, true), (Some("another-key"), false)] {
        let secret = TicketSecret { kid: kid.map(parsed), ..ticket_secret(RIGHT) };
        let ticket = Ticket { secret: Some(secret), ..ticket(&jo, TicketPurpose::Code, NOW, RIGHT) };
        assert!(issue(stores, &ticket).await);
        let redeemed = redeem(stores, &ticket, RIGHT, NOW).await;
        assert_eq!(redeemed, if works { done(&ticket) } else { RedeemOutcome::Wrong }, "{kid:?}");
    }
}

/// A code unlocks no account, and a link signs no user in.
// ASVS-map: OT2
pub async fn a_ticket_of_another_purpose_is_none(stores: &Stores) {
    let ticket = issued(stores, &new_user_key(&tenant("acme")), TicketPurpose::Unlock, NOW).await;
    for purpose in [TicketPurpose::Code, TicketPurpose::Reset] {
        let other = Ticket { purpose, ..ticket.clone() };
        assert_eq!(redeem(stores, &other, RIGHT, NOW).await, RedeemOutcome::Gone);
    }
    assert_eq!(redeem(stores, &ticket, RIGHT, NOW).await, done(&ticket));
}

/// `purge` removes tickets that no limit counts any more, at most as many as its limit.
pub async fn a_purge_takes_only_what_is_over_and_is_bounded(stores: &Stores) {
    let mut kept_until = Vec::new();
    for purpose in TicketPurpose::ALL {
        let ticket = issued(stores, &new_user_key(&tenant("acme")), purpose, NOW).await;
        kept_until.push(ticket.kept_until());
    }
    let code = issued(stores, &new_user_key(&tenant("acme")), TicketPurpose::Code, at(1)).await;
    kept_until.sort();
    let [first, .., last] = kept_until[..] else { return };
    let purge = async |now, limit| stores.tickets.purge(now, limit).await.answered();
    assert_eq!(purge(Timestamp::from_millis(first.as_millis() - 1), 9).await, 0);
    assert_eq!(purge(first, 9).await, 1);
    assert_eq!(redeem(stores, &code, RIGHT, first).await, RedeemOutcome::Expired);
    assert_eq!(purge(last, 2).await, 2);
    assert_eq!(purge(last, 3).await, 2);
    assert_eq!(redeem(stores, &code, RIGHT, first).await, RedeemOutcome::Gone);
}

/// No verb reaches a ticket with the same id in another tenant, and guesses there do not count here.
// ASVS-map: TN1
pub async fn tickets_of_one_id_are_two_in_two_tenants(stores: &Stores) {
    let one = issued(stores, &new_user_key(&tenant("acme")), TicketPurpose::Code, NOW).await;
    let other = Ticket { key: TicketKey { tenant: tenant("globex"), id: one.key.id }, ..one.clone() };
    assert_eq!(redeem(stores, &other, RIGHT, NOW).await, RedeemOutcome::Gone);
    assert_eq!(arm(stores, &other, RIGHT, NOW).await, None);
    assert!(issue(stores, &other).await);
    guessed_wrong(stores, &other, TicketPurpose::Code.limits().guesses).await;
    for _ in 0..TicketPurpose::Code.limits().open {
        issued(stores, &other.user_key(), TicketPurpose::Code, at(1)).await;
    }
    assert_eq!(redeem(stores, &other, RIGHT, NOW).await, RedeemOutcome::Gone);
    assert_eq!(redeem(stores, &one, RIGHT, NOW).await, done(&one));
}
