//! The mail queue: what waits, what is tried again, what is given up.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use crate::email::Email;
use crate::engine::{DeviceSignInResult, Engine};
use crate::event::EventKind;
use crate::id::{TenantId, TicketId};
use crate::outgoing_mail::{DeliveryError, Notifier, OutgoingMail};
use crate::queued_mail::{CLAIM_LEASE, QueuedMail};
use crate::store::conformance::client::FixtureClient;
use crate::store::conformance::faults::Faults;
use crate::store::conformance::fixture::{Fixture, PASSWORD, RegisteredUser};
use crate::store::conformance::mailbox::RecordingMailbox;
use crate::store::conformance::records::tenant;
use crate::store::memory::MemoryStore;
use crate::store::{Stored, Stores, TenantDatabases, UserHandle};
use crate::tenant::TenantSettings;
use crate::ticket::TicketKey;

struct Scene {
    fixture: Fixture,
    node: Engine,
    post: Arc<RecordingMailbox>,
    ann: RegisteredUser,
    client: FixtureClient,
}

impl Scene {
    async fn new() -> Self {
        let fixture = Fixture::new(MemoryStore::stores());
        let node = fixture.node().await;
        let ann = fixture.new_user(&node).await;
        Self { fixture, node, post: RecordingMailbox::new(), ann, client: FixtureClient::browser() }
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
async fn while_the_mail_server_is_down_logins_go_on_and_each_letter_arrives_once_it_is_back() {
    let scene = Scene::new().await;
    scene.post.refuse(Some(down()));
    let login = scene.asks().await;
    for _ in 0..60 {
        assert_eq!(scene.post.collect(&scene.node).await, 0);
        scene.fixture.clock.pass(Duration::from_secs(1));
    }
    assert_eq!(scene.waiting().await, 1);
    scene.post.refuse(None);
    let mut waited = 0;
    while scene.post.mails().is_empty() {
        scene.fixture.clock.pass(Duration::from_secs(1));
        waited += 1;
        assert!(waited <= 60, "it takes longer than the outage did");
        scene.post.collect(&scene.node).await;
    }
    scene.fixture.clock.pass(CLAIM_LEASE);
    assert_eq!((scene.post.collect(&scene.node).await, scene.post.mails().len()), (0, 1));
    assert!(scene.gets_in(login, &scene.post.secret("code")).await);
    assert_eq!(scene.waiting().await, 0);
}

#[tokio::test]
async fn what_is_refused_for_good_is_given_up_and_somebody_is_told() {
    let scene = Scene::new().await;
    scene.post.refuse(Some(DeliveryError::Never("no such mailbox".to_owned())));
    scene.asks().await;
    assert_eq!(scene.post.collect(&scene.node).await, 0);
    assert_eq!((scene.waiting().await, scene.fixture.recorded_events.count(EventKind::MailGivenUp)), (0, 1));
    scene.post.refuse(None);
    scene.fixture.clock.pass(CLAIM_LEASE);
    assert_eq!(scene.post.collect(&scene.node).await, 0);
}

#[tokio::test]
async fn a_code_that_nobody_could_use_any_more_is_not_sent() {
    let scene = Scene::new().await;
    let login = scene.asks().await;
    scene.fixture.clock.pass(Duration::from_mins(5));
    assert_eq!((scene.post.collect(&scene.node).await, scene.waiting().await), (0, 0));
    assert!(!scene.gets_in(login, "000000").await);
    // Of four that were asked for, the oldest was closed before it was sent.
    for _ in 0..4 {
        scene.asks().await;
    }
    assert_eq!((scene.post.collect(&scene.node).await, scene.waiting().await), (3, 0));
}

#[tokio::test]
async fn who_dies_after_sending_has_it_sent_again_and_the_second_code_is_the_one_that_works() {
    let scene = Scene::new().await;
    let login = scene.asks().await;
    scene.post.hold();
    let (post, node) = (scene.post.clone(), scene.node.clone());
    let dying = tokio::spawn(async move { post.collect(&node).await });
    scene.post.holding().await;
    dying.abort();
    assert!(dying.await.unwrap_err().is_cancelled());
    scene.post.go_on();
    scene.fixture.clock.pass(CLAIM_LEASE.saturating_sub(Duration::from_millis(1)));
    assert_eq!(scene.post.collect(&scene.node).await, 0, "somebody may still be at it");
    scene.fixture.clock.pass(Duration::from_millis(1));
    assert_eq!(scene.post.collect(&scene.node).await, 1);
    assert!(scene.gets_in(login, &scene.post.secret("code")).await);
}

#[tokio::test]
async fn a_letter_that_is_sent_twice_is_one_by_its_id_and_its_older_code_is_void() {
    let (stores, faults) = Faults::within(MemoryStore::stores());
    let fixture = Fixture::new(stores);
    let node = fixture.node().await;
    let (ann, client, post) =
        (fixture.new_user(&node).await, FixtureClient::browser(), RecordingMailbox::new());
    let login = client.request_code(&node, &ann).await;
    let notifier: Arc<dyn Notifier> = post.clone();
    // Everything up to the delivery is done, and then the store is gone.
    post.hold();
    let sending = async {
        let _ = node.deliver_due(&notifier).await;
    };
    let outage = async {
        post.holding().await;
        faults.go_down();
        post.go_on();
    };
    tokio::join!(sending, outage);
    faults.come_up();
    let first = post.secret("code");
    fixture.clock.pass(CLAIM_LEASE);
    let second = post.code(&node).await;
    let letters = post.mails();
    assert_eq!((letters.len(), letters[0].id), (2, letters[1].id));
    let tenant = TenantId::default_tenant();
    assert!(first == second || client.verify(&node, &tenant, login, &first).await.is_err());
    assert!(client.verify(&node, &tenant, login, &second).await.is_ok());
}

#[tokio::test]
async fn what_waits_holds_no_secret_and_no_address() {
    let scene = Scene::new().await;
    let login = scene.asks().await;
    scene.node.forgot_password(&TenantId::default_tenant(), &scene.ann.user.email).await.unwrap();
    let waiting: Vec<QueuedMail> =
        scene.fixture.builder.stores.mail.claim(scene.node.now(), 10).await.unwrap();
    assert_eq!(waiting.len(), 2);
    for queued in &waiting {
        assert!(!format!("{queued:?}").contains('@'), "{queued:?}");
        let key = TicketKey { tenant: TenantId::default_tenant(), id: queued.ticket.unwrap() };
        let ticket = scene.fixture.builder.stores.tickets.find(&key).await.unwrap().unwrap();
        assert_eq!(ticket.secret, None, "there is none before it is sent");
    }
    scene.fixture.clock.pass(CLAIM_LEASE);
    scene.post.collect(&scene.node).await;
    let key = TicketKey { tenant: TenantId::default_tenant(), id: login };
    let ticket = scene.fixture.builder.stores.tickets.find(&key).await.unwrap().unwrap();
    assert!(!format!("{ticket:?}").contains(&scene.post.secret("code")));
}

#[tokio::test]
async fn a_letter_goes_to_the_address_that_the_user_has_when_it_is_sent() {
    let scene = Scene::new().await;
    scene.asks().await;
    let users = &scene.fixture.builder.stores.users;
    let mut user = users.find(&UserHandle::Id(scene.ann.user.key.clone())).await.unwrap().unwrap();
    user.email = Email::parse("ann@elsewhere.example").unwrap();
    user.version += 1;
    users.update(&user).await.unwrap();
    scene.post.collect(&scene.node).await;
    assert_eq!(scene.post.mails()[0].to, user.email);
    scene.asks_again_and_is_disabled().await;
}

impl Scene {
    async fn asks_again_and_is_disabled(&self) {
        let user = self.node.user(&self.ann.user.key).await.unwrap();
        let answer =
            self.client.device_sign_in(&self.node, &user.key.tenant, user.email.as_typed(), PASSWORD).await;
        assert!(matches!(answer, Ok(DeviceSignInResult::CodeSent { .. })), "{answer:?}");
        self.node.disable_user(&user.key).await.unwrap();
        assert_eq!((self.post.collect(&self.node).await, self.waiting().await), (0, 0));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_nodes_share_the_queue_and_nothing_is_sent_twice() {
    let fixture = Fixture::new(MemoryStore::stores());
    let nodes = [fixture.node().await, fixture.node().await];
    let post = RecordingMailbox::new();
    for _ in 0..60 {
        let ann = fixture.new_user(&nodes[0]).await;
        nodes[0].forgot_password(&TenantId::default_tenant(), &ann.user.email).await.unwrap();
    }
    let (first, second) = tokio::join!(post.collect(&nodes[0]), post.collect(&nodes[1]));
    let mut addresses: Vec<_> = post.mails().into_iter().map(|mail| mail.to.canonical().to_owned()).collect();
    addresses.sort_unstable();
    addresses.dedup();
    assert_eq!((first + second, post.mails().len(), addresses.len()), (60, 60, 60));
}

/// Takes letters and never says what became of them.
struct Silent;

#[async_trait]
impl Notifier for Silent {
    async fn deliver(&self, _: &OutgoingMail) -> Result<(), DeliveryError> {
        std::future::pending().await
    }
}

#[tokio::test(start_paused = true)]
async fn a_mail_server_that_says_nothing_is_given_up_on_before_somebody_else_may_try() {
    let scene = Scene::new().await;
    scene.asks().await;
    let began = tokio::time::Instant::now();
    let silent: Arc<dyn Notifier> = Arc::new(Silent);
    assert_eq!(scene.node.deliver_due(&silent).await.unwrap(), 0);
    assert!(began.elapsed() < CLAIM_LEASE);
    scene.fixture.clock.pass(Duration::from_secs(2));
    assert_eq!(scene.post.collect(&scene.node).await, 1);
}

/// Takes its time over one letter, and none over the others.
struct Slow {
    slow: Email,
    post: Arc<RecordingMailbox>,
}

#[async_trait]
impl Notifier for Slow {
    async fn deliver(&self, mail: &OutgoingMail) -> Result<(), DeliveryError> {
        if mail.to == self.slow {
            std::future::pending::<()>().await;
        }
        self.post.deliver(mail).await
    }
}

#[tokio::test(start_paused = true)]
async fn a_letter_that_takes_long_keeps_no_other_waiting() {
    let scene = Scene::new().await;
    let bob = scene.fixture.new_user(&scene.node).await;
    scene.asks().await;
    let slow = Slow { slow: scene.ann.user.email.clone(), post: scene.post.clone() };
    let (node, stop) = (scene.node.clone(), std::future::pending());
    let working = tokio::spawn(async move { node.deliver_mail(Arc::new(slow), stop).await });
    let begun = tokio::time::Instant::now();
    for letters in 1..20 {
        scene.node.forgot_password(&TenantId::default_tenant(), &bob.user.email).await.unwrap();
        while scene.post.mails().len() < letters {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        scene.fixture.clock.pass(Duration::from_mins(15));
    }
    assert!(begun.elapsed() < Duration::from_secs(80), "the slow one was given up first");
    working.abort();
}

#[tokio::test]
async fn once_told_to_stop_it_finishes_what_it_has_begun_and_begins_no_more() {
    let scene = Scene::new().await;
    let bob = scene.fixture.new_user(&scene.node).await;
    scene.asks().await;
    scene.post.hold();
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let (node, notifier) = (scene.node.clone(), scene.post.clone());
    let stopping = async move { drop(stopped.await) };
    let working = tokio::spawn(async move { node.deliver_mail(notifier, stopping).await });
    scene.post.holding().await;
    stop.send(()).unwrap();
    tokio::task::yield_now().await;
    scene.node.forgot_password(&TenantId::default_tenant(), &bob.user.email).await.unwrap();
    assert!(!working.is_finished());
    scene.post.go_on();
    working.await.unwrap();
    assert_eq!((scene.post.mails().len(), scene.waiting().await), (1, 1));
}

/// Databases elsewhere, by name.
struct Elsewhere(BTreeMap<String, Stores>);

#[async_trait]
impl TenantDatabases for Elsewhere {
    async fn open(&self, database: &str) -> Stored<Stores> {
        Ok(self.0[database].clone())
    }
}

/// So many tenants that live elsewhere, each with a letter that waits there. The first one's database can be told to
/// fail.
async fn letters_elsewhere(count: usize) -> (Fixture, Engine, Arc<Faults>) {
    let (stores, faults) = Faults::within(MemoryStore::stores());
    let names: Vec<String> = (0..count).map(|nth| format!("acme-{nth}")).collect();
    let mut homes: BTreeMap<_, _> = names.iter().map(|name| (name.clone(), MemoryStore::stores())).collect();
    homes.insert(names[0].clone(), stores);
    let mut fixture = Fixture::new(MemoryStore::stores());
    fixture.builder.tenant_databases = Arc::new(Elsewhere(homes));
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
async fn a_database_elsewhere_that_is_away_delays_nobody_elses_mail() {
    let (_, node, faults) = letters_elsewhere(6).await;
    let post = RecordingMailbox::new();
    faults.go_down();
    let notifier: Arc<dyn Notifier> = post.clone();
    assert!(node.deliver_due(&notifier).await.is_err(), "it is said that one is away");
    assert_eq!(post.mails().len(), 5);
    faults.come_up();
    assert_eq!(post.collect(&node).await, 1);
}

#[tokio::test]
async fn after_a_restart_letters_that_wait_elsewhere_are_sent_before_anybody_asks_for_the_tenant() {
    let (fixture, node, _) = letters_elsewhere(1).await;
    drop(node);
    let (node, post) = (fixture.node().await, RecordingMailbox::new());
    post.hold();
    let notifier: Arc<dyn Notifier> = post.clone();
    let working = tokio::spawn(async move { node.deliver_mail(notifier, std::future::pending()).await });
    post.holding().await;
    post.go_on();
    while post.mails().is_empty() {
        tokio::task::yield_now().await;
    }
    working.abort();
    assert_eq!(post.mails()[0].tenant, tenant("acme-0"));
}
