use std::fs;
use std::sync::Arc;

use portcullis_core::clock::Clock;
use portcullis_core::machine::SystemClock;
use portcullis_core::store::StoreError;
use portcullis_core::store::conformance::records::{by_id, new_user_key, session, tenant};
use portcullis_stores::{RedisSessions, RedisUrl};
use tempfile::TempDir;

use super::server::RedisServer;
use super::{Database, fresh, open, shared_server};

async fn refused(url: &str) -> String {
    let opened = RedisSessions::open(&RedisUrl::parse(url).unwrap(), Arc::new(SystemClock)).await;
    let said = opened.unwrap_err().to_string();
    assert!(!said.contains("hunter2"), "{said}");
    said
}

async fn described(url: &RedisUrl) -> String {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    RedisSessions::open(url, clock).await.unwrap().described().await.unwrap()
}

// ASVS-map: OP2
#[tokio::test]
async fn a_server_that_may_not_be_used_is_refused_with_the_cure() {
    let locked = RedisServer::start(&["--requirepass", "s3cret"]).await;
    let at = locked.address();
    assert!(refused(&format!("redis://{at}")).await.contains("refuses the login"));
    assert!(refused(&format!("redis://:hunter2@{at}")).await.contains("correct user and password"));
    let evicting = RedisServer::start(&["--maxmemory", "100mb", "--maxmemory-policy", "allkeys-lru"]).await;
    assert!(refused(&format!("redis://{}", evicting.address())).await.contains("noeviction"));
    let primary = shared_server().await.address().replace(':', " ");
    let replica = RedisServer::start(&["--replicaof", &primary]).await;
    assert!(refused(&format!("redis://{}", replica.address())).await.contains("name the primary"));
    let cluster = RedisServer::start(&["--cluster-enabled", "yes"]).await;
    assert!(refused(&format!("redis://{}", cluster.address())).await.contains("Redis Cluster"));
    drop(cluster);
    let nothing = TempDir::new().unwrap();
    let missing = nothing.path().join("missing");
    let named = format!("redis://{at}?password_file={}", missing.display());
    assert!(refused(&named).await.contains("missing cannot be read"));
}

#[tokio::test]
async fn nothing_listens_and_the_error_says_so() {
    let mut server = RedisServer::start(&[]).await;
    server.kill();
    let said = refused(&format!("redis://:hunter2@{}", server.address())).await;
    assert!(said.contains("no Redis server answers at redis://127.0.0.1"), "{said}");
}

#[tokio::test]
async fn a_password_may_be_in_the_url_or_in_a_file() {
    let server = RedisServer::start(&["--requirepass", "hunter2"]).await;
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("password");
    fs::write(&file, "hunter2\n").unwrap();
    let at = server.address();
    for url in [format!("redis://:hunter2@{at}"), format!("redis://{at}?password_file={}", file.display())] {
        let described = described(&RedisUrl::parse(&url).unwrap()).await;
        let said = described.contains("primary, appendonly=off, maxmemory_policy=noeviction, clock ");
        assert!(said, "{described}");
    }
}

/// A user with the rights that the message of a refusal names, and no others.
#[tokio::test(flavor = "multi_thread")]
async fn a_user_needs_few_rights() {
    let server = RedisServer::start(&[]).await;
    let rights = ["+@read", "+@write", "+@scripting", "+@connection", "-@dangerous", "+info", "~few:*"];
    let user: Vec<&str> =
        ["ACL", "SETUSER", "portcullis", "on", ">hunter2"].into_iter().chain(rights).collect();
    assert_eq!(server.by_hand(&user).trim(), "OK");
    let url = format!("redis://portcullis:hunter2@{}?prefix=few:", server.address());
    let database = Database::new();
    let stores = open(&database.fresh(), &RedisUrl::parse(&url).unwrap()).await;
    let known = session(&new_user_key(&tenant("acme")));
    stores.sessions.insert(&known).await.unwrap();
    assert!(stores.sessions.find(&by_id(&known), known.created).await.unwrap().is_some());
    let recorder = Arc::new(crate::feeds::ChangeRecorder::default());
    let _watch = stores.feed.watch(recorder.clone()).await.unwrap();
    recorder.catches_up().await;

    for lacking in ["-info", "-client|tracking", "-hdel", "-del", "-evalsha", "-get"] {
        server.by_hand(&["ACL", "SETUSER", "portcullis", lacking]);
        assert!(refused(&url).await.contains("+info"), "{lacking}");
        server.by_hand(&["ACL", "SETUSER", "portcullis", &lacking.replacen('-', "+", 1)]);
    }
    RedisSessions::open(&RedisUrl::parse(&url).unwrap(), Arc::new(SystemClock)).await.unwrap();
}

#[tokio::test]
async fn a_store_that_was_closed_is_out_of_reach() {
    let live = RedisSessions::open(&fresh(shared_server().await), Arc::new(SystemClock)).await.unwrap();
    let database = Database::new().fresh_kept();
    let opened =
        database.url.open(Arc::new(SystemClock), portcullis_stores::IfMissing::Create).await.unwrap();
    let stores = portcullis_stores::SessionPair::stores(live.clone(), &*opened);
    live.close().await;
    let known = session(&new_user_key(&tenant("acme")));
    let away = stores.sessions.find(&by_id(&known), known.created).await;
    assert!(matches!(away, Err(StoreError::Unavailable { .. })), "{away:?}");
    assert!(stores.feed.watch(Arc::new(crate::feeds::ChangeRecorder::default())).await.is_err());
}
