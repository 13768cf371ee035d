//! A Redis that has lost its sessions, and nodes that would keep sessions elsewhere than the others.

use std::sync::Arc;
use std::time::Duration;

use portcullis_core::id::TenantId;
use portcullis_core::machine::SystemClock;
use portcullis_core::session::EndReason;
use portcullis_core::store::conformance::records::{NOW, by_id, ending, new_user_key, session};
use portcullis_core::store::{Inserted, StoreError, Stores};
use portcullis_stores::{DatabaseUrl, OpenedStores, RedisSessions, RedisUrl};
use tempfile::TempDir;
use tokio::time::sleep;

use super::server::RedisServer;
use super::{fresh, shared_server};
use crate::feeds::ChangeRecorder;
use crate::recovery::{found, signed_in};

/// A database, and the folder that it is in.
struct Installation {
    folder: TempDir,
}

impl Installation {
    fn new() -> Self {
        Self { folder: TempDir::new().unwrap() }
    }

    /// A process on the database, with its live sessions there or in Redis.
    async fn process(&self, sessions: Option<&RedisUrl>) -> OpenedStores {
        let path = self.folder.path().join("portcullis.db");
        let url = DatabaseUrl::parse(&format!("sqlite:{}", path.display())).unwrap();
        let clock = Arc::new(SystemClock);
        let opened = OpenedStores::open(&url, 4, self.folder.path(), clock.clone()).await.unwrap();
        match sessions {
            Some(url) => opened.with_live_sessions(RedisSessions::open(url, clock).await.unwrap()),
            None => opened,
        }
    }

    /// A node that serves.
    async fn node(&self, sessions: &RedisUrl) -> Node {
        let opened = self.process(Some(sessions)).await;
        opened.join_nodes().await.unwrap();
        let stores = opened.stores();
        let recorder = Arc::new(ChangeRecorder::default());
        let watch = stores.feed.watch(recorder.clone()).await.unwrap();
        recorder.catches_up().await;
        Node { stores, recorder, opened, _watch: Box::new(watch) }
    }

    /// How a process with other sessions is refused.
    async fn refuses(&self, sessions: Option<&RedisUrl>) -> String {
        let opened = self.process(sessions).await;
        let of_a_command = opened.check_sessions().await.unwrap_err().to_string();
        assert_eq!(opened.join_nodes().await.unwrap_err().to_string(), of_a_command);
        of_a_command
    }

    async fn switches_to(&self, sessions: Option<&RedisUrl>) {
        self.process(sessions).await.switch_sessions(ending(EndReason::Admin)).await.unwrap();
    }
}

struct Node {
    stores: Stores,
    recorder: Arc<ChangeRecorder>,
    opened: OpenedStores,
    _watch: Box<dyn Send>,
}

/// The epoch of everyone.
async fn everyone(stores: &Stores) -> u64 {
    let jo = new_user_key(&TenantId::default_tenant());
    stores.epochs.read(&jo).await.unwrap().everyone
}

/// Waits until everyone's sessions have ended so often.
async fn has_ended_everyone(stores: &Stores, times: u64) {
    while everyone(stores).await < times {
        sleep(Duration::from_millis(5)).await;
    }
}

// ASVS-map: RV2
#[tokio::test(flavor = "multi_thread")]
async fn a_first_start_is_no_loss_and_neither_is_a_restart_or_an_upgrade() {
    let (server, installation) = (shared_server().await, Installation::new());
    let sessions = fresh(server);
    let older = installation.process(Some(&sessions)).await.stores();
    let known = signed_in(&older).await;
    for _ in 0..2 {
        let (one, other) = tokio::join!(installation.node(&sessions), installation.node(&sessions));
        assert_eq!(found(&one.stores, &known).await.as_ref(), Some(&known));
        assert_eq!(everyone(&other.stores).await, 0);
        one.opened.close().await;
        other.opened.close().await;
    }
}

/// Three nodes run, and an operator empties Redis, again and again.
// ASVS-map: RV2 RV4
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_redis_that_is_emptied_ends_everyone_once() {
    let (server, installation) = (RedisServer::start(&[]).await, Installation::new());
    let sessions = server.url("emptied:");
    let nodes = [
        installation.node(&sessions).await,
        installation.node(&sessions).await,
        installation.node(&sessions).await,
    ];
    for (times, command) in (1..=10).zip(["FLUSHALL", "FLUSHDB"].into_iter().cycle()) {
        let before = signed_in(&nodes[0].stores).await;
        server.by_hand(&[command]);
        has_ended_everyone(&nodes[1].stores, times).await;
        for node in &nodes {
            node.recorder.catches_up().await;
            assert_eq!(found(&node.stores, &before).await, None);
            assert_eq!(everyone(&node.stores).await, times);
        }
        let after = signed_in(&nodes[1].stores).await;
        assert_eq!(found(&nodes[2].stores, &after).await, Some(after));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_redis_that_was_emptied_while_no_node_ran_ends_everyone_once() {
    let (server, installation) = (RedisServer::start(&[]).await, Installation::new());
    let sessions = server.url("stopped:");
    installation.node(&sessions).await.opened.close().await;
    server.by_hand(&["FLUSHALL"]);
    let command = installation.process(Some(&sessions)).await;
    command.check_sessions().await.unwrap();
    assert_eq!(everyone(&command.stores()).await, 0, "a command changes nothing");
    let (one, other) = tokio::join!(installation.node(&sessions), installation.node(&sessions));
    assert_eq!((everyone(&one.stores).await, everyone(&other.stores).await), (1, 1));
}

/// The node that noticed first died after it had given Redis another marker, and before it told the database.
#[tokio::test(flavor = "multi_thread")]
async fn what_a_node_that_died_has_begun_is_finished_by_another() {
    let (server, installation) = (RedisServer::start(&[]).await, Installation::new());
    let sessions = server.url("died:");
    let node = installation.node(&sessions).await;
    let noted = server.by_hand(&["GET", "died:marker"]);
    let begun = |name: &str, lost: &str| server.by_hand(&["SET", "died:marker", &format!("{name} {lost}")]);
    begun("second", noted.trim());
    has_ended_everyone(&node.stores, 1).await;
    node.opened.close().await;
    begun("third", "second");
    let next = installation.node(&sessions).await;
    assert_eq!(everyone(&next.stores).await, 2);
    assert_eq!(server.by_hand(&["GET", "died:marker"]).trim(), "third second");
}

/// Redis restarts from a snapshot of before it was emptied: what it has is of two lives ago.
#[tokio::test(flavor = "multi_thread")]
async fn a_redis_that_comes_back_with_an_older_life_ends_everyone() {
    let (mut server, installation) = (RedisServer::start(&[]).await, Installation::new());
    let sessions = server.url("older:");
    let node = installation.node(&sessions).await;
    let known = signed_in(&node.stores).await;
    server.by_hand(&["SAVE"]);
    server.by_hand(&["FLUSHALL"]);
    has_ended_everyone(&node.stores, 1).await;
    node.recorder.catches_up().await;
    server.kill();
    server.run();
    has_ended_everyone(&node.stores, 2).await;
    let back = found(&node.stores, &known).await.unwrap();
    let epochs = node.stores.epochs.read(&known.user_key()).await.unwrap();
    assert!(back.state_at(NOW, epochs).ending().is_some(), "a session of before is live again");
}

// ASVS-map: RV3
#[tokio::test(flavor = "multi_thread")]
async fn a_process_with_other_sessions_than_the_nodes_is_refused_with_the_cure() {
    let (server, installation) = (shared_server().await, Installation::new());
    let (sessions, others) = (fresh(server), fresh(server));
    let alone = installation.process(None).await;
    alone.check_sessions().await.unwrap();
    alone.join_nodes().await.unwrap();
    let refused = installation.refuses(Some(&sessions)).await;
    assert!(
        refused.contains("not in redis://") && refused.contains("migrate --switch-sessions"),
        "{refused}"
    );

    installation.switches_to(Some(&sessions)).await;
    assert_eq!(everyone(&alone.stores()).await, 0, "no user is signed out");
    let node = installation.node(&sessions).await;
    let refused = installation.refuses(None).await;
    assert!(refused.contains("in Redis: name"), "{refused}");
    let another = Installation::new();
    another.node(&others).await;
    let refused = installation.refuses(Some(&others)).await;
    assert!(refused.contains("is not the Redis"), "{refused}");
    assert_eq!(everyone(&node.stores).await, 0);

    node.opened.close().await;
    installation.switches_to(Some(&others)).await;
    assert_eq!(everyone(&alone.stores()).await, 1);
    assert!(installation.refuses(Some(&sessions)).await.contains("is not the Redis"));
    installation.switches_to(None).await;
    assert_eq!(everyone(&alone.stores()).await, 2);
    installation.process(None).await.join_nodes().await.unwrap();
}

/// Another node was started with an empty Redis, which nothing tells from one that was emptied.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_node_whose_redis_the_others_left_answers_no_session_until_they_are_back() {
    let (server, installation) = (shared_server().await, Installation::new());
    let (sessions, others) = (fresh(server), fresh(server));
    let node = installation.node(&sessions).await;
    let known = signed_in(&node.stores).await;
    let moved = installation.node(&others).await;
    assert_eq!(everyone(&moved.stores).await, 1);
    let answers = async || node.stores.sessions.find(&by_id(&known), NOW).await;
    while !matches!(answers().await, Err(StoreError::Unavailable { .. })) {
        sleep(Duration::from_millis(5)).await;
    }
    let inserted = node.stores.sessions.insert(&session(&known.user_key())).await;
    assert!(matches!(inserted, Err(StoreError::Unavailable { .. })), "{inserted:?}");

    moved.opened.close().await;
    installation.switches_to(Some(&sessions)).await;
    while answers().await.is_err() {
        sleep(Duration::from_millis(5)).await;
    }
    let again = session(&known.user_key());
    assert_eq!(node.stores.sessions.insert(&again).await.unwrap(), Inserted::Done);
}
