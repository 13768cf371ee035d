//! The mail queue: mails that wait, are retried, and are given up.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use super::client::FixtureClient;
use super::mailbox::RecordingMailbox;
use super::tenant_databases_in_memory::SeparateDatabases;
use crate::email::Email;
use crate::engine::{DeviceSignInResult, Engine};
use crate::event::EventKind;
use crate::id::{TenantId, TicketId};
use crate::outgoing_mail::{DeliveryError, Notifier, OutgoingMail};
use crate::queued_mail::{CLAIM_LEASE, QueuedMail};
use crate::store::UserHandle;
use crate::store::conformance::faults::Faults;
use crate::store::conformance::fixture::{Fixture, PASSWORD, RegisteredUser};
use crate::store::conformance::records::tenant;
use crate::store::memory::MemoryStore;
use crate::tenant::TenantSettings;
use crate::ticket::TicketKey;

struct MailQueueFixture {
    fixture: Fixture,
    node: Engine,
    mailbox: Arc<RecordingMailbox>,
    ann: RegisteredUser,
    client: FixtureClient,
}

impl MailQueueFixture {
    async fn new() -> Self {
        let fixture = Fixture::new(MemoryStore::stores());
        let node = fixture.node().await;
        let ann = fixture.new_user(&node).await;
        Self { fixture, node, mailbox: RecordingMailbox::new(), ann, client: FixtureClient::browser() }
    }

    async fn asks(&self) -> TicketId {
        self.client.request_code(&self.node, &self.ann).await
    }

    async fn gets_in(&self, login: TicketId, code: &str) -> bool {
        self.client.verify(&self.node, &TenantId::default_tenant(), login, code).await.is_ok()
    }

    async fn waiting(&self) -> u64 {
        self.node.mail_waiting().await.unwrap()
    }
}

fn down() -> DeliveryError {
    DeliveryError::Later("the mail server is down".to_owned())
}

#[tokio::test]
async fn while_the_mail_server_is_down_logins_go_on_and_each_mail_arrives_once_it_is_back() {
    let test = MailQueueFixture::new().await;
    test.mailbox.refuse(Some(down()));
    let login = test.asks().await;
    for _ in 0..60 {
        assert_eq!(test.mailbox.collect(&test.node).await, 0);
        test.fixture.clock.pass(Duration::from_secs(1));
    }
    assert_eq!(test.waiting().await, 1);
    assert!(!test.node.mail_is_late());
    test.fixture.clock.pass(Duration::from_mins(1));
    assert_eq!(test.mailbox.collect(&test.node).await, 0);
    assert!(test.node.mail_is_late());
    test.mailbox.refuse(None);
    let mut waited = 0;
    while test.mailbox.mails().is_empty() {
        test.fixture.clock.pass(Duration::from_secs(1));
        waited += 1;
        assert!(waited <= 60, "it takes longer than the outage did");
        test.mailbox.collect(&test.node).await;
    }
    assert!(!test.node.mail_is_late());
    assert!(test.gets_in(login, &test.mailbox.secret("code")).await);
    test.fixture.clock.pass(CLAIM_LEASE);
    assert_eq!((test.mailbox.collect(&test.node).await, test.mailbox.mails().len()), (0, 1));
    assert_eq!(test.waiting().await, 0);
}

#[tokio::test]
async fn a_mail_that_is_rejected_for_good_is_given_up_with_an_event() {
    let test = MailQueueFixture::new().await;
    test.mailbox.refuse(Some(DeliveryError::Never("no such mailbox".to_owned())));
    test.asks().await;
    assert_eq!(test.mailbox.collect(&test.node).await, 0);
    assert_eq!((test.waiting().await, test.fixture.recorded_events.count(EventKind::MailGivenUp)), (0, 1));
    test.mailbox.refuse(None);
    test.fixture.clock.pass(CLAIM_LEASE);
    assert_eq!(test.mailbox.collect(&test.node).await, 0);
}

#[tokio::test]
async fn a_code_that_no_user_could_redeem_any_more_is_not_sent() {
    let test = MailQueueFixture::new().await;
    let login = test.asks().await;
    test.fixture.clock.pass(Duration::from_mins(5));
    assert_eq!((test.mailbox.collect(&test.node).await, test.waiting().await), (0, 0));
    assert!(!test.gets_in(login, "000000").await);
    // Of four that were asked for, the oldest was closed before it was sent.
    for _ in 0..4 {
        test.asks().await;
    }
    assert_eq!((test.mailbox.collect(&test.node).await, test.waiting().await), (3, 0));
}

#[tokio::test]
async fn a_process_that_dies_after_sending_has_the_mail_sent_again_and_the_second_code_works() {
    let test = MailQueueFixture::new().await;
    let login = test.asks().await;
    test.mailbox.hold();
    let (mailbox, node) = (test.mailbox.clone(), test.node.clone());
    let dying = tokio::spawn(async move { mailbox.collect(&node).await });
    test.mailbox.holding().await;
    dying.abort();
    assert!(dying.await.unwrap_err().is_cancelled());
    test.mailbox.go_on();
    test.fixture.clock.pass(CLAIM_LEASE.saturating_sub(Duration::from_millis(1)));
    assert_eq!(test.mailbox.collect(&test.node).await, 0, "another worker may still be sending it");
    test.fixture.clock.pass(Duration::from_millis(1));
    assert_eq!(test.mailbox.collect(&test.node).await, 1);
    assert!(test.gets_in(login, &test.mailbox.secret("code")).await);
}

#[tokio::test]
async fn a_mail_that_is_sent_twice_is_one_by_its_id_and_its_older_code_is_void() {
    let (stores, faults) = Faults::within(MemoryStore::stores());
    let fixture = Fixture::new(stores);
    let node = fixture.node().await;
    let (ann, client, mailbox) =
        (fixture.new_user(&node).await, FixtureClient::browser(), RecordingMailbox::new());
    let login = client.request_code(&node, &ann).await;
    let notifier: Arc<dyn Notifier> = mailbox.clone();
    // Everything up to the delivery is done, and then the store is gone.
    mailbox.hold();
    let sending = async {
        let _ = node.deliver_due(&notifier).await;
    };
    let outage = async {
        mailbox.holding().await;
        faults.go_down();
        mailbox.go_on();
    };
    tokio::join!(sending, outage);
    faults.come_up();
    let first = mailbox.secret("code");
    fixture.clock.pass(CLAIM_LEASE);
    let second = mailbox.code(&node).await;
    let mails = mailbox.mails();
    assert_eq!((mails.len(), mails[0].id), (2, mails[1].id));
    let tenant = TenantId::default_tenant();
    assert!(first == second || client.verify(&node, &tenant, login, &first).await.is_err());
    assert!(client.verify(&node, &tenant, login, &second).await.is_ok());
}

// ASVS-map: OT1
#[tokio::test]
async fn what_waits_holds_no_secret_and_no_address() {
    let test = MailQueueFixture::new().await;
    let login = test.asks().await;
    test.node.forgot_password(&TenantId::default_tenant(), &test.ann.user.email).await.unwrap();
    let waiting: Vec<QueuedMail> = test.fixture.builder.stores.mail.claim(test.node.now(), 10).await.unwrap();
    assert_eq!(waiting.len(), 2);
    for queued in &waiting {
        assert!(!format!("{queued:?}").contains('@'), "{queued:?}");
        let key = TicketKey { tenant: TenantId::default_tenant(), id: queued.ticket.unwrap() };
        let ticket = test.fixture.builder.stores.tickets.find(&key).await.unwrap().unwrap();
        assert_eq!(ticket.secret, None, "there is none before it is sent");
    }
    test.fixture.clock.pass(CLAIM_LEASE);
    test.mailbox.collect(&test.node).await;
    let key = TicketKey { tenant: TenantId::default_tenant(), id: login };
    let ticket = test.fixture.builder.stores.tickets.find(&key).await.unwrap().unwrap();
    assert!(!format!("{ticket:?}").contains(&test.mailbox.secret("code")));
}

#[tokio::test]
async fn a_mail_goes_to_the_address_that_the_user_has_when_it_is_sent() {
    let test = MailQueueFixture::new().await;
    test.asks().await;
    let users = &test.fixture.builder.stores.users;
    let mut user = users.find(&UserHandle::Id(test.ann.user.key.clone())).await.unwrap().unwrap();
    user.email = Email::parse("ann@elsewhere.example").unwrap();
    user.version += 1;
    users.update(&user).await.unwrap();
    test.mailbox.collect(&test.node).await;
    assert_eq!(test.mailbox.mails()[0].to, user.email);
    test.asks_again_and_is_disabled().await;
}

impl MailQueueFixture {
    async fn asks_again_and_is_disabled(&self) {
        let user = self.node.user(&self.ann.user.key).await.unwrap();
        let answer =
            self.client.device_sign_in(&self.node, &user.key.tenant, user.email.as_typed(), PASSWORD).await;
        assert!(matches!(answer, Ok(DeviceSignInResult::CodeSent { .. })), "{answer:?}");
        self.node.disable_user(&user.key).await.unwrap();
        assert_eq!((self.mailbox.collect(&self.node).await, self.waiting().await), (0, 0));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_nodes_share_the_queue_and_nothing_is_sent_twice() {
    let fixture = Fixture::new(MemoryStore::stores());
    let nodes = [fixture.node().await, fixture.node().await];
    let mailbox = RecordingMailbox::new();
    for _ in 0..60 {
        let ann = fixture.new_user(&nodes[0]).await;
        nodes[0].forgot_password(&TenantId::default_tenant(), &ann.user.email).await.unwrap();
    }
    let (first, second) = tokio::join!(mailbox.collect(&nodes[0]), mailbox.collect(&nodes[1]));
    let mut addresses: Vec<_> =
        mailbox.mails().into_iter().map(|mail| mail.to.canonical().to_owned()).collect();
    addresses.sort_unstable();
    addresses.dedup();
    assert_eq!((first + second, mailbox.mails().len(), addresses.len()), (60, 60, 60));
}

/// A mail server that never answers.
struct UnresponsiveMailServer;

#[async_trait]
impl Notifier for UnresponsiveMailServer {
    async fn deliver(&self, _: &OutgoingMail) -> Result<(), DeliveryError> {
        std::future::pending().await
    }
}

#[tokio::test(start_paused = true)]
async fn a_mail_server_that_says_nothing_is_given_up_on_before_another_worker_may_try() {
    let test = MailQueueFixture::new().await;
    test.asks().await;
    let began = tokio::time::Instant::now();
    let silent: Arc<dyn Notifier> = Arc::new(UnresponsiveMailServer);
    assert_eq!(test.node.deliver_due(&silent).await.unwrap(), 0);
    assert!(began.elapsed() < CLAIM_LEASE);
    test.fixture.clock.pass(Duration::from_secs(2));
    assert_eq!(test.mailbox.collect(&test.node).await, 1);
}

/// A mail server that never answers for one address.
struct SlowForOneAddress {
    slow: Email,
    mailbox: Arc<RecordingMailbox>,
}

#[async_trait]
impl Notifier for SlowForOneAddress {
    async fn deliver(&self, mail: &OutgoingMail) -> Result<(), DeliveryError> {
        if mail.to == self.slow {
            std::future::pending::<()>().await;
        }
        self.mailbox.deliver(mail).await
    }
}

#[tokio::test(start_paused = true)]
async fn a_mail_that_takes_long_keeps_no_other_waiting() {
    let test = MailQueueFixture::new().await;
    let bob = test.fixture.new_user(&test.node).await;
    test.asks().await;
    let slow = SlowForOneAddress { slow: test.ann.user.email.clone(), mailbox: test.mailbox.clone() };
    let (node, stop) = (test.node.clone(), std::future::pending());
    let working = tokio::spawn(async move { node.deliver_mail(Arc::new(slow), stop).await });
    let begun = tokio::time::Instant::now();
    for mails in 1..20 {
        test.node.forgot_password(&TenantId::default_tenant(), &bob.user.email).await.unwrap();
        while test.mailbox.mails().len() < mails {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        test.fixture.clock.pass(Duration::from_mins(15));
    }
    assert!(begun.elapsed() < Duration::from_secs(80), "the slow one was given up first");
    working.abort();
}

#[tokio::test]
async fn once_told_to_stop_it_finishes_what_it_has_begun_and_begins_no_more() {
    let test = MailQueueFixture::new().await;
    let bob = test.fixture.new_user(&test.node).await;
    test.asks().await;
    test.mailbox.hold();
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let (node, notifier) = (test.node.clone(), test.mailbox.clone());
    let stopping = async move { drop(stopped.await) };
    let working = tokio::spawn(async move { node.deliver_mail(notifier, stopping).await });
    test.mailbox.holding().await;
    stop.send(()).unwrap();
    tokio::task::yield_now().await;
    test.node.forgot_password(&TenantId::default_tenant(), &bob.user.email).await.unwrap();
    assert!(!working.is_finished());
    test.mailbox.go_on();
    working.await.unwrap();
    assert_eq!((test.mailbox.mails().len(), test.waiting().await), (1, 1));
}

/// So many tenants with a database of their own, each with a mail that waits. The first database can be told to fail.
async fn mails_in_separate_databases(count: usize) -> (Fixture, Engine, Arc<Faults>) {
    let (stores, faults) = Faults::within(MemoryStore::stores());
    let names: Vec<String> = (0..count).map(|nth| format!("acme-{nth}")).collect();
    let mut fixture = Fixture::new(MemoryStore::stores());
    fixture.builder.tenant_databases = Arc::new(SeparateDatabases::with(&names[0], stores));
    let node = fixture.node().await;
    for name in names {
        let acme = tenant(&name);
        node.create_tenant(acme.clone(), TenantSettings::default(), Some(name)).await.unwrap();
        let ann = fixture.register(&node, &acme, "ann@example.com").await;
        FixtureClient::browser().request_code(&node, &ann).await;
    }
    (fixture, node, faults)
}

// ASVS-map: TN6
#[tokio::test]
async fn a_separate_database_that_is_down_delays_no_other_mail() {
    let (_, node, faults) = mails_in_separate_databases(6).await;
    let mailbox = RecordingMailbox::new();
    faults.go_down();
    let notifier: Arc<dyn Notifier> = mailbox.clone();
    assert!(node.deliver_due(&notifier).await.is_err(), "it is said that one is away");
    assert_eq!(mailbox.mails().len(), 5);
    faults.come_up();
    assert_eq!(mailbox.collect(&node).await, 1);
}

#[tokio::test]
async fn after_a_restart_mail_in_a_separate_database_is_sent_before_the_tenants_first_request() {
    let (fixture, node, _) = mails_in_separate_databases(1).await;
    drop(node);
    let (node, mailbox) = (fixture.node().await, RecordingMailbox::new());
    mailbox.hold();
    let notifier: Arc<dyn Notifier> = mailbox.clone();
    let working = tokio::spawn(async move { node.deliver_mail(notifier, std::future::pending()).await });
    mailbox.holding().await;
    mailbox.go_on();
    while mailbox.mails().is_empty() {
        tokio::task::yield_now().await;
    }
    working.abort();
    assert_eq!(mailbox.mails()[0].tenant, tenant("acme-0"));
}
