//! Another code for a sign-in that waits for its second step.

use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;

use super::client::FixtureClient;
use super::second_step::{SecondStepFixture, other_than};
use crate::engine::{DeviceSignInError, ResendCodeError, VerifyCodeError};
use crate::id::{TenantId, TicketId};
use crate::outgoing_mail::{DeliveryError, MailContent, Notifier};
use crate::store::conformance::faults::Faults;
use crate::store::conformance::fixture::{Fixture, PASSWORD, password};
use crate::store::conformance::records::tenant;
use crate::store::memory::MemoryStore;
use crate::ticket::Ticket;

impl SecondStepFixture {
    async fn asks_again(&self, login: TicketId) -> Result<Ticket, ResendCodeError> {
        FixtureClient::forgetful().resend(&self.node, &TenantId::default_tenant(), login).await
    }

    async fn is_over(&self, login: TicketId) {
        let refused = self.asks_again(login).await;
        assert!(matches!(refused, Err(ResendCodeError::Over)), "{refused:?}");
    }

    async fn is_wrong(&self, login: TicketId, code: &str) {
        let refused = self.says(login, code).await;
        assert!(matches!(refused, Err(VerifyCodeError::Wrong)), "{refused:?}");
    }
}

// ASVS-map: OT1, OT4
#[tokio::test]
async fn the_new_code_lets_in_and_the_old_one_does_not() {
    let test = SecondStepFixture::new().await;
    let login = test.asks().await;
    let old = test.mailbox.code(&test.node).await;
    test.fixture.clock.pass(Duration::from_mins(8));
    let expired = test.says(login, &old).await;
    assert!(matches!(expired, Err(VerifyCodeError::Expired)), "{expired:?}");

    let again = test.asks_again(login).await.unwrap();
    assert_eq!(again.expires, test.node.now().plus(Duration::from_mins(5)));
    test.is_wrong(login, &old).await;
    let new = test.mailbox.code(&test.node).await;
    test.says(login, &new).await.unwrap();
    assert_eq!((test.sessions().await, test.mailbox.count("code")), (1, 2));
    test.is_over(login).await;
    assert_eq!(test.mailbox.collect(&test.node).await, 0, "nothing is mailed for what is over");
}

// ASVS-map: OT3
#[tokio::test]
async fn a_new_code_gives_no_new_guesses() {
    let test = SecondStepFixture::new().await;
    let login = test.asks().await;
    for _ in 0..5 {
        let code = test.mailbox.code(&test.node).await;
        test.is_wrong(login, &other_than(&code)).await;
        let _ = test.asks_again(login).await;
    }
    let code = test.mailbox.code(&test.node).await;
    let spent = test.says(login, &code).await;
    assert!(matches!(spent, Err(VerifyCodeError::TooMany)), "{spent:?}");
    let refused = test.asks_again(login).await;
    assert!(matches!(refused, Err(ResendCodeError::TooMany { .. })), "{refused:?}");
    assert_eq!(test.mailbox.collect(&test.node).await, 0, "a code that opens nothing is not mailed");
}

// ASVS-map: OT4
#[tokio::test]
async fn ten_codes_are_mailed_in_a_quarter_of_an_hour_however_they_are_asked_for() {
    let test = SecondStepFixture::new().await;
    let login = test.asks().await;
    for _ in 1..10 {
        test.mailbox.collect(&test.node).await;
        test.asks_again(login).await.unwrap();
    }
    let code = test.mailbox.code(&test.node).await;
    let refused = test.asks_again(login).await;
    assert!(
        matches!(refused, Err(ResendCodeError::TooMany { wait }) if wait == Duration::from_mins(15)),
        "{refused:?}"
    );
    let user = &test.ann.user;
    let next = FixtureClient::forgetful()
        .device_sign_in(&test.node, &user.key.tenant, user.email.as_typed(), PASSWORD)
        .await;
    assert!(matches!(next, Err(DeviceSignInError::TooManyCodes { .. })), "{next:?}");
    assert_eq!((test.mailbox.collect(&test.node).await, test.mailbox.count("code")), (0, 10));
    test.says(login, &code).await.unwrap();
}

// ASVS-map: OT1
#[tokio::test]
async fn a_sign_in_ends_a_quarter_of_an_hour_after_it_began_however_often_a_code_is_sent_again() {
    let test = SecondStepFixture::new().await;
    let login = test.asks().await;
    for _ in 0..3 {
        test.fixture.clock.pass(Duration::from_secs(299));
        test.asks_again(login).await.unwrap();
    }
    let code = test.mailbox.code(&test.node).await;
    test.fixture.clock.pass(Duration::from_secs(3));
    let late = test.says(login, &code).await;
    assert!(matches!(late, Err(VerifyCodeError::Expired)), "{late:?}");
    test.is_over(login).await;
}

// ASVS-map: OT2 TN1
#[tokio::test]
async fn no_code_is_sent_again_to_another_tenant_another_device_or_for_an_unknown_sign_in() {
    let test = SecondStepFixture::new().await;
    test.fixture.create_tenant(&tenant("acme")).await;
    let (laptop, other) = (FixtureClient::browser(), FixtureClient::browser());
    let login = laptop.request_code(&test.node, &test.ann).await;
    other.request_code(&test.node, &test.ann).await;
    let code = test.mailbox.code(&test.node).await;
    test.mailbox.collect(&test.node).await;

    let default = TenantId::default_tenant();
    let unknown: TicketId = "0b4f7a1e-6f7e-4d5c-9a8b-1c2d3e4f5a6b".parse().unwrap();
    for (client, tenant, login) in [
        (&laptop, tenant("acme"), login),
        (&other, default.clone(), login),
        (&laptop, default.clone(), unknown),
    ] {
        let refused = client.resend(&test.node, &tenant, login).await;
        assert!(matches!(refused, Err(ResendCodeError::Over)), "{refused:?}");
    }
    let nowhere = laptop.resend(&test.node, &tenant("nowhere"), login).await;
    assert!(matches!(nowhere, Err(ResendCodeError::Tenant(_))), "{nowhere:?}");
    assert_eq!(test.mailbox.collect(&test.node).await, 0);
    assert!(laptop.resend(&test.node, &default, login).await.is_ok(), "{code}");
}

/// What ends all that a user has ends the sign-in, too.
async fn is_over_after(what: impl AsyncFn(&SecondStepFixture)) {
    let test = SecondStepFixture::new().await;
    let login = test.asks().await;
    test.mailbox.collect(&test.node).await;
    what(&test).await;
    test.mailbox.collect(&test.node).await;
    test.is_over(login).await;
    assert_eq!(test.mailbox.collect(&test.node).await, 0);
}

// ASVS-map: SE5
#[tokio::test]
async fn what_ends_all_sessions_ends_a_sign_in_under_way() {
    is_over_after(async |test| {
        test.node.disable_user(&test.ann.user.key).await.unwrap();
    })
    .await;
    is_over_after(async |test| {
        test.node.disable_user(&test.ann.user.key).await.unwrap();
        test.node.enable_user(&test.ann.user.key).await.unwrap();
    })
    .await;
    is_over_after(async |test| {
        test.node.set_password(&test.ann.user.key, password("brisk lantern")).await.unwrap();
    })
    .await;
    is_over_after(async |test| {
        test.node.end_everyone().await.unwrap();
    })
    .await;
}

/// Of clients that ask again at once, each gets an answer, and the code in one mail lets in.
// ASVS-map: OT4
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_many_who_ask_again_at_once_one_code_is_good() {
    let test = Arc::new(SecondStepFixture::new().await);
    let login = test.asks().await;
    let mut asking = JoinSet::new();
    for _ in 0..50 {
        let test = test.clone();
        asking.spawn(async move { test.asks_again(login).await.is_ok() });
    }
    let sent = asking.join_all().await.into_iter().filter(|sent| *sent).count();
    assert_eq!(sent, 9, "with the first one ten");
    let code = test.mailbox.code(&test.node).await;
    assert_eq!(test.mailbox.count("code"), 1, "a mail that was not sent yet is not sent any more");
    test.says(login, &code).await.unwrap();
}

/// Asks for another code while the mail with the first one is being sent. Returns how many mails arrived then.
async fn asks_again_while_the_first_is_sent(
    test: &SecondStepFixture,
    login: TicketId,
    fault: Option<DeliveryError>,
) -> u64 {
    test.mailbox.hold();
    let (node, mailbox) = (test.node.clone(), test.mailbox.clone());
    let sending = tokio::spawn(async move {
        let notifier: Arc<dyn Notifier> = mailbox;
        node.deliver_due(&notifier).await.unwrap()
    });
    test.mailbox.holding().await;
    test.asks_again(login).await.unwrap();
    test.mailbox.refuse(fault);
    test.mailbox.go_on();
    let arrived = sending.await.unwrap();
    test.mailbox.refuse(None);
    arrived
}

// ASVS-map: OT4
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_mail_that_another_one_replaced_while_it_was_sent_carries_no_good_code() {
    let test = SecondStepFixture::new().await;
    let login = test.asks().await;
    assert_eq!(asks_again_while_the_first_is_sent(&test, login, None).await, 2);
    let codes = test.mailbox.mails().into_iter().filter_map(|mail| match mail.message {
        MailContent::Code { code, .. } => Some(code.reveal().to_owned()),
        _ => None,
    });
    let codes: Vec<String> = codes.collect();
    let [late, new] = &codes[..] else { panic!("{} codes were mailed", codes.len()) };
    if late != new {
        test.is_wrong(login, late).await;
    }
    test.says(login, new).await.unwrap();
}

// ASVS-map: OT4
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_mail_that_could_not_be_sent_is_not_tried_again_once_another_one_replaced_it() {
    let test = SecondStepFixture::new().await;
    let login = test.asks().await;
    let away = DeliveryError::Later("the mail server is away".to_owned());
    assert_eq!(asks_again_while_the_first_is_sent(&test, login, Some(away)).await, 0);
    test.fixture.clock.pass(Duration::from_mins(1));
    let code = test.mailbox.code(&test.node).await;
    assert_eq!(test.mailbox.count("code"), 1, "the first mail is not tried again");
    test.says(login, &code).await.unwrap();
}

#[tokio::test]
async fn an_outage_sends_no_code_and_leaves_the_old_one_good() {
    let (stores, faults) = Faults::within(MemoryStore::stores());
    let test = SecondStepFixture::on(Fixture::new(stores)).await;
    let login = test.asks().await;
    let code = test.mailbox.code(&test.node).await;
    faults.go_down();
    let refused = test.asks_again(login).await;
    assert!(matches!(refused, Err(ResendCodeError::Store(_))), "{refused:?}");
    faults.come_up();
    test.says(login, &code).await.unwrap();
}
