//! What a [`TicketStore`](crate::store::TicketStore) must do when another code is sent for a sign-in.

use std::time::Duration;

use super::super::records::{
    NOW, at, first_mail, issue, new_user_key, numbered, presented_secret, tenant, ticket, ticket_secret,
};
use super::{Answered, each};
use crate::clock::Timestamp;
use crate::id::{TicketId, UserKey};
use crate::machine::SystemRandom;
use crate::queued_mail::QueuedMail;
use crate::store::Stores;
use crate::ticket::{IssueOutcome, RedeemOutcome, ReissueOutcome, Ticket, TicketKey, TicketPurpose};

pub(super) async fn all(make: &impl AsyncFn() -> Stores) {
    each!(make;
        another_code_takes_the_place_of_the_one_before,
        guesses_that_were_made_count_after_another_code_too,
        a_code_that_no_guess_is_left_for_is_not_sent,
        further_codes_count_among_those_that_are_issued,
        a_sign_in_ends_a_quarter_of_an_hour_after_it_began,
        a_sign_in_that_goes_on_closes_the_oldest_other_one,
        for_what_is_no_sign_in_here_no_code_is_sent,
        what_is_complete_or_no_sign_in_gets_no_code,
        no_code_is_sent_for_the_sign_in_of_another_device,
    );
}

/// The numbers of the first secret and of the one after it.
const FIRST: u64 = 1;
const SECOND: u64 = 2;

const QUARTER: Duration = Duration::from_mins(15);

async fn asked(stores: &Stores, user: &UserKey, created: Timestamp) -> Ticket {
    let ticket = ticket(user, TicketPurpose::Code, created, FIRST);
    assert!(issue(stores, &ticket).await);
    ticket
}

/// Asks for another code, by this mail.
async fn reissue_by(stores: &Stores, ticket: &Ticket, mail: &QueuedMail, now: Timestamp) -> ReissueOutcome {
    stores.tickets.reissue(&ticket.key, None, mail, now).await.answered()
}

async fn reissue(stores: &Stores, ticket: &Ticket, now: Timestamp) -> ReissueOutcome {
    let mail = QueuedMail { due: now, ..QueuedMail::for_ticket(ticket, &SystemRandom) };
    reissue_by(stores, ticket, &mail, now).await
}

async fn redeem(stores: &Stores, ticket: &Ticket, number: u64, now: Timestamp) -> RedeemOutcome {
    let tickets = &stores.tickets;
    tickets.redeem(&ticket.key, ticket.purpose, &presented_secret(number), None, now).await.answered()
}

fn is_done(outcome: &RedeemOutcome) -> bool {
    matches!(outcome, RedeemOutcome::Done(_))
}

/// `reissue` makes the old code worthless at once, takes its mail out of the queue, and waits for the new secret.
// ASVS-map: OT4
pub async fn another_code_takes_the_place_of_the_one_before(stores: &Stores) {
    let ticket = asked(stores, &new_user_key(&tenant("acme")), NOW).await;
    let mail = QueuedMail { due: at(1), ..QueuedMail::for_ticket(&ticket, &SystemRandom) };
    let now = at(60_000);
    let next = Ticket { secret: None, expires: now.plus(Duration::from_mins(5)), ..ticket.clone() };
    assert_eq!(reissue_by(stores, &ticket, &mail, now).await, ReissueOutcome::Done(next.clone()));
    assert_eq!(stores.tickets.find(&ticket.key).await.answered(), Some(next));
    assert_eq!(redeem(stores, &ticket, FIRST, now).await, RedeemOutcome::Wrong);

    let claimed = stores.mail.claim(now, 9).await.answered();
    assert_eq!(claimed.into_iter().map(|mail| mail.id).collect::<Vec<_>>(), [mail.id]);
    let arm = async |mail: &QueuedMail, number| {
        stores.tickets.arm(&ticket.key, mail.id, &ticket_secret(number), now).await.answered()
    };
    assert!(arm(&mail, SECOND).await.is_some());
    assert_eq!(arm(&first_mail(&ticket), FIRST).await, None, "the old mail, sent late, kills no new code");
    assert!(is_done(&redeem(stores, &ticket, SECOND, now).await));
}

/// A new code gives no new guesses.
// ASVS-map: OT3
pub async fn guesses_that_were_made_count_after_another_code_too(stores: &Stores) {
    let ticket = asked(stores, &new_user_key(&tenant("acme")), NOW).await;
    for _ in 0..4 {
        assert_eq!(redeem(stores, &ticket, 99, NOW).await, RedeemOutcome::Wrong);
    }
    let guessed = stores.tickets.find(&ticket.key).await.answered();
    assert!(matches!(reissue(stores, &ticket, NOW).await, ReissueOutcome::Done(next) if next.wrong == 4));
    assert!(guessed.is_some_and(|guessed| guessed.wrong == 4));
    assert_eq!(redeem(stores, &ticket, 99, NOW).await, RedeemOutcome::Wrong);
    assert_eq!(redeem(stores, &ticket, FIRST, NOW).await, RedeemOutcome::Exhausted);
    assert_eq!(reissue(stores, &ticket, NOW).await, ReissueOutcome::Exhausted);
}

/// Ten wrong guesses of one user at other sign-ins leave none for this one.
// ASVS-map: OT3
pub async fn a_code_that_no_guess_is_left_for_is_not_sent(stores: &Stores) {
    let jo = new_user_key(&tenant("acme"));
    let [kept, guessed, guessed_too] =
        [asked(stores, &jo, NOW), asked(stores, &jo, at(1)), asked(stores, &jo, at(2))];
    let (kept, others) = (kept.await, [guessed.await, guessed_too.await]);
    for ticket in &others {
        for _ in 0..5 {
            assert_eq!(redeem(stores, ticket, 99, at(3)).await, RedeemOutcome::Wrong);
        }
    }
    assert_eq!(reissue(stores, &kept, at(4)).await, ReissueOutcome::Exhausted);
    assert_eq!(stores.tickets.find(&kept.key).await.answered(), Some(kept), "a refusal writes nothing");
    let bob = asked(stores, &new_user_key(&tenant("acme")), at(3)).await;
    assert!(matches!(reissue(stores, &bob, at(4)).await, ReissueOutcome::Done(_)), "another user's");
}

/// `reissue` and `issue` share one limit, and what is refused changes nothing.
// ASVS-map: OT4
pub async fn further_codes_count_among_those_that_are_issued(stores: &Stores) {
    let (jo, ann) = (new_user_key(&tenant("acme")), new_user_key(&tenant("acme")));
    let other = asked(stores, &ann, NOW).await;
    let first = asked(stores, &jo, NOW).await;
    let second = asked(stores, &jo, at(1)).await;
    for number in 2..i64::from(TicketPurpose::Code.limits().issued) {
        assert!(matches!(reissue(stores, &first, at(number)).await, ReissueOutcome::Done(_)), "{number}");
    }
    let now = at(20);
    let wait = NOW.plus(TicketPurpose::Code.limits().within).since(now);
    assert_eq!(reissue(stores, &second, now).await, ReissueOutcome::TooMany { wait });
    let refused = ticket(&jo, TicketPurpose::Code, now, FIRST);
    let mail = first_mail(&refused);
    assert_eq!(stores.tickets.issue(&refused, &mail).await.answered(), IssueOutcome::TooMany { wait });
    assert!(is_done(&redeem(stores, &second, FIRST, now).await), "a refusal has voided a code");
    assert!(matches!(reissue(stores, &other, now).await, ReissueOutcome::Done(_)), "another user's");
}

/// However often a code is sent again, and whether or not the last one has expired.
// ASVS-map: OT1
pub async fn a_sign_in_ends_a_quarter_of_an_hour_after_it_began(stores: &Stores) {
    let ticket = asked(stores, &new_user_key(&tenant("acme")), NOW).await;
    let over = NOW.plus(QUARTER);
    let last_moment = Timestamp::from_millis(over.as_millis() - 1);
    for now in [at(8 * 60_000), last_moment] {
        let expires = over.min(now.plus(Duration::from_mins(5)));
        let next = Ticket { secret: None, expires, ..ticket.clone() };
        assert_eq!(reissue(stores, &ticket, now).await, ReissueOutcome::Done(next));
    }
    assert_eq!(reissue(stores, &ticket, over).await, ReissueOutcome::Gone);
    assert_eq!(redeem(stores, &ticket, FIRST, over).await, RedeemOutcome::Expired);
}

/// A sign-in whose code has expired takes no place; with another code it does.
// ASVS-map: OT4
pub async fn a_sign_in_that_goes_on_closes_the_oldest_other_one(stores: &Stores) {
    let jo = new_user_key(&tenant("acme"));
    let late = asked(stores, &jo, NOW).await;
    let mut others = Vec::new();
    for number in 0..i64::from(TicketPurpose::Code.limits().open) {
        others.push(asked(stores, &jo, at(6 * 60_000 + number)).await);
    }
    let now = at(6 * 60_000 + 1_000);
    assert!(matches!(reissue(stores, &late, now).await, ReissueOutcome::Done(_)));
    let Some((oldest, newer)) = others.split_first() else { return };
    assert_eq!(redeem(stores, oldest, FIRST, now).await, RedeemOutcome::Gone);
    for ticket in newer {
        assert!(is_done(&redeem(stores, ticket, FIRST, now).await));
    }
    assert_eq!(redeem(stores, &late, 99, now).await, RedeemOutcome::Wrong, "it is open");
}

/// `reissue` of what is unknown or of another tenant writes nothing.
// ASVS-map: TN1 OT2
pub async fn for_what_is_no_sign_in_here_no_code_is_sent(stores: &Stores) {
    let jo = new_user_key(&tenant("acme"));
    let unknown = ticket(&jo, TicketPurpose::Code, NOW, FIRST);
    assert_eq!(reissue(stores, &unknown, NOW).await, ReissueOutcome::Gone);

    let ticket_of_jo = asked(stores, &jo, NOW).await;
    let elsewhere = TicketKey { tenant: tenant("globex"), id: ticket_of_jo.key.id };
    let elsewhere = Ticket { key: elsewhere, ..ticket_of_jo.clone() };
    assert_eq!(reissue(stores, &elsewhere, NOW).await, ReissueOutcome::Gone);
    let found = stores.tickets.find(&ticket_of_jo.key).await.answered();
    assert_eq!(found.as_ref(), Some(&ticket_of_jo), "a refusal writes nothing");
    let mail = QueuedMail::for_ticket(&ticket_of_jo, &SystemRandom);
    assert!(matches!(reissue_by(stores, &ticket_of_jo, &mail, NOW).await, ReissueOutcome::Done(_)));
    let counted = TicketKey { id: TicketId::from_uuid(mail.id.as_uuid()), ..ticket_of_jo.key.clone() };
    let counted = Ticket { key: counted, ..ticket_of_jo };
    assert_eq!(reissue(stores, &counted, NOW).await, ReissueOutcome::Gone, "what counts it is no sign-in");
}

/// `reissue` of what was redeemed or of another purpose writes nothing.
// ASVS-map: OT1
pub async fn what_is_complete_or_no_sign_in_gets_no_code(stores: &Stores) {
    let jo = new_user_key(&tenant("acme"));
    let done = asked(stores, &jo, NOW).await;
    assert!(is_done(&redeem(stores, &done, FIRST, NOW).await));
    assert_eq!(reissue(stores, &done, NOW).await, ReissueOutcome::Gone);
    for purpose in [TicketPurpose::Unlock, TicketPurpose::Reset, TicketPurpose::Notice] {
        let other = ticket(&jo, purpose, NOW, FIRST);
        assert!(issue(stores, &other).await);
        assert_eq!(reissue(stores, &other, NOW).await, ReissueOutcome::Gone);
        assert!(is_done(&redeem(stores, &other, FIRST, NOW).await), "{purpose}");
    }
}

/// The device that asked may ask again, and a client that shows none.
// ASVS-map: OT2
pub async fn no_code_is_sent_for_the_sign_in_of_another_device(stores: &Stores) {
    let ticket = asked(stores, &new_user_key(&tenant("acme")), NOW).await;
    let by = async |device| {
        let mail = QueuedMail::for_ticket(&ticket, &SystemRandom);
        stores.tickets.reissue(&ticket.key, device, &mail, NOW).await.answered()
    };
    assert_eq!(by(Some(numbered(1001))).await, ReissueOutcome::Gone);
    let found = stores.tickets.find(&ticket.key).await.answered();
    assert_eq!(found.as_ref(), Some(&ticket), "a refusal writes nothing");
    for device in [Some(numbered(1000)), None] {
        assert!(matches!(by(device).await, ReissueOutcome::Done(_)));
    }
}
