//! Devices that a user is known by, and the mail about one that is new.

use std::sync::Arc;
use std::time::Duration;

use uuid::Uuid;

use super::client::FixtureClient;
use super::mailbox::RecordingMailbox;
use crate::clock::Timestamp;
use crate::engine::{ChangePassword, DeviceSignInResult, Engine};
use crate::id::{TenantId, UserKey};
use crate::queued_mail::MailKind;
use crate::store::conformance::fixture::{Fixture, PASSWORD, RegisteredUser, password};
use crate::store::conformance::records::numbered;
use crate::store::memory::MemoryStore;
use crate::store::{Stores, Updated, UserHandle};
use crate::strategy::StrategyName;
use crate::tenant::{SecondStep, TenantSettings};
use crate::user::KnownDevice;

struct KnownDevicesFixture {
    fixture: Fixture,
    node: Engine,
    mailbox: Arc<RecordingMailbox>,
    ann: RegisteredUser,
}

impl KnownDevicesFixture {
    async fn new() -> Self {
        let fixture = Fixture::new(MemoryStore::stores());
        let node = fixture.node().await;
        let ann = fixture.new_user(&node).await;
        Self { fixture, node, mailbox: RecordingMailbox::new(), ann }
    }

    /// Signs in, and says how many mails there have been about new devices since the beginning.
    async fn told_after(&self, client: &FixtureClient) -> usize {
        client.sign_in_with_code(&self.node, &self.mailbox, &self.ann).await;
        self.mailbox.collect(&self.node).await;
        // Ten codes in a quarter of an hour are all there are.
        self.fixture.clock.pass(Duration::from_mins(2));
        self.mailbox.count("new_device")
    }

    /// Signs in where a password is enough: the refresh token.
    async fn in_at_once(&self, client: &FixtureClient) -> String {
        let user = &self.ann.user;
        match client.device_sign_in(&self.node, &user.key.tenant, user.email.as_typed(), PASSWORD).await {
            Ok(DeviceSignInResult::Done(done)) => done.signed_in.grant.refresh.unwrap().reveal().to_owned(),
            other => panic!("{other:?}"),
        }
    }

    async fn known(&self) -> usize {
        self.devices().await.len()
    }

    async fn devices(&self) -> Vec<KnownDevice> {
        self.node.user(&self.ann.user.key).await.unwrap().devices
    }
}

/// Makes a device known to a user: its id.
pub(super) async fn known_to(stores: &Stores, user: &UserKey, now: Timestamp) -> Uuid {
    let user = stores.users.find(&UserHandle::Id(user.clone())).await.unwrap().unwrap();
    let device = KnownDevice { hash: numbered(1), used: now, name: "a phone".to_owned(), session: None };
    let id = device.id();
    assert_eq!(stores.users.update(&user.with_known_device(device)).await.unwrap(), Updated::Done);
    id
}

// ASVS-map: RC2
#[tokio::test]
async fn a_reset_forgets_all_devices_and_a_change_all_but_the_one_that_asks() {
    let test = KnownDevicesFixture::new().await;
    let (laptop, phone) = (FixtureClient::browser(), FixtureClient::app());
    test.told_after(&phone).await;
    let held = laptop.sign_in_with_code(&test.node, &test.mailbox, &test.ann).await;
    assert_eq!(test.known().await, 2);
    let identity = held.identity(&test.node).await;
    let (current, new) = (password(PASSWORD), password("another good password"));
    test.node.change_password(ChangePassword { identity, current, new }).await.unwrap();
    let left = test.devices().await;
    assert_eq!(left.iter().map(|known| known.session).collect::<Vec<_>>(), [Some(held.session().id)]);

    test.node.forgot_password(&TenantId::default_tenant(), &test.ann.user.email).await.unwrap();
    test.mailbox.collect(&test.node).await;
    test.node.reset_password(&test.mailbox.secret("reset"), password("a third good password")).await.unwrap();
    assert_eq!(test.known().await, 0);
}

#[tokio::test]
async fn a_user_forgets_a_device_which_is_news_again() {
    let test = KnownDevicesFixture::new().await;
    let (laptop, phone) = (FixtureClient::browser(), FixtureClient::app());
    test.told_after(&laptop).await;
    assert_eq!(test.told_after(&phone).await, 1);
    let known = test.devices().await;
    assert_eq!(known.iter().map(|known| known.name.as_str()).collect::<Vec<_>>(), ["an app", "a browser"]);
    let (user, id) = (&test.ann.user.key, known[0].id());
    let bob = test.fixture.new_user(&test.node).await;
    assert!(!test.node.forget_device(&bob.user.key, id).await.unwrap(), "it is another user's");
    assert!(test.node.forget_device(user, id).await.unwrap());
    assert!(!test.node.forget_device(user, id).await.unwrap());
    assert_eq!(test.devices().await, known[1..]);
    assert_eq!(test.told_after(&phone).await, 2);
    assert_eq!(test.told_after(&laptop).await, 2);
}

// ASVS-map: AU7
#[tokio::test]
async fn the_first_device_is_no_news_the_second_is_and_a_known_one_is_not() {
    let test = KnownDevicesFixture::new().await;
    let (laptop, phone) = (FixtureClient::browser(), FixtureClient::app());
    assert_eq!(test.told_after(&laptop).await, 0);
    assert_eq!(test.told_after(&laptop).await, 0);
    assert_eq!(test.told_after(&phone).await, 1);
    assert_eq!(test.told_after(&phone).await, 1);
    assert_eq!(test.told_after(&laptop).await, 1);
    assert_eq!(test.known().await, 2);
    let mail = test.mailbox.mails().into_iter().find(|mail| mail.message.kind() == MailKind::NewDevice);
    let mail = mail.unwrap();
    assert_eq!(mail.to, test.ann.user.email);
    let crate::outgoing_mail::MailContent::NewDevice { device, address, .. } = mail.message else {
        panic!("no news")
    };
    assert_eq!((device.as_str(), address.as_str()), ("an app", "192.0.2.7"));
}

#[tokio::test]
async fn a_sign_in_without_a_proof_is_news_where_there_are_known_devices_and_is_never_known() {
    let (test, curl) = (KnownDevicesFixture::new().await, FixtureClient::forgetful());
    assert_eq!(test.told_after(&curl).await, 0);
    assert_eq!(test.told_after(&curl).await, 0);
    assert_eq!(test.known().await, 0);
    assert_eq!(test.told_after(&FixtureClient::browser()).await, 0, "the first of all that is known");
    assert_eq!(test.told_after(&curl).await, 1);
    assert_eq!(test.told_after(&curl).await, 2);
    assert_eq!(test.known().await, 1);
}

#[tokio::test]
async fn a_device_is_known_to_each_of_its_users_separately() {
    let test = KnownDevicesFixture::new().await;
    let bob = test.fixture.new_user(&test.node).await;
    let (shared, own) = (FixtureClient::browser(), FixtureClient::browser());
    own.sign_in_with_code(&test.node, &test.mailbox, &bob).await;
    assert_eq!(test.told_after(&shared).await, 0);
    shared.sign_in_with_code(&test.node, &test.mailbox, &bob).await;
    test.mailbox.collect(&test.node).await;
    let told = test.mailbox.mails();
    let told = told.iter().filter(|mail| mail.message.kind() == MailKind::NewDevice);
    assert_eq!(told.map(|mail| &mail.to).collect::<Vec<_>>(), [&bob.user.email]);
}

#[tokio::test]
async fn twenty_devices_are_known_and_the_one_that_was_not_used_for_longest_is_forgotten() {
    let test = KnownDevicesFixture::new().await;
    let devices: Vec<FixtureClient> = (0..20).map(|_| FixtureClient::browser()).collect();
    for (nth, device) in devices.iter().enumerate() {
        assert_eq!(test.told_after(device).await, nth);
    }
    test.fixture.clock.pass(Duration::from_hours(24));
    assert_eq!(test.told_after(&devices[0]).await, 19, "it is still known");
    assert_eq!(test.told_after(&FixtureClient::browser()).await, 20);
    assert_eq!(test.known().await, 20);
    assert_eq!(test.told_after(&devices[0]).await, 20, "it was used lately");
    assert_eq!(test.told_after(&devices[1]).await, 21, "it was forgotten");
}

#[tokio::test]
async fn a_device_is_known_for_four_hundred_days_after_its_last_use() {
    let test = KnownDevicesFixture::new().await;
    let (laptop, phone) = (FixtureClient::browser(), FixtureClient::browser());
    test.told_after(&laptop).await;
    test.told_after(&phone).await;
    test.fixture.clock.pass(Duration::from_hours(399 * 24));
    assert_eq!(test.told_after(&laptop).await, 1);
    test.fixture.clock.pass(Duration::from_hours(2 * 24));
    assert_eq!(test.told_after(&phone).await, 2);
    assert_eq!(test.told_after(&laptop).await, 2);
}

// ASVS-map: AU4
#[tokio::test]
async fn where_new_devices_need_a_code_a_known_one_skips_it_until_it_is_forgotten() {
    let test = KnownDevicesFixture::new().await;
    let settings = |settings| TenantSettings { otp: Some(SecondStep::NewDevices), ..settings };
    test.node.change_tenant(&TenantId::default_tenant(), settings).await.unwrap();
    let (laptop, phone) = (FixtureClient::browser(), FixtureClient::app());
    let user = &test.ann.user;
    for client in [&laptop, &phone] {
        client.sign_in_with_code(&test.node, &test.mailbox, &test.ann).await;
        test.in_at_once(client).await;
    }
    for stranger in [FixtureClient::browser(), FixtureClient::app(), FixtureClient::forgetful()] {
        let asked =
            stranger.device_sign_in(&test.node, &user.key.tenant, user.email.as_typed(), PASSWORD).await;
        assert!(matches!(asked, Ok(DeviceSignInResult::CodeSent { .. })), "{asked:?}");
    }
    test.fixture.clock.pass(Duration::from_mins(16));
    let bob = test.fixture.new_user(&test.node).await;
    phone.sign_in_with_code(&test.node, &test.mailbox, &bob).await;
    for known in test.devices().await {
        test.node.forget_device(&user.key, known.id()).await.unwrap();
    }
    for client in [&laptop, &phone] {
        client.request_code(&test.node, &test.ann).await;
    }
}

#[tokio::test]
async fn without_a_second_step_a_browser_is_known_once_it_has_come_back_with_its_cookie() {
    let test = KnownDevicesFixture::new().await;
    let settings = |settings| TenantSettings { otp: Some(SecondStep::Off), ..settings };
    test.node.change_tenant(&TenantId::default_tenant(), settings).await.unwrap();
    let (laptop, curl) = (FixtureClient::browser(), FixtureClient::forgetful());
    let token = test.in_at_once(&laptop).await;
    for _ in 0..25 {
        test.in_at_once(&curl).await;
    }
    assert_eq!(test.known().await, 0, "a cookie that was set need not be kept");
    assert!(laptop.refresh(&test.node, &token).await.is_ok());
    assert_eq!(test.known().await, 1);
    test.in_at_once(&laptop).await;
    test.mailbox.collect(&test.node).await;
    assert_eq!(test.mailbox.count("new_device"), 0);
}

#[tokio::test]
async fn a_device_that_signed_in_by_password_and_then_with_a_code_is_listed_once() {
    let test = KnownDevicesFixture::new().await;
    let held = test.ann.sign_in_on(&test.node, StrategyName::Refresh, true).await;
    let secret = held.signed_in.grant.device_secret.as_ref().unwrap();
    let by_password = test.devices().await;
    let phone = FixtureClient::app_with(secret.reveal());
    assert_eq!(test.told_after(&phone).await, 1, "it has not shown a second step before");
    let by_code = test.devices().await;
    assert_eq!(by_code.len(), 1, "{by_code:?}");
    assert_ne!(by_code[0].id(), by_password[0].id());
}
