use super::*;
use crate::machine::SystemRandom;

const NOW: Timestamp = Timestamp::from_millis(1_769_638_376_311);

fn hash(text: &str) -> SecretHash {
    SecretHash::of(&[text.as_bytes()])
}

fn secret(text: &str) -> TicketSecret {
    TicketSecret { hash: hash(text), kid: "key".parse().ok() }
}

fn sent(purpose: TicketPurpose) -> Ticket {
    let user = UserKey { tenant: TenantId::default_tenant(), id: UserId::generate(NOW, &SystemRandom) };
    Ticket::new(&user, purpose, Epochs::default(), NOW, &SystemRandom).armed(secret("right"), NOW).unwrap()
}

fn with(text: &str) -> RedeemRequest {
    RedeemRequest {
        secret: PresentedTicketSecret(vec![secret(text)]),
        device: None,
        now: NOW,
        wrong_before: 0,
    }
}

// ASVS-map: OT1
#[test]
fn a_ticket_works_once() {
    let (done, after) = sent(TicketPurpose::Code).redeem(&with("right"));
    assert_eq!(done, RedeemOutcome::Done(Box::new(after.clone())));
    assert_eq!(after.clone().redeem(&with("right")), (RedeemOutcome::Gone, after));
}

// ASVS-map: OT3
#[test]
fn after_five_wrong_guesses_not_even_the_right_secret_is_accepted() {
    let mut ticket = sent(TicketPurpose::Code);
    for guess in 1..=5 {
        let (wrong, after) = ticket.redeem(&with("wrong"));
        assert_eq!((wrong, after.wrong, after.last_wrong), (RedeemOutcome::Wrong, guess, Some(NOW)));
        ticket = after;
    }
    assert_eq!(ticket.clone().redeem(&with("right")).0, RedeemOutcome::Exhausted);
    let elsewhere = RedeemRequest { wrong_before: 10, ..with("right") };
    assert_eq!(sent(TicketPurpose::Code).redeem(&elsewhere).0, RedeemOutcome::Exhausted);
}

// ASVS-map: OT1, RC1
#[test]
fn a_ticket_cannot_be_redeemed_before_it_is_sent_or_after_it_expires() {
    let ticket = sent(TicketPurpose::Reset);
    let late = RedeemRequest { now: ticket.expires, ..with("right") };
    assert_eq!(ticket.clone().redeem(&late).0, RedeemOutcome::Expired);
    assert_eq!(ticket.clone().armed(secret("again"), ticket.expires), None);
    let unsent = Ticket { secret: None, ..ticket };
    assert_eq!(unsent.redeem(&with("right")).0, RedeemOutcome::Wrong);
}

// ASVS-map: OT2
#[test]
fn another_device_cannot_redeem_a_ticket_but_one_without_a_secret_can() {
    let ticket = Ticket { device: Some(hash("phone")), ..sent(TicketPurpose::Code) };
    let by = |device| RedeemRequest { device, ..with("right") };
    assert_eq!(ticket.clone().redeem(&by(Some(hash("laptop")))).0, RedeemOutcome::Wrong);
    for device in [None, Some(hash("phone"))] {
        assert!(matches!(ticket.clone().redeem(&by(device)).0, RedeemOutcome::Done(_)));
    }
}

#[test]
fn a_link_names_its_tenant_and_is_read_as_it_was_written() {
    let token =
        LinkToken { ticket: sent(TicketPurpose::Unlock).key, secret: PlainSecret::generate(&SystemRandom) };
    let written = token.written();
    assert_eq!(LinkToken::parse(written.reveal()), Some(token.clone()));
    for hostile in ["", "a.b", "..", "default..x", &format!("{}.", written.reveal()), &"x.".repeat(99)] {
        assert_eq!(LinkToken::parse(hostile), None, "{hostile}");
    }
    let hashes = [sent(TicketPurpose::Unlock), sent(TicketPurpose::Unlock)]
        .map(|other| plain_hash(&other.key, &token.secret));
    assert_ne!(hashes[0], hashes[1]);
}

// ASVS-map: OT1
#[test]
fn a_hash_under_a_key_is_of_use_with_that_key_alone() {
    let ticket = sent(TicketPurpose::Code).key;
    let code = PlainSecret::presented("123456");
    let [one, other] = [1_u8, 2].map(|byte| CodeKey::of_bytes(&[byte; 32]));
    let sent = TicketSecret::of(&ticket, &code, &one);
    let tried: Vec<TicketSecret> = (0..1_000_000)
        .map(|number| PlainSecret::presented(&format!("{number:06}")))
        .map(|guess| TicketSecret { hash: plain_hash(&ticket, &guess), kid: sent.kid.clone() })
        .collect();
    assert!(!PresentedTicketSecret(tried).is(Some(&sent)), "a table of all codes opens none");
    assert!(PresentedTicketSecret(vec![TicketSecret::of(&ticket, &code, &one)]).is(Some(&sent)));
    assert!(!PresentedTicketSecret(vec![TicketSecret::of(&ticket, &code, &other)]).is(Some(&sent)));
}
