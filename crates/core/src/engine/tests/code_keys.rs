//! The keys under which codes and links are hashed.

use std::sync::Arc;
use std::time::Duration;

use super::client::FixtureClient;
use super::mailbox::RecordingMailbox;
use crate::engine::Engine;
use crate::id::{TenantId, TicketId};
use crate::key::{KeyMaterial, KeyUse, MasterKey};
use crate::machine::SystemRandom;
use crate::queued_mail::CLAIM_LEASE;
use crate::secret::PlainSecret;
use crate::store::conformance::fixture::{Fixture, RegisteredUser, password};
use crate::store::memory::MemoryStore;
use crate::ticket::{LinkToken, Ticket, TicketKey, TicketSecret, plain_hash};

const OTHER_PASSWORD: &str = "another good password";

struct CodeFixture {
    fixture: Fixture,
    node: Engine,
    mailbox: Arc<RecordingMailbox>,
    ann: RegisteredUser,
}

impl CodeFixture {
    async fn new() -> Self {
        let fixture = Fixture::new(MemoryStore::stores());
        let node = fixture.node().await;
        let ann = fixture.new_user(&node).await;
        Self { fixture, node, mailbox: RecordingMailbox::new(), ann }
    }

    async fn asks(&self) -> (TicketId, String) {
        let login = FixtureClient::forgetful().request_code(&self.node, &self.ann).await;
        (login, self.mailbox.code(&self.node).await)
    }

    async fn is_let_in(&self, login: TicketId, code: &str) -> bool {
        let client = FixtureClient::forgetful();
        client.verify(&self.node, &TenantId::default_tenant(), login, code).await.is_ok()
    }

    async fn ticket(&self, id: TicketId) -> Ticket {
        let key = TicketKey { tenant: TenantId::default_tenant(), id };
        self.fixture.stores().tickets.find(&key).await.unwrap().unwrap()
    }
}

// ASVS-map: OT1
#[tokio::test]
async fn with_a_master_key_a_copy_of_the_database_opens_no_code() {
    let mut test = CodeFixture::new().await;
    let master =
        MasterKey::parse("8f1c3a5e7092b4d6f8e1c3a5b7d9f0021426384a5c6e708192a4b6c8daecfe10").unwrap();
    test.node = test.fixture.builder.clone().master_key(master).open().await.unwrap();
    test.node.seal_keys().await.unwrap();
    let (login, code) = test.asks().await;
    let stored = test.ticket(login).await;
    let secret = stored.secret.clone().unwrap();
    let keys = test.fixture.stores().keys.list(&stored.key.tenant).await.unwrap();
    let key = keys.iter().find(|key| Some(&key.kid) == secret.kid.as_ref()).unwrap();
    assert!(key.usage == KeyUse::Code && matches!(key.material, KeyMaterial::Sealed(_)));
    assert_ne!(secret.hash, plain_hash(&stored.key, &PlainSecret::presented(&code)));
    assert!(test.is_let_in(login, &code).await);
}

#[tokio::test]
async fn a_code_outlives_the_key_that_hashed_it_and_a_link_the_update_to_such_keys() {
    let test = CodeFixture::new().await;
    let (login, code) = test.asks().await;
    let tenant = TenantId::default_tenant();
    test.node.rotate_keys(&tenant, &[KeyUse::Code], Duration::ZERO).await.unwrap();
    assert!(test.is_let_in(login, &code).await);

    test.node.forgot_password(&tenant, &test.ann.user.email).await.unwrap();
    let mails = test.fixture.stores().mail.claim(test.node.now(), 9).await.unwrap();
    let (mail, id) = mails.iter().find_map(|mail| Some((mail.id, mail.ticket?))).unwrap();
    let key = TicketKey { tenant, id };
    let secret = PlainSecret::generate(&SystemRandom);
    let by_older_version = TicketSecret { hash: plain_hash(&key, &secret), kid: None };
    let tickets = &test.fixture.stores().tickets;
    tickets.arm(&key, mail, &by_older_version, test.node.now()).await.unwrap().unwrap();
    let link = LinkToken { ticket: key, secret }.written();
    test.node.reset_password(link.reveal(), password(OTHER_PASSWORD)).await.unwrap();
}

// ASVS-map: OT1
#[tokio::test]
async fn a_tenant_from_before_keys_for_codes_gets_one_at_the_start() {
    let mut test = CodeFixture::new().await;
    let acme: TenantId = "acme".parse().unwrap();
    test.fixture.create_tenant(&acme).await;
    let keys = &test.fixture.stores().keys;
    for tenant in [&acme, &TenantId::default_tenant()] {
        for key in keys.list(tenant).await.unwrap() {
            if key.usage == KeyUse::Code {
                keys.remove(tenant, &key.kid).await.unwrap();
            }
        }
    }
    test.node = test.fixture.node().await;
    assert_eq!(keys.list(&acme).await.unwrap().len(), KeyUse::ALL.len());
    test.fixture.clock.pass(CLAIM_LEASE);
    let (login, code) = test.asks().await;
    assert!(test.is_let_in(login, &code).await);
}
