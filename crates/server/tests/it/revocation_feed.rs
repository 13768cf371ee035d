//! The revocation feed over HTTP, as the verifiers of other processes and languages ask for it.

use std::future::IntoFuture as _;

use portcullis_core::id::FeedKeyId;
use portcullis_core::machine::SystemRandom;
use portcullis_core::revocation::FeedTenants;
use portcullis_core::revocation::wire::{FEED_PATH, FeedAnswer, FeedSigner, SNAPSHOT_PATH, SnapshotPage};
use portcullis_core::secret::PlainSecret;
use portcullis_core::strategy::StrategyName;

use crate::fixture::{HTTPS, HttpAnswer, HttpRequest, TestServer, TestUser, eventually};

/// A verifier that holds a feed key.
struct KeyHolder<'s> {
    server: &'s TestServer,
    id: FeedKeyId,
    key: PlainSecret,
}

impl<'s> KeyHolder<'s> {
    async fn of(server: &'s TestServer, tenant: &str) -> Self {
        let tenants = FeedTenants::Some([tenant.parse().unwrap()].into_iter().collect());
        let (created, key) = server.engine.create_feed_key(&tenants).await.unwrap();
        Self { server, id: created.id, key }
    }

    fn asks(&self, path: &str, query: &str) -> HttpRequest {
        self.server.get(&format!("{path}?{query}")).bearer(self.key.reveal())
    }

    fn answer(&self, answer: &HttpAnswer) -> FeedAnswer {
        FeedSigner::derive(&self.key).read(&answer.body).unwrap()
    }

    /// The position behind the snapshot, which has but one page.
    async fn begins(&self) -> SnapshotPage {
        let page = self.asks(SNAPSHOT_PATH, "").await.status(200);
        FeedSigner::derive(&self.key).read(&page.body).unwrap()
    }
}

// ASVS-map: RV1
#[tokio::test]
async fn a_sign_out_is_told_in_a_signed_answer_that_no_cache_keeps() {
    let server = TestServer::start().await;
    let holder = KeyHolder::of(&server, "default").await;
    let begun = holder.begins().await;
    let credentials =
        TestUser::ANN.registered(&server).await.signs_in(&server, StrategyName::SessionJwt).await;
    credentials.logs_out(&server).await.status(201);
    let query = format!("at={}:{}&age=0&wait=10000&nonce=r7Jq", begun.log, begun.to);
    let told = holder.asks(FEED_PATH, &query).await.status(200);
    assert_eq!(told.header("content-type"), Some("application/jwt"));
    assert_eq!(told.header("cache-control"), Some("no-store"));
    let answer = holder.answer(&told);
    assert_eq!((answer.issuer.as_str(), answer.nonce.as_str()), (server.engine.issuer(), "r7Jq"));
    let [record] = &answer.records[..] else { panic!("{answer:?}") };
    assert!(record.to_string().starts_with(r#"["s","#), "{record}");
    assert_eq!((answer.log, answer.from, answer.to), (begun.log, begun.to + 1, begun.to + 1));
    let snapshot = holder.begins().await;
    assert!(snapshot.records.contains(record), "{snapshot:?}");
}

// ASVS-map: SE1
#[tokio::test]
async fn the_feed_is_for_those_who_show_one_feed_key() {
    let server = TestServer::start().await;
    let holder = KeyHolder::of(&server, "default").await;
    let token = TestUser::ANN.registered(&server).await.signs_in(&server, StrategyName::Jwt).await;
    for path in [FEED_PATH, SNAPSHOT_PATH] {
        let question = format!("{path}?age=0&wait=0&nonce=a");
        let none = server.get(&question).await.status(401);
        assert_eq!(none.header("www-authenticate"), Some("Bearer"));
        let wrong =
            server.get(&question).bearer("AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8").await.status(401);
        assert_eq!(wrong.header("www-authenticate"), Some(r#"Bearer error="invalid_token""#));
        wrong.says(401, r#"{"message":"Unauthorized","statusCode":401}"#);
        token.shown(server.get(&question)).await.status(401);
        holder.asks(path, "age=0&wait=0&nonce=a").bearer(holder.key.reveal()).await.status(401);
        let page = server.get(&question).header("origin", "http://localhost:5173").await;
        assert_eq!(page.header("access-control-allow-origin"), None, "no page of a browser calls it");
        server.post(path).bearer(holder.key.reveal()).await.status(405);
    }
}

#[tokio::test]
async fn a_poll_that_waits_is_told_nothing_once_its_key_is_revoked() {
    let server = TestServer::start().await;
    let begun = KeyHolder::of(&server, "default").await.begins().await;
    let credentials =
        TestUser::ANN.registered(&server).await.signs_in(&server, StrategyName::SessionJwt).await;
    let holder = KeyHolder::of(&server, "default").await;
    let query = format!("at={}:{}&age=0&wait=10000&nonce=a", begun.log, begun.to);
    let poll = tokio::spawn(holder.asks(FEED_PATH, &query).into_future());
    eventually("the poll has shown its key", || async {
        server.engine.knows_feed_key(&holder.key).then_some(())
    })
    .await;
    assert!(server.engine.remove_feed_key(holder.id).await.unwrap());
    credentials.logs_out(&server).await.status(201);
    poll.await.unwrap().says(401, r#"{"message":"Unauthorized","statusCode":401}"#);
}

// ASVS-map: AU1
#[tokio::test]
async fn a_stranger_who_guesses_at_keys_is_refused_and_a_verifier_at_the_same_address_is_not() {
    let production = HTTPS.into_iter().chain([("LIMITS_RATE", "6")]);
    let server = TestServer::with(&production.collect::<Vec<_>>()).await;
    let known = KeyHolder::of(&server, "default").await;
    known.begins().await;
    let guess = || {
        let guess = PlainSecret::generate(&SystemRandom);
        server.get(&format!("{FEED_PATH}?age=0&wait=0&nonce=a")).bearer(guess.reveal())
    };
    // A third of the limit at once: the first question of the known key was one.
    guess().await.status(401);
    let refused = guess().await.status(429);
    assert!(refused.header("retry-after").is_some());
    let new = KeyHolder::of(&server, "default").await;
    for holder in [&known, &new, &known, &new] {
        holder.begins().await;
        guess().await.status(429);
    }
}

#[tokio::test]
async fn a_malformed_question_is_named_and_one_that_is_too_old_is_sent_to_the_snapshot() {
    let server = TestServer::start().await;
    let holder = KeyHolder::of(&server, "default").await;
    for (query, name) in [
        ("age=0&wait=0", "nonce"),
        ("age=0&wait=10001&nonce=a", "wait"),
        ("wait=0&nonce=a", "age"),
        ("at=a&age=0&wait=0&nonce=a", "at"),
    ] {
        let refused = holder.asks(FEED_PATH, query).await.status(400);
        let message = format!("the parameter {name} is missing or has a wrong value");
        assert_eq!(refused.at("/message/0"), message, "{query}");
    }
    let old = holder.asks(FEED_PATH, "at=elsewhere:7&age=600001&wait=0&nonce=a").await.status(410);
    assert_eq!(old.at("/message"), "Too much was revoked since then: read the snapshot");
    holder.asks(FEED_PATH, "at=elsewhere:7&age=600000&wait=0&nonce=a").await.status(200);
    let cursor = holder.asks(SNAPSHOT_PATH, "cursor=AAAA").await.status(400);
    assert_eq!(cursor.at("/message"), "The parameter cursor was not made by this server");
    holder.asks(SNAPSHOT_PATH, "cursor=AAAA&cursor=BBBB").await.status(400);
}

// ASVS-map: TN1
#[tokio::test]
async fn a_key_of_another_tenant_is_told_nothing() {
    let server = TestServer::start().await;
    server.create_tenant("acme").await;
    let holder = KeyHolder::of(&server, "acme").await;
    let begun = holder.begins().await;
    let of_key = FeedTenants::Some(["acme".parse().unwrap()].into_iter().collect());
    assert_eq!(begun.tenants, Some(of_key));
    let credentials =
        TestUser::ANN.registered(&server).await.signs_in(&server, StrategyName::SessionJwt).await;
    credentials.logs_out(&server).await.status(201);
    let query = format!("at={}:{}&age=0&wait=0&nonce=a", begun.log, begun.to);
    let told = holder.answer(&holder.asks(FEED_PATH, &query).await.status(200));
    assert_eq!((told.records, holder.begins().await.records), (Vec::new(), Vec::new()));
}
