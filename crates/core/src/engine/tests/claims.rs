//! What access tokens tell other services of a sign-in.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use super::client::FixtureClient;
use super::mailbox::RecordingMailbox;
use crate::clock::Clock as _;
use crate::engine::{AuthenticationError, Engine};
use crate::id::TenantId;
use crate::key::SharedSecrets;
use crate::session::EndReason;
use crate::store::conformance::fixture::{Fixture, HeldCredentials, RegisteredUser};
use crate::store::memory::MemoryStore;
use crate::strategy::StrategyName;
use crate::tenant::TenantSettings;
use crate::token::TokenFault;
use crate::token::access::{AccessClaims, sign_access};

fn claims(token: &str) -> Value {
    let payload = URL_SAFE_NO_PAD.decode(token.split('.').nth(1).unwrap()).unwrap();
    serde_json::from_slice(&payload).unwrap()
}

#[tokio::test]
async fn a_token_says_how_and_when_the_user_signed_in_and_a_refresh_changes_nothing_of_it() {
    let fixture = Fixture::new(MemoryStore::stores());
    let (node, mailbox) = (fixture.node().await, RecordingMailbox::new());
    let ann = fixture.new_user(&node).await;
    let began = fixture.clock.now().as_seconds();
    let by_password = ann.password_sign_in(&node, StrategyName::Jwt).await;
    let said = claims(by_password.credential());
    assert_eq!((&said["client_id"], &said["amr"]), (&json!("portcullis"), &json!(["pwd"])));
    assert_eq!((&said["auth_time"], &said["email_verified"]), (&json!(began), &json!(false)));
    assert_eq!(said.get("epochs"), None);

    let app = FixtureClient::app();
    let held = app.sign_in_with_code(&node, &mailbox, &ann).await;
    fixture.clock.pass(Duration::from_mins(20));
    let refreshed = app.refresh(&node, held.refresh_token()).await.unwrap();
    for token in [held.credential(), refreshed.access.reveal()] {
        let said = claims(token);
        assert_eq!((&said["amr"], &said["auth_time"]), (&json!(["pwd", "otp"]), &json!(began)));
        assert_eq!(said["email_verified"], true, "the code came with a mail");
    }
    node.end_sessions(&ann.user.key, EndReason::LogoutAll).await.unwrap();
    let after = ann.password_sign_in(&node, StrategyName::Jwt).await;
    assert_eq!(claims(after.credential())["epochs"], json!([1, 0, 0]));
    assert_eq!(claims(after.credential())["email_verified"], true);
}

#[tokio::test]
async fn a_tenants_own_client_id_is_in_every_token_from_its_next_one_on() {
    let fixture = Fixture::new(MemoryStore::stores());
    let node = fixture.node().await;
    let ann = fixture.new_user(&node).await;
    let before = ann.password_sign_in(&node, StrategyName::Refresh).await;
    let named = |settings| TenantSettings { client_id: Some("acme web".to_owned()), ..settings };
    node.change_tenant(&TenantId::default_tenant(), named).await.unwrap();
    let after = before.refresh(&node).await.unwrap();
    assert_eq!(claims(after.access.reveal())["client_id"], "acme web");
    assert_eq!(claims(before.credential())["client_id"], "portcullis");
    assert!(before.authenticate(&node).await.is_ok(), "a client that is named otherwise is signed out");
}

/// Nodes on one store: with keys of its own, with a shared secret, and with a shared secret and an audience.
struct SharingFixture {
    own: Engine,
    sharing: Engine,
    naming: Engine,
    ann: RegisteredUser,
}

impl SharingFixture {
    async fn new() -> Self {
        let mut fixture = Fixture::new(MemoryStore::stores());
        let own = fixture.node().await;
        let secret = Some("Zk3vY8nQp1Lr6TwXc9MbHs4DfGj7UaEe");
        fixture.builder.secrets.shared = SharedSecrets::new(secret, None).unwrap();
        let sharing = fixture.node().await;
        let named = fixture.with_policy(|policy| policy.audience = Some("api".to_owned()));
        let naming = named.node().await;
        let ann = named.new_user(&own).await;
        Self { own, sharing, naming, ann }
    }

    async fn signed_in_on(&self, node: &Engine) -> HeldCredentials {
        self.ann.password_sign_in(node, StrategyName::SessionJwt).await
    }
}

/// The same credentials, with a token that says this audience.
async fn signed_with(node: &Engine, held: &HeldCredentials, aud: Option<&str>) -> HeldCredentials {
    let tenant = node.tenant(&held.tenant).await.unwrap();
    let (_, claims) = node.core.verified_claims(None, Some(tenant.clone()), held.credential()).await.unwrap();
    let said = AccessClaims { aud: aud.map(Into::into), ..(*claims).clone() };
    let mut held = held.clone();
    let token = sign_access(&tenant.keyring, node.now(), &said).unwrap();
    held.signed_in.grant.credential = crate::secret::PlainSecret::presented(&token);
    held
}

#[tokio::test]
async fn where_a_secret_is_shared_access_tokens_have_no_audience_unless_one_is_set() {
    let test = SharingFixture::new().await;
    for (node, said) in
        [(&test.own, json!("default")), (&test.sharing, Value::Null), (&test.naming, json!("api"))]
    {
        let held = test.signed_in_on(node).await;
        assert_eq!(claims(held.credential()).get("aud").cloned().unwrap_or_default(), said);
        assert!(held.authenticate(node).await.is_ok());
    }
    // A refresh token goes nowhere but here, and is the same as ever.
    let held = test.ann.password_sign_in(&test.sharing, StrategyName::Refresh).await;
    assert_eq!(claims(held.refresh_token())["aud"], "default");
}

/// Tokens of an older version say the tenant, and so do those from before the secret was shared.
// ASVS-map: OP4
#[tokio::test]
async fn an_upgrade_or_a_shared_secret_signs_out_no_one() {
    let test = SharingFixture::new().await;
    let of_own_keys = test.signed_in_on(&test.own).await;
    assert!(of_own_keys.authenticate(&test.sharing).await.is_ok(), "from before the secret was shared");
    let held = test.signed_in_on(&test.sharing).await;
    let of_older_version = signed_with(&test.sharing, &held, Some("default")).await;
    assert!(of_older_version.authenticate(&test.sharing).await.is_ok());
    assert!(held.authenticate(&test.naming).await.is_ok(), "from before an audience was set");

    let rotating = test.ann.sign_in_on(&test.own, StrategyName::Refresh, true).await;
    let refreshed = rotating.refresh(&test.sharing).await.unwrap();
    assert!(rotating.refresh_with(&test.own, refreshed.refresh.reveal()).await.is_ok(), "and back");
}

// ASVS-map: JW6
#[tokio::test]
async fn a_token_that_names_no_audience_where_it_must_or_another_one_is_refused() {
    let test = SharingFixture::new().await;
    for (node, aud, fault) in [
        (&test.own, None, TokenFault::MissingClaim("aud")),
        (&test.own, Some("acme"), TokenFault::WrongAudience),
        (&test.sharing, Some("acme"), TokenFault::WrongAudience),
        (&test.sharing, Some(""), TokenFault::WrongAudience),
        (&test.naming, Some("default"), TokenFault::WrongAudience),
    ] {
        let held = signed_with(node, &test.signed_in_on(node).await, aud).await;
        // A secret that is shared since then does not make the tenant's own tokens less.
        let verifying: &[&Engine] =
            if aud.is_none() { &[node, &test.sharing, &test.naming] } else { &[node] };
        for verifying in verifying {
            let refused = held.authenticate(verifying).await;
            assert!(
                matches!(&refused, Err(AuthenticationError::Token(token)) if *token == fault),
                "{aud:?}: {refused:?}"
            );
        }
    }
}
