//! Verifiers in other processes, on each pair of stores: what one node ends is refused by a verifier that follows the
//! other one, with no question about the credential.

use portcullis_core::id::{TenantId, UserKey};
use portcullis_core::key::KeyUse;
use portcullis_core::revocation::FeedTenants;
use portcullis_core::session::EndReason;
use portcullis_core::strategy::StrategyName;
use portcullis_core::tenant::TenantSettings;
use portcullis_core::user::Role;
use portcullis_verifier::{OnStale, SentCredential, VerifiedUser, Verifier, VerifyError};

use crate::fixture::{Credentials, DataDirectory, PAIRS, StorePair, TestServer, TestUser, eventually};

/// Two nodes on the same stores, and a verifier that follows the second.
struct VerifiedNodes {
    one: TestServer,
    other: TestServer,
    verifier: Verifier,
    _home: DataDirectory,
}

impl VerifiedNodes {
    async fn on(pair: &StorePair) -> Self {
        let home = DataDirectory::new();
        let stores = pair.make(home.path());
        let settings: Vec<_> = stores.settings.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let one = home.server_with(&settings).await;
        let other = home.server_with(&settings).await;
        one.create_tenant_with("acme", TenantSettings::default()).await;
        let (_, key) = one.engine.create_feed_key(&FeedTenants::All).await.unwrap();
        let tenants = ["default", "acme"].map(|name| name.parse::<TenantId>().unwrap());
        let verifier = Verifier::builder(&format!("http://{}", other.address));
        let verifier = verifier.feed_key(key.reveal()).tenants(tenants).build().unwrap();
        verifier.ready().await;
        Self { one, other, verifier, _home: home }
    }

    /// What the verifier makes of a credential by what it knows: it does not ask.
    async fn verify(&self, held: &Credentials) -> Result<VerifiedUser, VerifyError> {
        self.verifier.verify(SentCredential::Bearer(&held.credential), OnStale::Refuse).await
    }

    async fn accepts(&self, held: &Credentials) -> VerifiedUser {
        // The feed may have been late for a moment, which is no rejection.
        eventually("the verifier accepts", || async {
            match self.verify(held).await {
                Err(VerifyError::Unavailable { .. }) => None,
                accepted => Some(accepted.unwrap()),
            }
        })
        .await
    }

    async fn refuses(&self, held: &Credentials) {
        let refused = eventually("the verifier refuses", || async {
            let refused = self.verify(held).await.err()?;
            (!matches!(refused, VerifyError::Unavailable { .. })).then_some(refused)
        });
        assert_eq!(refused.await, VerifyError::Revoked);
    }

    async fn user_of(&self, held: &Credentials) -> UserKey {
        let user = self.accepts(held).await;
        UserKey { tenant: user.tenant, id: user.id }
    }
}

/// Strategies whose sign-out ends tokens.
const ENDED_BY_SIGN_OUT: [StrategyName; 4] =
    [StrategyName::Hybrid, StrategyName::SessionJwt, StrategyName::Denylist, StrategyName::Refresh];

async fn a_sign_out_is_refused(nodes: &VerifiedNodes) {
    for strategy in ENDED_BY_SIGN_OUT {
        let [ended, kept] = [
            TestUser::ANN.signs_in(&nodes.one, strategy).await,
            TestUser::ANN.signs_in(&nodes.other, StrategyName::SessionJwt).await,
        ];
        nodes.accepts(&ended).await;
        ended.logs_out(&nodes.one).await.status(201);
        nodes.refuses(&ended).await;
        nodes.accepts(&kept).await;
    }
}

async fn a_new_password_ends_all_but_the_session_that_chose_it(nodes: &VerifiedNodes) {
    let user = TestUser::BOB.registered(&nodes.one).await;
    let chooser = user.signs_in(&nodes.one, StrategyName::SessionJwt).await;
    let other = user.signs_in(&nodes.other, StrategyName::SessionJwt).await;
    let stateless = user.signs_in(&nodes.other, StrategyName::Jwt).await;
    chooser.changes_password(&nodes.one, user.password, "another staple gun").await.status(201);
    nodes.refuses(&other).await;
    nodes.refuses(&stateless).await;
    nodes.accepts(&chooser).await;
    let again = user.with_password("another staple gun").signs_in(&nodes.one, StrategyName::Jwt).await;
    nodes.accepts(&again).await;
}

async fn a_role_counts_as_soon_as_it_is_given(nodes: &VerifiedNodes) {
    let held = TestUser::ANN.signs_in(&nodes.one, StrategyName::Jwt).await;
    let user = nodes.user_of(&held).await;
    for role in [Role::Admin, Role::User] {
        nodes.one.engine.set_role(&user, role).await.unwrap();
        eventually("the role is known", || async {
            (nodes.accepts(&held).await.role == Some(role)).then_some(())
        })
        .await;
    }
}

async fn what_an_operator_ends_is_refused(nodes: &VerifiedNodes) {
    let held = TestUser::ANN.signs_in(&nodes.one, StrategyName::Jwt).await;
    let user = nodes.user_of(&held).await;
    nodes.one.engine.end_sessions(&user, EndReason::Admin).await.unwrap();
    nodes.refuses(&held).await;
    let held = TestUser::ANN.signs_in(&nodes.one, StrategyName::Jwt).await;
    nodes.accepts(&held).await;
    nodes.one.engine.disable_user(&user).await.unwrap();
    nodes.refuses(&held).await;
    nodes.one.engine.enable_user(&user).await.unwrap();
    let held = TestUser::ANN.signs_in(&nodes.one, StrategyName::Jwt).await;
    nodes.accepts(&held).await;
    nodes.one.engine.replace_compromised_keys(&user.tenant, &[KeyUse::Access]).await.unwrap();
    nodes.refuses(&held).await;
    let held = TestUser::ANN.signs_in(&nodes.one, StrategyName::Jwt).await;
    nodes.accepts(&held).await;
    nodes.one.engine.end_everyone().await.unwrap();
    nodes.refuses(&held).await;
}

async fn a_suspended_tenant_is_refused_and_another_is_not(nodes: &VerifiedNodes) {
    let acme: TenantId = "acme".parse().unwrap();
    let register = nodes.one.post("/auth/jwt/register").header("x-tenant-id", "acme");
    register.json(&serde_json::json!({"email": "eve@example.com", "password": "correct horse battery", "name": "Eve"})).await.status(201);
    let sign_in = async || {
        let login = nodes.one.post("/auth/jwt/login").header("x-tenant-id", "acme");
        let body = serde_json::json!({"email": "eve@example.com", "password": "correct horse battery"});
        Credentials::from(StrategyName::Jwt, &login.json(&body).await.status(201))
    };
    let (theirs, ours) = (sign_in().await, TestUser::ANN.signs_in(&nodes.one, StrategyName::Jwt).await);
    nodes.accepts(&theirs).await;
    nodes.one.engine.suspend_tenant(&acme).await.unwrap();
    nodes.refuses(&theirs).await;
    nodes.accepts(&ours).await;
    nodes.one.engine.resume_tenant(&acme).await.unwrap();
    nodes.accepts(&sign_in().await).await;
    assert_eq!(nodes.verify(&theirs).await, Err(VerifyError::Revoked), "what it ended stays ended");
}

/// The node that the verifier follows is gone, and so is the server that it could ask.
async fn an_outage_is_no_rejection(nodes: VerifiedNodes) {
    let held = TestUser::ANN.signs_in(&nodes.one, StrategyName::SessionJwt).await;
    nodes.accepts(&held).await;
    let VerifiedNodes { one, other, verifier, _home } = nodes;
    other.stop().await;
    let credential = SentCredential::Bearer(&held.credential);
    let refused = eventually("the verifier knows too little", || async {
        verifier.verify(credential, OnStale::Ask).await.err()
    });
    assert_eq!(refused.await.status(), 503);
    one.stop().await;
}

// ASVS-map: RV1, RV2, RV3
#[tokio::test(flavor = "multi_thread")]
async fn what_one_node_ends_a_verifier_of_the_other_refuses_on_every_pair_of_stores() {
    for pair in &PAIRS {
        let nodes = VerifiedNodes::on(pair).await;
        TestUser::ANN.registered(&nodes.one).await;
        a_sign_out_is_refused(&nodes).await;
        a_new_password_ends_all_but_the_session_that_chose_it(&nodes).await;
        a_role_counts_as_soon_as_it_is_given(&nodes).await;
        a_suspended_tenant_is_refused_and_another_is_not(&nodes).await;
        what_an_operator_ends_is_refused(&nodes).await;
        an_outage_is_no_rejection(nodes).await;
    }
}

/// It would take silence for proof.
// ASVS-map: RV2
#[tokio::test(flavor = "multi_thread")]
async fn a_verifier_whose_key_is_of_another_tenant_does_not_start() {
    let server = TestServer::start().await;
    server.create_tenant("acme").await;
    let held = TestUser::ANN.registered(&server).await.signs_in(&server, StrategyName::SessionJwt).await;
    let of_acme = FeedTenants::Some(["acme".parse().unwrap()].into_iter().collect());
    let (_, key) = server.engine.create_feed_key(&of_acme).await.unwrap();
    let verifier =
        Verifier::builder(&format!("http://{}", server.address)).feed_key(key.reveal()).build().unwrap();
    let asks_again = async || {
        let page = portcullis_core::store::Page { after: None, limit: 1 };
        server.engine.feed_keys(page).await.unwrap().first().and_then(|key| key.last_used)
    };
    eventually("the verifier asks for a snapshot", asks_again).await;
    for _ in 0..50 {
        let answer = verifier.verify(SentCredential::Bearer(&held.credential), OnStale::Refuse).await;
        assert!(matches!(answer, Err(VerifyError::Unavailable { .. })), "{answer:?}");
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
}
